-- name: stored_organisations
-- Every organisation but the service's own, with its rota where it has one.
SELECT organisation.id, organisation.kind, organisation.name, organisation.time_zone, rota.plan
FROM organisation LEFT JOIN rota ON rota.organisation_id = organisation.id
WHERE organisation.id <> 'threshold-monitor';  -- the service's own (alerts/monitor.py)

-- name: stored_contacts
-- Every contact but the service's own, in the order of the estate file.
SELECT organisation_id, name, email, phone, webhook_url, webhook_secret, push_url, channels, quiet, language, on_call,
       fallback
FROM contact
WHERE organisation_id <> 'threshold-monitor'
ORDER BY organisation_id, position;

-- name: stored_link_persons
-- Every link person, in the order of schemes.
SELECT organisation_id, scheme, person, deputy, away FROM link_person ORDER BY organisation_id, scheme;

-- name: put_organisation
-- Writes an organisation.
INSERT INTO organisation (id, kind, name, time_zone) VALUES (%(id)s, %(kind)s, %(name)s, %(time_zone)s)
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name = excluded.name, time_zone = excluded.time_zone;

-- name: put_contact
-- Writes a contact; one that is told of another address than before is no longer disabled.
INSERT INTO contact (organisation_id, position, name, email, phone, webhook_url, webhook_secret, push_url, channels,
                     quiet, language, on_call, fallback)
VALUES (%(organisation_id)s, %(position)s, %(name)s, %(email)s, %(phone)s, %(webhook_url)s, %(webhook_secret)s,
        %(push_url)s, %(channels)s, %(quiet)s, %(language)s, %(on_call)s, %(fallback)s)
ON CONFLICT (organisation_id, name) DO UPDATE
SET position = excluded.position, email = excluded.email, phone = excluded.phone,
    webhook_url = excluded.webhook_url, webhook_secret = excluded.webhook_secret, push_url = excluded.push_url,
    channels = excluded.channels, quiet = excluded.quiet, language = excluded.language, on_call = excluded.on_call,
    fallback = excluded.fallback,
    disabled_at = CASE WHEN contact.webhook_url IS NOT DISTINCT FROM excluded.webhook_url
                       THEN contact.disabled_at END,
    disabled_reason = CASE WHEN contact.webhook_url IS NOT DISTINCT FROM excluded.webhook_url
                           THEN contact.disabled_reason END;

-- name: drop_contacts
-- Removes the contacts of an organisation that it no longer names; what was sent to them stays on record.
DELETE FROM contact WHERE organisation_id = %(organisation_id)s AND NOT name = ANY (%(names)s);

-- name: put_rota
-- Writes an organisation's rota.
INSERT INTO rota (organisation_id, plan) VALUES (%(organisation_id)s, %(plan)s)
ON CONFLICT (organisation_id) DO UPDATE SET plan = excluded.plan;

-- name: drop_rota
-- An organisation without a rota: everybody is on call.
DELETE FROM rota WHERE organisation_id = %(organisation_id)s;

-- name: drop_link_persons
-- Removes an organisation's link persons, to write those of the file.
DELETE FROM link_person WHERE organisation_id = %(organisation_id)s;

-- name: put_link_person
-- Writes an organisation's link person for a scheme.
INSERT INTO link_person (organisation_id, scheme, person, deputy, away)
VALUES (%(organisation_id)s, %(scheme)s, %(person)s, %(deputy)s, %(away)s);
