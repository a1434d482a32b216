-- Wherever TimescaleDB is present (any licence): events in daily chunks, so that old ones are dropped, not deleted.
SELECT create_hypertable('event', by_range('received_at', INTERVAL '1 day'),
                         create_default_indexes => false, migrate_data => true);
