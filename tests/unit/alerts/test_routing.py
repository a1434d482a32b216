"""Who owes what (domain/visits.md §7, domain/alarms.md §1)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.ladder import restore, visit_ladder
from alerts.model import Priority, Role, VisitAlert, VisitAlertKind
from alerts.routing import alarm_duties, centre_joins, landlords_fault, visit_duties

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
A = timedelta(minutes=15)


def alert(kind: VisitAlertKind, **changes: Any) -> VisitAlert:
    """An alert of a visit with all parties there."""
    values: dict[str, Any] = {
        "kind": kind,
        "visit_ref": "v1",
        "resident_id": "ada",
        "dwelling_id": "elm-12",
        "provider_id": "bright",
        "landlord_id": "elm",
        "monitoring_centre_id": "north",
        "raised_at": NINE,
        "step": A,
        "reason": "",
        "visit_start": NINE,
        "tier": "essential",
    }
    return VisitAlert(**{**values, **changes})


@pytest.mark.parametrize(
    ("kind", "parties"),
    [
        (VisitAlertKind.LATE, [("bright", Role.CARE_PROVIDER)]),
        (VisitAlertKind.MISSED, [("elm", Role.LANDLORD), ("bright", Role.CARE_PROVIDER)]),
        (VisitAlertKind.UNVERIFIED, [("elm", Role.LANDLORD), ("bright", Role.CARE_PROVIDER)]),
        (VisitAlertKind.PART_ATTENDED, [("bright", Role.CARE_PROVIDER)]),
    ],
)
def test_each_kind_of_visit_alert_has_its_parties(
    kind: VisitAlertKind, parties: list[tuple[str, Role]]
) -> None:
    """The table of duties, row by row."""
    routing = visit_duties(alert(kind))
    assert [(duty.organisation_id, duty.role) for duty in routing.duties] == parties
    assert routing.missing == ()
    assert {duty.ladder for duty in routing.duties} == {visit_ladder(kind, Role.LANDLORD, A)}


def test_without_a_landlord_that_duty_does_not_exist() -> None:
    """What is missing is kept in words, and the other party's duty stands."""
    routing = visit_duties(alert(VisitAlertKind.MISSED, landlord_id=None))
    assert [duty.role for duty in routing.duties] == [Role.CARE_PROVIDER]
    assert routing.missing == ("no landlord: the dwelling has none, so that duty does not exist",)


def test_without_a_centre_the_third_step_says_whom_it_reaches() -> None:
    """A missing centre is kept in words."""
    (missing,) = visit_duties(alert(VisitAlertKind.MISSED, monitoring_centre_id=None)).missing
    assert missing.startswith("no monitoring centre")


def test_the_centre_joins_at_the_pace_of_the_ladder_that_called_it() -> None:
    """An unverified visit's ladder is doubled once, not twice."""
    party = visit_ladder(VisitAlertKind.UNVERIFIED, Role.LANDLORD, A)
    owed = centre_joins("north", party.step)
    assert owed is not None
    assert owed.ladder.repeat_every == 2 * A
    assert (owed.role, owed.priority) == (Role.MONITORING_CENTRE, Priority.WELFARE)


def test_no_centre_and_no_step_join_nothing() -> None:
    """Where there is no centre, and on a ladder of one step, nobody joins."""
    assert centre_joins(None, A) is None
    assert centre_joins("north", restore("visit.once", None).step) is None


def test_a_couple_with_two_centres_is_answered_by_both_and_one_centre_once() -> None:
    """Each centre of those who live there owes the answer, each once."""
    routing = alarm_duties(Priority.LIFE_SAFETY, ["north", "south", "north"], [])
    assert [duty.organisation_id for duty in routing.duties] == ["north", "south"]
    assert routing.missing == ()


def test_an_alarm_that_belongs_to_nobody_goes_to_every_centre() -> None:
    """Somebody always."""
    routing = alarm_duties(Priority.LIFE_SAFETY, [], ["north", "south"])
    assert [duty.organisation_id for duty in routing.duties] == ["north", "south"]
    assert routing.missing == ("no monitoring centre is known for this home: every centre is told",)


def test_without_any_centre_nobody_can_be_told_and_it_says_so() -> None:
    """The reason is kept where the duty cannot exist."""
    assert alarm_duties(Priority.LIFE_SAFETY, [], []).missing == (
        "no monitoring centre exists: nobody can be told",
    )


def test_a_schemes_door_is_the_landlords_fault() -> None:
    """The landlord's repair is told to those on call, and nobody's without a landlord."""
    owed = landlords_fault("elm")
    assert owed is not None
    assert (owed.role, owed.priority) == (Role.LANDLORD, Priority.TECHNICAL)
    assert landlords_fault(None) is None
