-- Other people's devices (domain/alarms.md §3), and hubs' client certificates.

ALTER TABLE hub
    ADD COLUMN adapter jsonb;                    -- {"kind", "base"}: a bridge of another maker; null: it speaks our wire
CREATE INDEX hub_adapter ON hub (id) WHERE adapter IS NOT NULL;

ALTER TABLE device
    ADD COLUMN name  text,                       -- what its maker's topics call it; null: its id
    ADD COLUMN model text,
    ADD COLUMN map   jsonb NOT NULL DEFAULT '{}'; -- {property: {value: event type}}, above the model's

-- The last value of each property of an adapted device: only a change of it is news. Written in the transaction that
-- stores the events. Of a momentary property: the marks of its last messages, so that none is told twice.
CREATE TABLE adapted_value (
    hub_id   text NOT NULL REFERENCES hub ON DELETE CASCADE,
    device   text NOT NULL,
    property text NOT NULL,
    value    jsonb NOT NULL,
    PRIMARY KEY (hub_id, device, property)
);

-- Client certificates that were issued to hubs. One that is withdrawn stands in the revocation list until it ends.
CREATE TABLE hub_certificate (
    serial     text PRIMARY KEY,                 -- as a decimal number
    hub_id     text NOT NULL REFERENCES hub ON DELETE CASCADE,
    issued_at  timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX hub_certificate_hub ON hub_certificate (hub_id);
CREATE INDEX hub_certificate_end ON hub_certificate (expires_at);

GRANT SELECT (adapter) ON hub TO threshold_caller;
