-- Each sees only what they may, and the database says so (DESIGN, promise 8). A request reads as the role
-- threshold_caller with its organisation and role in two settings (db/caller.py). Without them it sees nothing.
-- The functions are SECURITY DEFINER so that a rule may look at rows which the caller may not.

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

-- Does the caller's organisation have a duty in this alert? An engineer sees technical alerts only,
-- a commissioner none: to them go counts, and cases that were shared.
CREATE FUNCTION caller_sees_alert(wanted bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT EXISTS (
        SELECT FROM duty JOIN alert ON alert.id = duty.alert_id
        WHERE duty.alert_id = wanted
          AND duty.organisation_id = caller_organisation()
          AND CASE caller_role()
                WHEN 'operator' THEN true
                WHEN 'care_manager' THEN duty.role = 'care_provider'
                WHEN 'housing_officer' THEN duty.role = 'landlord'
                WHEN 'engineer' THEN alert.priority = 4
                WHEN 'administrator' THEN true
                ELSE false
              END)
$$;

-- A resident is known to the centre that answers for them and to the providers that care for them;
-- never to a landlord through this table, nor to an engineer.
CREATE FUNCTION caller_sees_resident(wanted text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT CASE
        WHEN caller_role() IN ('operator', 'administrator') AND EXISTS (
            SELECT FROM resident WHERE id = wanted AND monitoring_centre_id = caller_organisation()) THEN true
        WHEN caller_role() IN ('care_manager', 'administrator') THEN EXISTS (
            SELECT FROM package WHERE resident_id = wanted AND provider_id = caller_organisation())
        ELSE false
    END
$$;

CREATE FUNCTION caller_sees_dwelling(wanted text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT CASE
        WHEN caller_role() IN ('housing_officer', 'administrator') AND EXISTS (
            SELECT FROM dwelling WHERE id = wanted AND landlord_id = caller_organisation()) THEN true
        WHEN caller_role() = 'engineer' THEN EXISTS (
            SELECT FROM resident WHERE dwelling_id = wanted AND monitoring_centre_id = caller_organisation())
        ELSE EXISTS (SELECT FROM resident WHERE dwelling_id = wanted AND caller_sees_resident(resident.id))
    END
$$;

-- Hubs are run by the monitoring centre; those of a scheme by the centre of anyone who lives there.
CREATE FUNCTION caller_sees_hub(wanted text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT caller_role() IN ('operator', 'engineer', 'administrator') AND EXISTS (
        SELECT FROM hub
        JOIN dwelling ON dwelling.id = hub.dwelling_id OR dwelling.scheme = hub.scheme
        JOIN resident ON resident.dwelling_id = dwelling.id
        WHERE hub.id = wanted AND resident.monitoring_centre_id = caller_organisation())
$$;

-- What could not be read, to those who look after the hub it came from; from no known hub, to every centre's.
CREATE FUNCTION caller_sees_rejected(hub text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT caller_role() IN ('engineer', 'administrator') AND CASE
        WHEN EXISTS (SELECT FROM hub AS known WHERE known.id = $1) THEN caller_sees_hub($1)
        ELSE EXISTS (SELECT FROM organisation
                     WHERE organisation.id = caller_organisation() AND organisation.kind = 'monitoring_centre')
    END
$$;

-- Events of a home: all to the operators of its centre; to a care manager, where an own resident lives, only what
-- their own carers did, and what names nobody but speaks of a visit; to an engineer only what says nothing of a
-- resident.
CREATE FUNCTION caller_sees_event(hub text, kind text, shown_credential text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT CASE caller_role()
        WHEN 'operator' THEN caller_sees_hub(hub)
        WHEN 'engineer' THEN caller_sees_hub(hub)
            AND (kind LIKE 'technical.%' OR kind LIKE 'command.%' OR kind IN ('heartbeat', 'test.call'))
        WHEN 'care_manager' THEN
            EXISTS (SELECT FROM hub AS h
                    JOIN dwelling ON dwelling.id = h.dwelling_id OR dwelling.scheme = h.scheme
                    JOIN resident ON resident.dwelling_id = dwelling.id
                    JOIN package ON package.resident_id = resident.id
                    WHERE h.id = hub AND package.provider_id = caller_organisation())
            AND CASE
                WHEN shown_credential IS NULL
                    THEN kind IN ('carer.arrived', 'carer.departed', 'resident.feedback')
                ELSE EXISTS (SELECT FROM credential JOIN carer ON carer.id = credential.carer_id
                             WHERE credential.credential = shown_credential
                               AND carer.provider_id = caller_organisation())
            END
        ELSE false
    END
$$;

-- Row security does not go together with compressed hypertables, so events are read through a view.
-- It names the carer behind a credential, because a PIN is shown to nobody.
CREATE VIEW visible_event WITH (security_barrier) AS
    SELECT event.*, holder.id AS carer_id, holder.name AS carer_name
    FROM event
    LEFT JOIN LATERAL (
        SELECT carer.id, carer.name FROM credential JOIN carer ON carer.id = credential.carer_id
        WHERE credential.credential = event.credential
          AND (credential.withdrawn_at IS NULL OR credential.withdrawn_at > event.received_at)
        ORDER BY credential.withdrawn_at NULLS LAST LIMIT 1  -- a withdrawn credential may be somebody else's now
    ) AS holder ON true
    WHERE caller_sees_event(event.hub_id, event.type, event.credential);

-- The caller's own duty makes an alert visible. Its columns are not for everyone: a landlord gets neither the
-- visit (its reference and its times are the provider's roster) nor the resident, nor what the event carried.
CREATE VIEW visible_alert WITH (security_barrier) AS
    SELECT alert.id, alert.kind, alert.priority, alert.hub_id, alert.device, alert.scheme, alert.dwelling_id,
           CASE WHEN duty.role <> 'landlord' THEN alert.visit_ref END AS visit_ref,
           CASE WHEN duty.role <> 'landlord' THEN alert.resident_id END AS resident_id,
           CASE WHEN duty.role <> 'landlord' THEN alert.data ELSE '{}' END AS data,
           CASE WHEN duty.role <> 'landlord' OR alert.visit_ref IS NULL THEN alert.reason END AS reason,
           alert.raised_at, alert.noticed_at, alert.raised_late, alert.press_count,
           alert.last_press_at, alert.is_test, alert.stood_down_at, alert.stand_down_cause, alert.closed_at,
           duty.id AS duty_id, duty.role AS duty_role, duty.state AS duty_state, duty.raised_at AS duty_raised_at,
           duty.ladder, duty.ladder_step, duty.step, duty.next_check_at, duty.claimed_by, duty.claimed_at, duty.lease_until,
           duty.acknowledged_by, duty.acknowledged_at, duty.eta, duty.closed_by AS duty_closed_by,
           duty.closed_at AS duty_closed_at, duty.outcome
    FROM duty JOIN alert ON alert.id = duty.alert_id
    WHERE duty.organisation_id = caller_organisation()
      AND caller_sees_alert(duty.alert_id);

-- What concerns the whole alert, or one's own duty; the other party's doings are told through `party`.
CREATE VIEW visible_history WITH (security_barrier) AS
    SELECT history.id, history.alert_id, history.duty_id, history.at, history.noticed_at, history.actor, history.what,
           CASE WHEN history.duty_id = own.id OR own.role <> 'landlord' THEN history.detail ELSE '{}' END AS detail
    FROM duty AS own JOIN alert_history AS history ON history.alert_id = own.alert_id
    WHERE own.organisation_id = caller_organisation()
      AND (history.duty_id IS NULL OR history.duty_id = own.id)
      AND caller_sees_alert(own.alert_id);

-- How to speak to a resident, who else lives there, whom to ring: for those who answer their calls.
CREATE VIEW contact_sheet WITH (security_barrier) AS
    SELECT id AS resident_id, details FROM resident WHERE caller_role() = 'operator' AND caller_sees_resident(id);

-- The other party of an alert: as organisation and state only.
CREATE VIEW party WITH (security_barrier) AS
    SELECT duty.alert_id, duty.organisation_id, organisation.name AS organisation_name, duty.role, duty.state,
           duty.raised_at, duty.acknowledged_at, duty.closed_at
    FROM duty JOIN organisation ON organisation.id = duty.organisation_id
    WHERE caller_sees_alert(duty.alert_id);

ALTER TABLE organisation ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact ENABLE ROW LEVEL SECURITY;
ALTER TABLE dwelling ENABLE ROW LEVEL SECURITY;
ALTER TABLE resident ENABLE ROW LEVEL SECURITY;
ALTER TABLE hub ENABLE ROW LEVEL SECURITY;
ALTER TABLE device ENABLE ROW LEVEL SECURITY;
ALTER TABLE hub_gap ENABLE ROW LEVEL SECURITY;
ALTER TABLE hub_status ENABLE ROW LEVEL SECURITY;
ALTER TABLE carer ENABLE ROW LEVEL SECURITY;
ALTER TABLE credential ENABLE ROW LEVEL SECURITY;
ALTER TABLE package ENABLE ROW LEVEL SECURITY;
ALTER TABLE recurrence ENABLE ROW LEVEL SECURITY;
ALTER TABLE suspension ENABLE ROW LEVEL SECURITY;
ALTER TABLE visit ENABLE ROW LEVEL SECURITY;
ALTER TABLE verdict ENABLE ROW LEVEL SECURITY;
ALTER TABLE visit_evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE adjustment ENABLE ROW LEVEL SECURITY;
ALTER TABLE rejected ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert ENABLE ROW LEVEL SECURITY;
ALTER TABLE fault ENABLE ROW LEVEL SECURITY;  -- read by the service alone; what is raised from it is an alert
ALTER TABLE alert_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE duty ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE command ENABLE ROW LEVEL SECURITY;
ALTER TABLE feed ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON organisation, dwelling, device, hub_gap, hub_status, carer, package, recurrence,
    suspension, visit, verdict, visit_evidence, adjustment, rejected, alert_event, duty, command, feed,
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
CREATE POLICY read ON dwelling FOR SELECT TO threshold_caller USING (caller_sees_dwelling(id));
CREATE POLICY read ON resident FOR SELECT TO threshold_caller USING (caller_sees_resident(id));
CREATE POLICY read ON hub FOR SELECT TO threshold_caller USING (caller_sees_hub(id));
CREATE POLICY read ON device FOR SELECT TO threshold_caller USING (caller_sees_hub(hub_id));
CREATE POLICY read ON hub_gap FOR SELECT TO threshold_caller USING (caller_sees_hub(hub_id));
CREATE POLICY read ON hub_status FOR SELECT TO threshold_caller USING (caller_sees_hub(hub_id));
CREATE POLICY read ON command FOR SELECT TO threshold_caller USING (caller_sees_hub(hub_id));
CREATE POLICY read ON rejected FOR SELECT TO threshold_caller USING (caller_sees_rejected(hub_id));
CREATE POLICY read ON carer FOR SELECT TO threshold_caller USING (
    (caller_role() IN ('care_manager', 'administrator') AND provider_id = caller_organisation())
    OR (caller_role() = 'operator' AND EXISTS (
        SELECT FROM package WHERE package.provider_id = carer.provider_id AND caller_sees_resident(package.resident_id))));
CREATE POLICY read ON package FOR SELECT TO threshold_caller USING (
    (caller_role() IN ('care_manager', 'administrator') AND provider_id = caller_organisation())
    OR (caller_role() = 'operator' AND caller_sees_resident(resident_id)));
CREATE POLICY read ON recurrence FOR SELECT TO threshold_caller USING (
    EXISTS (SELECT FROM package WHERE package.id = recurrence.package_id));
CREATE POLICY read ON suspension FOR SELECT TO threshold_caller USING (caller_sees_resident(resident_id));
-- A provider sees its own visits, never another provider's for the same resident.
CREATE POLICY read ON visit FOR SELECT TO threshold_caller USING (
    (caller_role() IN ('care_manager', 'administrator') AND provider_id = caller_organisation())
    OR (caller_role() = 'operator' AND caller_sees_resident(resident_id)));
CREATE POLICY read ON verdict FOR SELECT TO threshold_caller USING (
    EXISTS (SELECT FROM visit WHERE visit.ref = verdict.visit_ref));
-- A provider's own visits, and of what was heard at them only what its own carers did or nobody in particular.
CREATE POLICY read ON visit_evidence FOR SELECT TO threshold_caller USING (
    EXISTS (SELECT FROM visit WHERE visit.ref = visit_evidence.visit_ref)
    AND (caller_role() = 'operator' OR strength IN ('strong', 'medium')));
CREATE POLICY read ON adjustment FOR SELECT TO threshold_caller USING (
    EXISTS (SELECT FROM visit WHERE visit.ref = adjustment.visit_ref));
CREATE POLICY read ON alert_event FOR SELECT TO threshold_caller USING (
    caller_role() IN ('operator', 'engineer', 'administrator') AND caller_sees_alert(alert_id));
CREATE POLICY read ON duty FOR SELECT TO threshold_caller USING (
    organisation_id = caller_organisation() AND caller_sees_alert(alert_id));
CREATE POLICY read ON delivery FOR SELECT TO threshold_caller USING (organisation_id = caller_organisation());
CREATE POLICY read ON feed FOR SELECT TO threshold_caller USING (
    caller_organisation() = ANY (organisations) AND (roles IS NULL OR caller_role() = ANY (roles)));

-- What pages and lists show, put together under the caller's own rights.
CREATE VIEW shown_alert WITH (security_invoker) AS
    SELECT visible_alert.*, dwelling.address, dwelling.time_zone,
           coalesce(dwelling.scheme, visible_alert.scheme) AS place_scheme, resident.name AS resident_name,
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'organisation', party.organisation_id, 'name', party.organisation_name, 'role', party.role,
                       'state', party.state,
                       'since', coalesce(party.closed_at, party.acknowledged_at, party.raised_at))
                   ORDER BY party.role, party.organisation_id), '[]')
            FROM party
            WHERE party.alert_id = visible_alert.id AND party.organisation_id <> caller_organisation()) AS others
    FROM visible_alert
    LEFT JOIN dwelling ON dwelling.id = visible_alert.dwelling_id
    LEFT JOIN resident ON resident.id = visible_alert.resident_id;

-- Carers by name, where the caller may know it; else by id.
CREATE FUNCTION named_carers(ids text[]) RETURNS jsonb LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', named.id, 'name', coalesce(carer.name, named.id))
                              ORDER BY named.place), '[]')
    FROM unnest(ids) WITH ORDINALITY AS named (id, place) LEFT JOIN carer ON carer.id = named.id;
END;

CREATE VIEW shown_visit WITH (security_invoker) AS
    SELECT visit.*, dwelling.address, dwelling.time_zone, dwelling.scheme, resident.name AS resident_name,
           organisation.name AS provider_name, named_carers(visit.carers) AS carers_planned,
           named_carers(visit.carers_seen) AS carers_came
    FROM visit
    JOIN dwelling ON dwelling.id = visit.dwelling_id
    JOIN resident ON resident.id = visit.resident_id
    JOIN organisation ON organisation.id = visit.provider_id;

GRANT SELECT ON shown_alert, shown_visit TO threshold_caller;
