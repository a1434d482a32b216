"""What a load would change of an estate (docs/estate.md)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from care.difference import Standing, compare_estates, compare_suspensions, united
from care.model import Carer, Device, Estate, Hub, Suspension

NOW = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
AWAY = Suspension("ada", NOW - DAY, None, "hospital")


def test_order_is_no_difference() -> None:
    """Credentials, devices and the like are sets: another order in the file changes nothing."""
    one = Estate(
        carers={"joy": Carer("joy", "bright", "Joy", ("b", "a"))},
        hubs={"h": Hub("h", "home", devices=(Device("x", "pendant"), Device("y", "panel")))},
    )
    other = Estate(
        carers={"joy": Carer("joy", "bright", "Joy", ("a", "b"))},
        hubs={"h": Hub("h", "home", devices=(Device("y", "panel"), Device("x", "pendant")))},
    )
    assert not any(change.touched or change.ended for change in compare_estates(one, other).values())


def test_carers_end_and_hubs_are_kept() -> None:
    """What carries history is never removed: a carer ends, a hub is kept with a notice."""
    before = Estate(carers={"joy": Carer("joy", "bright", "Joy")}, hubs={"h": Hub("h", "home")})
    changes = compare_estates(before, Estate())
    assert changes["carers"].ended == ("joy",)
    assert changes["hubs"].kept == ("h",)


def test_suspensions_that_begin_together_are_the_longer() -> None:
    """Two suspensions from one moment on are one; open-ended is longest."""
    until = replace(AWAY, until_at=NOW + DAY)
    assert united([until, replace(AWAY, until_at=NOW + 2 * DAY), until])[0].until_at == NOW + 2 * DAY
    assert united([AWAY, until]) == united([until, AWAY]) == [AWAY]


def test_a_persons_suspension_stands_above_the_file() -> None:
    """What a person entered or ended is neither changed nor ended by a file, and the file's word is told."""
    ended = replace(AWAY, until_at=NOW - DAY / 2)
    change = compare_suspensions([Standing(1, ended, by_person=True)], [AWAY], NOW)
    assert (change.changed, change.refused) == ((), (AWAY,))
    assert compare_suspensions([Standing(1, AWAY, by_person=True)], [], NOW).ended == ()


def test_a_suspension_that_vanishes_ends_once() -> None:
    """One that the file no longer holds ends; one that is over, or never began, is left alone."""
    (gone,) = compare_suspensions([Standing(1, AWAY, by_person=False)], [], NOW).ended
    assert gone.id == 1
    over = replace(AWAY, until_at=NOW)
    never = replace(AWAY, from_at=NOW + DAY, until_at=NOW + DAY)
    for each in (over, never):
        assert compare_suspensions([Standing(1, each, by_person=False)], [], NOW).ended == ()
