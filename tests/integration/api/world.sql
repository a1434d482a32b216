-- The estate of world.py: every statement ends with a semicolon at the end of its line.
INSERT INTO organisation (id, kind, name) VALUES
    ('elm-housing', 'landlord', 'Elm Housing'), ('oak-housing', 'landlord', 'Oak Homes'),
    ('brightcare', 'care_provider', 'BrightCare'), ('kindcare', 'care_provider', 'KindCare'),
    ('northgate', 'monitoring_centre', 'Northgate Lifeline'), ('southgate', 'monitoring_centre', 'Southgate Calls'),
    ('borough', 'commissioner', 'Northgate Borough Council'), ('county', 'commissioner', 'County Council');
INSERT INTO contact (organisation_id, position, name, email, webhook_url, webhook_secret) VALUES
    ('elm-housing', 0, 'Duty housing officer', 'duty@elm.example', NULL, NULL),
    ('brightcare', 0, 'On-call coordinator', 'oncall@bright.example', 'https://bright.example/hook', 'whsec_c2VjcmV0'),
    ('northgate', 0, 'Supervisor', 'supervisor@northgate.example', NULL, NULL);
INSERT INTO dwelling (id, landlord_id, scheme, address, time_zone) VALUES
    ('elm-12', 'elm-housing', 'elm-court', 'Flat 12, Elm Court', 'Europe/London'),
    ('oak-3', 'oak-housing', NULL, '3 Oak Lane', 'Europe/London');
INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id, commissioner_id) VALUES
    ('ada', 'elm-12', 'Ada Byrne', 'northgate', 'borough'), ('ben', 'oak-3', 'Ben Shah', 'southgate', 'county');
INSERT INTO hub (id, dwelling_id, scheme, credential_hash, enrolled_at, first_heard_at, last_heard_at, online) VALUES
    ('hub-12', 'elm-12', NULL, '$7$hash', now(), now(), now(), true), ('hub-3', 'oak-3', NULL, NULL, NULL, NULL, NULL, NULL),
    ('hub-door', NULL, 'elm-court', NULL, NULL, NULL, NULL, NULL);
INSERT INTO device (hub_id, id, kind, scope) VALUES
    ('hub-12', 'pendant-1', 'pendant', NULL), ('hub-12', 'panel-1', 'door_panel', 'dwelling'),
    ('hub-3', 'panel-3', 'door_panel', 'dwelling'), ('hub-door', 'panel-0', 'door_panel', 'communal');
INSERT INTO hub_sequence (hub_id, boot, began_at, missing, missed_at)
VALUES ('hub-12', 'b1', %(ago)s, '{[3,5)}', %(now)s);
INSERT INTO hub_gap (hub_id, heard_from, heard_to) VALUES ('hub-12', %(ago)s, %(now)s);
INSERT INTO hub_status (hub_id, received_at, online) VALUES ('hub-12', %(now)s, true);
INSERT INTO carer (id, provider_id, name) VALUES ('joy', 'brightcare', 'Joy Okafor'), ('kim', 'kindcare', 'Kim Lee');
INSERT INTO credential (credential, carer_id) VALUES ('fob:04A1B2', 'joy'), ('pin:4711', 'joy'), ('fob:0FF0', 'kim');
INSERT INTO package (id, resident_id, provider_id, tier) VALUES
    ('pkg-ada', 'ada', 'brightcare', 'essential'), ('pkg-ben', 'ben', 'kindcare', 'standard');
INSERT INTO recurrence (package_id, id, rrule, start, minutes, carers, from_date) VALUES
    ('pkg-ada', 'morning', 'FREQ=DAILY', '08:00', 30, 1, '2026-11-01');
INSERT INTO suspension (resident_id, from_at, until_at, reason, told_by, created_at) VALUES
    ('ada', '2026-12-02T09:00Z', NULL, 'hospital', 'brightcare', %(now)s);
INSERT INTO visit (ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall, end_wall,
                   start_at, end_at, carers_required, carers, plan, source, state, attendance, verification, reason, version,
                   next_check_at)
VALUES (%(adas)s, 'pkg-ada', 'ada', 'elm-12', 'brightcare', 'essential', '2026-11-21', '07:00', NULL,
        '2026-11-21T07:00Z', '2026-11-21T07:30Z', 1, '{joy}', 'planned', 'recurrence', 'missed', 'not_attended', 'none',
        'nobody came by 08:00', 1, %(now)s),
       (%(bens)s, 'pkg-ben', 'ben', 'oak-3', 'kindcare', 'standard', '2026-11-21', '08:00', NULL,
        '2026-11-21T08:00Z', '2026-11-21T08:30Z', 1, '{kim}', 'planned', 'recurrence', 'due', 'unknown', 'none', '', 0, %(now)s);
INSERT INTO verdict (visit_ref, version, at, noticed_at, state, attendance, timeliness, duration, verification, reason)
VALUES (%(adas)s, 1, '2026-11-21T08:00Z', '2026-11-21T08:00:01Z', 'missed', 'not_attended', 'none', 'none', 'none',
        'nobody came by 08:00');
INSERT INTO adjustment (visit_ref, at, by_name, organisation_id, kind, attended, reason)
VALUES (%(adas)s, %(now)s, 'Cara', 'brightcare', 'verify', true, 'credential_forgotten');
INSERT INTO visit_evidence (visit_ref, hub_id, event_id, type, strength, carer_id, effective_at, received_at) VALUES
    (%(adas)s, 'hub-12', 'e1', 'carer.arrived', 'strong', 'joy', '2026-11-21T08:40Z', '2026-11-21T08:40:01Z'),
    (%(adas)s, 'hub-12', 'e2', 'door.opened', 'weak', NULL, '2026-11-21T08:41Z', '2026-11-21T08:41:01Z');
INSERT INTO event (received_at, hub_id, id, type, at, effective_at, dwelling_id, credential, data) VALUES
    ('2026-11-21T08:40:01Z', 'hub-12', 'e1', 'carer.arrived', '2026-11-21T08:40Z', '2026-11-21T08:40Z', 'elm-12',
     'pin:4711', '{"credential": "pin:4711", "method": "pin"}'),
    ('2026-11-21T08:41:01Z', 'hub-12', 'e2', 'door.opened', '2026-11-21T08:41Z', '2026-11-21T08:41Z', 'elm-12', NULL, '{}'),
    ('2026-11-21T08:42:01Z', 'hub-12', 'e3', 'alarm.pendant', '2026-11-21T08:42Z', '2026-11-21T08:42Z', 'elm-12', NULL, '{}'),
    ('2026-11-21T08:43:01Z', 'hub-12', 'e4', 'technical.battery_low', '2026-11-21T08:43Z', '2026-11-21T08:43Z', 'elm-12', NULL, '{}'),
    ('2026-11-21T08:44:01Z', 'hub-12', 'e5', 'door.granted', '2026-11-21T08:44Z', '2026-11-21T08:44Z', 'elm-12',
     'fob:0FF0', '{"credential": "fob:0FF0"}'),
    ('2026-11-21T08:45:01Z', 'hub-3', 'e1', 'carer.arrived', '2026-11-21T08:45Z', '2026-11-21T08:45Z', 'oak-3',
     'fob:0FF0', '{"credential": "fob:0FF0"}');
INSERT INTO receipt (hub_id, event_id, received_at, digest) VALUES ('hub-12', 'e1', %(now)s, '\x00');
INSERT INTO rejected (received_at, topic, hub_id, reason, payload, digest, last_seen_at)
VALUES (%(now)s, 'threshold/v1/hub-12/events', 'hub-12', 'no JSON', '\x00', '\x00', %(now)s);
INSERT INTO intake (id, holder, beat_at) VALUES ('mqtt', 'one', %(now)s) ON CONFLICT (id) DO NOTHING;
INSERT INTO intake_gap (began_at, ended_at) VALUES (%(ago)s, %(now)s);
INSERT INTO command (id, hub_id, type, issued_at, expires_at, issued_by)
VALUES ('cmd-1', 'hub-12', 'probe', %(now)s, %(now)s, 'Olu');
INSERT INTO beat (role, instance, at, every) VALUES ('care', 'one', %(now)s, 'PT2S');

INSERT INTO alert (id, kind, priority, dedupe_key, visit_ref, hub_id, device, dwelling_id, resident_id, raised_at,
                   noticed_at, reason, data) OVERRIDING SYSTEM VALUE VALUES
    (1, 'visit.missed', 2, 'm', %(adas)s, NULL, NULL, 'elm-12', 'ada', '2026-11-21T08:00Z', '2026-11-21T08:00:01Z',
     'A planned visit was not made.', '{"tier": "essential"}'),
    (2, 'alarm.pendant', 1, 'p', NULL, 'hub-12', 'pendant-1', 'elm-12', 'ada', '2026-11-21T08:42Z', '2026-11-21T08:42:01Z',
     'The pendant was pressed.', '{}'),
    (3, 'technical.battery_low', 4, 'b', NULL, 'hub-12', NULL, 'elm-12', 'ada', '2026-11-21T08:43Z', '2026-11-21T08:43:01Z',
     'The battery of the unit is low.', '{}'),
    (4, 'alarm.pendant', 1, 'q', NULL, 'hub-3', NULL, 'oak-3', 'ben', '2026-11-21T08:44Z', '2026-11-21T08:44:01Z',
     'The pendant was pressed.', '{}');
INSERT INTO duty (id, alert_id, organisation_id, role, priority, raised_at, ladder, ladder_step, step_from, next_check_at,
                  state, acknowledged_by, acknowledged_at)
OVERRIDING SYSTEM VALUE VALUES
    (11, 1, 'elm-housing', 'landlord', 2, '2026-11-21T08:00Z', 'visit', 'PT15M', '2026-11-21T08:00Z', %(now)s,
     'acknowledged', 'Hugh', '2026-11-21T08:07Z'),
    (12, 1, 'brightcare', 'care_provider', 2, '2026-11-21T08:00Z', 'visit', 'PT15M', '2026-11-21T08:00Z', %(now)s,
     'open', NULL, NULL),
    (13, 1, 'northgate', 'monitoring_centre', 2, '2026-11-21T08:30Z', 'visit.centre', 'PT15M', '2026-11-21T08:30Z', %(now)s,
     'open', NULL, NULL),
    (21, 2, 'northgate', 'monitoring_centre', 1, '2026-11-21T08:42Z', 'alarm.1', NULL, '2026-11-21T08:42Z', %(now)s,
     'open', NULL, NULL),
    (31, 3, 'northgate', 'monitoring_centre', 4, '2026-11-21T08:43Z', 'technical', NULL, '2026-11-21T08:43Z', %(now)s,
     'open', NULL, NULL),
    (41, 4, 'southgate', 'monitoring_centre', 1, '2026-11-21T08:44Z', 'alarm.1', NULL, '2026-11-21T08:44Z', %(now)s,
     'open', NULL, NULL);
SELECT setval(pg_get_serial_sequence('alert', 'id'), 100), setval(pg_get_serial_sequence('duty', 'id'), 100);
INSERT INTO alert_event (alert_id, hub_id, event_id, type, effective_at, received_at)
VALUES (2, 'hub-12', 'e3', 'alarm.pendant', '2026-11-21T08:42Z', '2026-11-21T08:42:01Z');
INSERT INTO alert_history (alert_id, duty_id, at, noticed_at, actor, what, detail) VALUES
    (1, NULL, '2026-11-21T08:00Z', '2026-11-21T08:00:01Z', 'threshold', 'raised', '{"visit_ref": "pkg-ada/morning"}'),
    (1, 11, '2026-11-21T08:07Z', '2026-11-21T08:07Z', 'Hugh', 'acknowledged', '{"note": "on my way"}'),
    (1, 12, '2026-11-21T08:15Z', '2026-11-21T08:15Z', 'threshold', 'step', '{"step": 2}');
INSERT INTO delivery (alert_id, duty_id, organisation_id, contact_id, channel, purpose, step, priority, idempotency_key,
                      message, state, created_at, delivered_at)
SELECT 1, CASE organisation_id WHEN 'elm-housing' THEN 11 WHEN 'brightcare' THEN 12 ELSE 13 END, organisation_id, id,
       'email', 'raise', 1, 2, 'key-' || organisation_id, '{}', 'delivered', %(now)s, %(now)s
FROM contact;
INSERT INTO rota VALUES ('brightcare', '{"weekly": []}');
INSERT INTO link_person VALUES ('elm-housing', 'elm-court', '{"name": "Pat Reed"}', '{"name": "Sam Low"}', '[]');
INSERT INTO suppression (organisation_id, reason, hub_id, from_at, until_at, created_at, created_by) VALUES
    ('northgate', 'test', 'hub-12', '2026-11-20T09:00Z', '2026-11-20T10:00Z', '2026-11-20T09:00Z', 'Eli');
INSERT INTO area_hub VALUES (3, 'hub-12', '2026-11-21T08:43Z', '2026-11-21T08:50Z');
