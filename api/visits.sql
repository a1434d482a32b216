-- name: list_visits
-- Visits in order of their planned start, from a place in that order.
SELECT * FROM shown_visit
WHERE (%(date)s::date IS NULL OR service_date = %(date)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(package)s::text IS NULL OR package_id = %(package)s)
  AND (%(after_at)s::timestamptz IS NULL OR (start_at, ref) > (%(after_at)s, %(after_ref)s::text))
ORDER BY start_at, ref
LIMIT %(limit)s;

-- name: get_visit
-- One visit.
SELECT * FROM shown_visit WHERE ref = %(ref)s;

-- name: recent_visits
-- A resident's visits that have begun, the latest first.
SELECT * FROM shown_visit
WHERE resident_id = %(resident)s AND start_at <= %(until)s
ORDER BY start_at DESC, ref COLLATE "C" DESC
LIMIT %(limit)s;

-- name: visit_verdicts
-- Every version of a visit's verdict, oldest first.
SELECT verdict.*, named_carers(verdict.carers) AS carers_came
FROM verdict WHERE visit_ref = %(ref)s ORDER BY version;

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

-- name: visits_between
-- Visits that start in a time, the earliest first.
SELECT * FROM shown_visit
WHERE start_at >= %(since)s AND start_at < %(until)s
ORDER BY start_at, ref
LIMIT %(limit)s;
