-- name: organisations
-- The three parties, and whom two of them have on call.
WITH parties AS (
    INSERT INTO organisation (id, kind, name) VALUES
        ('elm-housing', 'landlord', 'Elm Housing'),
        ('brightcare', 'care_provider', 'BrightCare'),
        ('northgate', 'monitoring_centre', 'Northgate Lifeline')
    RETURNING id
)
INSERT INTO contact (organisation_id, position, name, email)
SELECT id, 0, CASE id WHEN 'brightcare' THEN 'On-call coordinator' ELSE 'Duty housing officer' END, id || '@mail.example'
FROM parties WHERE id <> 'northgate';

-- name: carer
-- A carer of BrightCare.
INSERT INTO carer (id, provider_id, name) VALUES (%(id)s, 'brightcare', %(name)s);

-- name: home
-- A flat of Elm Court with its resident, unit, pendant and care package.
WITH dwelling AS (
    INSERT INTO dwelling (id, landlord_id, scheme, address, time_zone)
    VALUES (%(home)s, 'elm-housing', 'elm-court', %(address)s, 'Europe/London') RETURNING id
), resident AS (
    INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id, details)
    SELECT %(person)s, id, %(name)s, 'northgate', %(sheet)s FROM dwelling RETURNING id
), hub AS (
    INSERT INTO hub (id, dwelling_id, online, last_heard_at, enrolled_at, queued)
    SELECT %(hub)s, id, %(online)s, %(heard)s, %(heard)s, 0 FROM dwelling RETURNING id
), device AS (
    INSERT INTO device (hub_id, id, kind) SELECT id, 'pendant-1', 'pendant' FROM hub
)
INSERT INTO package (id, resident_id, provider_id, tier)
SELECT 'pkg-' || id, id, 'brightcare', %(tier)s FROM resident;

-- name: visit
-- A visit as the sweep left it.
INSERT INTO visit (ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall, start_at, end_at,
                   carers_required, carers, plan, source, state, attendance, timeliness, duration, verification,
                   arrived_at, departed_at, carers_seen, reason, version, next_check_at)
SELECT %(ref)s, package.id, resident.id, resident.dwelling_id, 'brightcare', tier, %(date)s, '08:00', %(start)s, %(end)s,
       1, %(carers)s, %(plan)s, 'roster', %(state)s, %(attendance)s, %(timeliness)s, %(duration)s, %(verification)s,
       %(arrived)s, %(departed)s, %(seen)s, %(reason)s, 2, %(start)s
FROM package JOIN resident ON resident.id = package.resident_id WHERE resident.id = %(person)s;

-- name: verdicts
-- The two versions of its verdict.
INSERT INTO verdict (visit_ref, version, at, noticed_at, state, attendance, timeliness, duration, verification, arrived_at,
                     departed_at, carers, reason)
SELECT ref, 1, start_at, start_at, 'due', 'unknown', 'none', 'none', 'none', NULL, NULL, '{}',
       'The visit is due; no arrival has been seen yet.'
FROM visit WHERE ref = %(ref)s
UNION ALL
SELECT ref, 2, coalesce(arrived_at, end_at), coalesce(arrived_at, end_at), state, attendance, timeliness, duration,
       verification, arrived_at, departed_at, carers_seen, reason
FROM visit WHERE ref = %(ref)s;

-- name: alert
-- An alert with the first line of its history; its number.
WITH raised AS (
    INSERT INTO alert (kind, priority, dedupe_key, visit_ref, hub_id, device, dwelling_id, resident_id, raised_at,
                       noticed_at, reason)
    VALUES (%(kind)s, %(priority)s, %(key)s,
            (SELECT ref FROM visit WHERE resident_id = %(person)s AND %(kind)s::text LIKE 'visit.%%'
             ORDER BY start_at LIMIT 1),
            %(hub)s, %(device)s, %(home)s, %(person)s, %(at)s, %(at)s, %(reason)s)
    RETURNING id
), line AS (
    INSERT INTO alert_history (alert_id, at, noticed_at, actor, what, detail)
    SELECT id, %(at)s, %(at)s, 'threshold', 'raised', jsonb_build_object('reason', %(reason)s::text) FROM raised
)
SELECT id FROM raised;

-- name: duty
-- A duty at the first step of its ladder; its number.
INSERT INTO duty (alert_id, organisation_id, role, priority, raised_at, ladder, ladder_step, step, step_from, next_check_at)
VALUES (%(alert)s, %(organisation)s, %(role)s, %(priority)s, %(at)s, %(ladder)s, %(step)s, 1, %(at)s, %(next)s)
RETURNING id;

-- name: told
-- A letter to the contact of a duty's organisation, handed over.
INSERT INTO delivery (alert_id, duty_id, organisation_id, contact_id, channel, purpose, step, priority, idempotency_key,
                      message, state, attempts, created_at, delivered_at)
SELECT duty.alert_id, duty.id, duty.organisation_id, contact.id, 'email', 'raise', 1, duty.priority, 'key-' || duty.id,
       '{}', 'delivered', 1, duty.raised_at, duty.raised_at + interval '4 seconds'
FROM duty JOIN contact ON contact.organisation_id = duty.organisation_id WHERE duty.id = %(duty)s;

-- name: second_step
-- The ladder has gone on.
UPDATE duty SET step = 2 WHERE id = %(duty)s;

-- name: answered
-- Somebody has answered, and said when they will be there.
UPDATE duty SET state = 'acknowledged', acknowledged_by = %(by)s, acknowledged_at = %(at)s, eta = %(eta)s
WHERE id = %(duty)s;

-- name: pressed
-- Pressed again and again.
UPDATE alert SET press_count = 3, last_press_at = raised_at WHERE id = %(alert)s;
