"""Homes that only measure: `python -m benchmarks.load PORT HUBS EVENTS [--window N | --rate N] [--array N]`.

A process of its own that speaks MQTT 3.1.1 by hand over plain sockets, because a client library costs as much
for each message as the service under test, on the same two cores. With `--window` each home has so many
events without an answer at a time, and the whole goes as fast as answers come: receipts, or with `--deaf` the
broker's acknowledgements. With `--rate` events are sent at that rate. `--seconds` ends the sending early.
Prints one JSON object: how many were sent and answered, in what time, how long each answer took, and the
seconds of the processor that the load itself took for an event.
"""

import argparse
import itertools
import json
import selectors
import sys
import time
from collections.abc import Iterator
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
    turns = itertools.cycle(homes)
    waits: list[float] = []
    said = 0
    heard = homes
    began = last = now = time.monotonic()
    used = time.process_time()
    while now - last < GIVE_UP:
        if now - began < seconds and said < events:
            most = events if rate is None else min(events, int((now - began) * rate) + 1)
            last = last if rate is None else now  # it goes on without answers
            said += (
                _paced(turns, most - said, now)
                if rate is not None
                else _topped_up(heard, window, most - said, now)
            )
        elif len(waits) >= said:
            break
        for home in homes:
            home.write()
        heard = [key.data for key, _ in chooser.select(0.001)]
        now = time.monotonic()
        for home in heard:
            if answered := home.read(now):
                waits += answered
                last = now
    return {
        "sent": said,
        "receipted": len(waits),
        "seconds": time.monotonic() - began,
        "p50": quantile(waits, 0.5),
        "p99": quantile(waits, 0.99),
        "load": (time.process_time() - used) / max(1, len(waits)),
    }


def _paced(turns: Iterator[Home], owed: int, now: float) -> int:
    """Home after home says one, until as many are said as the rate asks for."""
    at = _stamp()
    said = 0
    while said < owed:
        said += next(turns).say(at, now)
    return said


def _topped_up(heard: list[Home], window: int, most: int, now: float) -> int:
    """Each home that was answered says more, until so many of its events wait again."""
    at = _stamp()
    said = 0
    for home in heard:
        while said < most and len(home.waiting) + home.array <= window:
            said += home.say(at, now)
    return said


def _stamp() -> bytes:
    return datetime.now(UTC).isoformat(timespec="microseconds").encode()


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
    arguments.add_argument(
        "--series", type=int, default=1, help="another one for each run: ids are said once"
    )
    given = arguments.parse_args()
    numbers = range(given.first, given.first + given.hubs)
    homes = [
        Home(f"hub-{number}", given.port, series=given.series, array=given.array, deaf=given.deaf)
        for number in numbers
    ]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    measured = run(homes, given.events, window=given.window, rate=given.rate, seconds=given.seconds)
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
