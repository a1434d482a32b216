"""Benchmarks: `python -m benchmarks` measures, prints a table and writes bench.json."""
