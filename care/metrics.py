"""What care counts."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

VERDICTS: Final = Counter("threshold_visit_verdicts", "New versions of verdicts, by state.", ["state"])
JUDGED: Final = Counter("threshold_visits_judged", "Visits that were judged, with or without a new version.")
CORRECTED: Final = Counter(
    "threshold_visit_alerts_taken_back", "Alerts of visits that later knowledge took back."
)
RAISED_LATE: Final = Counter(
    "threshold_visit_alerts_raised_late",
    "Alerts of visits that we raised more than a minute after they were due.",
)
NOTICED_SECONDS: Final = Histogram(
    "threshold_visit_alert_notice_seconds",
    "From when an alert of a visit was due until we raised it.",
    buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 3600),
)
POISONED: Final = Counter("threshold_visits_poisoned", "Homes that could not be judged and were put aside.")
WAITING: Final = Gauge("threshold_visits_waiting", "1 while decisions wait for intake, else 0.")
EXTENDED: Final = Counter("threshold_visits_planned", "Visits that the horizon made.")
