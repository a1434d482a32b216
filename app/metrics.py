"""Metrics of the composition itself; each package has its own beside its code."""

from prometheus_client import Counter, Gauge, Histogram

ROUND_SECONDS = Histogram("threshold_round_seconds", "Time of one round of a sweep.", ["loop"])
ROUND_ROWS = Counter("threshold_round_rows", "Rows that a sweep took.", ["loop"])
ROUND_FAILED = Counter("threshold_round_failed", "Rounds that failed and were tried again.", ["loop"])

PRESSES = Counter("threshold_watch_presses", "Test presses, by what became of them.", ["result"])
PRESS_SECONDS = Histogram(
    "threshold_watch_press_seconds",
    "From a test press at the broker until the test contact was told.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
PRESS_AT = Gauge("threshold_watch_press_timestamp_seconds", "When the last test press arrived, in Unix time.")
PINGS = Counter("threshold_watch_pings", "Pings of the dead-man's switch outside.", ["result"])
