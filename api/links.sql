-- name: links_of_alert
-- The link persons for a scheme of the other parties of an alert; for an operator, of every other organisation.
SELECT link_person.organisation_id, organisation.name AS organisation_name, link_person.person, link_person.deputy,
       link_person.away
FROM link_person JOIN organisation ON organisation.id = link_person.organisation_id
WHERE link_person.scheme = %(scheme)s AND link_person.organisation_id <> caller_organisation()
  AND (caller_role() = 'operator'
       OR link_person.organisation_id IN (SELECT organisation_id FROM party WHERE party.alert_id = %(alert)s))
ORDER BY organisation.name, link_person.organisation_id;

-- name: units_of_alert
-- The caller's units that an area alert stands for, the silent ones first.
SELECT area_hub.hub_id AS hub, dwelling.id AS dwelling, dwelling.address, area_hub.since, area_hub.over_at
FROM area_hub JOIN hub ON hub.id = area_hub.hub_id
LEFT JOIN dwelling ON dwelling.id = hub.dwelling_id
WHERE area_hub.alert_id = %(alert)s
ORDER BY area_hub.over_at NULLS FIRST, dwelling.address, area_hub.hub_id;
