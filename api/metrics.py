"""Metrics of the API: how it answers, and how far behind the live stream is."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("threshold_http_requests", "Requests by route and status.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "threshold_http_request_seconds",
    "Time to the beginning of the answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
LIVE_CLIENTS = Gauge("threshold_live_clients", "Browsers and programs on the live stream.")
LIVE_ROWS = Counter("threshold_live_rows", "Rows handed to live streams, once for each client.")
LIVE_DROPPED = Counter("threshold_live_dropped", "Clients dropped because they did not keep up.")
LIVE_ROUNDS_FAILED = Counter(
    "threshold_live_rounds_failed", "Looks at the feed that failed because the database was away."
)
