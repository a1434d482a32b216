"""Who lives in a simulated county and what care they are to get."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from device_sim.spec import HEARTBEAT_EVERY, DeviceSpec, HomeSpec
from device_sim.world.chance import Chance
from device_sim.world.magnitudes import Magnitudes

ZONE = ZoneInfo("Europe/London")

PROVIDERS = ("brightcare", "homeward")
LANDLORDS = ("elm-housing", "oak-homes")
CENTRE = "northgate"
COMMISSIONER = "borough"

SCHEME_OF = 20
"""Every so many homes are one scheme; every third twenty lives dispersed."""

DAY_PARTS = {
    "morning": ((7, 0), (9, 45)),
    "lunch": ((12, 0), (13, 15)),
    "tea": ((16, 30), (17, 45)),
    "bed": ((19, 45), (21, 0)),
}
"""Between which wall times visits of a part of the day start: far enough apart that nobody's breakfast could
be taken for their lunch. Ours."""

PARTS_OF = {1: ("morning",), 2: ("morning", "tea"), 3: ("morning", "lunch", "tea"), 4: tuple(DAY_PARTS)}

DEVICES = (
    DeviceSpec("pendant-1", "pendant"),
    DeviceSpec("cord-1", "pull_cord"),
    DeviceSpec("fall-1", "fall_detector"),
    DeviceSpec("smoke-1", "smoke_detector"),
    DeviceSpec("panel-1", "door_panel"),
)

_FIRST = (
    "Ada",
    "Bert",
    "Cora",
    "Desmond",
    "Edna",
    "Frank",
    "Gwen",
    "Harold",
    "Iris",
    "Jack",
    "Kath",
    "Len",
    "Mavis",
)
_LAST = (
    "Abbott",
    "Barker",
    "Clegg",
    "Dyer",
    "Ellis",
    "Firth",
    "Gill",
    "Holt",
    "Ivey",
    "Judd",
    "Kerr",
    "Lund",
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A visit that comes every day: wall time and length."""

    id: str
    start: time
    minutes: int


@dataclass(frozen=True, slots=True)
class Stay:
    """A stay in hospital; without an end it outlasts the world."""

    begin: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Person:
    """A resident, the home and the package."""

    number: int
    name: str
    provider: str
    landlord: str
    scheme: str | None
    tier: str
    carers: int
    visits: tuple[Planned, ...]
    away: tuple[Stay, ...]

    @property
    def resident(self) -> str:
        """The resident's id."""
        return f"r{self.number:04d}"

    @property
    def dwelling(self) -> str:
        """The dwelling's id."""
        return f"d{self.number:04d}"

    @property
    def hub(self) -> str:
        """The hub's id."""
        return f"hub-{self.number:04d}"

    @property
    def package(self) -> str:
        """The package's id."""
        return f"pkg-{self.number:04d}"

    def is_away(self, at: datetime) -> bool:
        """Whether the resident is in hospital at a moment."""
        return any(stay.begin <= at and (stay.end is None or at < stay.end) for stay in self.away)

    def spec(self, password: str | None = None) -> HomeSpec:
        """The home as something that speaks."""
        return HomeSpec(self.hub, DEVICES, HEARTBEAT_EVERY, password=password)


def wall(day: date, at: time) -> datetime:
    """A wall time of a date in UTC; one that exists twice is the first, one that does not moves forward."""
    return datetime.combine(day, at, ZONE).astimezone(UTC)


def person(number: int, seed: int, first: date, days: int, sizes: Magnitudes) -> Person:
    """The resident of this number."""
    chance = Chance(seed, "person", number)
    block = (number - 1) // SCHEME_OF
    tier = chance.pick(sizes.tiers)
    count = chance.pick(sizes.visits_a_day)
    carers = 2 if chance.happens(sizes.doubles) else 1
    name = f"{_FIRST[number % len(_FIRST)]} {_LAST[number // len(_FIRST) % len(_LAST)]}"
    visits = []
    for part in PARTS_OF[count]:
        low, high = (hour * 60 + minute for hour, minute in DAY_PARTS[part])
        start = low + 5 * chance.whole((0, (high - low) // 5))
        visits.append(Planned(part, time(start // 60, start % 60), chance.pick(sizes.lengths)))
    return Person(
        number,
        name,
        PROVIDERS[block % 2 if chance.happens(0.8) else (block + 1) % 2],
        LANDLORDS[block % 2],
        None if block % 3 == 2 else f"scheme-{block + 1}",
        tier,
        carers,
        tuple(visits),
        tuple(_stays(chance, first, days, sizes)),
    )


def _stays(chance: Chance, first: date, days: int, sizes: Magnitudes) -> list[Stay]:
    begins, when, length = (
        [chance.happens(sizes.hospital) for _ in range(days)],
        chance.minutes((8 * 60, 20 * 60)),
        chance.minutes((sizes.hospital_days[0] * 1440, sizes.hospital_days[1] * 1440)),
    )
    if True not in begins:
        return []
    begin = wall(first + timedelta(days=begins.index(True)), time(0)) + when
    return [Stay(begin, begin + length)]
