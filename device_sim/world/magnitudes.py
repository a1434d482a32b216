"""How often things happen in a simulated county: each number a setting, with where it comes from."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Magnitudes:
    """Shares are of one, lengths in minutes (low, high). "Ours" marks a choice without a published source."""

    visits_a_day: tuple[tuple[int, float], ...] = ((1, 0.60), (2, 0.30), (3, 0.08), (4, 0.02))
    """Visits of a package in a day, weighted. 90,000 visits a week for 8,500 people are 10.6 each a week
    (domain/visits.md, published magnitudes); these weights give 10.64."""
    tiers: tuple[tuple[str, float], ...] = (
        ("critical", 0.15),
        ("essential", 0.45),
        ("standard", 0.30),
        ("flexible", 0.10),
    )
    """Ours."""
    lengths: tuple[tuple[int, float], ...] = ((30, 0.60), (45, 0.25), (60, 0.15))
    """Planned minutes. At least 30 unless less is agreed (domain/visits.md, NICE QS123); the mix is ours."""
    doubles: float = 0.06
    """Packages whose visits need two carers. Ours."""

    delays_begin: float = 0.09
    """Visits for which a carer starts out more than 30 minutes late. With what a round passes on to those
    behind it, one in ten is more than 30 minutes late (domain/visits.md, 31 councils)."""
    delay: tuple[float, float] = (31, 70)
    lateness: tuple[float, float] = (-8, 20)
    """Minutes around the planned start at which everybody else comes. Ours."""
    shorter_than_15: float = 0.07
    """Visits shorter than fifteen minutes (domain/visits.md, 31 councils)."""
    short_stay: tuple[float, float] = (5, 14.9)
    stay: tuple[float, float] = (0.85, 1.15)
    """What all others stay, as a share of the planned length. Ours."""
    travel: tuple[float, float] = (5, 15)
    """Minutes between two homes of a round. Ours."""
    between_visits: float = 25
    """Minutes that a planner leaves between two visits of one carer. Ours."""
    too_late: float = 120
    """A carer who would be later than this does not come any more. Ours."""

    forgotten: float = 0.01
    """Visits to which nobody is sent. No credible national rate exists; at most 2 % missed through the
    provider's fault is asked for (domain/visits.md): half of it is forgotten here, rounds add to it."""
    round_collapses: float = 0.015
    """A carer's day that ends before its last visit: illness, a car. Ours."""
    covered: float = 0.6
    """Visits of a collapsed round that somebody else takes over, later. Ours."""
    cover_comes: tuple[float, float] = (10, 75)
    swapped: float = 0.04
    """Visits that another carer of the provider makes than the one rostered. Ours."""

    by_button: float = 0.10
    not_logged: float = 0.05
    """Attendances told by the unit's button, and by nothing that counts: together the 15 % that are left when
    85 % are asked to be logged in the home (domain/visits.md); how they divide is ours."""
    departure_not_logged: float = 0.05
    shows_at_door: float = 0.4
    """Ours, both."""

    cancelled: float = 0.01
    """Visits cancelled in good time. Ours."""
    hospital: float = 0.002
    """Chance for each resident and day of a stay in hospital that begins. Ours."""
    hospital_days: tuple[float, float] = (1, 6)

    calls_a_year: float = 77
    """Calls of a customer in a year: 176,255 of 2,300 (domain/alarms.md §2)."""
    call_kinds: tuple[tuple[str, float], ...] = (
        ("pendant", 0.70),
        ("pull_cord", 0.20),
        ("fall_detector", 0.07),
        ("smoke_detector", 0.03),
    )
    """Ours."""
    pressed_again: float = 0.15
    pressed_cancelled: float = 0.25
    """Ours, both."""
    calls_needing_a_visit: float = 0.026
    calls_needing_999: float = 0.03
    """4,565 responses to 176,255 calls; about 3 % lead to 999 (domain/alarms.md §2)."""
    door_uses: tuple[int, int] = (2, 9)
    """How often resident or visitors use the door in a day. Ours."""

    outages: float = 0.03
    """Chance for each home and day that its line goes down. Ours."""
    outage: tuple[tuple[tuple[float, float], float], ...] = (
        ((1, 20), 0.6),
        ((20, 180), 0.3),
        ((180, 900), 0.1),
    )
    """How long it is down, in minutes, weighted. Ours."""
    dies: float = 0.0005
    """Chance for each home and day that its hub falls silent for good. Ours."""


USUAL = Magnitudes()


def changed(pairs: Iterable[str]) -> Magnitudes:
    """The usual magnitudes but for `NAME=VALUE`: a number, or two with `..` between for a range.

    Those that are weights of several choices stand. Raises ValueError with one sentence.
    """
    told: dict[str, Any] = {}
    kinds = {each.name: getattr(USUAL, each.name) for each in fields(Magnitudes)}
    names = [name for name, usual in kinds.items() if _is_range(usual) or isinstance(usual, (int, float))]
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or name not in names:
            raise ValueError(f"{pair!r} is not NAME=VALUE with a name of: {', '.join(names)}")
        usual, parts = kinds[name], text.split("..")
        try:
            numbers = [type(usual[0])(part) if _is_range(usual) else float(part) for part in parts]
        except ValueError:
            numbers = []
        if len(numbers) != (2 if _is_range(usual) else 1) or sorted(numbers) != numbers:
            wanted = "two numbers such as 5..15" if _is_range(usual) else "a number"
            raise ValueError(f"{pair!r}: {name} is {wanted}")
        told[name] = tuple(numbers) if _is_range(usual) else numbers[0]
    return replace(USUAL, **told)


def _is_range(usual: object) -> bool:
    return isinstance(usual, tuple) and not isinstance(usual[0], tuple)
