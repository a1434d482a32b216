"""What goes wrong with a living home's messages on their way to the broker."""

from collections.abc import Callable
from datetime import timedelta

from device_sim.clock import HurriedClock
from device_sim.world.chance import Chance
from device_sim.world.faults import DELAY, OVERTAKEN, Faults

CUT_TO = 10
"""Bytes that are left of a message that is cut short: too few to hold an id, or a receipt would refuse it and
the home would believe that."""

REPEATED_AFTER = timedelta(seconds=5)


class Way:
    """Carries messages of events, and does to a share of them what `Faults` say. What is lost or spoilt the
    home says again when no receipt comes; each saying has its own luck."""

    def __init__(self, chance: Chance, faults: Faults, clock: HurriedClock) -> None:
        self._chance, self._faults, self._clock = chance, faults, clock

    def __call__(self, message: bytes, send: Callable[[bytes], None]) -> None:
        """Send a message, or not, or something else."""
        lost, cut, hurt, late, overtaken, twice = (self._chance.share() for _ in range(6))
        held_up, a_while = self._chance.minutes(DELAY), timedelta(seconds=self._chance.whole(OVERTAKEN))
        wrong = self._faults
        if lost < wrong.drop:
            return
        if cut < wrong.truncate:
            send(message[:CUT_TO])
        elif hurt < wrong.corrupt:
            send(message.replace(b'"id":', b'"\xff\xff":'))
        elif late < wrong.delay and b'"type":"alarm.' not in message:
            self._later(held_up, message, send)
        elif overtaken < wrong.reorder:
            self._later(a_while, message, send)
        else:
            send(message)
            if twice < wrong.duplicate:
                self._later(REPEATED_AFTER, message, send)

    def _later(self, after: timedelta, message: bytes, send: Callable[[bytes], None]) -> None:
        self._clock.call_later(after.total_seconds() / self._clock.speed, lambda: send(message))
