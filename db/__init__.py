"""Pool, named SQL, migrations, TimescaleDB. Knows nothing else of ours."""
