"""(g) From a press to the first hand-over of its message, and presses through a storm of technical alerts.

The centre's own program is told by webhook, by a receiver in this process; an operator sits on the live
stream. The reference is the same webhook posted to the same receiver by hand, in the same run.
"""

import asyncio
import json
import os
import time
from collections.abc import Sequence

from alerts.channels import Outgoing, WebhookChannel
from app.clock import system_clock
from benchmarks.figures import Figure, quantile
from benchmarks.latency import live
from benchmarks.presses import Stopwatch, press, pressing_home
from benchmarks.stage import Stage, stage
from tests.support.webhook import SECRET, WebhookSink

ALERTS, MINUTE = 500, 60.0
STORM, PRESSES = 10_000, 150
BY_HAND = 200
KEEPS_UP_WITHIN = 240.0
"""Seconds in which a storm must have been raised and told."""

CENTRE = """
INSERT INTO contact (organisation_id, position, name, webhook_url, webhook_secret)
VALUES ('northgate', 1, 'Program', %s, %s)
"""
ANSWERED = "UPDATE duty SET state = 'acknowledged', next_check_at = NULL"
FAULTS = """
INSERT INTO fault (hub_id, device, kind, failing_since, last_failed_at, received_at, event_id, next_check_at)
SELECT 'hub-' || n %% 900 + 1, 'sensor-' || n, 'technical.sensor_missing', now() - interval '15 minutes',
       now() - interval '15 minutes', now() - interval '15 minutes', 'f' || n, now() + n * interval '60 s' /
       %s
FROM generate_series(1, %s) AS n
"""


async def run() -> Sequence[Figure]:
    """500 alerts in a minute; then 10,000 technical ones in a minute, and presses through them."""
    os.environ["THRESHOLD_WEBHOOK__ALLOW_PRIVATE"] = "true"
    sink = WebhookSink()
    await sink.start()
    try:
        by_hand = await _by_hand(sink)
        calm, storm = Stopwatch(), Stopwatch()
        async with stage() as standing:
            async with await standing.connect() as conn:
                await conn.execute(CENTRE, (sink.url, SECRET))
            told = await _minute_of_alerts(standing, sink, calm)
            sink.received.clear()
            lasted = await _storm(standing, sink, storm)
    finally:
        await sink.stop()
    shown = storm.waits(storm.shown)
    beside = f"by hand {1000 * quantile(by_hand, 0.99):.0f} ms"
    of = f"{len(told)} alerts in a minute"
    storm_of = f"beside {STORM:,} technical alerts, told within {lasted:.0f} s"
    calm_p99 = 1000 * quantile(calm.waits(calm.shown), 0.99)
    return (
        Figure("g", "press → first hand-over, p50", 1000 * quantile(told, 0.5), "ms", "", of),
        Figure(
            "g", "press → first hand-over, p99", 1000 * quantile(told, 0.99), "ms", "at most 1,000", beside
        ),
        Figure("g", "press in a storm → live stream, p50", 1000 * quantile(shown, 0.5), "ms", "", storm_of),
        Figure(
            "g",
            "press in a storm → live stream, p99",
            1000 * quantile(shown, 0.99),
            "ms",
            "at most 500",
            f"without it {calm_p99:.0f} ms",
        ),
    )


async def _by_hand(sink: WebhookSink) -> list[float]:
    """Seconds that the same message takes to the same receiver when nobody but us is about."""
    channel, took = WebhookChannel(allow_private=True), []
    for number in range(BY_HAND):
        payload = {"type": "duty.raised", "data": {"alert": number, "duty": 1, "kind": "alarm.pendant"}}
        message = Outgoing(f"hand-{number}", "", "", payload, webhook_url=sink.url, webhook_secret=SECRET)
        began = time.monotonic()
        await channel.send(message, system_clock())
        took.append(sink.received[-1].at - began)
    sink.received.clear()
    return took


async def _minute_of_alerts(standing: Stage, sink: WebhookSink, watch: Stopwatch) -> list[float]:
    """Seconds from each press to the first hand-over of its message."""
    async with live(standing, watch), pressing_home(standing.broker.port, watch) as client:
        for number in range(ALERTS):
            await press(client, watch, f"press-{number}", f"pendant-{number}")
            await asyncio.sleep(MINUTE / ALERTS)
        handed = await _handed_over(sink, ALERTS, "alarm.")
    async with await standing.connect() as conn:
        rows = await (await conn.execute("SELECT alert_id, event_id FROM alert_event")).fetchall()
        await conn.execute(ANSWERED)
    presses = [row for row in rows if row["event_id"] in watch.published]  # not those of the watcher
    return [handed[row["alert_id"]] - watch.published[row["event_id"]] for row in presses]


async def _handed_over(sink: WebhookSink, alerts: int, kinds: str | tuple[str, ...]) -> dict[int, float]:
    """When each alert first reached the receiver, once so many have; further steps of ladders count for
    nothing."""
    handed: dict[int, float] = {}
    read = 0
    async with asyncio.timeout(KEEPS_UP_WITHIN):
        while len(handed) < alerts:
            for received in sink.received[read:]:
                data = json.loads(received.body)["data"]
                if data["kind"].startswith(kinds):
                    handed.setdefault(data["alert"], received.at)
                read += 1
            await asyncio.sleep(0.2)
    return handed


async def _storm(standing: Stage, sink: WebhookSink, watch: Stopwatch) -> float:
    """Seconds until the whole storm was told; presses travel through it meanwhile."""
    async with live(standing, watch), pressing_home(standing.broker.port, watch) as client:
        async with await standing.connect() as conn:
            await conn.execute(FAULTS, (STORM, STORM))
        began = time.monotonic()
        for number in range(PRESSES):
            await press(client, watch, f"press-storm-{number}", f"pendant-s{number}")
            await asyncio.sleep(MINUTE / PRESSES)
        await _handed_over(sink, STORM + PRESSES, ("alarm.", "technical."))
        lasted = time.monotonic() - began
        async with asyncio.timeout(20):
            while len(watch.shown) < PRESSES:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    return lasted
