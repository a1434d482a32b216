"""Metrics of the composition itself; each package has its own beside its code."""

from prometheus_client import Counter, Histogram

ROUND_SECONDS = Histogram("threshold_round_seconds", "Time of one round of a sweep.", ["loop"])
ROUND_ROWS = Counter("threshold_round_rows", "Rows that a sweep took.", ["loop"])
ROUND_FAILED = Counter("threshold_round_failed", "Rounds that failed and were tried again.", ["loop"])
