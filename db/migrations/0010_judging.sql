-- What judging visits reads and writes.

-- A dwelling's hub that speaks of the door its scheme shares (docs/decisions/visit-rules.md, 13): whoever is judged in
-- the scheme asks each of its hubs for that, and hardly any has an answer.
CREATE INDEX event_lent_door ON event (hub_id, received_at)
    WHERE dwelling_id IS NOT NULL AND credential IS NOT NULL AND data ->> 'scope' = 'communal';

-- A sweep adds versions of visits whose rows it writes in the same transaction. To look each visit up again and to lock it
-- cost twice as much as the version itself, and was a fifth of all that the database did for a sweep.
ALTER TABLE verdict DROP CONSTRAINT verdict_visit_ref_fkey;

-- Versions still go with their visit.
CREATE FUNCTION forget_verdicts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM verdict USING gone WHERE verdict.visit_ref = gone.ref;
    RETURN NULL;
END $$;
CREATE TRIGGER forget_verdicts AFTER DELETE ON visit REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION forget_verdicts();
