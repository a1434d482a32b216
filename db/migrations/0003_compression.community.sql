-- The community edition compresses what is a week old; dashboards and backtests read it all the same.
ALTER TABLE event SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'hub_id',
    timescaledb.compress_orderby = 'received_at DESC'
);
SELECT add_compression_policy('event', INTERVAL '7 days', if_not_exists => true);

-- The community edition drops old chunks by a policy of its own; here it is only kept at the setting's length.
CREATE OR REPLACE FUNCTION retain_events(keep interval, now timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM receipt WHERE received_at < now - keep;
    IF NOT EXISTS (SELECT FROM timescaledb_information.jobs
                   WHERE proc_name = 'policy_retention' AND hypertable_name = 'event'
                     AND (config ->> 'drop_after')::interval = keep) THEN
        PERFORM remove_retention_policy('event', if_exists => true);
        PERFORM add_retention_policy('event', keep);
    END IF;
    RETURN 0;
END $$;
