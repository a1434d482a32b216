"""What alerts count. Labels are bounded: a kind that we do not know counts as `other`."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from alerts.classify import (
    ACCESS,
    AREA_MAINS,
    AREA_SILENT,
    DOOR_REPAIR,
    FAULTS,
    HUB_SILENT,
    LIFE_SAFETY,
    OWN_FAULT,
    TEST_PRESS,
    UNREADABLE,
    WELFARE,
)
from alerts.model import VisitAlertKind

KINDS: Final = frozenset(
    {
        *LIFE_SAFETY,
        *WELFARE,
        *ACCESS,
        *FAULTS,
        *VisitAlertKind,
        "door.call",
        DOOR_REPAIR,
        UNREADABLE,
        HUB_SILENT,
        AREA_SILENT,
        AREA_MAINS,
        OWN_FAULT,
        TEST_PRESS,
    }
)

RAISED = Counter("threshold_alerts_raised", "Alerts raised", ["kind"])
SUPPRESSED = Counter("threshold_alerts_suppressed", "Alerts that a window held back", ["kind"])
FOLDED = Counter("threshold_alert_presses_folded", "Presses that joined an open alert", ["kind"])
UNOWNED = Counter("threshold_alerts_without_duty", "Alerts for which nobody could be given a duty", ["kind"])
STOOD_DOWN = Counter("threshold_alerts_stood_down", "Alerts whose cause went away", ["kind"])
STEPS = Counter("threshold_ladder_steps", "Steps of ladders", ["audience", "result"])
ANSWERS = Counter("threshold_duty_answers", "What people did with duties", ["role", "answer"])
ANSWER_SECONDS = Histogram(
    "threshold_duty_answer_seconds",
    "From the raise of a duty to its first answer",
    ["role"],
    buckets=(5, 15, 30, 60, 120, 180, 300, 600, 1800, 3600, 7200, 21600),
)
SWEEP_FAILED = Counter(
    "threshold_sweep_failures", "Parts of a sweep that failed and were taken row by row", ["sweep"]
)
POISONED = Counter(
    "threshold_sweep_poisoned_rows", "Rows that could not be decided and were pushed forward", ["sweep"]
)
ATTEMPTS = Counter("threshold_delivery_attempts", "Attempts to hand a message over", ["channel", "result"])
FENCED = Counter(
    "threshold_delivery_fenced", "Attempts whose lease had passed to another worker", ["channel"]
)
WORDS = Counter(
    "threshold_delivery_words", "What providers said became of messages that they took", ["channel", "word"]
)
AUDIT_REPAIRED = Counter(
    "threshold_audit_repaired", "What had no further check or attempt and was given one", ["what"]
)
LEFT_BEHIND = Gauge("threshold_duties_left_behind", "Duties that have been due for more than a minute")
OWNERLESS = Gauge("threshold_alerts_ownerless", "Open alerts of the last day in which nobody has a duty")
HANDOVER_SECONDS = Histogram(
    "threshold_delivery_handover_seconds",
    "From the outbox to the receiver",
    ["channel", "priority"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800),
)


def kind_label(kind: str) -> str:
    """The kind as a label: unknown kinds come from devices and must not make new series without end."""
    return kind if kind in KINDS else "other"
