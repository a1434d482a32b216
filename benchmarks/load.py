"""Homes that only measure: `python -m benchmarks.load PORT HUBS EVENTS [--window N | --rate N] [--array N]`.

A process of its own that speaks MQTT 3.1.1 by hand over plain sockets, because a client library costs as much
for each message as the service under test, on the same two cores. With `--window` each home has so many
events without an answer at a time, and the whole goes as fast as answers come: receipts, or with `--deaf` only
the broker's acknowledgements. With `--rate` events are sent at that rate. `--seconds` ends the sending early.
Prints one JSON object: how many were sent and answered, in what time, and how long each answer took.
"""

import argparse
import json
import selectors
import sys
import time
from datetime import UTC, datetime

from benchmarks.figures import quantile
from benchmarks.home import Home

GIVE_UP = 120.0
"""Seconds without the last answers after which a run ends."""


def run(
    homes: list[Home], events: int, *, window: int, rate: float | None, seconds: float
) -> dict[str, float]:
    """Sends so many events over all homes, or for so many seconds, and waits for every answer."""
    chooser = selectors.DefaultSelector()
    for home in homes:
        chooser.register(home.sock, selectors.EVENT_READ, home)
    waits: list[float] = []
    said = turn = 0
    heard: list[Home] = homes
    began = last = time.monotonic()
    until = began + seconds
    while True:
        now = time.monotonic()
        at = datetime.now(UTC).isoformat(timespec="microseconds").encode()
        if now < until and rate is not None:
            owed = min(events, int((now - began) * rate) + 1)
            while said < owed:
                said += homes[turn].say(at, now)
                turn = (turn + 1) % len(homes)
        elif now < until:
            for home in heard:
                while said < events and len(home.waiting) + home.array <= window:
                    said += home.say(at, now)
        for home in homes if rate is not None else heard:
            home.write()
        if len(waits) >= said and (said >= events or now >= until):
            break
        if now - last > GIVE_UP:
            break
        heard = [key.data for key, _ in chooser.select(0.001 if rate is not None else 0.02)]
        for home in heard:
            answered = home.read(time.monotonic())
            if answered:
                waits += answered
                last = now
        if any(home.unsent for home in homes):
            heard = homes
    return {
        "sent": said,
        "receipted": len(waits),
        "seconds": time.monotonic() - began,
        "p50": quantile(waits, 0.5),
        "p99": quantile(waits, 0.99),
    }


def main() -> None:
    """Connects, says that it is ready, and begins when a line comes in."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("port", type=int)
    arguments.add_argument("hubs", type=int)
    arguments.add_argument("events", type=int)
    arguments.add_argument("--first", type=int, default=1)
    arguments.add_argument("--window", type=int, default=10)
    arguments.add_argument("--array", type=int, default=1)
    arguments.add_argument("--seconds", type=float, default=float("inf"))
    arguments.add_argument("--rate", type=float)
    arguments.add_argument("--deaf", action="store_true")
    given = arguments.parse_args()
    numbers = range(given.first, given.first + given.hubs)
    homes = [Home(f"hub-{number}", given.port, array=given.array, deaf=given.deaf) for number in numbers]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    measured = run(homes, given.events, window=given.window, rate=given.rate, seconds=given.seconds)
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
