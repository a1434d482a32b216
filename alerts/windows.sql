-- name: windows_of_hubs
-- The windows that touch a span, of the places where each hub stands.
SELECT hub.id AS hub, suppression.id, suppression.reason, suppression.from_at, suppression.until_at
FROM hub LEFT JOIN dwelling ON dwelling.id = hub.dwelling_id
JOIN LATERAL (
    SELECT * FROM suppression WHERE suppression.hub_id = hub.id AND suppression.until_at > %(since)s
    UNION ALL
    SELECT * FROM suppression WHERE suppression.dwelling_id = hub.dwelling_id AND suppression.until_at > %(since)s
    UNION ALL
    SELECT * FROM suppression
    WHERE suppression.scheme = coalesce(hub.scheme, dwelling.scheme) AND suppression.until_at > %(since)s
      -- In a scheme of several centres, each for the homes that it answers for; the scheme's own hubs are shared.
      AND (hub.dwelling_id IS NULL OR EXISTS (
          SELECT FROM resident WHERE resident.dwelling_id = hub.dwelling_id
          AND resident.monitoring_centre_id = suppression.organisation_id))
) AS suppression ON suppression.from_at <= %(until)s
WHERE hub.id = ANY (%(hubs)s);

-- name: fold_suppressed
-- Counts presses into alerts that the same window has suppressed before.
UPDATE alert SET press_count = alert.press_count + new.press_count,
    last_press_at = greatest(alert.last_press_at, new.last_press_at)
FROM jsonb_to_recordset(%(rows)s) AS new (
    dedupe_key text, suppressed_by bigint, press_count integer, last_press_at timestamptz)
WHERE alert.suppressed_by = new.suppressed_by AND alert.dedupe_key = new.dedupe_key
RETURNING alert.id, alert.dedupe_key, alert.suppressed_by;

-- name: record_suppressed
-- Keeps what a window holds back as alerts that are over: shown, and told to nobody.
INSERT INTO alert (kind, priority, dedupe_key, hub_id, device, scheme, dwelling_id, resident_id, raised_at,
                   noticed_at, reason, data, press_count, last_press_at, suppressed_by, suppressed, closed_at)
SELECT kind, priority, dedupe_key, hub_id, device, scheme, dwelling_id, resident_id, raised_at,
       %(now)s, reason, data, greatest(press_count, 1), last_press_at, suppressed_by, suppressed, %(now)s
FROM jsonb_to_recordset(%(rows)s) AS new (
    kind text, priority smallint, dedupe_key text, hub_id text, device text, scheme text, dwelling_id text,
    resident_id text, raised_at timestamptz, reason text, data jsonb, press_count integer,
    last_press_at timestamptz, suppressed_by bigint, suppressed text)
RETURNING id, dedupe_key, kind, priority, raised_at, suppressed_by;

-- name: people_of_dwelling
-- Who lives in a dwelling, and which centres answer for them; locked, so that two openings meet in order.
SELECT resident.id, resident.monitoring_centre_id AS centre FROM resident
WHERE resident.dwelling_id = %(dwelling)s ORDER BY resident.id FOR SHARE;

-- name: open_window
-- Opens a window for a hub, a dwelling or a scheme.
INSERT INTO suppression (organisation_id, reason, hub_id, dwelling_id, scheme, from_at, until_at, note, created_at,
                         created_by)
VALUES (%(organisation)s, %(reason)s, %(hub)s, %(dwelling)s, %(scheme)s, %(from_at)s, %(until_at)s, %(note)s, %(now)s,
        %(by)s)
RETURNING id;

-- name: end_window
-- Ends a window that is not over yet; one that has not begun has never been.
UPDATE suppression SET until_at = greatest(from_at, %(now)s), ended_by = %(by)s
WHERE id = %(id)s AND until_at > greatest(from_at, %(now)s)
RETURNING id;

-- name: end_absences
-- Somebody is at home again: the windows of an empty home end. Locked in order, so that two batches meet in order.
UPDATE suppression SET until_at = ending.until_at, ended_by = ending.by
FROM (
    SELECT suppression.id, greatest(suppression.from_at, home.at) AS until_at, home.by
    FROM jsonb_to_recordset(%(rows)s) AS home (dwelling text, at timestamptz, by text)
    JOIN suppression ON suppression.dwelling_id = home.dwelling AND suppression.reason IN ('away', 'hospital')
        AND suppression.from_at <= home.at AND suppression.until_at > home.at
    ORDER BY suppression.id
    FOR NO KEY UPDATE OF suppression
) AS ending
WHERE suppression.id = ending.id;

-- name: recent_homecomings
-- Those who came home and whose unit said so before it said that they had gone: received since a moment.
SELECT hub_id, min(effective_at) AS at FROM event
WHERE hub_id = ANY (%(hubs)s) AND received_at >= %(since)s AND type = 'resident.home' AND effective_at >= %(at)s
GROUP BY hub_id;
