-- name: live_rows
-- Committed rows after a place, those too that an older transaction still running may yet precede, less those
-- that were read already; and beyond which place nothing older can appear. One row at least, its id may be null.
SELECT edge.xid AS edge, row.xid, row.id, row.at, row.topic, row.payload
FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xid) AS edge
LEFT JOIN LATERAL (
    SELECT feed.xid::text::bigint AS xid, feed.id, feed.at, feed.topic, feed.payload
    FROM feed
    WHERE (feed.xid, feed.id) > (%(xid)s::text::xid8, %(id)s::bigint) AND feed.id <> ALL (%(ahead)s::bigint[])
    ORDER BY feed.xid, feed.id
    LIMIT %(limit)s
) AS row ON true
ORDER BY row.xid, row.id;

-- name: concerned
-- The same rows by whom they concern, without what they say.
SELECT edge.xid AS edge, row.xid, row.id, row.organisations, row.roles
FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xid) AS edge
LEFT JOIN LATERAL (
    SELECT feed.xid::text::bigint AS xid, feed.id, feed.organisations, feed.roles
    FROM feed
    WHERE (feed.xid, feed.id) > (%(xid)s::text::xid8, %(id)s::bigint) AND feed.id <> ALL (%(ahead)s::bigint[])
    ORDER BY feed.xid, feed.id
    LIMIT %(limit)s
) AS row ON true
ORDER BY row.xid, row.id;

-- name: feed_begins
-- The oldest row that can still be replayed, the lowest number there is, and whether there ever was one.
SELECT oldest.xid, oldest.id, (SELECT min(id) FROM feed) AS first,
       pg_sequence_last_value(pg_get_serial_sequence('feed', 'id')) AS ever
FROM (SELECT 1) AS always
LEFT JOIN (SELECT feed.xid::text::bigint AS xid, feed.id FROM feed ORDER BY feed.xid, feed.id LIMIT 1) AS oldest
    ON true;
