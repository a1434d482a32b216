-- A dwelling's hub that speaks of the door its scheme shares (docs/decisions/visit-rules.md, 13): whoever is judged in
-- the scheme asks each of its hubs for that, and hardly any has an answer.
CREATE INDEX event_lent_door ON event (hub_id, received_at)
    WHERE dwelling_id IS NOT NULL AND credential IS NOT NULL AND data ->> 'scope' = 'communal';
