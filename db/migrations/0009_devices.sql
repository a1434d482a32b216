-- Other people's devices (domain/alarms.md §3), what the broker refused to hubs, and hubs' certificates.

ALTER TABLE hub
    ADD COLUMN adapter jsonb,                    -- {"kind", "base"}: a bridge of another maker; null: it speaks our wire
    ADD COLUMN certificate_until timestamptz;    -- the last day of its newest client certificate; null: it has none
CREATE INDEX hub_adapter ON hub (id) WHERE adapter IS NOT NULL;
CREATE INDEX hub_certificate ON hub (certificate_until) WHERE certificate_until IS NOT NULL;

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
