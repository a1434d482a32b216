-- name: list_hubs
-- Hubs by id, from a place in that order.
SELECT id, dwelling_id, scheme, heartbeat_every, online, last_heard_at, queued, enrolled_at, revoked_at,
       status, status_at, first_heard_at, extract(epoch FROM clock_offset)::double precision AS clock_offset_s,
       boot, last_seq, adapter ->> 'kind' AS adapter
FROM hub
WHERE (%(hub)s::text IS NULL OR id = %(hub)s)
  AND (%(after)s::text IS NULL OR id > %(after)s)
ORDER BY id
LIMIT %(limit)s;

-- name: hub_devices
-- What is behind a hub.
SELECT id, kind, scope FROM device WHERE hub_id = %(hub)s ORDER BY id;

-- name: hub_gaps
-- When a hub was not heard, the latest first.
SELECT heard_from, heard_to FROM hub_gap WHERE hub_id = %(hub)s ORDER BY heard_from DESC LIMIT %(limit)s;

-- name: hub_missing
-- Numbers that a hub passed over and that have not come, of each boot, the latest first.
SELECT boot, missed_at,
       ARRAY(SELECT ARRAY[lower(gap), upper(gap) - 1] FROM unnest(missing) AS gap ORDER BY gap) AS ranges
FROM hub_sequence
WHERE hub_id = %(hub)s AND NOT isempty(missing) AND missed_at IS NOT NULL
ORDER BY missed_at DESC, boot
LIMIT 20;

-- name: hub_commands
-- Commands to a hub, the latest first.
SELECT id, type, data, issued_at, expires_at, issued_by, sent_at, state, result_at, reason
FROM command WHERE hub_id = %(hub)s ORDER BY issued_at DESC, id LIMIT %(limit)s;

-- name: insert_command
-- Asks for a command to be sent; the intake sends it and records what the hub answers.
INSERT INTO command (id, hub_id, type, data, issued_at, expires_at, issued_by)
VALUES (%(id)s, %(hub)s, %(type)s, %(data)s, %(now)s, %(expires)s, %(by)s)
RETURNING id, type, data, issued_at, expires_at, issued_by, sent_at, state, result_at, reason;

