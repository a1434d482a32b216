-- name: list_deliveries
-- Messages to the contacts of the caller's organisation, newest first, of one state where it is named.
SELECT delivery.id, delivery.alert_id AS alert, delivery.duty_id AS duty, contact.name AS contact, delivery.channel,
       delivery.failover, delivery.purpose, delivery.step, delivery.priority, delivery.state, delivery.attempts,
       delivery.created_at, delivery.sent_at, delivery.delivered_at, delivery.last_error, delivery.replayed_by
FROM delivery LEFT JOIN contact ON contact.id = delivery.contact_id
WHERE delivery.organisation_id = caller_organisation()
  AND (%(state)s::text IS NULL OR delivery.state = %(state)s)
  AND (%(before)s::bigint IS NULL OR delivery.id < %(before)s)
ORDER BY delivery.id DESC
LIMIT %(limit)s;
