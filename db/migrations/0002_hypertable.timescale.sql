-- Wherever TimescaleDB is present (any licence): events in daily chunks, so that old ones are dropped, not deleted.
SELECT create_hypertable('event', by_range('received_at', INTERVAL '1 day'),
                         create_default_indexes => false, migrate_data => true);

-- Whole chunks are dropped: no dead rows, no vacuum.
CREATE OR REPLACE FUNCTION retain_events(keep interval, now timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE gone bigint;
BEGIN
    DELETE FROM receipt WHERE received_at < now - keep;
    SELECT count(*) INTO gone FROM drop_chunks('event', older_than => now - keep);
    RETURN gone;
END $$;
