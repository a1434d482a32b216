-- name: homes_of_hubs
-- Where each hub stands, who lives behind it and whose centres answer for them.
SELECT hub.id AS hub_id, hub.dwelling_id, hub.scheme,
       array_remove(array_agg(DISTINCT resident.id), NULL) AS residents,
       array_remove(array_agg(DISTINCT resident.monitoring_centre_id), NULL) AS centres
FROM hub
LEFT JOIN LATERAL (
    SELECT dwelling.id FROM dwelling WHERE dwelling.id = hub.dwelling_id
    UNION ALL
    SELECT dwelling.id FROM dwelling WHERE hub.dwelling_id IS NULL AND dwelling.scheme = hub.scheme
) AS home ON true
LEFT JOIN resident ON resident.dwelling_id = home.id
WHERE hub.id = ANY (%(hubs)s)
GROUP BY hub.id;

-- name: all_centres
-- Every monitoring centre, for what belongs to no known home.
SELECT id FROM organisation WHERE kind = 'monitoring_centre' ORDER BY id;

-- name: known_credentials
-- Which of these credentials a carer holds.
SELECT credential FROM credential WHERE credential = ANY (%(credentials)s);

-- name: raise_alerts
-- Raises alerts, or folds the presses into the open alert of the same key; in order of key, so that two never deadlock.
INSERT INTO alert (kind, priority, dedupe_key, hub_id, device, scheme, dwelling_id, resident_id,
                   raised_at, noticed_at, reason, data, press_count, last_press_at, is_test)
SELECT kind, priority, dedupe_key, hub_id, device, scheme, dwelling_id, resident_id,
       raised_at, %(now)s, reason, data, press_count, last_press_at, coalesce(is_test, false)
FROM jsonb_to_recordset(%(rows)s) AS new (
    kind text, priority smallint, dedupe_key text, hub_id text, device text, scheme text, dwelling_id text,
    resident_id text, raised_at timestamptz, reason text, data jsonb, press_count integer,
    last_press_at timestamptz, is_test boolean)
ORDER BY dedupe_key
ON CONFLICT (dedupe_key) WHERE closed_at IS NULL DO UPDATE
    SET press_count = alert.press_count + excluded.press_count,
        last_press_at = greatest(alert.last_press_at, excluded.last_press_at)
RETURNING id, dedupe_key, kind, priority, raised_at, press_count, xmax = 0 AS is_new;

-- name: raise_visit_alerts
-- Raises alerts of visits; one that was raised before, open or closed, stays as it is and comes not back.
INSERT INTO alert (kind, priority, dedupe_key, visit_ref, dwelling_id, resident_id, raised_at, noticed_at,
                   raised_late, reason, data)
SELECT kind, priority, dedupe_key, visit_ref, dwelling_id, resident_id, raised_at, %(now)s, raised_late, reason, data
FROM jsonb_to_recordset(%(rows)s) AS new (
    kind text, priority smallint, dedupe_key text, visit_ref text, dwelling_id text, resident_id text,
    raised_at timestamptz, raised_late boolean, reason text, data jsonb)
ORDER BY dedupe_key
ON CONFLICT DO NOTHING
RETURNING id, dedupe_key, kind, priority, raised_at;

-- name: add_alert_events
-- Keeps presses, and what annotates them, as evidence of an alert.
INSERT INTO alert_event (alert_id, hub_id, event_id, type, effective_at, received_at)
SELECT alert_id, hub_id, event_id, type, effective_at, received_at
FROM jsonb_to_recordset(%(rows)s) AS new (
    alert_id bigint, hub_id text, event_id text, type text, effective_at timestamptz, received_at timestamptz)
ON CONFLICT DO NOTHING
RETURNING alert_id, hub_id, event_id;

-- name: add_events_by_key
-- Keeps what began a fault as evidence of the open alert that it was raised as.
INSERT INTO alert_event (alert_id, hub_id, event_id, type, effective_at, received_at)
SELECT alert.id, new.hub_id, new.event_id, new.type, new.effective_at, new.received_at
FROM jsonb_to_recordset(%(rows)s) AS new (
    dedupe_key text, hub_id text, event_id text, type text, effective_at timestamptz, received_at timestamptz)
JOIN alert ON alert.dedupe_key = new.dedupe_key AND alert.closed_at IS NULL
ON CONFLICT DO NOTHING;

-- name: open_alarms_of_hubs
-- The open alarms of some hubs, for what annotates them, with the time of the first press.
SELECT id, hub_id, device, kind, priority,
       (SELECT min(effective_at) FROM alert_event WHERE alert_event.alert_id = alert.id
        AND alert_event.type <> 'alarm.cancelled') AS pressed_at,
       (SELECT array_agg(organisation_id) FROM duty WHERE duty.alert_id = alert.id) AS organisations
FROM alert
WHERE hub_id = ANY (%(hubs)s) AND closed_at IS NULL AND kind LIKE 'alarm.%%';

-- name: recent_cancels
-- Cancellations that overtook their alarm: received from these hubs since a moment.
SELECT hub_id, id AS event_id, type, device, effective_at, received_at FROM event
WHERE hub_id = ANY (%(hubs)s) AND received_at >= %(since)s AND type = 'alarm.cancelled';

-- name: claim_fault_rows
-- Makes sure that a row stands for each fault, so that it can be locked.
INSERT INTO fault (hub_id, device, kind, received_at)
SELECT hub_id, device, kind, %(now)s
FROM jsonb_to_recordset(%(rows)s) AS new (hub_id text, device text, kind text)
ORDER BY hub_id, device, kind
ON CONFLICT DO NOTHING;

-- name: lock_faults
-- These faults, locked in one order.
SELECT fault.* FROM fault
JOIN jsonb_to_recordset(%(rows)s) AS wanted (hub_id text, device text, kind text) USING (hub_id, device, kind)
ORDER BY fault.hub_id, fault.device, fault.kind
FOR UPDATE OF fault;

-- name: save_faults
-- Writes faults as they stand now.
UPDATE fault SET failing_since = new.failing_since, last_failed_at = new.last_failed_at,
    restored_at = new.restored_at, received_at = coalesce(new.received_at, fault.received_at),
    event_id = new.event_id, next_check_at = new.next_check_at
FROM jsonb_to_recordset(%(rows)s) AS new (
    hub_id text, device text, kind text, failing_since timestamptz, last_failed_at timestamptz,
    restored_at timestamptz, received_at timestamptz, event_id text, next_check_at timestamptz)
WHERE fault.hub_id = new.hub_id AND fault.device = new.device AND fault.kind = new.kind;

-- name: fold_repeats
-- Counts repeated failures in the alerts that stand open for them.
UPDATE alert SET press_count = alert.press_count + new.presses, last_press_at = greatest(alert.last_press_at, new.last_press_at)
FROM jsonb_to_recordset(%(rows)s) AS new (dedupe_key text, presses integer, last_press_at timestamptz)
WHERE alert.dedupe_key = new.dedupe_key AND alert.closed_at IS NULL
RETURNING alert.id, alert.dedupe_key;

-- name: due_faults
-- Faults that have lasted, oldest first, with the unit's last word on its battery; rows of another sweep are skipped.
SELECT fault.*, hub.status -> 'battery' AS battery
FROM fault LEFT JOIN hub ON hub.id = fault.hub_id
WHERE fault.next_check_at <= %(now)s
ORDER BY fault.next_check_at
LIMIT %(limit)s
FOR UPDATE OF fault SKIP LOCKED;

-- name: postpone_fault
-- Pushes forward the fault that has been due for longest and could not be judged.
UPDATE fault SET next_check_at = %(at)s
WHERE (hub_id, device, kind) = (
    SELECT hub_id, device, kind FROM fault WHERE next_check_at <= %(now)s
    ORDER BY next_check_at LIMIT 1 FOR UPDATE SKIP LOCKED);

-- name: open_duties
-- Opens duties; a party that has one in that alert keeps it as it is. In order of alert, so that two never deadlock.
INSERT INTO duty (alert_id, organisation_id, role, state, priority, raised_at, ladder, ladder_step, critical, step,
                  stepped_at, step_from, next_check_at)
SELECT alert_id, organisation_id, role, 'open', priority, raised_at, ladder, ladder_step, critical, step,
       stepped_at, step_from, next_check_at
FROM jsonb_to_recordset(%(rows)s) AS new (
    alert_id bigint, organisation_id text, role text, priority smallint, raised_at timestamptz, ladder text,
    ladder_step interval, critical boolean, step integer, stepped_at timestamptz, step_from timestamptz,
    next_check_at timestamptz)
ORDER BY alert_id, organisation_id, role
ON CONFLICT (alert_id, organisation_id, role) DO NOTHING
RETURNING id, alert_id, organisation_id, role;

-- name: due_duties
-- Duties whose next look is due, most urgent first, skipping rows that another sweep or an answer holds.
SELECT * FROM duty
WHERE next_check_at <= %(now)s
ORDER BY priority, next_check_at, id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED;

-- name: due_duty_ids
-- The numbers of duties whose next look is due, unlocked: to take them one by one after a batch that failed.
SELECT id FROM duty WHERE next_check_at <= %(now)s ORDER BY priority, next_check_at, id LIMIT %(limit)s;

-- name: lock_due_duty
-- One duty, if its next look is still due and nobody holds it.
SELECT * FROM duty WHERE id = %(id)s AND next_check_at <= %(now)s FOR UPDATE SKIP LOCKED;

-- name: postpone_duty
-- Pushes a duty forward that could not be decided.
UPDATE duty SET next_check_at = %(at)s WHERE id = %(id)s AND next_check_at IS NOT NULL;

-- name: save_duties
-- Writes duties as they stand now.
UPDATE duty SET state = new.state, priority = new.priority, ladder = new.ladder, ladder_step = new.ladder_step,
    step = new.step, stepped_at = new.stepped_at, step_from = new.step_from, next_check_at = new.next_check_at,
    claimed_by = new.claimed_by, claimed_at = new.claimed_at, lease_until = new.lease_until,
    acknowledged_by = new.acknowledged_by, acknowledged_at = new.acknowledged_at, eta = new.eta,
    closed_by = new.closed_by, closed_at = new.closed_at, outcome = new.outcome
FROM jsonb_to_recordset(%(rows)s) AS new (
    id bigint, state text, priority smallint, ladder text, ladder_step interval, step integer, stepped_at timestamptz,
    step_from timestamptz, next_check_at timestamptz, claimed_by text, claimed_at timestamptz,
    lease_until timestamptz, acknowledged_by text, acknowledged_at timestamptz, eta timestamptz, closed_by text,
    closed_at timestamptz, outcome text)
WHERE duty.id = new.id;

-- name: contacts_of
-- The contacts of some organisations in the order of the estate file.
SELECT id, organisation_id, name, email, phone, push_url, webhook_url, disabled_at IS NOT NULL AS webhook_disabled,
       on_call, fallback, channels, quiet
FROM contact WHERE organisation_id = ANY (%(organisations)s)
ORDER BY organisation_id, position, id;

-- name: rotas_of
-- The rota of each organisation, where it has one, and the zone in which it speaks.
SELECT organisation.id, organisation.time_zone, rota.plan
FROM organisation LEFT JOIN rota ON rota.organisation_id = organisation.id
WHERE organisation.id = ANY (%(organisations)s);

-- name: channels_in_service
-- The channels that some delivery role has announced since a moment.
SELECT channel FROM channel_in_service WHERE seen_at >= %(since)s;

-- name: announce_channels
-- Says that a delivery role can send by these channels.
INSERT INTO channel_in_service (channel, seen_at)
SELECT channel, %(now)s FROM unnest(%(channels)s::text[]) AS channel ORDER BY channel
ON CONFLICT (channel) DO UPDATE SET seen_at = greatest(channel_in_service.seen_at, excluded.seen_at);

-- name: alert_facts
-- What messages about these alerts may be written from.
SELECT alert.id, alert.kind, alert.priority, alert.raised_at, alert.raised_late, alert.is_test, alert.press_count,
       alert.hub_id, alert.scheme, alert.data, alert.visit_ref, dwelling.address, dwelling.time_zone,
       visit.start_at AS planned_start, visit.provider_id,
       (SELECT array_agg(carer.name ORDER BY listed.position)
        FROM unnest(visit.carers) WITH ORDINALITY AS listed (id, position) JOIN carer ON carer.id = listed.id)
           AS carers,
       (SELECT jsonb_agg(jsonb_build_object('organisation_id', duty.organisation_id, 'name', organisation.name,
                                            'role', duty.role, 'state', duty.state,
                                            'answered_at', coalesce(duty.closed_at, duty.acknowledged_at))
                         ORDER BY duty.id)
        FROM duty JOIN organisation ON organisation.id = duty.organisation_id
        WHERE duty.alert_id = alert.id) AS parties
FROM alert
LEFT JOIN dwelling ON dwelling.id = alert.dwelling_id
LEFT JOIN visit ON visit.ref = alert.visit_ref
WHERE alert.id = ANY (%(alerts)s);

-- name: carers_seen
-- Which of their own carers each visit's provider has evidence of.
SELECT visit_evidence.visit_ref, carer.name, min(visit_evidence.effective_at) AS at
FROM visit_evidence
JOIN visit ON visit.ref = visit_evidence.visit_ref
JOIN carer ON carer.id = visit_evidence.carer_id AND carer.provider_id = visit.provider_id
WHERE visit_evidence.visit_ref = ANY (%(visits)s) AND visit_evidence.strength IN ('strong', 'medium')
GROUP BY visit_evidence.visit_ref, carer.name
ORDER BY at;

-- name: add_history
-- Writes down what happened: who, when it became true, when it was noticed, why.
INSERT INTO alert_history (alert_id, duty_id, at, noticed_at, actor, what, detail)
SELECT alert_id, duty_id, at, %(now)s, actor, what, detail
FROM jsonb_to_recordset(%(rows)s) AS new (
    alert_id bigint, duty_id bigint, at timestamptz, actor text, what text, detail jsonb);

-- name: add_deliveries
-- Puts messages into the outbox; one with the same key is there already.
INSERT INTO delivery (alert_id, duty_id, organisation_id, contact_id, channel, failover, purpose, step, priority,
                      idempotency_key, message, created_at, next_attempt_at, corrects)
SELECT alert_id, duty_id, organisation_id, contact_id, channel, array(SELECT jsonb_array_elements_text(failover)),
       purpose, step, priority, idempotency_key, message, %(now)s, %(now)s, corrects
FROM jsonb_to_recordset(%(rows)s) AS new (
    alert_id bigint, duty_id bigint, organisation_id text, contact_id bigint, channel text, failover jsonb,
    purpose text, step integer, priority smallint, idempotency_key text, message jsonb, corrects bigint)
ON CONFLICT (idempotency_key) DO NOTHING;

-- name: lock_alert_of_duty
-- The alert of a duty, locked before the duty itself: whoever closes takes them in this order.
SELECT alert.* FROM alert JOIN duty ON duty.alert_id = alert.id WHERE duty.id = %(duty)s
FOR NO KEY UPDATE OF alert;

-- name: lock_duty
-- One duty, locked.
SELECT * FROM duty WHERE id = %(id)s FOR UPDATE;

-- name: next_in_queue
-- The most urgent duty of a centre that nobody holds, oldest first within a priority; what another takes is skipped.
SELECT * FROM duty
WHERE organisation_id = %(organisation)s AND state = 'open' AND role = 'monitoring_centre'
  AND (lease_until IS NULL OR lease_until <= %(now)s)
ORDER BY priority, raised_at, id
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: parties_of_alert
-- An alert's kind, where it came from, and everybody with a duty in it.
SELECT alert.id, alert.kind, alert.priority, alert.hub_id, alert.device, alert.scheme, alert.dwelling_id,
       array(SELECT organisation_id FROM duty WHERE duty.alert_id = alert.id ORDER BY id) AS organisations
FROM alert WHERE alert.id = %(alert)s;

-- name: landlords_of_scheme
-- Whose doors a scheme's are.
SELECT DISTINCT landlord_id FROM dwelling WHERE scheme = %(scheme)s AND landlord_id IS NOT NULL ORDER BY landlord_id;

-- name: duties_of_alert
-- Every duty of an alert, locked in order.
SELECT * FROM duty WHERE alert_id = ANY (%(alerts)s) ORDER BY id FOR UPDATE;

-- name: close_finished_alert
-- Closes an alert all of whose duties are closed.
UPDATE alert SET closed_at = %(now)s
WHERE id = %(alert)s AND closed_at IS NULL
  AND NOT EXISTS (SELECT FROM duty WHERE duty.alert_id = alert.id AND duty.state <> 'closed');

-- name: withdraw_of_duties
-- Takes back messages that have not gone out yet.
UPDATE delivery SET state = 'withdrawn', next_attempt_at = NULL
WHERE duty_id = ANY (%(duties)s) AND state = 'pending' AND purpose <> 'stand_down';

-- name: open_visit_alerts
-- The alerts of visits with these keys that are not stood down yet, locked in order.
SELECT * FROM alert
WHERE dedupe_key = ANY (%(keys)s) AND visit_ref IS NOT NULL AND stood_down_at IS NULL
ORDER BY id FOR NO KEY UPDATE;

-- name: open_hub_alerts
-- The open alerts with these keys, locked in order.
SELECT * FROM alert WHERE dedupe_key = ANY (%(keys)s) AND closed_at IS NULL ORDER BY id FOR NO KEY UPDATE;

-- name: stand_down
-- Marks alerts as stood down and closed.
UPDATE alert SET stood_down_at = new.at, stand_down_cause = new.cause, closed_at = coalesce(closed_at, %(now)s)
FROM jsonb_to_recordset(%(rows)s) AS new (id bigint, at timestamptz, cause text)
WHERE alert.id = new.id;

-- name: told
-- Who was told, or is being told at this moment, of these alerts: each contact and channel once, the surest first.
SELECT DISTINCT ON (alert_id, duty_id, contact_id, channel)
       id, alert_id, duty_id, organisation_id, contact_id, channel, failover, passed, state
FROM delivery
WHERE alert_id = ANY (%(alerts)s) AND purpose <> 'stand_down'
  AND (state IN ('delivered', 'sent', 'sending') OR maybe_told)
ORDER BY alert_id, duty_id, contact_id, channel, (state IN ('delivered', 'sent')) DESC, (state = 'sending'), id DESC;

-- name: escalate_alerts
-- Makes alerts a matter of welfare, with the reason for it.
UPDATE alert SET priority = 2, reason = new.reason
FROM jsonb_to_recordset(%(rows)s) AS new (id bigint, reason text)
WHERE alert.id = new.id;

-- name: intake_state
-- Whether our own intake listens, and when its last absence ended.
SELECT intake.beat_at, intake.connected_at, intake.caught_up_at,
       (SELECT max(ended_at) FROM intake_gap) AS last_gap_ended_at,
       EXISTS (SELECT FROM intake_gap WHERE ended_at IS NULL) AS gap_open
FROM intake WHERE id = 'mqtt';

-- name: watch_new_hubs
-- Puts hubs under supervision that have been heard for the first time.
UPDATE hub SET next_check_at = %(now)s
WHERE id IN (SELECT id FROM hub WHERE next_check_at IS NULL AND first_heard_at IS NOT NULL
             ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED);

-- name: due_hubs
-- Hubs whose next look is due, who lives there, whose centres run them, and whether their present silence was raised
-- already; rows of another sweep are skipped.
SELECT hub.id, hub.heartbeat_every, hub.last_heard_at,
       EXISTS (SELECT FROM resident WHERE resident.dwelling_id = hub.dwelling_id AND resident.high_risk) AS high_risk,
       hub.id = 'threshold-monitor'  -- its silence is judged by the watcher (app/watch.py)
           OR EXISTS (SELECT FROM alert WHERE alert.hub_id = hub.id AND alert.kind = 'hub.silent'
                      AND alert.suppressed IS NULL AND alert.stood_down_at IS NULL
                      AND alert.raised_at > hub.last_heard_at) AS raised
FROM hub
WHERE hub.next_check_at <= %(now)s
ORDER BY hub.next_check_at
LIMIT %(limit)s
FOR NO KEY UPDATE OF hub SKIP LOCKED;

-- name: postpone_hub
-- Pushes forward the hub that has been due for longest and could not be judged.
UPDATE hub SET next_check_at = %(at)s
WHERE id = (SELECT id FROM hub WHERE next_check_at <= %(now)s ORDER BY next_check_at LIMIT 1 FOR UPDATE SKIP LOCKED);

-- name: look_at_hubs
-- Writes when to look at each hub again.
UPDATE hub SET next_check_at = new.next_check_at
FROM jsonb_to_recordset(%(rows)s) AS new (id text, next_check_at timestamptz)
WHERE hub.id = new.id;

-- name: heard_again
-- Open alerts of silent hubs that have been heard since, and when first.
SELECT alert.dedupe_key,
       coalesce((SELECT min(heard_to) FROM hub_gap
                 WHERE hub_gap.hub_id = alert.hub_id AND hub_gap.heard_to > alert.raised_at),
                hub.last_heard_at) AS heard_at
FROM alert JOIN hub ON hub.id = alert.hub_id
WHERE alert.closed_at IS NULL AND alert.kind = 'hub.silent' AND hub.last_heard_at > alert.raised_at
LIMIT %(limit)s;

-- name: open_silences
-- The open alerts of these silent hubs that are still a technical matter, locked in order.
SELECT id, dedupe_key, hub_id FROM alert
WHERE hub_id = ANY (%(hubs)s) AND kind = 'hub.silent' AND closed_at IS NULL AND priority = 4
ORDER BY id FOR NO KEY UPDATE;

-- name: tell_the_unit
-- A command down to the unit of an alarm: help is coming.
INSERT INTO command (id, hub_id, type, data, issued_at, expires_at, issued_by)
SELECT %(id)s, hub.id, 'alarm.acknowledged', %(data)s, %(now)s, %(expires_at)s, %(by)s
FROM hub WHERE hub.id = %(hub)s
ON CONFLICT (id) DO NOTHING;
