-- Each sees only what they may, and the database says so (DESIGN, promise 8). A request reads as the role
-- threshold_caller with its organisation and role in two settings (db/caller.py). Without them it sees nothing.
--
-- Two tools. Row security, where whole rows are shown or not. Views with their owner's rights, where columns are
-- withheld too, or where TimescaleDB lets row security not be. Rules ask sets (the `my_…` views), not a function
-- for each row: the planner reads a set once for a long list, and looks one thing up for a short one. The views
-- are no security barriers, so that a list can stop at its limit; callers send no SQL, only our named statements.

DO $$ BEGIN
    CREATE ROLE threshold_caller NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server has it
END $$;

DO $$ BEGIN
    IF NOT pg_has_role(current_user, 'threshold_caller', 'SET') THEN
        EXECUTE format('GRANT threshold_caller TO %I', current_user);
    END IF;
EXCEPTION WHEN unique_violation OR internal_error THEN NULL;    -- granted by another at the same moment
END $$;

GRANT USAGE ON SCHEMA public TO threshold_caller;

CREATE FUNCTION caller_organisation() RETURNS text LANGUAGE sql STABLE
    RETURN nullif(current_setting('threshold.organisation', true), '');
CREATE FUNCTION caller_role() RETURNS text LANGUAGE sql STABLE
    RETURN nullif(current_setting('threshold.role', true), '');

-- What is the caller's ----------------------------------------------------------------------------------------

-- The organisation's duties, as its people may know of them. An engineer sees technical alerts only, a
-- commissioner none: to them go counts, and cases that were shared.
CREATE VIEW my_duty AS
    SELECT duty.* FROM duty
    WHERE duty.organisation_id = caller_organisation()
      AND CASE caller_role()
            WHEN 'operator' THEN true
            WHEN 'administrator' THEN true
            WHEN 'care_manager' THEN duty.role = 'care_provider'
            WHEN 'housing_officer' THEN duty.role = 'landlord'
            WHEN 'engineer' THEN EXISTS (SELECT FROM alert WHERE alert.id = duty.alert_id AND alert.priority = 4)
            ELSE false
          END;

-- A resident is known to the centre that answers for them and to the providers that care for them; never to a
-- landlord through this, nor to an engineer.
CREATE VIEW my_resident AS
    SELECT resident.id FROM resident
    WHERE caller_role() IN ('operator', 'administrator') AND resident.monitoring_centre_id = caller_organisation()
    UNION ALL
    SELECT package.resident_id FROM package
    WHERE caller_role() IN ('care_manager', 'administrator') AND package.provider_id = caller_organisation();

CREATE VIEW my_dwelling AS
    SELECT dwelling.id FROM dwelling
    WHERE caller_role() IN ('housing_officer', 'administrator') AND dwelling.landlord_id = caller_organisation()
    UNION ALL
    SELECT resident.dwelling_id FROM resident
    WHERE caller_role() IN ('operator', 'engineer', 'administrator')
      AND resident.monitoring_centre_id = caller_organisation()
    UNION ALL
    SELECT resident.dwelling_id FROM package JOIN resident ON resident.id = package.resident_id
    WHERE caller_role() IN ('care_manager', 'administrator') AND package.provider_id = caller_organisation();

-- Hubs are run by the monitoring centre; those of a scheme by the centre of anyone who lives there.
CREATE VIEW my_hub AS
    SELECT hub.id FROM resident JOIN hub ON hub.dwelling_id = resident.dwelling_id
    WHERE caller_role() IN ('operator', 'engineer', 'administrator')
      AND resident.monitoring_centre_id = caller_organisation()
    UNION ALL
    SELECT hub.id FROM resident
    JOIN dwelling ON dwelling.id = resident.dwelling_id
    JOIN hub ON hub.scheme = dwelling.scheme
    WHERE caller_role() IN ('operator', 'engineer', 'administrator')
      AND resident.monitoring_centre_id = caller_organisation();

-- Hubs of homes where a provider cares for somebody. The provider does not run them and sees no hub; it sees there
-- what its own carers did.
CREATE VIEW my_visited_hub AS
    SELECT hub.id, true AS of_dwelling
    FROM package JOIN resident ON resident.id = package.resident_id
    JOIN hub ON hub.dwelling_id = resident.dwelling_id
    WHERE caller_role() = 'care_manager' AND package.provider_id = caller_organisation()
    UNION ALL
    SELECT hub.id, false
    FROM package JOIN resident ON resident.id = package.resident_id
    JOIN dwelling ON dwelling.id = resident.dwelling_id
    JOIN hub ON hub.scheme = dwelling.scheme
    WHERE caller_role() = 'care_manager' AND package.provider_id = caller_organisation();

-- Whose carers the caller may know by name: a provider its own, a centre those of its residents' providers.
CREATE VIEW my_provider AS
    SELECT organisation.id FROM organisation
    WHERE caller_role() IN ('care_manager', 'administrator') AND organisation.id = caller_organisation()
    UNION ALL
    SELECT package.provider_id FROM package JOIN resident ON resident.id = package.resident_id
    WHERE caller_role() = 'operator' AND resident.monitoring_centre_id = caller_organisation();

CREATE VIEW my_credential AS
    SELECT credential.credential FROM credential JOIN carer ON carer.id = credential.carer_id
    WHERE caller_role() = 'care_manager' AND carer.provider_id = caller_organisation();

-- What could not be read, to those who look after the hub it came from; from no known hub, to every centre's.
CREATE FUNCTION caller_sees_rejected(hub text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT caller_role() IN ('engineer', 'administrator') AND CASE
        WHEN EXISTS (SELECT FROM hub AS known WHERE known.id = $1)
            THEN EXISTS (SELECT FROM my_hub WHERE my_hub.id = $1)
        ELSE EXISTS (SELECT FROM organisation
                     WHERE organisation.id = caller_organisation() AND organisation.kind = 'monitoring_centre')
    END
$$;

-- What is shown of it -----------------------------------------------------------------------------------------

-- Events of a home: all to the operators of its centre; to a care manager, where an own resident lives, only what
-- their own carers did, and what names nobody but speaks of a visit; to an engineer only what says nothing of a
-- resident. It names the carer behind a credential, because a PIN is shown to nobody.
CREATE VIEW visible_event AS
    SELECT event.*, holder.id AS carer_id, holder.name AS carer_name
    FROM event
    LEFT JOIN LATERAL (
        -- Who held it then: a withdrawn credential may be somebody else's by now.
        SELECT carer.id, carer.name, carer.provider_id FROM credential JOIN carer ON carer.id = credential.carer_id
        WHERE credential.credential = event.credential
          AND (credential.withdrawn_at IS NULL OR credential.withdrawn_at > event.received_at)
        ORDER BY credential.withdrawn_at NULLS LAST LIMIT 1
    ) AS holder ON true
    WHERE CASE caller_role()
            WHEN 'operator' THEN EXISTS (SELECT FROM my_hub WHERE my_hub.id = event.hub_id)
            WHEN 'engineer' THEN
                (event.type LIKE 'technical.%' OR event.type LIKE 'command.%'
                 OR event.type IN ('heartbeat', 'test.call'))
                AND EXISTS (SELECT FROM my_hub WHERE my_hub.id = event.hub_id)
            WHEN 'care_manager' THEN
                CASE WHEN event.credential IS NULL
                     THEN event.type IN ('carer.arrived', 'carer.departed', 'resident.feedback')
                          AND EXISTS (SELECT FROM my_visited_hub WHERE my_visited_hub.id = event.hub_id AND of_dwelling)
                     ELSE EXISTS (SELECT FROM my_credential WHERE my_credential.credential = event.credential)
                          AND holder.provider_id = caller_organisation()
                          AND EXISTS (SELECT FROM my_visited_hub WHERE my_visited_hub.id = event.hub_id)
                END
            ELSE false
          END;

-- The caller's own duty makes an alert visible. Its columns are not for everyone: a landlord gets neither the
-- visit (its reference and its times are the provider's roster) nor the resident, nor what the event carried; an
-- engineer looks after units, not residents.
CREATE VIEW visible_alert AS
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
           duty.closed_at AS duty_closed_at, duty.outcome
    FROM my_duty AS duty JOIN alert ON alert.id = duty.alert_id;

-- What concerns the whole alert, or one's own duty; the other party's doings are told through `party`.
CREATE VIEW visible_history AS
    SELECT history.id, history.alert_id, history.duty_id, history.at, history.noticed_at, history.actor, history.what,
           CASE WHEN history.duty_id = own.id OR own.role <> 'landlord' THEN history.detail ELSE '{}' END AS detail
    FROM my_duty AS own JOIN alert_history AS history ON history.alert_id = own.alert_id
    WHERE history.duty_id IS NULL OR history.duty_id = own.id;

-- The other party of an alert: as organisation and state only.
CREATE VIEW party AS
    SELECT other.alert_id, other.organisation_id, organisation.name AS organisation_name, other.role, other.state,
           other.raised_at, other.acknowledged_at, other.closed_at
    FROM my_duty AS own
    JOIN duty AS other ON other.alert_id = own.alert_id AND other.organisation_id <> own.organisation_id
    JOIN organisation ON organisation.id = other.organisation_id;

-- How to speak to a resident, who else lives there, whom to ring: for those who answer their calls.
CREATE VIEW contact_sheet AS
    SELECT resident.id AS resident_id, resident.details FROM resident
    WHERE caller_role() = 'operator' AND resident.monitoring_centre_id = caller_organisation();

-- Who may read what -------------------------------------------------------------------------------------------

ALTER TABLE organisation ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact ENABLE ROW LEVEL SECURITY;
ALTER TABLE dwelling ENABLE ROW LEVEL SECURITY;
ALTER TABLE resident ENABLE ROW LEVEL SECURITY;
ALTER TABLE hub ENABLE ROW LEVEL SECURITY;
ALTER TABLE device ENABLE ROW LEVEL SECURITY;
ALTER TABLE hub_gap ENABLE ROW LEVEL SECURITY;
ALTER TABLE hub_status ENABLE ROW LEVEL SECURITY;
ALTER TABLE carer ENABLE ROW LEVEL SECURITY;
ALTER TABLE package ENABLE ROW LEVEL SECURITY;
ALTER TABLE recurrence ENABLE ROW LEVEL SECURITY;
ALTER TABLE suspension ENABLE ROW LEVEL SECURITY;
ALTER TABLE visit ENABLE ROW LEVEL SECURITY;
ALTER TABLE verdict ENABLE ROW LEVEL SECURITY;
ALTER TABLE visit_evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE adjustment ENABLE ROW LEVEL SECURITY;
ALTER TABLE rejected ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE duty ENABLE ROW LEVEL SECURITY;
ALTER TABLE delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE command ENABLE ROW LEVEL SECURITY;
ALTER TABLE feed ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON my_duty, my_resident, my_dwelling, my_hub, my_visited_hub, my_provider, my_credential
    TO threshold_caller;
GRANT SELECT ON organisation, dwelling, device, hub_gap, hub_status, carer, package, recurrence, suspension, visit,
    verdict, visit_evidence, adjustment, rejected, alert_event, duty, command, feed,
    visible_event, visible_alert, visible_history, contact_sheet, party TO threshold_caller;
GRANT SELECT (id, dwelling_id, name, monitoring_centre_id, commissioner_id, high_risk) ON resident TO threshold_caller;
-- Secrets and what only workers need are no one's to read: a webhook's secret, a broker password's hash,
-- a message's own words.
GRANT SELECT (id, organisation_id, position, name, email, phone, webhook_url, on_call, disabled_at, disabled_reason)
    ON contact TO threshold_caller;
GRANT SELECT (id, dwelling_id, scheme, heartbeat_every, enrolled_at, revoked_at, first_heard_at, last_heard_at,
              online, status, status_at, queued, last_seq, boot, clock_offset)
    ON hub TO threshold_caller;
GRANT SELECT (id, alert_id, duty_id, organisation_id, contact_id, channel, purpose, step, priority, state, attempts,
              created_at, next_attempt_at, delivered_at, last_error)
    ON delivery TO threshold_caller;

-- Names of organisations are no secret between parties; nothing else stands in that table.
CREATE POLICY read ON organisation FOR SELECT TO threshold_caller USING (caller_organisation() IS NOT NULL);
CREATE POLICY read ON contact FOR SELECT TO threshold_caller USING (organisation_id = caller_organisation());
CREATE POLICY read ON dwelling FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM my_dwelling WHERE my_dwelling.id = dwelling.id));
CREATE POLICY read ON resident FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM my_resident WHERE my_resident.id = resident.id));
CREATE POLICY read ON hub FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM my_hub WHERE my_hub.id = hub.id));
CREATE POLICY read ON device FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM my_hub WHERE my_hub.id = device.hub_id));
CREATE POLICY read ON hub_gap FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM my_hub WHERE my_hub.id = hub_gap.hub_id));
CREATE POLICY read ON hub_status FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM my_hub WHERE my_hub.id = hub_status.hub_id));
CREATE POLICY read ON command FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM my_hub WHERE my_hub.id = command.hub_id));
CREATE POLICY read ON rejected FOR SELECT TO threshold_caller USING (caller_sees_rejected(hub_id));
CREATE POLICY read ON carer FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM my_provider WHERE my_provider.id = carer.provider_id));
CREATE POLICY read ON package FOR SELECT TO threshold_caller USING (
    (caller_role() IN ('care_manager', 'administrator') AND provider_id = caller_organisation())
    OR (caller_role() = 'operator' AND EXISTS (SELECT FROM my_resident WHERE my_resident.id = package.resident_id)));
CREATE POLICY read ON recurrence FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM package WHERE package.id = recurrence.package_id));
CREATE POLICY read ON suspension FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM my_resident WHERE my_resident.id = suspension.resident_id));
-- A provider sees its own visits, never another provider's for the same resident.
CREATE POLICY read ON visit FOR SELECT TO threshold_caller USING (
    (caller_role() IN ('care_manager', 'administrator') AND provider_id = caller_organisation())
    OR (caller_role() = 'operator' AND EXISTS (SELECT FROM my_resident WHERE my_resident.id = visit.resident_id)));
CREATE POLICY read ON verdict FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM visit WHERE visit.ref = verdict.visit_ref));
-- A provider's own visits, and of what was heard at them only what its own carers did or nobody in particular.
CREATE POLICY read ON visit_evidence FOR SELECT TO threshold_caller USING (
    (caller_role() = 'operator' OR strength IN ('strong', 'medium'))
    AND EXISTS (SELECT FROM visit WHERE visit.ref = visit_evidence.visit_ref));
CREATE POLICY read ON adjustment FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM visit WHERE visit.ref = adjustment.visit_ref));
CREATE POLICY read ON alert_event FOR SELECT TO threshold_caller USING (
    caller_role() IN ('operator', 'engineer', 'administrator')
    AND EXISTS (SELECT FROM my_duty WHERE my_duty.alert_id = alert_event.alert_id));
CREATE POLICY read ON duty FOR SELECT TO threshold_caller USING (
    organisation_id = caller_organisation() AND EXISTS (SELECT FROM my_duty WHERE my_duty.id = duty.id));
CREATE POLICY read ON delivery FOR SELECT TO threshold_caller USING (organisation_id = caller_organisation());
CREATE POLICY read ON feed FOR SELECT TO threshold_caller USING (
    caller_organisation() = ANY (organisations) AND (roles IS NULL OR caller_role() = ANY (roles)));
