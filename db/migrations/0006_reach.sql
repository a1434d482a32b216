-- Who is told when: rotas, quiet hours, the order of a contact's channels; who is the link person; what is
-- suppressed or a test; and which hubs one area alert stands for.

ALTER TABLE contact
    ADD COLUMN push_url text,                             -- an Apprise URL; it may hold a secret
    ADD COLUMN channels text[] NOT NULL DEFAULT '{}',     -- the order in which they are tried; empty: as alerts/reach.py
    ADD COLUMN language text NOT NULL DEFAULT 'en',
    ADD COLUMN fallback boolean NOT NULL DEFAULT false,   -- of a centre: the partner or manager whom the third step tells
    ADD COLUMN quiet    jsonb;                            -- quiet hours in local time; null: none

ALTER TABLE organisation ADD COLUMN time_zone text;       -- of its rota and quiet hours, where it has any

-- Who is on call; an organisation without a row has everybody on call who is not held back by contact.on_call.
CREATE TABLE rota (
    organisation_id text PRIMARY KEY REFERENCES organisation ON DELETE CASCADE,
    plan            jsonb NOT NULL                        -- as the estate file has it (alerts/rota.py)
);

-- Whom the other parties approach about a scheme; the deputy on the days that the person is away.
CREATE TABLE link_person (
    organisation_id text NOT NULL REFERENCES organisation ON DELETE CASCADE,
    scheme          text NOT NULL,
    person          jsonb NOT NULL,                       -- name, phone, email
    deputy          jsonb,
    away            jsonb NOT NULL DEFAULT '[]',          -- spans of local dates, both ends included
    PRIMARY KEY (organisation_id, scheme)
);
CREATE INDEX link_person_scheme ON link_person (scheme);

-- Channels that a delivery role can send by, as it last said: a contact by telephone alone counts when
-- somebody can ring it.
CREATE TABLE channel_in_service (
    channel text PRIMARY KEY,
    seen_at timestamptz NOT NULL
);

-- The channels behind `channel`, in order: when it has failed for good or for too long, the next is tried.
ALTER TABLE delivery ADD COLUMN failover text[] NOT NULL DEFAULT '{}';

-- Quiet hours do not hold for it: life safety, and visits of the tier critical.
ALTER TABLE duty ADD COLUMN critical boolean NOT NULL DEFAULT false;
UPDATE duty SET critical = true FROM alert
WHERE alert.id = duty.alert_id AND (duty.priority = 1 OR alert.data ->> 'tier' = 'critical');

-- A time in which some alarms of a place tell nobody, or are marked as tests. It always ends by itself.
CREATE TABLE suppression (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation_id text NOT NULL REFERENCES organisation ON DELETE CASCADE, -- the centre that opened it
    reason          text NOT NULL CHECK (reason IN ('test', 'installer_test', 'scheme_works', 'away', 'hospital')),
    hub_id          text REFERENCES hub ON DELETE CASCADE,
    dwelling_id     text REFERENCES dwelling ON DELETE CASCADE,
    scheme          text,
    from_at         timestamptz NOT NULL,
    until_at        timestamptz NOT NULL,
    note            text,
    created_at      timestamptz NOT NULL,
    created_by      text NOT NULL,
    ended_by        text,                                 -- closed sooner: until_at is when
    CHECK (num_nonnulls(hub_id, dwelling_id, scheme) = 1),
    CHECK (until_at > from_at OR ended_by IS NOT NULL)
);
CREATE INDEX suppression_hub ON suppression (hub_id, until_at) WHERE hub_id IS NOT NULL;
CREATE INDEX suppression_dwelling ON suppression (dwelling_id, until_at) WHERE dwelling_id IS NOT NULL;
CREATE INDEX suppression_scheme ON suppression (scheme, until_at) WHERE scheme IS NOT NULL;

ALTER TABLE alert
    ADD COLUMN suppressed_by bigint REFERENCES suppression ON DELETE SET NULL,
    ADD COLUMN suppressed    text;                        -- why it told nobody; null: it was not suppressed
CREATE INDEX alert_suppressed ON alert (suppressed_by) WHERE suppressed_by IS NOT NULL;

-- The units that one area alert stands for; their own alerts are held until the area has recovered.
CREATE TABLE area_hub (
    alert_id bigint NOT NULL REFERENCES alert ON DELETE CASCADE,
    hub_id   text NOT NULL REFERENCES hub ON DELETE CASCADE,
    since    timestamptz NOT NULL,
    over_at  timestamptz,                                 -- it recovered, or its own alert was released
    PRIMARY KEY (alert_id, hub_id)
);
-- What is asked for when a mains failure has lasted: who failed at the same time.
CREATE INDEX fault_mains ON fault (failing_since) WHERE kind = 'technical.mains_failed' AND failing_since IS NOT NULL;
CREATE INDEX area_hub_held ON area_hub (hub_id) WHERE over_at IS NULL;
CREATE INDEX alert_area ON alert (kind, raised_at) WHERE kind IN ('area.silent', 'area.mains');

-- Who may read it ---------------------------------------------------------------------------------------------

CREATE OR REPLACE VIEW visible_alert AS
    SELECT alert.id, alert.kind, alert.priority, alert.hub_id, alert.device, alert.scheme, alert.dwelling_id,
           CASE WHEN duty.role <> 'landlord' THEN alert.visit_ref END AS visit_ref,
           CASE WHEN duty.role <> 'landlord' AND caller_role() <> 'engineer' THEN alert.resident_id END AS resident_id,
           CASE WHEN duty.role <> 'landlord' THEN alert.data ELSE '{}' END AS data,
           CASE WHEN duty.role <> 'landlord' OR alert.visit_ref IS NULL THEN alert.reason END AS reason,
           alert.raised_at, alert.noticed_at, alert.raised_late, alert.press_count,
           alert.last_press_at, alert.is_test, alert.stood_down_at, alert.stand_down_cause, alert.closed_at,
           duty.id AS duty_id, duty.role AS duty_role, duty.state AS duty_state, duty.raised_at AS duty_raised_at,
           duty.ladder, duty.ladder_step, duty.step, duty.next_check_at, duty.claimed_by, duty.claimed_at,
           duty.lease_until, duty.acknowledged_by, duty.acknowledged_at, duty.eta, duty.closed_by AS duty_closed_by,
           duty.closed_at AS duty_closed_at, duty.outcome,
           CASE WHEN duty.role = 'monitoring_centre' THEN alert.suppressed END AS suppressed
    FROM my_duty AS duty JOIN alert ON alert.id = duty.alert_id;

ALTER TABLE rota ENABLE ROW LEVEL SECURITY;
ALTER TABLE link_person ENABLE ROW LEVEL SECURITY;
ALTER TABLE suppression ENABLE ROW LEVEL SECURITY;
ALTER TABLE area_hub ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON rota, link_person, suppression, area_hub TO threshold_caller;
GRANT SELECT (channels, language, quiet, fallback) ON contact TO threshold_caller;

CREATE POLICY read ON rota FOR SELECT TO threshold_caller USING (organisation_id = caller_organisation());
-- They are there to be approached by the other parties, as an organisation's name is.
CREATE POLICY read ON link_person FOR SELECT TO threshold_caller USING (caller_organisation() IS NOT NULL);
CREATE POLICY read ON suppression FOR SELECT TO threshold_caller USING (
    caller_role() IN ('operator', 'engineer', 'administrator') AND organisation_id = caller_organisation());
CREATE POLICY read ON area_hub FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM my_hub WHERE my_hub.id = area_hub.hub_id));
