-- name: lock_areas
-- Lets one sweep at a time decide what is an area; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('threshold: areas', 0));

-- name: hubs_in_service
-- How many hubs are in service in each scheme, and (null) in none.
SELECT coalesce(hub.scheme, dwelling.scheme) AS scheme, count(*) AS hubs
FROM hub LEFT JOIN dwelling ON dwelling.id = hub.dwelling_id
WHERE hub.first_heard_at IS NOT NULL AND hub.revoked_at IS NULL
GROUP BY 1;

-- name: schemes_of_hubs
-- In which scheme each hub stands, if in any.
SELECT hub.id, coalesce(hub.scheme, dwelling.scheme) AS scheme
FROM hub LEFT JOIN dwelling ON dwelling.id = hub.dwelling_id
WHERE hub.id = ANY (%(hubs)s);

-- name: held_in_areas
-- Which of these hubs an area alert of a kind stands for already, and whether that is open still; locked.
SELECT area_hub.hub_id, area_hub.alert_id, alert.closed_at IS NULL AS is_open, alert.priority
FROM area_hub JOIN alert ON alert.id = area_hub.alert_id
WHERE area_hub.hub_id = ANY (%(hubs)s) AND area_hub.over_at IS NULL AND alert.kind = %(kind)s
ORDER BY alert.id
FOR NO KEY UPDATE OF alert;

-- name: open_areas
-- The open area alerts of a kind, locked in order.
SELECT id, scheme, priority FROM alert
WHERE kind = %(kind)s AND closed_at IS NULL AND kind IN ('area.silent', 'area.mains')
ORDER BY id FOR NO KEY UPDATE;

-- name: silent_hubs
-- Hubs that were found silent since a moment and still are, each with its own alert if that is open.
SELECT hub.id, coalesce(hub.scheme, dwelling.scheme) AS scheme, alert.raised_at AS since,
       CASE WHEN alert.closed_at IS NULL THEN alert.dedupe_key END AS dedupe_key
FROM alert JOIN hub ON hub.id = alert.hub_id LEFT JOIN dwelling ON dwelling.id = hub.dwelling_id
WHERE alert.kind = 'hub.silent' AND alert.raised_at >= %(since)s AND alert.suppressed IS NULL
  AND alert.stood_down_at IS NULL AND alert.raised_at > hub.last_heard_at;

-- name: hubs_without_mains
-- Hubs whose mains failed since a moment and have not come back, each with its own alert if one is open.
SELECT hub.id, coalesce(hub.scheme, dwelling.scheme) AS scheme, fault.failing_since AS since,
       alert.dedupe_key
FROM fault JOIN hub ON hub.id = fault.hub_id LEFT JOIN dwelling ON dwelling.id = hub.dwelling_id
LEFT JOIN alert ON alert.hub_id = fault.hub_id AND alert.kind = fault.kind
               AND coalesce(alert.device, '') = fault.device AND alert.closed_at IS NULL
WHERE fault.kind = 'technical.mains_failed' AND fault.failing_since >= %(since)s
  AND (fault.restored_at IS NULL OR fault.restored_at < fault.last_failed_at);

-- name: hold_in_area
-- Has one area alert stand for these hubs.
INSERT INTO area_hub (alert_id, hub_id, since)
SELECT alert_id, hub_id, since
FROM jsonb_to_recordset(%(rows)s) AS new (alert_id bigint, hub_id text, since timestamptz)
ORDER BY alert_id, hub_id
ON CONFLICT (alert_id, hub_id) DO UPDATE SET over_at = NULL, since = excluded.since;

-- name: look_at_mains_again
-- Mains failures that an area takes over are looked at again; what intake is changing now has its own look at the end.
UPDATE fault SET next_check_at = %(at)s
WHERE (hub_id, device, kind) IN (
    SELECT hub_id, device, kind FROM fault
    WHERE hub_id = ANY (%(hubs)s) AND kind = 'technical.mains_failed'
      AND (restored_at IS NULL OR restored_at < last_failed_at)
    FOR UPDATE SKIP LOCKED);

-- name: look_at_mains_left
-- Mains failures that an area has let go of are looked at at once; locked in the order in which intake locks them.
UPDATE fault SET next_check_at = %(at)s
WHERE (hub_id, device, kind) IN (
    SELECT hub_id, device, kind FROM fault
    WHERE hub_id = ANY (%(hubs)s) AND kind = 'technical.mains_failed'
      AND (restored_at IS NULL OR restored_at < last_failed_at)
    ORDER BY hub_id, device, kind
    FOR UPDATE);

-- name: recovered_hubs
-- Hubs of areas that are well again: heard since, or with their mains back.
UPDATE area_hub SET over_at = CASE alert.kind WHEN 'area.silent' THEN hub.last_heard_at ELSE %(now)s END
FROM alert, hub
WHERE area_hub.over_at IS NULL AND alert.id = area_hub.alert_id AND hub.id = area_hub.hub_id
  AND CASE alert.kind
        WHEN 'area.silent' THEN hub.last_heard_at > area_hub.since
        ELSE NOT EXISTS (SELECT FROM fault WHERE fault.hub_id = hub.id AND fault.kind = 'technical.mains_failed'
                         AND (fault.restored_at IS NULL OR fault.restored_at < fault.last_failed_at))
      END
RETURNING area_hub.alert_id;

-- name: areas_left
-- How many hubs each of these areas still has, and how many it had, with the alert locked.
SELECT alert.*, (SELECT count(*) FROM area_hub WHERE area_hub.alert_id = alert.id) AS units,
       (SELECT count(*) FROM area_hub WHERE area_hub.alert_id = alert.id AND over_at IS NULL) AS remaining
FROM alert WHERE alert.id = ANY (%(alerts)s)
ORDER BY alert.id FOR NO KEY UPDATE;

-- name: release_area
-- The hubs that these areas still have are for themselves again.
UPDATE area_hub SET over_at = %(now)s WHERE alert_id = ANY (%(alerts)s) AND over_at IS NULL RETURNING hub_id;

-- name: release_hubs
-- These hubs are for themselves again.
UPDATE area_hub SET over_at = %(now)s FROM alert
WHERE area_hub.hub_id = ANY (%(hubs)s) AND area_hub.over_at IS NULL
  AND alert.id = area_hub.alert_id AND alert.kind = %(kind)s;
