"""What may go wrong on the way, by name and share; a share of the homes may be spared."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta

import msgspec

from device_sim.world.chance import Chance
from device_sim.world.truth import OutageFact

SKEW = timedelta(hours=1)
DELAY = (1, 50)
"""Minutes for which a delayed event is held up. Ours."""
OVERTAKEN = (1, 20)
"""Seconds by which a reordered one is late. Ours."""
FLAP_UP, FLAP_DOWN = (5, 60), (0.2, 6)
"""Minutes for which a flapping line holds, and is gone. Ours."""


OVERDUE = timedelta(seconds=20)
"""After so long without a receipt a hub counts an ordinary event as still owed."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares of one: of events for the first six, of homes for `skew` and `flap`.

    `homes` is the share of homes that any of it may befall at all.
    """

    duplicate: float = 0.0
    """Said twice, the receipt having been lost."""
    delay: float = 0.0
    """Held up for minutes on the way."""
    reorder: float = 0.0
    """Overtaken by what was said after it."""
    drop: float = 0.0
    """Lost before it was received, so said again until it is."""
    truncate: float = 0.0
    """Cut short on the way, then said again."""
    corrupt: float = 0.0
    """Damaged on the way, then said again."""
    skew: float = 0.0
    """Homes whose clock is an hour off, one way or the other."""
    flap: float = 0.0
    """Homes whose line comes and goes all day."""
    homes: float = 1.0

    def told(self) -> dict[str, float]:
        """Those that happen at all, for the record."""
        return {name: share for name, share in asdict(self).items() if share and name != "homes"}


@dataclass(frozen=True, slots=True)
class Lot:
    """What befalls one home: shares of its events, whether its line flaps, how wrong its clock is."""

    faults: Faults
    flaps: bool
    skew: timedelta

    @classmethod
    def draw(cls, chance: Chance, faults: Faults) -> "Lot":
        """The lot of the home whose chance this is."""
        share, skewed = chance.share(), chance.happens(faults.skew)
        befallen = share < faults.homes
        flaps = chance.happens(faults.flap) and befallen
        skew = timedelta(0)
        if skewed and befallen:
            skew = SKEW if chance.happens(0.5) else -SKEW
        return cls(faults if befallen else Faults(), flaps, skew)


def flapping(hub: str, chance: Chance, begin: datetime, until: datetime) -> list[OutageFact]:
    """The times in which a line that comes and goes is gone."""
    found = []
    at = begin + chance.minutes(FLAP_UP)
    while at < until:
        end = at + chance.minutes(FLAP_DOWN)
        found.append(OutageFact(hub, at, end, "the line came and went"))
        at = end + chance.minutes(FLAP_UP)
    return found


def apart(outages: Sequence[OutageFact]) -> list[OutageFact]:
    """In order and without overlap: what begins while another lasts is cut short at its front."""
    found: list[OutageFact] = []
    for outage in sorted(outages, key=lambda one: one.begin):
        last = found[-1] if found else None
        if last is not None and last.end is None:
            break
        if last is not None and last.end is not None and outage.begin <= last.end:
            if outage.end is not None and outage.end <= last.end:
                continue
            outage = msgspec.structs.replace(outage, begin=last.end + OVERDUE)
            if outage.end is not None and outage.end <= outage.begin:
                continue
        found.append(outage)
    return found


def parse_faults(pairs: list[str]) -> Faults:
    """`NAME=SHARE` several times. Raises ValueError with one sentence."""
    names = [each.name for each in fields(Faults)]
    shares: dict[str, float] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or name not in names:
            raise ValueError(f"{pair!r} is not NAME=SHARE with a name of: {', '.join(names)}")
        try:
            share = float(text)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            raise ValueError(f"{pair!r}: the share must be a number from 0 to 1")
        shares[name] = share
    return Faults(**shares)
