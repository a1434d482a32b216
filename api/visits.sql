-- name: list_visits
-- Visits in order of their planned start, from a place in that order; a service date lies within two days.
SELECT shown.*, dwelling.address, dwelling.time_zone, dwelling.scheme, resident.name AS resident_name,
       organisation.name AS provider_name
FROM (
    SELECT * FROM visit
    WHERE (%(date)s::date IS NULL
           OR (service_date = %(date)s AND start_at >= %(date)s::date - interval '1 day'
               AND start_at < %(date)s::date + interval '3 days'))
      AND (%(state)s::text IS NULL OR state = %(state)s)
      AND (%(package)s::text IS NULL OR package_id = %(package)s)
      AND (%(after_at)s::timestamptz IS NULL OR (start_at, ref) > (%(after_at)s, %(after_ref)s::text))
    ORDER BY start_at, ref
    LIMIT %(limit)s
) AS shown
JOIN dwelling ON dwelling.id = shown.dwelling_id
JOIN resident ON resident.id = shown.resident_id
JOIN organisation ON organisation.id = shown.provider_id
ORDER BY shown.start_at, shown.ref;

-- name: get_visit
-- One visit.
SELECT visit.*, dwelling.address, dwelling.time_zone, dwelling.scheme, resident.name AS resident_name,
       organisation.name AS provider_name
FROM visit
JOIN dwelling ON dwelling.id = visit.dwelling_id
JOIN resident ON resident.id = visit.resident_id
JOIN organisation ON organisation.id = visit.provider_id
WHERE visit.ref = %(ref)s;

-- name: recent_visits
-- A resident's visits that have begun, the latest first.
SELECT visit.*, dwelling.address, dwelling.time_zone, dwelling.scheme, resident.name AS resident_name,
       organisation.name AS provider_name
FROM visit
JOIN dwelling ON dwelling.id = visit.dwelling_id
JOIN resident ON resident.id = visit.resident_id
JOIN organisation ON organisation.id = visit.provider_id
WHERE visit.resident_id = %(resident)s AND visit.start_at <= %(until)s
ORDER BY visit.start_at DESC, visit.ref COLLATE "C" DESC
LIMIT %(limit)s;

-- name: carers
-- Carers by name, those whom the caller may know.
SELECT id, name FROM carer WHERE id = ANY (%(carers)s);

-- name: visit_verdicts
-- Every version of a visit's verdict, oldest first.
SELECT * FROM verdict WHERE visit_ref = %(ref)s ORDER BY version;

-- name: visit_evidence
-- What was heard that says something about a visit, in order of its effective time.
SELECT visit_evidence.*, carer.name AS carer_name
FROM visit_evidence LEFT JOIN carer ON carer.id = visit_evidence.carer_id
WHERE visit_evidence.visit_ref = %(ref)s
ORDER BY visit_evidence.effective_at, visit_evidence.received_at, visit_evidence.event_id;

-- name: visit_adjustments
-- What people laid over a visit's evidence, oldest first.
SELECT adjustment.*, organisation.name AS organisation_name
FROM adjustment JOIN organisation ON organisation.id = adjustment.organisation_id
WHERE adjustment.visit_ref = %(ref)s
ORDER BY adjustment.at, adjustment.id;

-- name: resident
-- A resident whom the caller may see.
SELECT id, name, dwelling_id FROM resident WHERE id = %(resident)s;

-- name: dwelling
-- A dwelling that the caller may see.
SELECT id, address, scheme, time_zone FROM dwelling WHERE id = %(dwelling)s;

-- name: contact_sheet
-- How to speak to a resident and whom to ring, for those who answer their calls.
SELECT details FROM contact_sheet WHERE resident_id = %(resident)s;

-- name: suspension
-- A suspension that the caller may see.
SELECT * FROM suspension WHERE id = %(suspension)s;

-- name: suspensions
-- A resident's suspensions of now and later; one ended before it began lasts no time.
SELECT * FROM suspension
WHERE resident_id = %(resident)s AND (until_at IS NULL OR until_at > greatest(from_at, %(now)s))
ORDER BY from_at, id;

-- name: time_zones
-- The zones in which the caller's dwellings lie.
SELECT DISTINCT time_zone FROM dwelling;

-- name: day_counts
-- How many visits begin in each zone's hours, to how many residents: by state, and in all where the state is null;
-- `since` and `until` hold all of the hours.
SELECT visit.state, count(*) AS visits, count(DISTINCT visit.resident_id) AS residents
FROM visit
JOIN dwelling ON dwelling.id = visit.dwelling_id
JOIN unnest(%(zones)s::text[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) AS hours (zone, begins, ends)
    ON hours.zone = dwelling.time_zone
WHERE visit.start_at >= %(since)s AND visit.start_at < %(until)s
  AND visit.start_at >= hours.begins AND visit.start_at < hours.ends
GROUP BY ROLLUP (visit.state);

-- name: day_visits
-- The visits that begin in their zone's hours, of some residents: those first who have a visit in the foremost of some
-- states, then by the first visit.
WITH today AS (
    SELECT visit.*, dwelling.address, dwelling.time_zone, dwelling.scheme
    FROM visit
    JOIN dwelling ON dwelling.id = visit.dwelling_id
    JOIN unnest(%(zones)s::text[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) AS hours (zone, begins, ends)
        ON hours.zone = dwelling.time_zone
    WHERE visit.start_at >= %(since)s AND visit.start_at < %(until)s
      AND visit.start_at >= hours.begins AND visit.start_at < hours.ends
), chosen AS (
    SELECT resident_id
    FROM today
    GROUP BY resident_id
    ORDER BY min(coalesce(array_position(%(first)s::text[], state), 1000)), min(start_at), resident_id
    LIMIT %(limit)s OFFSET %(skip)s
)
SELECT today.*, resident.name AS resident_name, organisation.name AS provider_name
FROM chosen
JOIN today ON today.resident_id = chosen.resident_id
JOIN resident ON resident.id = today.resident_id
JOIN organisation ON organisation.id = today.provider_id
ORDER BY today.start_at, today.ref;
