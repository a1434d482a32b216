-- name: clock_of_database
-- The database's own clock, to be held against ours.
SELECT clock_timestamp() AS at;

-- name: disabled_contacts
-- Contacts whose webhook is not used any more, and why.
SELECT organisation_id, name, coalesce(disabled_reason, 'its receiver has gone') AS disabled_reason
FROM contact WHERE disabled_at IS NOT NULL;

-- name: schemes_of_organisations
-- In which schemes each landlord and provider works.
SELECT landlord_id AS organisation, scheme FROM dwelling WHERE landlord_id IS NOT NULL AND scheme IS NOT NULL
UNION
SELECT package.provider_id, dwelling.scheme
FROM package JOIN resident ON resident.id = package.resident_id
JOIN dwelling ON dwelling.id = resident.dwelling_id
WHERE package.ended_at IS NULL AND dwelling.scheme IS NOT NULL;

-- name: mail_is_needed
-- Whether any contact is to be told by e-mail.
SELECT EXISTS (SELECT FROM contact WHERE email IS NOT NULL AND disabled_at IS NULL) AS needed;

-- name: residents_without_party
-- Residents with care whose missed visits would lack a party: nobody there to own that duty.
SELECT resident.id, dwelling.landlord_id IS NULL AS no_landlord, monitoring_centre_id IS NULL AS no_centre
FROM resident JOIN dwelling ON dwelling.id = resident.dwelling_id
WHERE (dwelling.landlord_id IS NULL OR monitoring_centre_id IS NULL)
  AND EXISTS (SELECT FROM package WHERE package.resident_id = resident.id AND package.ended_at IS NULL)
ORDER BY resident.id;

-- name: unheard_packages
-- Packages whose dwelling no hub hears: their visits can never be confirmed and raise no alert.
SELECT package.id FROM package
JOIN resident ON resident.id = package.resident_id
JOIN dwelling ON dwelling.id = resident.dwelling_id
WHERE package.ended_at IS NULL
  AND NOT EXISTS (SELECT FROM hub WHERE hub.dwelling_id = dwelling.id)
  AND NOT EXISTS (SELECT FROM hub JOIN device ON device.hub_id = hub.id
                  WHERE hub.scheme = dwelling.scheme AND device.scope = 'communal')
ORDER BY package.id;

-- name: watchless_duties
-- Duties that nobody will look at again: open without a future check.
SELECT id FROM duty WHERE state = 'open' AND next_check_at IS NULL ORDER BY id;
