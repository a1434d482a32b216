-- A message that a provider took, and of which it will say whether it arrived.

ALTER TABLE delivery DROP CONSTRAINT delivery_state_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_state_check
    CHECK (state IN ('pending', 'sending', 'sent', 'delivered', 'dead', 'withdrawn'));
ALTER TABLE delivery
    ADD COLUMN channel_since timestamptz,        -- when the present channel was first tried; null: not yet
    ADD COLUMN sent_at       timestamptz,        -- when a provider last took it
    ADD COLUMN passed        text[] NOT NULL DEFAULT '{}', -- channels that were given up: a replay begins with them
    ADD COLUMN replayed_by   text;               -- who put a dead message back into the outbox
CREATE INDEX delivery_sent ON delivery (next_attempt_at) WHERE state = 'sent';
CREATE INDEX delivery_sent_to ON delivery (contact_id, channel, sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX delivery_dead ON delivery (organisation_id, id) WHERE state = 'dead';

-- Each time that a provider took a message: its own number for it, and what it said became of it. Workers only.
CREATE TABLE handover (
    channel     text NOT NULL,
    ref         text NOT NULL,
    delivery_id bigint NOT NULL REFERENCES delivery ON DELETE CASCADE,
    sent_at     timestamptz NOT NULL,
    word        text CHECK (word IN ('delivered', 'undelivered')), -- null: nothing yet
    word_at     timestamptz,
    why         text,
    PRIMARY KEY (channel, ref, delivery_id)
);
CREATE INDEX handover_delivery ON handover (delivery_id);
ALTER TABLE handover ENABLE ROW LEVEL SECURITY;  -- no policy: nobody's to read

GRANT SELECT (failover, sent_at, replayed_by) ON delivery TO threshold_caller;

-- Presses by which the service tries itself, from the broker to a test contact.
CREATE TABLE watch_press (
    id          text PRIMARY KEY,                -- the event's id
    pressed_at  timestamptz NOT NULL,
    finished_at timestamptz,
    seconds     double precision,                -- from the press to the test contact; null: it did not arrive
    fault       text
);
CREATE INDEX watch_press_at ON watch_press (pressed_at);
ALTER TABLE watch_press ENABLE ROW LEVEL SECURITY;  -- no policy: it is told in figures

-- What the auditor asks every minute must not read every duty.
CREATE INDEX duty_unwatched ON duty (priority, id) WHERE next_check_at IS NULL AND state <> 'closed';
