-- name: list_alerts
-- One's own share of alerts, the latest duty first, from a place in that order.
SELECT * FROM shown_alert
WHERE (%(state)s::text IS NULL OR duty_state = %(state)s)
  AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(since)s::timestamptz IS NULL OR duty_raised_at >= %(since)s)
  AND (%(dwelling)s::text IS NULL OR dwelling_id = %(dwelling)s)
  AND (%(visit)s::text IS NULL OR visit_ref = %(visit)s)
  AND (%(resident)s::text IS NULL OR resident_id = %(resident)s)
  AND (%(before_at)s::timestamptz IS NULL OR (duty_raised_at, duty_id) < (%(before_at)s, %(before_id)s::bigint))
ORDER BY duty_raised_at DESC, duty_id DESC
LIMIT %(limit)s;

-- name: open_alerts
-- One's own duties that still need somebody, the most urgent first, within a priority the oldest.
SELECT * FROM shown_alert
WHERE duty_state IN ('open', 'acknowledged')
ORDER BY priority, raised_at, id
LIMIT %(limit)s;

-- name: recent_alerts
-- Alerts about a resident up to a moment, the latest first.
SELECT * FROM shown_alert
WHERE resident_id = %(resident)s AND raised_at <= %(until)s
ORDER BY raised_at DESC, id DESC
LIMIT %(limit)s;

-- name: get_alert
-- One alert, by its own number or by that of one's own duty in it.
SELECT * FROM shown_alert WHERE id = %(alert)s::bigint OR duty_id = %(duty)s::bigint;

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
