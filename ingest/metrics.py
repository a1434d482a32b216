"""Metrics of intake."""

from prometheus_client import Counter, Gauge, Histogram

from ingest.model import Recorded

ACTIVE = Gauge("threshold_intake_active", "1 while this copy is the active intake, 0 while it stands by.")
EVENTS = Counter("threshold_intake_events", "Events committed, by what became of them.", ["outcome"])
REJECTED = Counter("threshold_intake_rejected", "Pieces of messages kept as rejected, by reason.", ["reason"])
BATCHES = Counter("threshold_intake_batches", "Batches committed, by why they were written then.", ["why"])
BATCH_EVENTS = Histogram(
    "threshold_intake_batch_events", "Events in a batch.", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
)
COMMIT_SECONDS = Histogram(
    "threshold_intake_commit_seconds",
    "Time of one transaction, from its first statement to its commit.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
WAIT_SECONDS = Histogram(
    "threshold_intake_wait_seconds",
    "Time from taking a message to its commit, of the oldest in each batch.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 60),
)
COMMIT_FAILED = Counter(
    "threshold_intake_commit_failed", "Transactions that failed, by what was done then.", ["then"]
)
IN_HAND = Gauge("threshold_intake_in_hand", "Messages taken from the broker and not committed yet.")
LAG_SECONDS = Gauge("threshold_intake_lag_seconds", "How far intake is behind the broker.")
CAUGHT_UP = Gauge("threshold_intake_caught_up", "1 while connected and caught up.")
ADAPTED = Counter(
    "threshold_intake_adapted", "Messages of other makers' bridges, by what they were.", ["kind", "what"]
)
SEQUENCE = Counter(
    "threshold_intake_sequence",
    "Events that hubs' numbering passed over, and those that came after a later one.",
    ["what"],
)
CLOCK_OFFSET = Histogram(
    "threshold_intake_clock_offset_seconds",
    "How far hubs' clocks are from ours, at each fresh heartbeat, either way.",
    buckets=(1, 5, 30, 60, 300, 3600, 86400),
)
COMMANDS = Counter("threshold_commands_sent", "Commands handed to the broker.", ["type"])


def count(recorded: Recorded) -> None:
    """Counts what became of a batch."""
    EVENTS.labels("stored").inc(recorded.stored)
    EVENTS.labels("repeated").inc(recorded.repeated)
    for reason, number in recorded.rejected.items():
        REJECTED.labels(reason).inc(number)
    BATCH_EVENTS.observe(recorded.stored + recorded.repeated + sum(recorded.rejected.values()))
