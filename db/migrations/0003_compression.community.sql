-- The community edition compresses what is a week old; dashboards and backtests read it all the same.
ALTER TABLE event SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'hub_id',
    timescaledb.compress_orderby = 'received_at DESC'
);
SELECT add_compression_policy('event', INTERVAL '7 days', if_not_exists => true);
