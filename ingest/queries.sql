-- name: homes_of_hubs
-- The hubs of a batch that the estate knows, and where each is.
SELECT id, dwelling_id FROM hub WHERE id = ANY (%(ids)s);

-- name: lock_hubs
-- The hubs of a batch that the estate knows, locked in the order of their ids so that two batches cannot deadlock.
SELECT id, heartbeat_every, last_heard_at, online, next_check_at, boot, last_seq, clock_samples, status_at
FROM hub
WHERE id = ANY (%(ids)s)
ORDER BY id
FOR NO KEY UPDATE;

-- name: update_hubs
-- Writes what a batch says of its hubs; what it says nothing of stays.
UPDATE hub
SET first_heard_at = least(hub.first_heard_at, said.heard_from),
    last_heard_at  = greatest(hub.last_heard_at, said.heard_to),
    online         = coalesce(said.online, hub.online),
    status         = coalesce(said.status, hub.status),
    status_at      = coalesce(said.status_at, hub.status_at),
    queued         = coalesce(said.queued, hub.queued),
    last_seq       = coalesce(said.last_seq, hub.last_seq),
    boot           = coalesce(said.boot, hub.boot),
    clock_offset   = coalesce(make_interval(secs => said.clock_offset_s), hub.clock_offset),
    clock_samples  = coalesce(said.clock_samples, hub.clock_samples),
    next_check_at  = coalesce(said.look_again_at, hub.next_check_at)
FROM json_to_recordset(%(rows)s::json) AS said (
    id text, heard_from timestamptz, heard_to timestamptz, online boolean, status jsonb, status_at timestamptz,
    queued integer, last_seq bigint, boot text, clock_offset_s double precision,
    clock_samples double precision[], look_again_at timestamptz)
WHERE hub.id = said.id;

-- name: known_boots
-- The boots of hubs that were heard before.
SELECT hub_id, boot FROM hub_sequence WHERE hub_id = ANY (%(hubs)s);

-- name: note_passed
-- Notes boots that began, and the numbers that were passed over in them and in others.
INSERT INTO hub_sequence AS kept (hub_id, boot, began_at, missing, missed_at)
SELECT hub_id, boot, %(now)s::timestamptz, passed, CASE WHEN isempty(passed) THEN NULL ELSE %(now)s::timestamptz END
FROM json_to_recordset(%(rows)s::json) AS said (hub_id text, boot text, passed int8multirange)
ON CONFLICT (hub_id, boot) DO UPDATE
SET missing = kept.missing + excluded.missing, missed_at = coalesce(excluded.missed_at, kept.missed_at);

-- name: note_late
-- Numbers that were missing and have come.
UPDATE hub_sequence
SET missing = missing - late
FROM json_to_recordset(%(rows)s::json) AS said (hub_id text, boot text, late int8multirange)
WHERE hub_sequence.hub_id = said.hub_id AND hub_sequence.boot = said.boot AND missing && late;

-- name: insert_gaps
-- Keeps the times in which hubs were not heard for longer than their own interval.
INSERT INTO hub_gap (hub_id, heard_from, heard_to)
SELECT hub_id, heard_from, heard_to
FROM json_to_recordset(%(rows)s::json) AS gap (hub_id text, heard_from timestamptz, heard_to timestamptz)
ON CONFLICT DO NOTHING;

-- name: insert_statuses
-- Keeps statuses as they came.
INSERT INTO hub_status (hub_id, received_at, online, status)
SELECT hub_id, received_at, online, status
FROM json_to_recordset(%(rows)s::json) AS said (
    hub_id text, received_at timestamptz, online boolean, status jsonb)
ON CONFLICT DO NOTHING;

-- name: claim_receipts
-- Claims the receipts of a batch in the order of their keys, and returns those that were claimed before.
WITH incoming AS MATERIALIZED (
    SELECT hub_id, event_id, received_at, digest
    FROM json_to_recordset(%(rows)s::json) AS row (
        hub_id text, event_id text, received_at timestamptz, digest text)
), claimed AS (
    INSERT INTO receipt (hub_id, event_id, received_at, digest)
    SELECT hub_id, event_id, received_at, decode(digest, 'base64') FROM incoming ORDER BY hub_id, event_id
    ON CONFLICT DO NOTHING
    RETURNING hub_id, event_id
)
SELECT hub_id, event_id FROM incoming EXCEPT SELECT hub_id, event_id FROM claimed;

-- name: claim_and_store
-- For a few events in one go what claim_receipts and copy_events do for many.
WITH incoming AS MATERIALIZED (
    SELECT *
    FROM json_to_recordset(%(rows)s::json) AS row (
        received_at timestamptz, hub_id text, id text, type text, at timestamptz, effective_at timestamptz,
        clock_suspect boolean, dwelling_id text, device text, seq bigint, boot text, credential text, data jsonb,
        digest text)
), claimed AS (
    INSERT INTO receipt (hub_id, event_id, received_at, digest)
    SELECT hub_id, id, received_at, decode(digest, 'base64') FROM incoming ORDER BY hub_id, id
    ON CONFLICT DO NOTHING
    RETURNING hub_id, event_id
), stored AS (
    INSERT INTO event (received_at, hub_id, id, type, at, effective_at, clock_suspect, dwelling_id, device, seq, boot,
                       credential, data)
    SELECT received_at, incoming.hub_id, id, type, at, effective_at, clock_suspect, dwelling_id, device, seq, boot,
           credential, data
    FROM incoming JOIN claimed ON claimed.hub_id = incoming.hub_id AND claimed.event_id = incoming.id
)
SELECT hub_id, id AS event_id FROM incoming EXCEPT SELECT hub_id, event_id FROM claimed;

-- name: copy_events
-- Stores events whose receipts this transaction has claimed.
COPY event (received_at, hub_id, id, type, at, effective_at, clock_suspect, dwelling_id, device, seq, boot, credential,
            data)
FROM STDIN (FORMAT binary);

-- name: stored_digests
-- What stands stored under ids that were sent again.
SELECT receipt.hub_id, receipt.event_id, receipt.digest
FROM json_to_recordset(%(keys)s::json) AS wanted (hub_id text, event_id text)
JOIN receipt USING (hub_id, event_id);

-- name: keep_rejected
-- Keeps what could not be accepted; the same thing sent again is counted on its row.
INSERT INTO rejected (received_at, topic, hub_id, event_id, reason, looks_like_alarm, payload, digest, last_seen_at)
SELECT received_at, topic, hub_id, event_id, reason, looks_like_alarm, decode(payload, 'base64'),
       decode(digest, 'base64'), received_at
FROM json_to_recordset(%(rows)s::json) AS kept (
    received_at timestamptz, topic text, hub_id text, event_id text, reason text, looks_like_alarm boolean,
    payload text, digest text)
ORDER BY topic, digest
ON CONFLICT (topic, digest) DO UPDATE SET seen = rejected.seen + 1, last_seen_at = excluded.last_seen_at
RETURNING id, topic, digest, seen;

-- name: tell_of_events
-- Puts events on the live stream: for the monitoring centre of who lives there, and, where a credential shows whose
-- carer it was, for that carer's provider.
WITH said AS (
    SELECT *
    FROM json_to_recordset(%(rows)s::json) AS row (hub_id text, id text, type text, credential text)
), told AS (
    SELECT said.hub_id, said.id, said.type, ARRAY['operator', 'administrator'] AS roles,
           array_agg(DISTINCT resident.monitoring_centre_id) AS organisations
    FROM said
    JOIN hub ON hub.id = said.hub_id
    JOIN dwelling ON dwelling.id = hub.dwelling_id OR dwelling.scheme = hub.scheme
    JOIN resident ON resident.dwelling_id = dwelling.id AND resident.monitoring_centre_id IS NOT NULL
    GROUP BY said.hub_id, said.id, said.type
    UNION ALL
    SELECT said.hub_id, said.id, said.type, ARRAY['care_manager'], ARRAY[carer.provider_id]
    FROM said
    JOIN credential ON credential.credential = said.credential AND credential.withdrawn_at IS NULL
    JOIN carer ON carer.id = credential.carer_id
), added AS (
    INSERT INTO feed (at, topic, organisations, roles, payload)
    SELECT %(at)s, 'event', organisations, roles, jsonb_build_object('hub', hub_id, 'id', id, 'type', type)
    FROM told
    RETURNING id
)
SELECT pg_notify(%(channel)s, '') FROM added LIMIT 1;

-- name: tell_of_hubs
-- Puts hubs that went away or came back on the live stream of those who run them.
WITH added AS (
    INSERT INTO feed (at, topic, organisations, roles, payload)
    SELECT %(at)s, 'hub', array_agg(DISTINCT resident.monitoring_centre_id),
           ARRAY['operator', 'engineer', 'administrator'],
           jsonb_build_object('hub', said.id, 'online', said.online)
    FROM json_to_recordset(%(rows)s::json) AS said (id text, online boolean)
    JOIN hub ON hub.id = said.id
    JOIN dwelling ON dwelling.id = hub.dwelling_id OR dwelling.scheme = hub.scheme
    JOIN resident ON resident.dwelling_id = dwelling.id AND resident.monitoring_centre_id IS NOT NULL
    GROUP BY said.id, said.online
    RETURNING id
)
SELECT pg_notify(%(channel)s, '') FROM added LIMIT 1;

-- name: finish_commands
-- Writes what hubs say became of commands; the first word on a command stands.
UPDATE command
SET state = said.state, result_at = said.at, reason = said.reason
FROM json_to_recordset(%(rows)s::json) AS said (hub_id text, command_id text, state text, at timestamptz, reason text)
WHERE command.id = said.command_id AND command.hub_id = said.hub_id AND command.state NOT IN ('done', 'refused');

-- name: claim_commands
-- Commands that are to go out, oldest first, skipping those that another intake holds.
SELECT id, hub_id, type, data, issued_at, expires_at
FROM command
WHERE state = 'pending' AND expires_at > %(now)s
ORDER BY issued_at
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED;

-- name: mark_commands_sent
-- Commands that were handed to the broker.
UPDATE command SET state = 'sent', sent_at = %(now)s WHERE id = ANY (%(ids)s);

-- name: expire_commands
-- Commands that nobody obeyed in time.
UPDATE command
SET state = 'expired', result_at = expires_at, reason = 'not obeyed in time'
WHERE state IN ('pending', 'sent') AND expires_at <= %(now)s;

-- name: take_lease
-- Takes a lock when no other connection has it; it ends with the connection.
SELECT pg_try_advisory_lock(hashtextextended(%(name)s, 0)) AS taken;

-- name: end_holder
-- Ends the connection that has a lock, and waits for its end; unless `at_once`, only one whose program has stopped amid
-- what it sends or is sent, a COPY or a pipeline: the database waits for the rest without limit.
SELECT pg_terminate_backend(pid, 5000)
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pg_locks.database = datid
  AND datname = current_database() AND pid <> pg_backend_pid()
  AND (classid::bigint << 32 | objid::bigint) = hashtextextended(%(name)s, 0)
  AND (%(at_once)s OR (state = 'active' AND wait_event IN ('ClientRead', 'ClientWrite')
                       AND state_change < clock_timestamp() - %(after)s::interval));

-- name: end_when_frozen
-- Lets the database end this connection, and the lease with it, when it says nothing for so long.
SELECT set_config('idle_session_timeout', %(timeout)s, false);

-- name: end_transaction_when_frozen
-- Lets the database end this connection, and what it locked, when it leaves a transaction open for so long.
SELECT set_config('idle_in_transaction_session_timeout', %(timeout)s, false);

-- name: intake_state
-- What the intake last said of itself.
SELECT holder, beat_at, connected_at, caught_up_at, lag_seconds FROM intake WHERE id = 'mqtt';

-- name: write_intake
-- The intake says how it stands.
INSERT INTO intake (id, holder, beat_at, connected_at, caught_up_at, lag_seconds)
VALUES ('mqtt', %(holder)s, %(beat_at)s, %(connected_at)s, %(caught_up_at)s, %(lag_seconds)s)
ON CONFLICT (id) DO UPDATE
SET holder = excluded.holder, beat_at = coalesce(excluded.beat_at, intake.beat_at),
    connected_at = excluded.connected_at, caught_up_at = excluded.caught_up_at, lag_seconds = excluded.lag_seconds;

-- name: open_gap
-- From here on we could not listen; a gap that is open already goes on.
INSERT INTO intake_gap (began_at)
SELECT %(began_at)s WHERE NOT EXISTS (SELECT FROM intake_gap WHERE ended_at IS NULL)
ON CONFLICT DO NOTHING;

-- name: close_gaps
-- Intake has caught up: whatever was open ends here.
UPDATE intake_gap SET ended_at = %(ended_at)s WHERE ended_at IS NULL;

-- name: list_rejected
-- What was kept as rejected and not taken back in yet, newest first.
SELECT id, received_at, last_seen_at, seen, topic, hub_id, event_id, reason, looks_like_alarm,
       octet_length(payload) AS bytes, replayed_at, replay_result
FROM rejected
WHERE %(all)s OR replayed_at IS NULL
ORDER BY received_at DESC, id DESC
LIMIT %(limit)s;

-- name: claim_rejected
-- The oldest rejected thing to try again: of those named, or of all that were not taken in yet.
SELECT id, received_at, topic, reason, payload
FROM rejected
WHERE id > %(after)s AND (id = ANY (%(ids)s::bigint[]) OR (%(ids)s::bigint[] IS NULL AND replayed_at IS NULL))
ORDER BY id
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: waiting_for_their_hub
-- Rejected things whose hub was unknown and is known now.
SELECT rejected.id
FROM rejected
WHERE rejected.reason = %(reason)s AND rejected.replayed_at IS NULL
  AND EXISTS (SELECT FROM hub WHERE hub.id = rejected.hub_id)
ORDER BY rejected.id
LIMIT %(limit)s;

-- name: mark_replayed
-- What became of rejected things that were tried again; those that were refused again stay open.
UPDATE rejected
SET replayed_at = CASE WHEN said.taken_in THEN %(now)s::timestamptz END, replay_result = said.result
FROM json_to_recordset(%(rows)s::json) AS said (id bigint, taken_in boolean, result text)
WHERE rejected.id = said.id;

-- name: enrol_hub
-- Keeps what the broker knows a hub by; an earlier credential ends.
UPDATE hub SET credential_hash = %(hash)s, enrolled_at = %(now)s, revoked_at = NULL
WHERE id = %(hub)s
RETURNING id;

-- name: revoke_hub
-- Withdraws a hub's credential, and says whether it had one.
UPDATE hub SET credential_hash = NULL, revoked_at = %(now)s
FROM (SELECT id, credential_hash IS NOT NULL AS had FROM hub WHERE id = %(hub)s FOR UPDATE) AS before
WHERE hub.id = before.id
RETURNING before.had;
