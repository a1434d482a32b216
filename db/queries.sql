-- name: append_feed
-- Adds what happened, each for the organisations that may be told of it, and hints at it.
WITH added AS (
    INSERT INTO feed (at, topic, organisations, roles, payload)
    SELECT %(at)s, topic, organisations, roles, payload
    FROM json_to_recordset(%(rows)s::json) AS new (topic text, organisations text[], roles text[], payloads jsonb)
    CROSS JOIN LATERAL jsonb_array_elements(payloads) AS told (payload)
    RETURNING id
)
SELECT pg_notify(%(channel)s, '') FROM added LIMIT 1;

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

-- name: end_frozen
-- Ends connections of ours whose program has stopped amid what it sends, a COPY or a pipeline: there the database waits
-- for the rest without limit, and what was locked stays locked.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name LIKE 'threshold %%'
  AND state = 'active' AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - %(after)s::interval;

-- name: record_beat
-- A role finished a round.
INSERT INTO beat (role, instance, at, every, detail)
VALUES (%(role)s, %(instance)s, %(at)s, %(every)s, %(detail)s)
ON CONFLICT (role, instance) DO UPDATE SET at = excluded.at, every = excluded.every, detail = excluded.detail;

-- name: latest_beats
-- The newest beat of each role, whichever copy gave it.
SELECT DISTINCT ON (role) role, instance, at, every, detail FROM beat ORDER BY role, at DESC;

-- name: retain_events
-- Lets the database drop events past their time, by whatever means its edition has.
SELECT retain_events(%(keep)s, %(now)s) AS gone;

-- name: forget_private_doors
-- Door events of a home that belong to no visit are one household's private life: they go sooner than the rest.
DELETE FROM event
WHERE received_at < %(before)s AND received_at >= %(before)s - interval '30 days'
  AND type IN ('door.call', 'door.released', 'door.opened', 'door.closed')
  AND NOT EXISTS (SELECT FROM visit_evidence AS seen
                  WHERE seen.hub_id = event.hub_id AND seen.event_id = event.id);

-- name: forget_sessions
-- Removes console sessions that ended.
DELETE FROM session WHERE expires_at < %(now)s;

-- name: forget_beats
-- Removes beats of copies that are long gone.
DELETE FROM beat WHERE at < %(before)s;
