-- name: serialise_loading
-- Lets one load or horizon at a time change what is expected; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('threshold: what is expected', 0));

-- name: stored_dwellings
-- Every dwelling.
SELECT id, address, time_zone, landlord_id, scheme FROM dwelling;

-- name: stored_residents
-- Every resident.
SELECT id, dwelling_id, name, monitoring_centre_id, commissioner_id, high_risk, details FROM resident;

-- name: stored_hubs
-- Every hub but the service's own.
SELECT id, dwelling_id, scheme, heartbeat_every, adapter FROM hub
WHERE id <> 'threshold-monitor';  -- the service's own (alerts/monitor.py)

-- name: stored_devices
-- Every device behind a hub.
SELECT hub_id, id, kind, scope, details, name, model, map FROM device;

-- name: stored_carers
-- Carers who are still in the estate, with the credentials that they hold.
SELECT carer.id, carer.provider_id, carer.name,
       array_agg(credential.credential ORDER BY credential.credential)
           FILTER (WHERE credential.credential IS NOT NULL) AS credentials
FROM carer
LEFT JOIN credential ON credential.carer_id = carer.id AND credential.withdrawn_at IS NULL
    AND credential.credential <> 'keypad:' || carer.id -- no file names it (ingest/adapted.sql)
WHERE carer.ended_at IS NULL
GROUP BY carer.id;

-- name: stored_packages
-- Packages that have not ended.
SELECT id, resident_id, provider_id, tier FROM package WHERE ended_at IS NULL;

-- name: stored_recurrences
-- Recurrences of packages that have not ended.
SELECT recurrence.package_id, recurrence.id, recurrence.rrule, recurrence.start, recurrence.minutes,
       recurrence.carers, recurrence.from_date, recurrence.planned_until
FROM recurrence JOIN package ON package.id = recurrence.package_id
WHERE package.ended_at IS NULL;

-- name: stored_suspensions
-- Every suspension, and who made or ended it.
SELECT id, resident_id, from_at, until_at, reason, told_by, created_at, created_by, ended_by FROM suspension;

-- name: put_dwelling
-- Writes a dwelling.
INSERT INTO dwelling (id, landlord_id, scheme, address, time_zone)
VALUES (%(id)s, %(landlord_id)s, %(scheme)s, %(address)s, %(time_zone)s)
ON CONFLICT (id) DO UPDATE SET landlord_id = excluded.landlord_id, scheme = excluded.scheme,
    address = excluded.address, time_zone = excluded.time_zone;

-- name: put_resident
-- Writes a resident.
INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id, commissioner_id, high_risk, details)
VALUES (%(id)s, %(dwelling_id)s, %(name)s, %(monitoring_centre_id)s, %(commissioner_id)s, %(high_risk)s, %(details)s)
ON CONFLICT (id) DO UPDATE SET dwelling_id = excluded.dwelling_id, name = excluded.name,
    monitoring_centre_id = excluded.monitoring_centre_id, commissioner_id = excluded.commissioner_id,
    high_risk = excluded.high_risk, details = excluded.details;

-- name: put_hub
-- Writes a hub; what it said of itself stays, and its silence is looked at anew.
INSERT INTO hub (id, dwelling_id, scheme, heartbeat_every, adapter)
VALUES (%(id)s, %(dwelling_id)s, %(scheme)s, %(heartbeat_every)s, %(adapter)s)
ON CONFLICT (id) DO UPDATE SET dwelling_id = excluded.dwelling_id, scheme = excluded.scheme,
    heartbeat_every = excluded.heartbeat_every, adapter = excluded.adapter,
    next_check_at = CASE WHEN hub.last_heard_at IS NULL THEN hub.next_check_at
                         ELSE hub.last_heard_at + excluded.heartbeat_every END;

-- name: put_device
-- Writes a device.
INSERT INTO device (hub_id, id, kind, scope, details, name, model, map)
VALUES (%(hub_id)s, %(id)s, %(kind)s, %(scope)s, %(details)s, %(name)s, %(model)s, %(map)s)
ON CONFLICT (hub_id, id) DO UPDATE SET kind = excluded.kind, scope = excluded.scope, details = excluded.details,
    name = excluded.name, model = excluded.model, map = excluded.map;

-- name: drop_devices
-- Removes the devices that a hub no longer has.
DELETE FROM device WHERE hub_id = %(hub_id)s AND NOT id = ANY (%(ids)s);

-- name: put_carer
-- Writes a carer, back again when they had left.
INSERT INTO carer (id, provider_id, name) VALUES (%(id)s, %(provider_id)s, %(name)s)
ON CONFLICT (id) DO UPDATE SET provider_id = excluded.provider_id, name = excluded.name, ended_at = NULL;

-- name: withdraw_credentials
-- Takes credentials from a carer who holds more than these; whose they were stays known.
UPDATE credential SET withdrawn_at = %(now)s
WHERE carer_id = %(carer_id)s AND withdrawn_at IS NULL AND NOT credential = ANY (%(credentials)s)
  AND NOT (credential = 'keypad:' || carer_id AND cardinality(%(credentials)s::text[]) > 0);

-- name: give_credential
-- Gives a carer a credential that nobody else holds any more.
INSERT INTO credential (credential, carer_id) VALUES (%(credential)s, %(carer_id)s)
ON CONFLICT (credential, carer_id) DO UPDATE SET withdrawn_at = NULL;

-- name: end_carers
-- Carers who are no longer in the estate.
UPDATE carer SET ended_at = %(now)s WHERE id = ANY (%(ids)s) AND ended_at IS NULL;

-- name: put_package
-- Writes a package, going on again when it had ended.
INSERT INTO package (id, resident_id, provider_id, tier) VALUES (%(id)s, %(resident_id)s, %(provider_id)s, %(tier)s)
ON CONFLICT (id) DO UPDATE SET resident_id = excluded.resident_id, provider_id = excluded.provider_id,
    tier = excluded.tier, ended_at = NULL;

-- name: end_packages
-- Packages that are no longer in the estate.
UPDATE package SET ended_at = %(now)s WHERE id = ANY (%(ids)s) AND ended_at IS NULL;

-- name: put_recurrence
-- Writes a recurrence, and up to which date its visits are made.
INSERT INTO recurrence (package_id, id, rrule, start, minutes, carers, from_date, planned_until)
VALUES (%(package_id)s, %(id)s, %(rrule)s, %(start)s, %(minutes)s, %(carers)s, %(from_date)s, %(planned_until)s)
ON CONFLICT (package_id, id) DO UPDATE SET rrule = excluded.rrule, start = excluded.start,
    minutes = excluded.minutes, carers = excluded.carers, from_date = excluded.from_date,
    planned_until = excluded.planned_until;

-- name: drop_recurrences
-- Removes the recurrences that a package no longer has; the visits they made stay.
DELETE FROM recurrence WHERE package_id = %(package_id)s AND NOT id = ANY (%(ids)s);

-- name: put_suspension
-- Writes a suspension of the estate file; what it says of a person's own suspension was left out before.
INSERT INTO suspension (resident_id, from_at, until_at, reason, told_by, created_at)
VALUES (%(resident_id)s, %(from_at)s, %(until_at)s, %(reason)s, %(told_by)s, %(now)s)
ON CONFLICT (resident_id, from_at) DO UPDATE SET until_at = excluded.until_at, reason = excluded.reason,
    told_by = excluded.told_by;

-- name: end_suspensions
-- Suspensions that the estate file no longer holds end now; one that has not begun is as if it had not been.
UPDATE suspension SET until_at = greatest(from_at, %(now)s) WHERE id = ANY (%(ids)s);

-- name: visits_by_ref
-- What is planned under these refs, and whether the verdict is settled.
SELECT ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_at, end_at, start_wall, end_wall,
       shifted, carers_required, carers, plan, plan_reason, changed_at, source, next_check_at IS NULL AS settled
FROM visit WHERE ref = ANY (%(refs)s);

-- name: visits_to_come
-- What is planned for these packages and has not begun.
SELECT ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_at, end_at, start_wall, end_wall,
       shifted, carers_required, carers, plan, plan_reason, changed_at, source, next_check_at IS NULL AS settled
FROM visit WHERE package_id = ANY (%(packages)s) AND start_at > %(now)s;

-- name: visits_of_dates
-- What is planned for these providers on these service dates.
SELECT ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_at, end_at, start_wall, end_wall,
       shifted, carers_required, carers, plan, plan_reason, changed_at, source, next_check_at IS NULL AS settled
FROM visit WHERE provider_id = ANY (%(providers)s) AND service_date = ANY (%(dates)s);

-- name: visits_of_calendar
-- What is planned of a package's visits to come that calendars made: their refs begin alike.
SELECT ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_at, end_at, start_wall, end_wall,
       shifted, carers_required, carers, plan, plan_reason, changed_at, source, next_check_at IS NULL AS settled
FROM visit
WHERE package_id = %(package)s AND start_at > %(now)s AND starts_with(ref, %(prefix)s) AND plan = 'planned';

-- name: lock_residents
-- Holds these residents' visits against every sweep until the transaction ends, in the order of their ids.
SELECT id FROM resident WHERE id = ANY (%(ids)s) ORDER BY id FOR NO KEY UPDATE;

-- name: merge_visits
-- Makes and changes visits as planned; what was concluded of them stays until they are judged again.
INSERT INTO visit (ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall, end_wall,
    start_at, end_at, shifted, carers_required, carers, plan, plan_reason, changed_at, source, next_check_at)
SELECT ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall, end_wall,
    start_at, end_at, shifted, carers_required, carers, plan, plan_reason, changed_at, source, next_check_at
FROM json_to_recordset(%(rows)s::json) AS wanted (
    ref text, package_id text, resident_id text, dwelling_id text, provider_id text, tier text, service_date date,
    start_wall text, end_wall text, start_at timestamptz, end_at timestamptz, shifted boolean, carers_required integer,
    carers text[], plan text, plan_reason text, changed_at timestamptz, source text, next_check_at timestamptz)
ON CONFLICT (ref) DO UPDATE SET package_id = excluded.package_id, resident_id = excluded.resident_id,
    dwelling_id = excluded.dwelling_id, provider_id = excluded.provider_id, tier = excluded.tier,
    service_date = excluded.service_date, start_wall = excluded.start_wall, end_wall = excluded.end_wall,
    start_at = excluded.start_at, end_at = excluded.end_at, shifted = excluded.shifted,
    carers_required = excluded.carers_required, carers = excluded.carers, plan = excluded.plan,
    plan_reason = excluded.plan_reason, changed_at = excluded.changed_at, source = excluded.source,
    next_check_at = excluded.next_check_at;

-- name: add_visits
-- Makes visits that are not there yet, and touches none that is: a roster may have spoken before.
INSERT INTO visit (ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall, end_wall,
    start_at, end_at, shifted, carers_required, carers, plan, plan_reason, changed_at, source, next_check_at)
SELECT ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall, end_wall,
    start_at, end_at, shifted, carers_required, carers, plan, plan_reason, changed_at, source, next_check_at
FROM json_to_recordset(%(rows)s::json) AS wanted (
    ref text, package_id text, resident_id text, dwelling_id text, provider_id text, tier text, service_date date,
    start_wall text, end_wall text, start_at timestamptz, end_at timestamptz, shifted boolean, carers_required integer,
    carers text[], plan text, plan_reason text, changed_at timestamptz, source text, next_check_at timestamptz)
ON CONFLICT (ref) DO NOTHING;

-- name: ask_recheck
-- Has these residents' visits in these times judged again.
INSERT INTO recheck (resident_id, from_at, until_at, at)
SELECT resident_id, from_at, until_at, %(now)s
FROM unnest(%(residents)s::text[], %(froms)s::timestamptz[], %(untils)s::timestamptz[])
    AS asked (resident_id, from_at, until_at);

-- name: ask_neighbours
-- Has judged again the homes behind the same shared doors: whom a door was opened for depends on who else was expected
-- then. Only what has been is in question; what is to come will be judged in its time.
INSERT INTO recheck (resident_id, from_at, until_at, at)
SELECT neighbour.id, min(asked.from_at), max(least(asked.until_at, %(now)s)), %(now)s
FROM unnest(%(residents)s::text[], %(froms)s::timestamptz[], %(untils)s::timestamptz[])
    AS asked (resident_id, from_at, until_at)
JOIN resident ON resident.id = asked.resident_id
JOIN dwelling ON dwelling.id = resident.dwelling_id
JOIN dwelling AS near ON near.scheme = dwelling.scheme
JOIN resident AS neighbour ON neighbour.dwelling_id = near.id AND neighbour.id <> resident.id
WHERE asked.from_at <= %(now)s
  AND (EXISTS (SELECT FROM hub WHERE hub.scheme = dwelling.scheme)
       OR EXISTS (SELECT FROM dwelling AS lending JOIN hub ON hub.dwelling_id = lending.id
                  WHERE lending.scheme = dwelling.scheme
                    AND (EXISTS (SELECT FROM device WHERE device.hub_id = hub.id AND device.scope = 'communal')
                         OR EXISTS (SELECT FROM event
                                    WHERE event.hub_id = hub.id AND event.received_at >= asked.from_at - interval '3 days'
                                      AND event.received_at <= %(now)s
                                      AND event.dwelling_id IS NOT NULL AND event.credential IS NOT NULL
                                      AND event.data ->> 'scope' = 'communal'))))
GROUP BY neighbour.id;

-- name: recurrences_to_extend
-- Packages with a recurrence whose visits are not made up to this date yet, in the order of their ids.
SELECT DISTINCT package.id
FROM package JOIN recurrence ON recurrence.package_id = package.id
WHERE package.ended_at IS NULL AND recurrence.rrule IS NOT NULL
  AND (recurrence.planned_until IS NULL OR recurrence.planned_until < %(until)s)
ORDER BY package.id
LIMIT %(limit)s;

-- name: packages_to_plan
-- Packages with what planning their visits needs.
SELECT package.id, package.resident_id, package.provider_id, package.tier,
       dwelling.id AS dwelling_id, dwelling.address, dwelling.time_zone
FROM package
JOIN resident ON resident.id = package.resident_id
JOIN dwelling ON dwelling.id = resident.dwelling_id
WHERE package.id = ANY (%(ids)s);

-- name: recurrences_of
-- The recurrences of these packages.
SELECT package_id, id, rrule, start, minutes, carers, from_date, planned_until
FROM recurrence WHERE package_id = ANY (%(packages)s);

-- name: extend_recurrences
-- The visits of these packages are made up to this date now.
UPDATE recurrence SET planned_until = %(until)s WHERE package_id = ANY (%(packages)s) AND rrule IS NOT NULL;

-- name: recheck_homes
-- Has judged again what evidence of a home may touch: for those who live there.
INSERT INTO recheck (resident_id, from_at, until_at, at)
SELECT resident.id, min(said.effective_at), max(said.effective_at), %(now)s
FROM unnest(%(hubs)s::text[], %(moments)s::timestamptz[]) AS said (hub_id, effective_at)
JOIN hub ON hub.id = said.hub_id
JOIN resident ON resident.dwelling_id = hub.dwelling_id
GROUP BY resident.id;

-- name: recheck_behind_shared_doors
-- Has judged again what a carer's credential at a scheme's door may touch: for those in the scheme whom the carer's
-- provider visits about then. A dwelling's hub may speak of that door: by the event's own word, or by its panel.
INSERT INTO recheck (resident_id, from_at, until_at, at)
SELECT visit.resident_id, min(said.effective_at), max(said.effective_at), %(now)s
FROM unnest(%(hubs)s::text[], %(moments)s::timestamptz[], %(credentials)s::text[], %(shared)s::boolean[])
    AS said (hub_id, effective_at, credential, shared)
JOIN hub ON hub.id = said.hub_id
LEFT JOIN dwelling AS home ON home.id = hub.dwelling_id
JOIN dwelling ON dwelling.scheme = coalesce(hub.scheme, home.scheme)
    AND (hub.scheme IS NOT NULL OR said.shared
         OR EXISTS (SELECT FROM device WHERE device.hub_id = hub.id AND device.scope = 'communal'))
JOIN credential ON credential.credential = said.credential
JOIN carer ON carer.id = credential.carer_id
JOIN visit ON visit.dwelling_id = dwelling.id AND visit.provider_id = carer.provider_id
    AND visit.start_at BETWEEN said.effective_at - interval '3 days' AND said.effective_at + interval '3 days'
GROUP BY visit.resident_id;

-- name: recheck_unverified
-- Has judged again the unverified visits that a word from these hubs may settle.
INSERT INTO recheck (resident_id, from_at, until_at, at)
SELECT visit.resident_id, min(visit.start_at), max(visit.start_at), %(now)s
FROM (SELECT hub.dwelling_id AS id FROM hub WHERE hub.id = ANY (%(hubs)s) AND hub.dwelling_id IS NOT NULL
      UNION
      SELECT dwelling.id FROM hub JOIN dwelling ON dwelling.scheme = hub.scheme WHERE hub.id = ANY (%(hubs)s)) AS home
JOIN visit ON visit.dwelling_id = home.id AND visit.state = 'unverified' AND visit.next_check_at IS NOT NULL
GROUP BY visit.resident_id;

-- name: intake_state
-- Whether our own intake listens, and since when it has not.
SELECT intake.beat_at, intake.connected_at, intake.caught_up_at,
       (SELECT min(began_at) FROM intake_gap WHERE ended_at IS NULL) AS gap_began_at
FROM intake WHERE id = 'mqtt';

-- name: intake_gaps
-- Times in which we could not listen, as far as they reach beyond a moment.
SELECT began_at, ended_at FROM intake_gap WHERE ended_at IS NULL OR ended_at >= %(since)s ORDER BY began_at;

-- name: claim_due
-- Residents with a visit that is due, the longest due first, held against other sweeps; those held by one are skipped.
SELECT visit.resident_id, visit.ref, visit.start_at
FROM visit JOIN resident ON resident.id = visit.resident_id
WHERE visit.next_check_at <= %(until)s
ORDER BY visit.next_check_at
LIMIT %(limit)s
FOR NO KEY UPDATE OF resident SKIP LOCKED;

-- name: claim_rechecks
-- Residents of whom something was learned, held likewise.
SELECT recheck.resident_id
FROM recheck JOIN resident ON resident.id = recheck.resident_id
WHERE recheck.at <= %(until)s OR (recheck.visit_ref IS NOT NULL AND recheck.at <= %(now)s)
ORDER BY recheck.id
LIMIT %(limit)s
FOR NO KEY UPDATE OF resident SKIP LOCKED;

-- name: take_rechecks
-- Takes away what was learned of these residents, to judge it now.
DELETE FROM recheck
WHERE resident_id = ANY (%(residents)s)
  AND (at <= %(until)s OR (visit_ref IS NOT NULL AND at <= %(now)s))
RETURNING resident_id, from_at, until_at, visit_ref;

-- name: due_visits
-- Which visits of residents that began lately are still due, and which of others of theirs: to look through all that is
-- known of a resident would cost the more the longer they are known.
SELECT ref, resident_id, start_at, end_at FROM visit
WHERE resident_id = ANY (%(residents)s) AND start_at >= %(since)s AND start_at <= %(until)s
  AND next_check_at <= %(until)s
UNION ALL
SELECT ref, resident_id, start_at, end_at FROM visit WHERE ref = ANY (%(others)s) AND next_check_at <= %(until)s;

-- name: visits_around
-- The visits of residents that touch a time of each. A flexible one counts from up to a day before and until up to a
-- day after its hours; none lasts longer than a day and its clock's change.
SELECT visit.*
FROM unnest(%(residents)s::text[], %(froms)s::timestamptz[], %(untils)s::timestamptz[])
    AS wanted (resident_id, from_at, until_at)
CROSS JOIN LATERAL (
    SELECT ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_at, end_at, start_wall,
           end_wall, shifted, carers_required, carers, plan, plan_reason, changed_at, source,
           next_check_at IS NULL AS settled
    FROM visit
    WHERE resident_id = wanted.resident_id
      AND start_at >= wanted.from_at - interval '50 hours' AND start_at <= wanted.until_at + interval '25 hours'
      AND CASE WHEN tier = 'flexible'
               THEN end_at >= wanted.from_at - interval '25 hours'
               ELSE start_at <= wanted.until_at AND end_at >= wanted.from_at END
    OFFSET 0) AS visit;

-- name: homes_of
-- Residents with their homes and whom an alert about them concerns.
SELECT resident.id, resident.name, resident.monitoring_centre_id, resident.commissioner_id, resident.high_risk,
       dwelling.id AS dwelling_id, dwelling.address, dwelling.time_zone, dwelling.landlord_id, dwelling.scheme
FROM resident JOIN dwelling ON dwelling.id = resident.dwelling_id
WHERE resident.id = ANY (%(residents)s);

-- name: hubs_of
-- The hubs of dwellings and of schemes, and when each was first and last heard.
SELECT id, dwelling_id, scheme, heartbeat_every, first_heard_at, last_heard_at
FROM hub WHERE dwelling_id = ANY (%(dwellings)s)
UNION ALL
SELECT id, dwelling_id, scheme, heartbeat_every, first_heard_at, last_heard_at
FROM hub WHERE scheme = ANY (%(schemes)s);

-- name: lending_dwellings
-- Dwellings in these schemes whose hubs may speak of a shared door: by a panel's scope in the estate, or by the word of
-- an event since a time of the scheme.
SELECT DISTINCT dwelling.scheme, dwelling.id
FROM unnest(%(schemes)s::text[], %(froms)s::timestamptz[]) AS asked (scheme, from_at)
JOIN dwelling ON dwelling.scheme = asked.scheme
JOIN hub ON hub.dwelling_id = dwelling.id
WHERE (EXISTS (SELECT FROM device WHERE device.hub_id = hub.id AND device.scope = 'communal')
       OR EXISTS (SELECT FROM event
                  WHERE event.hub_id = hub.id AND event.received_at >= asked.from_at AND event.received_at <= %(until)s
                    AND event.dwelling_id IS NOT NULL AND event.credential IS NOT NULL
                    AND event.data ->> 'scope' = 'communal'));

-- name: scoped_devices
-- The devices of these hubs that stand at a door of a known scope.
SELECT hub_id, id, kind, scope, details FROM device WHERE hub_id = ANY (%(hubs)s) AND scope IS NOT NULL;

-- name: suspensions_of
-- The suspensions of these residents.
SELECT resident_id, from_at, until_at, reason, told_by, created_at FROM suspension WHERE resident_id = ANY (%(residents)s);

-- name: evidence_of
-- What hubs reported that may be evidence, in order of arrival: doors that only say that somebody moved from a moment of
-- each hub on, and what names a carer, or may be one's button, from `reach` before it. Hub by hub, and in the days of
-- `since` alone: a large batch would else be joined with the whole of history.
SELECT event.hub_id, event.id, event.type, event.at, event.effective_at, event.received_at, event.device,
       event.panel, event.credential, event.method, event.scope
FROM unnest(%(hubs)s::text[], %(froms)s::timestamptz[]) AS wanted (hub_id, from_at)
CROSS JOIN LATERAL (
    SELECT hub_id, id, type, at, effective_at, received_at, device, credential,
           data ->> 'panel' AS panel, data ->> 'method' AS method, data ->> 'scope' AS scope
    FROM event
    WHERE hub_id = wanted.hub_id AND received_at >= wanted.from_at - %(reach)s::interval
      AND received_at >= %(since)s AND received_at <= %(until)s
      AND type IN
        ('carer.arrived', 'carer.departed', 'door.granted', 'door.opened', 'door.closed', 'door.call', 'door.released')
      AND (received_at >= wanted.from_at OR credential IS NOT NULL OR type LIKE 'carer.%%')
    OFFSET 0) AS event
ORDER BY event.received_at;

-- name: holders_of
-- Who holds or held these credentials, and until when.
SELECT credential.credential, credential.withdrawn_at, carer.id, carer.provider_id, carer.name
FROM credential JOIN carer ON carer.id = credential.carer_id
WHERE credential.credential = ANY (%(credentials)s);

-- name: words_on
-- People's words on these visits.
SELECT visit_ref, at, attended, by_name, reason, arrived_at, departed_at, note
FROM adjustment WHERE visit_ref = ANY (%(refs)s) AND kind = 'verify' ORDER BY at, id;

-- name: gaps_of
-- Times in which hubs were not heard, as far as they reach beyond a moment of each.
SELECT hub_gap.hub_id, hub_gap.heard_from, hub_gap.heard_to
FROM unnest(%(hubs)s::text[], %(froms)s::timestamptz[]) AS wanted (hub_id, from_at)
JOIN hub_gap ON hub_gap.hub_id = wanted.hub_id AND hub_gap.heard_to >= wanted.from_at AND hub_gap.heard_from <= %(until)s;

-- name: offline_spells
-- When hubs were reported gone, and when the first message after came.
SELECT gone.hub_id, gone.received_at,
       least((SELECT min(back.received_at) FROM hub_status AS back
              WHERE back.hub_id = gone.hub_id AND back.online AND back.received_at > gone.received_at),
             (SELECT min(hub_gap.heard_to) FROM hub_gap
              WHERE hub_gap.hub_id = gone.hub_id AND hub_gap.heard_to > gone.received_at),
             (SELECT min(event.received_at) FROM event
              WHERE event.hub_id = gone.hub_id AND event.received_at > gone.received_at),
             CASE WHEN hub.last_heard_at > gone.received_at THEN hub.last_heard_at END) AS heard_at
FROM unnest(%(hubs)s::text[], %(froms)s::timestamptz[]) AS wanted (hub_id, from_at)
JOIN hub ON hub.id = wanted.hub_id
JOIN hub_status AS gone ON gone.hub_id = wanted.hub_id AND NOT gone.online
    AND gone.received_at >= wanted.from_at AND gone.received_at <= %(until)s;

-- name: queue_words
-- What fresh heartbeats said of their hub's queue from a moment of each on, and the last word of the week before.
SELECT wanted.hub_id, word.received_at, word.queued
FROM unnest(%(hubs)s::text[], %(froms)s::timestamptz[]) AS wanted (hub_id, from_at)
JOIN hub ON hub.id = wanted.hub_id
CROSS JOIN LATERAL (
    SELECT event.received_at, event.data -> 'queued' AS queued
    FROM event
    WHERE event.hub_id = wanted.hub_id AND event.type = 'heartbeat'
      AND event.received_at >= wanted.from_at AND event.received_at >= %(since)s AND event.received_at <= %(until)s
      AND event.effective_at >= event.received_at - hub.heartbeat_every
    OFFSET 0) AS word
UNION ALL
SELECT wanted.hub_id, last.received_at, last.queued
FROM unnest(%(hubs)s::text[], %(froms)s::timestamptz[]) AS wanted (hub_id, from_at)
JOIN hub ON hub.id = wanted.hub_id
CROSS JOIN LATERAL (
    SELECT event.received_at, event.data -> 'queued' AS queued
    FROM event
    WHERE event.hub_id = wanted.hub_id AND event.type = 'heartbeat'
      AND event.received_at < wanted.from_at AND event.received_at >= wanted.from_at - interval '7 days'
      AND event.effective_at >= event.received_at - hub.heartbeat_every
      AND event.data ? 'queued'
    ORDER BY event.received_at DESC
    LIMIT 1) AS last;

-- name: neighbours_of
-- Who lives in these dwellings and schemes, and whether their home has a hub of its own.
SELECT resident.id, dwelling.id AS dwelling_id, dwelling.scheme, dwelling.time_zone,
       EXISTS (SELECT FROM hub WHERE hub.dwelling_id = dwelling.id) AS has_own_hub
FROM dwelling JOIN resident ON resident.dwelling_id = dwelling.id
WHERE dwelling.id = ANY (%(dwellings)s) OR dwelling.scheme = ANY (%(schemes)s);

-- name: standing_verdicts
-- What is concluded of these visits so far.
SELECT ref, version, state, attendance, timeliness, duration, verification, arrived_at, departed_at, carers_seen, reason
FROM visit WHERE ref = ANY (%(refs)s);

-- name: alerts_of
-- Which alerts were raised for these visits, and whether they were stood down.
SELECT visit_ref, kind, raised_at, stood_down_at FROM alert WHERE visit_ref = ANY (%(refs)s);

-- name: copy_verdicts
-- Adds versions of verdicts, in the binary format; none is ever overwritten.
COPY verdict (visit_ref, version, at, noticed_at, state, attendance, timeliness, duration, verification, arrived_at,
              departed_at, carers, reason)
FROM STDIN (FORMAT binary);

-- name: conclude_visits
-- Has visits say what their last versions say, and when each is to be judged again.
UPDATE visit
SET state = said.state, attendance = said.attendance, timeliness = said.timeliness, duration = said.duration,
    verification = said.verification, arrived_at = said.arrived_at, departed_at = said.departed_at,
    carers_seen = said.carers, reason = said.reason, version = said.version, next_check_at = judged.next_check_at
FROM json_to_recordset(%(rows)s::json) AS judged (visit_ref text, next_check_at timestamptz)
CROSS JOIN LATERAL (
    SELECT * FROM verdict WHERE visit_ref = judged.visit_ref ORDER BY version DESC LIMIT 1) AS said
WHERE visit.ref = judged.visit_ref;

-- name: look_again
-- Writes when visits are to be judged again, of which nothing new is concluded.
UPDATE visit SET next_check_at = new.next_check_at
FROM json_to_recordset(%(rows)s::json) AS new (visit_ref text, next_check_at timestamptz)
WHERE visit.ref = new.visit_ref;

-- name: link_evidence
-- Says which events speak of which visit.
INSERT INTO visit_evidence (visit_ref, hub_id, event_id, type, strength, carer_id, effective_at, received_at)
SELECT visit_ref, hub_id, event_id, type, strength, carer_id, effective_at, received_at
FROM json_to_recordset(%(rows)s::json) AS new (
    visit_ref text, hub_id text, event_id text, type text, strength text, carer_id text, effective_at timestamptz,
    received_at timestamptz)
ON CONFLICT (visit_ref, hub_id, event_id) DO UPDATE SET strength = excluded.strength, carer_id = excluded.carer_id;

-- name: postpone_due
-- Pushes forward what could not be judged, so that it does not stand in the way of everything else.
UPDATE visit SET next_check_at = %(later)s
WHERE resident_id = ANY (%(residents)s) AND next_check_at <= %(until)s;

-- name: postpone_rechecks
-- Likewise what was learned of those residents.
UPDATE recheck SET at = %(later)s WHERE resident_id = ANY (%(residents)s) AND at <= %(now)s;

-- name: return_rechecks
-- Puts back what was taken and could not be judged, for later.
INSERT INTO recheck (resident_id, from_at, until_at, at, visit_ref)
SELECT resident_id, from_at, until_at, %(later)s, visit_ref
FROM unnest(%(residents)s::text[], %(froms)s::timestamptz[], %(untils)s::timestamptz[], %(refs)s::text[])
    AS back (resident_id, from_at, until_at, visit_ref);

-- name: visit_to_change
-- A visit on which a person speaks, held for the length of the transaction.
SELECT ref, resident_id, start_at, end_at, plan, next_check_at FROM visit WHERE ref = %(ref)s FOR NO KEY UPDATE;

-- name: add_adjustment
-- Lays a person's word over what was recorded.
INSERT INTO adjustment (visit_ref, at, by_name, organisation_id, kind, attended, arrived_at, departed_at, reason, note)
VALUES (%(visit_ref)s, %(at)s, %(by_name)s, %(organisation_id)s, %(kind)s, %(attended)s, %(arrived_at)s,
        %(departed_at)s, %(reason)s, %(note)s);

-- name: cancel_visit
-- A visit that is not to be made; a roster's word from now on, whatever its recurrence says.
UPDATE visit SET plan = 'cancelled', plan_reason = %(reason)s, changed_at = %(now)s, source = 'roster'
WHERE ref = %(ref)s;

-- name: recheck_visit
-- Has this visit judged at once by a person's word.
INSERT INTO recheck (resident_id, from_at, until_at, at, visit_ref)
VALUES (%(resident_id)s, %(from_at)s, %(until_at)s, %(now)s, %(ref)s);

-- name: suspend
-- Suspends the visits of a resident who is there.
INSERT INTO suspension (resident_id, from_at, until_at, reason, told_by, created_at, created_by)
SELECT id, %(from_at)s, %(until_at)s, %(reason)s, %(told_by)s, %(now)s, %(by)s FROM resident WHERE id = %(resident_id)s
ON CONFLICT (resident_id, from_at) DO UPDATE SET until_at = excluded.until_at, reason = excluded.reason,
    told_by = excluded.told_by, created_by = excluded.created_by, ended_by = NULL
RETURNING id;

-- name: suspension_to_end
-- A suspension that is to end, held for the length of the transaction.
SELECT resident_id, from_at, until_at FROM suspension WHERE id = %(id)s FOR UPDATE;

-- name: end_suspension
-- A suspension that a person ends: now, or before it began.
UPDATE suspension SET until_at = greatest(from_at, %(now)s), ended_by = %(by)s WHERE id = %(id)s;

-- name: suspensions_of_packages
-- The suspensions of those whom these packages are for.
SELECT suspension.resident_id, suspension.from_at, suspension.until_at, suspension.reason, suspension.told_by,
       suspension.created_at
FROM suspension JOIN package ON package.resident_id = suspension.resident_id
WHERE package.id = ANY (%(packages)s);
