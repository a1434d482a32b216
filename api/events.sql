-- name: list_events
-- Events by the time of their receipt, the latest first, from a place in that order.
SELECT hub_id, id, type, at, effective_at, received_at, clock_suspect, dwelling_id, device, seq, boot, carer_id,
       carer_name, data
FROM visible_event
WHERE received_at >= %(since)s AND received_at < %(until)s
  AND (%(dwelling)s::text IS NULL OR dwelling_id = %(dwelling)s)
  AND (%(hub)s::text IS NULL OR hub_id = %(hub)s)
  AND (%(type)s::text IS NULL OR type = %(type)s)
  AND (%(before_at)s::timestamptz IS NULL
       OR (received_at, hub_id, id) < (%(before_at)s, %(before_hub)s::text, %(before_id)s::text))
ORDER BY received_at DESC, hub_id DESC, id DESC
LIMIT %(limit)s;

-- name: home_events
-- Events of one dwelling by their effective time, the latest first, without heartbeats.
SELECT hub_id, id, type, at, effective_at, received_at, clock_suspect, dwelling_id, device, seq, boot, carer_id,
       carer_name, data
FROM visible_event
WHERE dwelling_id = %(dwelling)s AND type <> 'heartbeat' AND effective_at <= %(until)s
ORDER BY effective_at DESC, (hub_id || ' ' || id) COLLATE "C" DESC
LIMIT %(limit)s;
