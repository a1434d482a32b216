-- name: place_of_hub
-- Where a hub stands that the caller may see, and the zone in which people there live.
SELECT hub.id, coalesce(own.time_zone, shared.time_zone) AS time_zone
FROM hub
LEFT JOIN dwelling AS own ON own.id = hub.dwelling_id
LEFT JOIN LATERAL (SELECT time_zone FROM dwelling WHERE dwelling.scheme = hub.scheme LIMIT 1) AS shared ON true
WHERE hub.id = %(place)s;

-- name: place_of_scheme
-- A scheme in which the caller may see a dwelling.
SELECT scheme AS id, time_zone FROM dwelling WHERE scheme = %(place)s LIMIT 1;

-- name: list_windows
-- The organisation's windows of tests and suppression, the last to begin first: those that last after a moment, or one.
SELECT suppression.id, reason, hub_id, suppression.dwelling_id, suppression.scheme, from_at, until_at, note,
       created_at, created_by, ended_by, zone.name AS time_zone
FROM suppression
LEFT JOIN hub ON hub.id = suppression.hub_id
LEFT JOIN LATERAL (
    SELECT time_zone AS name FROM dwelling
    WHERE dwelling.id = coalesce(suppression.dwelling_id, hub.dwelling_id)
       OR dwelling.scheme = coalesce(suppression.scheme, hub.scheme)
    LIMIT 1
) AS zone ON true
-- What was ended before it began is over, though its end lies ahead.
WHERE (%(lasts_after)s::timestamptz IS NULL OR until_at > greatest(from_at, %(lasts_after)s::timestamptz))
  AND (%(window)s::bigint IS NULL OR suppression.id = %(window)s::bigint)
  AND (%(before_at)s::timestamptz IS NULL OR (from_at, suppression.id) < (%(before_at)s, %(before_id)s::bigint))
ORDER BY from_at DESC, suppression.id DESC
LIMIT %(limit)s;
