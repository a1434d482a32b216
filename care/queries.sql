-- name: serialise_loading
-- Lets one load or horizon at a time change what is expected; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('threshold: what is expected', 0));

-- name: stored_organisations
-- Every organisation.
SELECT id, kind, name FROM organisation;

-- name: stored_contacts
-- Every contact, in the order of the estate file.
SELECT organisation_id, name, email, phone, webhook_url, webhook_secret FROM contact ORDER BY organisation_id, position;

-- name: stored_dwellings
-- Every dwelling.
SELECT id, address, time_zone, landlord_id, scheme FROM dwelling;

-- name: stored_residents
-- Every resident.
SELECT id, dwelling_id, name, monitoring_centre_id, commissioner_id, high_risk, details FROM resident;

-- name: stored_hubs
-- Every hub.
SELECT id, dwelling_id, scheme, heartbeat_every FROM hub;

-- name: stored_devices
-- Every device behind a hub.
SELECT hub_id, id, kind, scope, details FROM device;

-- name: stored_carers
-- Carers who are still in the estate, with the credentials that they hold.
SELECT carer.id, carer.provider_id, carer.name,
       array_agg(credential.credential ORDER BY credential.credential)
           FILTER (WHERE credential.credential IS NOT NULL) AS credentials
FROM carer
LEFT JOIN credential ON credential.carer_id = carer.id AND credential.withdrawn_at IS NULL
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

-- name: put_organisation
-- Writes an organisation.
INSERT INTO organisation (id, kind, name) VALUES (%(id)s, %(kind)s, %(name)s)
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name = excluded.name;

-- name: put_contact
-- Writes a contact; one that is told of another address than before is no longer disabled.
INSERT INTO contact (organisation_id, position, name, email, phone, webhook_url, webhook_secret)
VALUES (%(organisation_id)s, %(position)s, %(name)s, %(email)s, %(phone)s, %(webhook_url)s, %(webhook_secret)s)
ON CONFLICT (organisation_id, name) DO UPDATE
SET position = excluded.position, email = excluded.email, phone = excluded.phone,
    webhook_url = excluded.webhook_url, webhook_secret = excluded.webhook_secret,
    disabled_at = CASE WHEN contact.webhook_url IS NOT DISTINCT FROM excluded.webhook_url
                       THEN contact.disabled_at END,
    disabled_reason = CASE WHEN contact.webhook_url IS NOT DISTINCT FROM excluded.webhook_url
                           THEN contact.disabled_reason END;

-- name: drop_contacts
-- Removes the contacts of an organisation that it no longer names; what was sent to them stays on record.
DELETE FROM contact WHERE organisation_id = %(organisation_id)s AND NOT name = ANY (%(names)s);

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
INSERT INTO hub (id, dwelling_id, scheme, heartbeat_every) VALUES (%(id)s, %(dwelling_id)s, %(scheme)s, %(heartbeat_every)s)
ON CONFLICT (id) DO UPDATE SET dwelling_id = excluded.dwelling_id, scheme = excluded.scheme,
    heartbeat_every = excluded.heartbeat_every,
    next_check_at = CASE WHEN hub.last_heard_at IS NULL THEN hub.next_check_at
                         ELSE hub.last_heard_at + excluded.heartbeat_every END;

-- name: put_device
-- Writes a device.
INSERT INTO device (hub_id, id, kind, scope, details) VALUES (%(hub_id)s, %(id)s, %(kind)s, %(scope)s, %(details)s)
ON CONFLICT (hub_id, id) DO UPDATE SET kind = excluded.kind, scope = excluded.scope, details = excluded.details;

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
WHERE carer_id = %(carer_id)s AND withdrawn_at IS NULL AND NOT credential = ANY (%(credentials)s);

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
SELECT ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall, end_wall, start_at, end_at,
       shifted, carers_required, carers, plan, plan_reason, changed_at, source,
       next_check_at IS NULL AS settled
FROM visit WHERE ref = ANY (%(refs)s);

-- name: visits_to_come
-- What is planned for these packages and has not begun.
SELECT ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall, end_wall, start_at, end_at,
       shifted, carers_required, carers, plan, plan_reason, changed_at, source,
       next_check_at IS NULL AS settled
FROM visit WHERE package_id = ANY (%(packages)s) AND start_at > %(now)s;

-- name: visits_of_dates
-- What is planned for these providers on these service dates.
SELECT ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall, end_wall, start_at, end_at,
       shifted, carers_required, carers, plan, plan_reason, changed_at, source,
       next_check_at IS NULL AS settled
FROM visit WHERE provider_id = ANY (%(providers)s) AND service_date = ANY (%(dates)s);

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
