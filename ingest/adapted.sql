-- name: bridges
-- The bridges of other makers that hubs stand for, with each of their devices; a hub without devices has one row.
SELECT hub.id AS hub_id, hub.adapter ->> 'kind' AS kind, hub.adapter ->> 'base' AS base,
       device.id AS device, device.name, device.kind AS device_kind, device.model, device.map
FROM hub LEFT JOIN device ON device.hub_id = hub.id
WHERE hub.adapter IS NOT NULL AND hub.revoked_at IS NULL
ORDER BY hub.id, device.id;

-- name: last_values
-- The last known values of adapted devices, locked so that two who take in their messages take turns.
SELECT value.hub_id, value.device, value.property, value.value
FROM json_to_recordset(%(devices)s::json) AS wanted (hub_id text, device text)
JOIN adapted_value AS value USING (hub_id, device)
ORDER BY value.hub_id, value.device, value.property
FOR UPDATE OF value;

-- name: keep_values
-- Remembers values of adapted devices.
INSERT INTO adapted_value (hub_id, device, property, value)
SELECT hub_id, device, property, value
FROM json_to_recordset(%(rows)s::json) AS said (hub_id text, device text, property text, value jsonb)
ORDER BY hub_id, device, property
ON CONFLICT (hub_id, device, property) DO UPDATE SET value = excluded.value;

-- name: holders_of_pins
-- Whose PINs these are now.
SELECT credential, carer_id FROM credential WHERE credential = ANY (%(pins)s) AND withdrawn_at IS NULL;

-- name: give_keypad_credentials
-- Makes a carer known by the fact that a keypad took their PIN, so that no event needs to hold the PIN itself.
INSERT INTO credential (credential, carer_id)
SELECT 'keypad:' || carer, carer FROM unnest(%(carers)s::text[]) AS carer ORDER BY carer
ON CONFLICT (credential, carer_id) DO UPDATE SET withdrawn_at = NULL WHERE credential.withdrawn_at IS NOT NULL;
