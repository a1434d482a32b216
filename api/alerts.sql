-- name: list_alerts
-- One's own share of alerts, the latest duty first, from a place in that order.
SELECT shown.*, dwelling.address, dwelling.time_zone, coalesce(dwelling.scheme, shown.scheme) AS place_scheme,
       resident.name AS resident_name
FROM (
    SELECT * FROM visible_alert
    WHERE (%(state)s::text IS NULL OR duty_state = %(state)s)
      AND (%(kind)s::text IS NULL OR kind = %(kind)s)
      AND (%(since)s::timestamptz IS NULL OR duty_raised_at >= %(since)s)
      AND (%(dwelling)s::text IS NULL OR dwelling_id = %(dwelling)s)
      AND (%(visit)s::text IS NULL OR visit_ref = %(visit)s)
      AND (%(before_at)s::timestamptz IS NULL OR (duty_raised_at, duty_id) < (%(before_at)s, %(before_id)s::bigint))
    ORDER BY duty_raised_at DESC, duty_id DESC
    LIMIT %(limit)s
) AS shown
LEFT JOIN dwelling ON dwelling.id = shown.dwelling_id
LEFT JOIN resident ON resident.id = shown.resident_id
ORDER BY shown.duty_raised_at DESC, shown.duty_id DESC;

-- name: open_alerts
-- One's own duties that still need somebody, the most urgent first, within a priority the oldest.
SELECT shown.*, dwelling.address, dwelling.time_zone, coalesce(dwelling.scheme, shown.scheme) AS place_scheme,
       resident.name AS resident_name
FROM (
    SELECT * FROM visible_alert
    WHERE duty_state IN ('open', 'acknowledged')
    ORDER BY priority, raised_at, id
    LIMIT %(limit)s
) AS shown
LEFT JOIN dwelling ON dwelling.id = shown.dwelling_id
LEFT JOIN resident ON resident.id = shown.resident_id
ORDER BY shown.priority, shown.raised_at, shown.id;

-- name: recent_alerts
-- Alerts at a resident's home and about them, up to a moment, the latest first.
SELECT shown.*, dwelling.address, dwelling.time_zone, coalesce(dwelling.scheme, shown.scheme) AS place_scheme,
       resident.name AS resident_name
FROM (
    SELECT * FROM visible_alert
    WHERE dwelling_id = %(dwelling)s AND resident_id = %(resident)s AND raised_at <= %(until)s
    ORDER BY raised_at DESC, id DESC
    LIMIT %(limit)s
) AS shown
LEFT JOIN dwelling ON dwelling.id = shown.dwelling_id
LEFT JOIN resident ON resident.id = shown.resident_id
ORDER BY shown.raised_at DESC, shown.id DESC;

-- name: alert
-- One alert.
SELECT shown.*, dwelling.address, dwelling.time_zone, coalesce(dwelling.scheme, shown.scheme) AS place_scheme,
       resident.name AS resident_name
FROM visible_alert AS shown
LEFT JOIN dwelling ON dwelling.id = shown.dwelling_id
LEFT JOIN resident ON resident.id = shown.resident_id
WHERE shown.id = %(alert)s;

-- name: alert_of_duty
-- The alert in which the organisation has this duty.
SELECT shown.*, dwelling.address, dwelling.time_zone, coalesce(dwelling.scheme, shown.scheme) AS place_scheme,
       resident.name AS resident_name
FROM visible_alert AS shown
LEFT JOIN dwelling ON dwelling.id = shown.dwelling_id
LEFT JOIN resident ON resident.id = shown.resident_id
WHERE shown.duty_id = %(duty)s;

-- name: parties
-- The other parties of some alerts.
SELECT alert_id, organisation_id, organisation_name, role, state,
       coalesce(closed_at, acknowledged_at, raised_at) AS since
FROM party WHERE alert_id = ANY (%(alerts)s)
ORDER BY alert_id, role, organisation_id;

-- name: alert_history
-- What happened to an alert, oldest first, as far as the caller may know.
SELECT at, noticed_at, actor, what, detail FROM visible_history WHERE alert_id = %(alert)s ORDER BY id;

-- name: alert_deliveries
-- Messages about an alert to the caller's own contacts.
SELECT delivery.id, contact.name AS contact, delivery.channel, delivery.purpose, delivery.step, delivery.state,
       delivery.attempts, delivery.created_at, delivery.delivered_at, delivery.last_error
FROM delivery LEFT JOIN contact ON contact.id = delivery.contact_id
WHERE delivery.alert_id = %(alert)s
ORDER BY delivery.id;

-- name: alert_presses
-- Events that an alert rests on, and what annotates it.
SELECT hub_id, event_id, type, effective_at, received_at
FROM alert_event WHERE alert_id = %(alert)s
ORDER BY received_at, event_id;
