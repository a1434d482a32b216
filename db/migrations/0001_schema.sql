-- The whole schema at its first head. Ordinary tables hold all that is unique or updated;
-- `event` is turned into a hypertable by 0002 wherever TimescaleDB is present.
-- Times are timestamptz; a reason is words for people and is written by the rule that decided.

CREATE TABLE organisation (
    id          text PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('landlord', 'care_provider', 'monitoring_centre', 'commissioner')),
    name        text NOT NULL
);

CREATE TABLE contact (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation_id text NOT NULL REFERENCES organisation ON DELETE CASCADE,
    position        integer NOT NULL,              -- order in the estate file
    name            text NOT NULL,
    email           text,
    phone           text,
    webhook_url     text,
    webhook_secret  text,
    on_call         boolean NOT NULL DEFAULT true, -- until rotas say otherwise, everyone is
    disabled_at     timestamptz,                   -- its webhook answered 410 and is not used; mail still is
    disabled_reason text,
    UNIQUE (organisation_id, name)
);

CREATE TABLE dwelling (
    id          text PRIMARY KEY,
    landlord_id text REFERENCES organisation,
    scheme      text,
    address     text NOT NULL,
    time_zone   text NOT NULL
);
CREATE INDEX dwelling_scheme ON dwelling (scheme);
CREATE INDEX dwelling_landlord ON dwelling (landlord_id);

CREATE TABLE resident (
    id                   text PRIMARY KEY,
    dwelling_id          text NOT NULL REFERENCES dwelling,
    name                 text NOT NULL,
    monitoring_centre_id text REFERENCES organisation,
    commissioner_id      text REFERENCES organisation,
    high_risk            boolean NOT NULL DEFAULT false,
    details              jsonb NOT NULL DEFAULT '{}'   -- contact sheet: preferred name, access, risks, contacts
);
CREATE INDEX resident_dwelling ON resident (dwelling_id);
CREATE INDEX resident_centre ON resident (monitoring_centre_id);

CREATE TABLE hub (
    id               text PRIMARY KEY,
    dwelling_id      text REFERENCES dwelling,
    scheme           text,
    heartbeat_every  interval NOT NULL DEFAULT 'PT10M',
    credential_hash  text,                       -- a broker password hash; null: not enrolled
    enrolled_at      timestamptz,
    revoked_at       timestamptz,
    first_heard_at   timestamptz,
    last_heard_at    timestamptz,                -- any message but a last will
    online           boolean,                    -- the last status; null: none yet
    status           jsonb NOT NULL DEFAULT '{}',
    status_at        timestamptz,
    queued           integer,                    -- of the last fresh heartbeat
    last_seq         bigint,
    boot             text,
    clock_offset     interval,                   -- the hub's clock minus ours, estimated
    next_check_at    timestamptz,                -- supervision looks again then
    CHECK ((dwelling_id IS NULL) <> (scheme IS NULL))
);
CREATE INDEX hub_dwelling ON hub (dwelling_id);
CREATE INDEX hub_scheme ON hub (scheme);
CREATE INDEX hub_due ON hub (next_check_at) WHERE next_check_at IS NOT NULL;
-- Not last_heard_at: an index that names it would cost every message a new index entry.
CREATE INDEX hub_unwatched ON hub (id) WHERE next_check_at IS NULL AND first_heard_at IS NOT NULL;

CREATE TABLE device (
    hub_id  text NOT NULL REFERENCES hub ON DELETE CASCADE,
    id      text NOT NULL,
    kind    text NOT NULL,
    scope   text CHECK (scope IN ('dwelling', 'communal')),
    details jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (hub_id, id)
);

-- Times between two messages of a hub that lie further apart than 1.25 x its heartbeat_every. Repeats and
-- rejected messages count as heard, so this cannot be derived from `event`. Silence rules read it.
CREATE TABLE hub_gap (
    hub_id     text NOT NULL REFERENCES hub ON DELETE CASCADE,
    heard_from timestamptz NOT NULL,             -- last message before the gap
    heard_to   timestamptz NOT NULL,             -- first message after it
    PRIMARY KEY (hub_id, heard_from)
);

CREATE TABLE hub_status (
    hub_id      text NOT NULL REFERENCES hub ON DELETE CASCADE,
    received_at timestamptz NOT NULL,
    online      boolean NOT NULL,
    status      jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (hub_id, received_at)
);

CREATE TABLE carer (
    id          text PRIMARY KEY,
    provider_id text NOT NULL REFERENCES organisation,
    name        text NOT NULL,
    ended_at    timestamptz                      -- no longer in the estate file: visits from then on do not know them
);

-- Kept when it is withdrawn: visits of the days before rest on whose it was then.
CREATE TABLE credential (
    credential   text NOT NULL,                  -- compared exactly: 'fob:04A1B2'
    carer_id     text NOT NULL REFERENCES carer,
    withdrawn_at timestamptz,
    PRIMARY KEY (credential, carer_id)
);
CREATE UNIQUE INDEX credential_holder ON credential (credential) WHERE withdrawn_at IS NULL;
CREATE INDEX credential_carer ON credential (carer_id);

CREATE TABLE package (
    id          text PRIMARY KEY,
    resident_id text NOT NULL REFERENCES resident,
    provider_id text NOT NULL REFERENCES organisation,
    tier        text NOT NULL CHECK (tier IN ('critical', 'essential', 'standard', 'flexible')),
    ended_at    timestamptz
);
CREATE INDEX package_resident ON package (resident_id);
CREATE INDEX package_provider ON package (provider_id);

CREATE TABLE recurrence (
    package_id text NOT NULL REFERENCES package ON DELETE CASCADE,
    id         text NOT NULL,
    rrule      text,                             -- null: a definition whose visits come as roster rows
    start      time NOT NULL,                    -- wall time in the dwelling's zone
    minutes    integer NOT NULL,
    carers     integer NOT NULL,
    from_date  date,
    planned_until date,                          -- its visits are made up to and including this service date
    details    jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (package_id, id)
);

CREATE TABLE suspension (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    resident_id text NOT NULL REFERENCES resident ON DELETE CASCADE,
    from_at     timestamptz NOT NULL,
    until_at    timestamptz,
    reason      text NOT NULL,
    told_by     text,
    created_at  timestamptz NOT NULL,
    created_by  text,                            -- null: by an estate file
    ended_by    text,                            -- a person ended it: an estate file changes it no more
    UNIQUE (resident_id, from_at)
);

CREATE TABLE visit (
    ref              text PRIMARY KEY,
    package_id       text NOT NULL REFERENCES package ON DELETE CASCADE,
    resident_id      text NOT NULL REFERENCES resident,
    dwelling_id      text NOT NULL REFERENCES dwelling,
    provider_id      text NOT NULL REFERENCES organisation,
    tier             text NOT NULL,
    service_date     date NOT NULL,
    start_wall       text NOT NULL,              -- 'HH:MM' as planned
    end_wall         text,                       -- null: from a recurrence, elapsed minutes
    start_at         timestamptz NOT NULL,
    end_at           timestamptz NOT NULL,
    shifted          boolean NOT NULL DEFAULT false, -- the wall time did not exist that night
    carers_required  integer NOT NULL,
    carers           text[] NOT NULL DEFAULT '{}',
    plan             text NOT NULL CHECK (plan IN ('planned', 'cancelled')),
    plan_reason      text,
    changed_at       timestamptz,
    source           text NOT NULL CHECK (source IN ('recurrence', 'roster')),
    state            text NOT NULL DEFAULT 'planned',
    attendance       text NOT NULL DEFAULT 'unknown',
    timeliness       text NOT NULL DEFAULT 'none',
    duration         text NOT NULL DEFAULT 'none',
    verification     text NOT NULL DEFAULT 'none',
    arrived_at       timestamptz,
    departed_at      timestamptz,
    carers_seen      text[] NOT NULL DEFAULT '{}',
    reason           text NOT NULL DEFAULT '',
    version          integer NOT NULL DEFAULT 0,
    next_check_at    timestamptz                 -- null: settled
);
CREATE INDEX visit_due ON visit (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX visit_resident_start ON visit (resident_id, start_at);
CREATE INDEX visit_dwelling_start ON visit (dwelling_id, start_at);
CREATE INDEX visit_package_start ON visit (package_id, start_at);
CREATE INDEX visit_start ON visit (start_at, ref);
-- Those whom a word from their hub may turn into missed.
CREATE INDEX visit_unverified ON visit (dwelling_id) WHERE state = 'unverified' AND next_check_at IS NOT NULL;

-- Each change of a verdict is a row; none is overwritten. `at` is when it became true, `noticed_at` when we saw.
CREATE TABLE verdict (
    visit_ref    text NOT NULL REFERENCES visit ON DELETE CASCADE,
    version      integer NOT NULL,
    at           timestamptz NOT NULL,
    noticed_at   timestamptz NOT NULL,
    state        text NOT NULL,
    attendance   text NOT NULL,
    timeliness   text NOT NULL,
    duration     text NOT NULL,
    verification text NOT NULL,
    arrived_at   timestamptz,
    departed_at  timestamptz,
    carers       text[] NOT NULL DEFAULT '{}',
    reason       text NOT NULL,
    PRIMARY KEY (visit_ref, version)
);

-- What a person laid over the raw evidence: manual verification or cancellation, with a reason from a list.
CREATE TABLE adjustment (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    visit_ref   text NOT NULL REFERENCES visit ON DELETE CASCADE,
    at          timestamptz NOT NULL,
    by_name     text NOT NULL,
    organisation_id text NOT NULL REFERENCES organisation,
    kind        text NOT NULL CHECK (kind IN ('verify', 'cancel')),
    attended    boolean,
    arrived_at  timestamptz,
    departed_at timestamptz,
    reason      text NOT NULL,
    note        text
);
CREATE INDEX adjustment_visit ON adjustment (visit_ref, at);

-- What was learned and may change a verdict: visits of this resident that [from_at, until_at] touches are judged
-- again. Intake only appends here and never waits for a sweep; a sweep takes rows away in the transaction
-- that judged, so what commits meanwhile keeps its row.
CREATE TABLE recheck (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    resident_id text NOT NULL,
    from_at     timestamptz NOT NULL,
    until_at    timestamptz NOT NULL,
    at          timestamptz NOT NULL,            -- when it was learned
    visit_ref   text                             -- a person's word on this one visit: it waits for nothing
);
CREATE INDEX recheck_resident ON recheck (resident_id);

-- Which events speak of which visit, how strongly, and what was made of them. Raw events stay as they came.
CREATE TABLE visit_evidence (
    visit_ref    text NOT NULL REFERENCES visit ON DELETE CASCADE,
    hub_id       text NOT NULL,
    event_id     text NOT NULL,
    type         text NOT NULL,
    strength     text NOT NULL CHECK (strength IN ('strong', 'medium', 'weak')),
    carer_id     text,
    effective_at timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    PRIMARY KEY (visit_ref, hub_id, event_id)
);
CREATE INDEX visit_evidence_event ON visit_evidence (hub_id, event_id);

-- The way in -----------------------------------------------------------------------------------------

CREATE TABLE event (
    received_at   timestamptz NOT NULL,
    hub_id        text NOT NULL,
    id            text NOT NULL,
    type          text NOT NULL,
    at            timestamptz NOT NULL,          -- the device's clock, as sent
    effective_at  timestamptz NOT NULL,          -- never later than received_at (domain/visits.md, 1)
    clock_suspect boolean NOT NULL DEFAULT false,
    dwelling_id   text,
    device        text,
    seq           bigint,
    boot          text,
    credential    text,                          -- lifted out of data, so that access rules can read it
    data          jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX event_hub ON event (hub_id, received_at DESC);
CREATE INDEX event_dwelling ON event (dwelling_id, received_at DESC);
-- Heartbeats are most of all events, and evidence is what judging reads: each has its own way in.
CREATE INDEX event_evidence ON event (hub_id, received_at) WHERE type IN
    ('carer.arrived', 'carer.departed', 'door.granted', 'door.opened', 'door.closed', 'door.call', 'door.released');
CREATE INDEX event_heartbeat ON event (hub_id, received_at) WHERE type = 'heartbeat';

-- Removes events older than `keep` at `now`, and the receipts with them; returns how many rows or chunks went.
-- 0002 and 0003 replace it where TimescaleDB can do better than deleting.
CREATE FUNCTION retain_events(keep interval, now timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE gone bigint;
BEGIN
    DELETE FROM receipt WHERE received_at < now - keep;
    DELETE FROM event WHERE received_at < now - keep;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$;

-- One row for each event ever stored; claimed first in the transaction that stores the event.
CREATE TABLE receipt (
    hub_id      text NOT NULL,
    event_id    text NOT NULL,
    received_at timestamptz NOT NULL,
    digest      bytea NOT NULL,                  -- of the contents less `at`: an id used twice is noticed
    PRIMARY KEY (hub_id, event_id)
);
CREATE INDEX receipt_age ON receipt USING brin (received_at);

CREATE TABLE rejected (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    topic       text NOT NULL,
    hub_id      text,
    event_id    text,
    reason      text NOT NULL,
    looks_like_alarm boolean NOT NULL DEFAULT false,
    payload     bytea NOT NULL,
    digest      bytea NOT NULL,                  -- the same rejected thing sent again is one row
    seen        integer NOT NULL DEFAULT 1,
    last_seen_at timestamptz NOT NULL,
    replayed_at timestamptz,
    replay_result text,
    UNIQUE (topic, digest)
);
CREATE INDEX rejected_open ON rejected (received_at) WHERE replayed_at IS NULL;

-- Our own ears. One row for the active intake; a gap is a time in which we could not listen.
CREATE TABLE intake (
    id             text PRIMARY KEY DEFAULT 'mqtt',
    holder         text,
    beat_at        timestamptz,                  -- the intake was connected and listening then
    connected_at   timestamptz,                  -- of the present connection; null: not connected
    caught_up_at   timestamptz,                  -- of the present connection; null: still behind
    lag_seconds    double precision
);

CREATE TABLE intake_gap (
    began_at timestamptz PRIMARY KEY,
    ended_at timestamptz                         -- when intake had caught up again; null: not yet
);

-- Alerts ---------------------------------------------------------------------------------------------

CREATE TABLE alert (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind             text NOT NULL,
    priority         smallint NOT NULL CHECK (priority BETWEEN 1 AND 5),
    dedupe_key       text NOT NULL,
    visit_ref        text,
    hub_id           text,                       -- no reference: an unknown hub's alarm is an alert too
    device           text,
    scheme           text,
    dwelling_id      text,
    resident_id      text,
    raised_at        timestamptz NOT NULL,       -- when it became true
    noticed_at       timestamptz NOT NULL,       -- when we saw it
    raised_late      boolean NOT NULL DEFAULT false, -- late by our own outage
    reason           text NOT NULL,              -- fit for every party with a duty: no carer, task or diagnosis
    data             jsonb NOT NULL DEFAULT '{}',
    press_count      integer NOT NULL DEFAULT 1,
    last_press_at    timestamptz,
    is_test          boolean NOT NULL DEFAULT false,
    stood_down_at    timestamptz,
    stand_down_cause text,
    closed_at        timestamptz                 -- every duty closed, or stood down
);
CREATE UNIQUE INDEX alert_open_once ON alert (dedupe_key) WHERE closed_at IS NULL;
-- A visit's alert is raised once for its moment, also when it was closed in between.
CREATE UNIQUE INDEX alert_visit_once ON alert (dedupe_key) WHERE visit_ref IS NOT NULL;
CREATE INDEX alert_hub ON alert (hub_id, raised_at) WHERE hub_id IS NOT NULL;
CREATE INDEX alert_silent ON alert (hub_id) WHERE closed_at IS NULL AND kind = 'hub.silent';
CREATE INDEX alert_raised ON alert (raised_at DESC, id DESC);
CREATE INDEX alert_visit ON alert (visit_ref) WHERE visit_ref IS NOT NULL;
CREATE INDEX alert_dwelling ON alert (dwelling_id, raised_at DESC);

-- A unit's faults before anybody is told of them (domain/alarms.md, 1: delay, close by the restoring type).
-- The newest word of each side is kept, so that failing and restoring may arrive in either order.
CREATE TABLE fault (
    hub_id         text NOT NULL,
    device         text NOT NULL,                -- '' where the unit itself speaks
    kind           text NOT NULL,                -- the failing type
    failing_since  timestamptz,                  -- first failure after the last restoring
    last_failed_at timestamptz,
    restored_at    timestamptz,
    received_at    timestamptz NOT NULL,         -- of the first failure
    event_id       text,
    next_check_at  timestamptz,                  -- null: restored, or raised as an alert
    PRIMARY KEY (hub_id, device, kind)
);
CREATE INDEX fault_due ON fault (next_check_at) WHERE next_check_at IS NOT NULL;

-- Every press kept as evidence, and what annotates it (a cancel at the unit, a repeat).
CREATE TABLE alert_event (
    alert_id     bigint NOT NULL REFERENCES alert ON DELETE CASCADE,
    hub_id       text NOT NULL,
    event_id     text NOT NULL,
    type         text NOT NULL,
    effective_at timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    PRIMARY KEY (alert_id, hub_id, event_id)
);
CREATE INDEX alert_event_event ON alert_event (hub_id, event_id);

CREATE TABLE duty (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id        bigint NOT NULL REFERENCES alert ON DELETE CASCADE,
    organisation_id text NOT NULL REFERENCES organisation,
    role            text NOT NULL CHECK (role IN ('landlord', 'care_provider', 'monitoring_centre', 'commissioner')),
    state           text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'acknowledged', 'closed')),
    priority        smallint NOT NULL,
    raised_at       timestamptz NOT NULL,
    ladder          text NOT NULL,               -- its name in alerts/ladder.py
    ladder_step     interval,                    -- *a* of the ladder, where it has one
    step            integer NOT NULL DEFAULT 0,  -- cursor: the last step taken
    stepped_at      timestamptz,                 -- when that step was due; null: none taken since step_from
    step_from       timestamptz NOT NULL,        -- the ladder counts from here (the raise, or ETA + 10 min)
    next_check_at   timestamptz,                 -- null only when closed, or acknowledged without an ETA
    claimed_by      text,
    claimed_at      timestamptz,
    lease_until     timestamptz,
    acknowledged_by text,
    acknowledged_at timestamptz,
    eta             timestamptz,
    closed_by       text,
    closed_at       timestamptz,
    outcome         text,
    UNIQUE (alert_id, organisation_id, role)
);
CREATE INDEX duty_due ON duty (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX duty_queue ON duty (organisation_id, priority, raised_at) WHERE state = 'open';
CREATE INDEX duty_organisation ON duty (organisation_id, raised_at DESC);

-- What happened to an alert and its duties: who, when it became true, when noticed, why.
CREATE TABLE alert_history (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id   bigint NOT NULL REFERENCES alert ON DELETE CASCADE,
    duty_id    bigint REFERENCES duty ON DELETE CASCADE,
    at         timestamptz NOT NULL,
    noticed_at timestamptz NOT NULL,
    actor      text NOT NULL,                    -- a person's name, or 'threshold'
    what       text NOT NULL,                    -- raised, repeated, cancelled_at_unit, step, claimed, released,
                                                 -- acknowledged, noted, closed, stood_down, delivered, undelivered
    detail     jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX alert_history_alert ON alert_history (alert_id, id);

-- The outbox: written in the transaction that decided, sent by leased workers.
CREATE TABLE delivery (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id        bigint NOT NULL REFERENCES alert ON DELETE CASCADE,
    duty_id         bigint NOT NULL REFERENCES duty ON DELETE CASCADE,
    organisation_id text NOT NULL REFERENCES organisation,
    contact_id      bigint REFERENCES contact ON DELETE SET NULL,
    channel         text NOT NULL,               -- email, webhook, …
    purpose         text NOT NULL CHECK (purpose IN ('raise', 'reminder', 'stand_down')),
    step            integer NOT NULL,
    priority        smallint NOT NULL,
    idempotency_key text NOT NULL UNIQUE,
    message         jsonb NOT NULL,              -- what the template needs; rendered when sent
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'delivered', 'dead', 'withdrawn')),
    attempts        integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL,
    next_attempt_at timestamptz,
    leased_by       text,
    lease_until     timestamptz,
    delivered_at    timestamptz,
    maybe_told      boolean NOT NULL DEFAULT false, -- handed out, and no word came back that it was refused
    corrects        bigint REFERENCES delivery,  -- a stand-down waits for the message that it takes back
    provider_ref    text,
    last_error      text
);
CREATE INDEX delivery_due ON delivery (channel, next_attempt_at) WHERE state IN ('pending', 'sending');
CREATE INDEX delivery_receiver ON delivery (contact_id, channel) WHERE state IN ('pending', 'sending');
CREATE INDEX delivery_handed ON delivery (contact_id, channel, delivered_at) WHERE delivered_at IS NOT NULL;
CREATE INDEX delivery_alert ON delivery (alert_id);
CREATE INDEX delivery_duty ON delivery (duty_id) WHERE state = 'pending';

-- The live stream. Readers order by (xid, id) and stop short of the oldest transaction still running,
-- so that a row which commits late is never skipped (db/feed.py).
CREATE TABLE feed (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid           xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at            timestamptz NOT NULL,
    topic         text NOT NULL,                 -- alert, duty, visit, event, hub
    organisations text[] NOT NULL,               -- who may be told
    roles         text[],                        -- null: every role of those organisations
    payload       jsonb NOT NULL                 -- thin: ids, kinds and states
);
CREATE INDEX feed_order ON feed (xid, id);
CREATE INDEX feed_at ON feed (at);

-- People and programs that sign in -------------------------------------------------------------------

CREATE TABLE token (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation_id text NOT NULL REFERENCES organisation ON DELETE CASCADE,
    role            text NOT NULL CHECK (role IN
                    ('operator', 'care_manager', 'housing_officer', 'commissioner', 'engineer', 'administrator')),
    name            text NOT NULL,
    hash            bytea NOT NULL UNIQUE,       -- sha-256 of a 256-bit random token
    created_at      timestamptz NOT NULL,
    last_used_at    timestamptz,
    revoked_at      timestamptz
);

CREATE TABLE session (
    hash       bytea PRIMARY KEY,
    token_id   bigint NOT NULL REFERENCES token ON DELETE CASCADE,
    csrf       text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

-- When each role last finished a round; /readyz and doctor read it.
CREATE TABLE beat (
    role     text NOT NULL,
    instance text NOT NULL,
    at       timestamptz NOT NULL,
    every    interval NOT NULL,
    detail   jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (role, instance)
);

-- A command down to a hub and what came of it.
CREATE TABLE command (
    id         text PRIMARY KEY,
    hub_id     text NOT NULL REFERENCES hub ON DELETE CASCADE,
    type       text NOT NULL,
    data       jsonb NOT NULL DEFAULT '{}',
    issued_at  timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    issued_by  text NOT NULL,
    sent_at    timestamptz,
    state      text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'done', 'refused', 'expired')),
    result_at  timestamptz,
    reason     text
);
CREATE INDEX command_pending ON command (issued_at) WHERE state = 'pending';
CREATE INDEX command_open ON command (expires_at) WHERE state IN ('pending', 'sent');
CREATE INDEX command_hub ON command (hub_id, issued_at DESC);
