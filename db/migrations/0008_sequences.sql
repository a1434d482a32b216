-- What hubs say of their own counting and clocks.

-- One row for each boot of a hub that numbers its events: which numbers were passed over and have not come since.
CREATE TABLE hub_sequence (
    hub_id    text NOT NULL REFERENCES hub ON DELETE CASCADE,
    boot      text NOT NULL,                     -- empty for a hub that names none
    began_at  timestamptz NOT NULL,              -- when it was first heard
    missing   int8multirange NOT NULL DEFAULT '{}',
    missed_at timestamptz,                       -- when the last of them was noticed
    PRIMARY KEY (hub_id, boot)
);

ALTER TABLE hub_sequence ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON hub_sequence TO threshold_caller;
CREATE POLICY read ON hub_sequence FOR SELECT TO threshold_caller
    USING (EXISTS (SELECT FROM my_hub WHERE my_hub.id = hub_sequence.hub_id));

-- The last few differences between a hub's clock and ours, in seconds; clock_offset is their median.
ALTER TABLE hub ADD COLUMN clock_samples double precision[] NOT NULL DEFAULT '{}';

-- A hub's row is written with every batch that heard it: with room in its page the new version needs no index entry.
ALTER TABLE hub SET (fillfactor = 50);
