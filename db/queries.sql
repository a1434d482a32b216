-- name: append_feed
-- Adds one thing that happened for the organisations that may be told of it.
INSERT INTO feed (at, topic, organisations, roles, payload)
VALUES (%(at)s, %(topic)s, %(organisations)s, %(roles)s, %(payload)s);

-- name: read_feed
-- Rows after a place in the stream, short of the oldest transaction that is still running.
SELECT xid::text::bigint AS xid, id, at, topic, payload
FROM feed
WHERE (xid, id) > (%(xid)s::text::xid8, %(id)s::bigint)
  AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, id
LIMIT %(limit)s;

-- name: newest_feed
-- The place just before the oldest transaction that is still running.
SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1) AS xid,
       9223372036854775807::bigint AS id;

-- name: trim_feed
-- Removes what is too old to be replayed.
DELETE FROM feed WHERE at < %(before)s;

-- name: record_beat
-- A role finished a round.
INSERT INTO beat (role, instance, at, every, detail)
VALUES (%(role)s, %(instance)s, %(at)s, %(every)s, %(detail)s)
ON CONFLICT (role, instance) DO UPDATE SET at = excluded.at, every = excluded.every, detail = excluded.detail;

-- name: latest_beats
-- The newest beat of each role, whichever copy gave it.
SELECT DISTINCT ON (role) role, instance, at, every, detail FROM beat ORDER BY role, at DESC;
