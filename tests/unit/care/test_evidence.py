"""What an event is evidence of, row by row of the table of strengths."""

from typing import Any

import pytest

from care.doors import Doors, Expected
from care.evidence import Evidence, Strength, weigh
from care.model import Device, Dwelling, HomeEvent, Hub, Scope
from tests.unit.care.builders import CARERS, DOOR_HUB, DWELLING, HUB, at, event

NONE, WEAK, MEDIUM, STRONG = None, Strength.WEAK, Strength.MEDIUM, Strength.STRONG
OTHER_HUB = Hub("hub-14", dwelling_id="elm-14")
OTHER_SCHEME = Hub("hub-oak", scheme="oak-court", devices=(Device("front", "door_panel", Scope.COMMUNAL),))
HUBS = {hub.id: hub for hub in (HUB, DOOR_HUB, OTHER_HUB, OTHER_SCHEME)}


def expected(dwelling: str = "elm-12", provider: str = "brightcare", **more: Any) -> Expected:
    """A visit expected behind the shared door from 07:15 to 09:00."""
    return Expected(dwelling, provider, at("07:15"), at("09:00"), **more)


def weighed(what: HomeEvent, *visits: Expected, dwelling: Dwelling = DWELLING) -> Evidence | None:
    """What the event says at this dwelling."""
    return weigh(what, HUBS[what.hub_id], dwelling, CARERS, Doors.of(visits))


def strength(found: Evidence | None) -> Strength | None:
    """How strongly, or None for not at all."""
    return None if found is None else found.strength


@pytest.mark.parametrize("type_", ["carer.arrived", "carer.departed"])
@pytest.mark.parametrize(
    ("hub", "credential", "method", "expected_strength", "provider"),
    [
        ("hub-12", "fob:joy", "fob", STRONG, "brightcare"),
        ("hub-12", "fob:joy", "button", STRONG, "brightcare"),
        ("hub-12", "fob:kim", "fob", STRONG, "otherco"),
        ("hub-12", None, "button", MEDIUM, None),
        ("hub-12", None, "fob", WEAK, None),
        ("hub-12", None, None, WEAK, None),
        ("hub-12", "fob:unknown", "fob", WEAK, None),
        ("hub-12", "fob:unknown", "button", WEAK, None),
        ("hub-12", "FOB:JOY", "fob", WEAK, None),
        ("hub-14", "fob:joy", "fob", NONE, None),
        ("hub-door", "fob:joy", "fob", NONE, None),
        ("hub-door", None, "button", NONE, None),
    ],
)
def test_the_carers_own_taps(
    type_: str,
    hub: str,
    credential: str | None,
    method: str | None,
    expected_strength: Strength | None,
    provider: str | None,
) -> None:
    """A carer's credential is strong, the button alone medium, anything else weak; only at the home's hub.

    A credential speaks for its own provider's packages only.
    """
    found = weighed(event(type_, at("08:00"), hub_id=hub, credential=credential, method=method))
    assert strength(found) is expected_strength
    if found is not None:
        assert found.provider_id == provider
        assert expected_strength is WEAK or found.arrival is (type_ == "carer.arrived")


@pytest.mark.parametrize(
    ("type_", "credential", "expected_strength", "provider"),
    [
        ("door.granted", "fob:joy", STRONG, "brightcare"),
        ("door.granted", "fob:kim", STRONG, "otherco"),
        ("door.granted", "fob:unknown", WEAK, None),
        ("door.granted", None, WEAK, None),
        ("door.opened", None, WEAK, None),
        ("door.closed", None, WEAK, None),
        ("door.call", None, WEAK, None),
        ("door.call", "fob:joy", WEAK, "brightcare"),
        ("door.released", None, WEAK, None),
        ("door.denied", "fob:joy", NONE, None),
        ("door.held", None, NONE, None),
        ("door.forced", None, NONE, None),
        ("heartbeat", None, NONE, None),
        ("resident.feedback", None, NONE, None),
        ("carer.lost", "fob:joy", NONE, None),
        ("door.painted", "fob:joy", NONE, None),
    ],
)
def test_the_homes_own_door(
    type_: str, credential: str | None, expected_strength: Strength | None, provider: str | None
) -> None:
    """A granted credential proves an arrival; an opened door alone proves nothing."""
    found = weighed(event(type_, at("08:00"), panel="panel-1", credential=credential))
    assert strength(found) is expected_strength
    assert found is None or found.provider_id == provider


@pytest.mark.parametrize(
    ("type_", "credential", "visits", "expected_strength"),
    [
        ("door.granted", "fob:joy", [expected()], MEDIUM),
        ("door.granted", "fob:joy", [expected(), expected()], MEDIUM),
        ("door.granted", "fob:joy", [expected(), expected("elm-14")], WEAK),
        ("door.granted", "fob:joy", [expected(), expected("elm-14", "otherco")], MEDIUM),
        ("door.granted", "fob:joy", [expected("elm-14")], WEAK),
        ("door.granted", "fob:joy", [], WEAK),
        ("door.granted", "fob:unknown", [expected()], NONE),
        ("door.granted", None, [expected()], NONE),
        ("door.opened", None, [expected()], NONE),
        ("door.opened", "fob:joy", [expected()], WEAK),
        ("door.call", "fob:joy", [expected()], WEAK),
        ("door.denied", "fob:joy", [expected()], NONE),
    ],
)
def test_the_schemes_door(
    type_: str, credential: str | None, visits: list[Expected], expected_strength: Strength | None
) -> None:
    """A shared door says something only with a credential, and proves only when one dwelling is expecting."""
    found = weighed(
        event(type_, at("08:00"), hub_id="hub-door", panel="front", credential=credential), *visits
    )
    assert strength(found) is expected_strength
    assert found is None or found.provider_id == "brightcare"


@pytest.mark.parametrize(
    ("clock", "end_open", "expected_strength"),
    [
        ("07:14:59", False, WEAK),
        ("07:15", False, MEDIUM),
        ("09:00", False, MEDIUM),
        ("09:00:00.000001", False, WEAK),
        ("08:59:59", True, MEDIUM),
        ("09:00", True, WEAK),
    ],
)
def test_a_shared_door_counts_in_the_window(clock: str, end_open: bool, expected_strength: Strength) -> None:
    """[counts from, missed_at] around it; [counts from, latest) where the home has no hub of its own."""
    tap = event("door.granted", at(clock), hub_id="hub-door", panel="front", credential="fob:joy")
    assert strength(weighed(tap, expected(end_open=end_open))) is expected_strength


def test_another_schemes_door_says_nothing() -> None:
    """A panel of another scheme is none of this home's doors."""
    tap = event("door.granted", at("08:00"), hub_id="hub-oak", panel="front", credential="fob:joy")
    assert weighed(tap, expected()) is None


@pytest.mark.parametrize(
    ("hub", "fields", "expected_strength"),
    [
        ("hub-12", {"scope": Scope.COMMUNAL, "panel": "panel-1"}, MEDIUM),
        ("hub-12", {"scope": Scope.DWELLING}, STRONG),
        ("hub-12", {"panel": "panel-9"}, STRONG),
        ("hub-12", {"device": "panel-1"}, STRONG),
        ("hub-door", {"scope": Scope.DWELLING, "panel": "front"}, NONE),
        ("hub-door", {"panel": "nowhere"}, MEDIUM),
    ],
)
def test_an_events_own_scope_counts_before_the_estates(
    hub: str, fields: dict[str, Any], expected_strength: Strength | None
) -> None:
    """The event's word, else the panel's in the estate, else whose hub it is."""
    tap = event("door.granted", at("08:00"), hub_id=hub, credential="fob:joy", **fields)
    assert strength(weighed(tap, expected())) is expected_strength


def test_the_estate_says_whose_door_a_panel_is() -> None:
    """A panel's scope in the estate counts for its own events alone, before whose hub it is."""
    panels = (Device("inner", "door_panel", Scope.DWELLING), Device("outer", "door_panel", Scope.COMMUNAL))
    hub = Hub("hub-12", dwelling_id="elm-12", devices=(Device("pendant-1", "pendant"), *panels))
    found = {
        panel: weigh(
            event("door.granted", at("08:00"), panel=panel, credential="fob:joy"),
            hub, DWELLING, CARERS, Doors.of([expected()]),
        )
        for panel in ("inner", "outer", "pendant-1", None)
    }  # fmt: skip
    assert {panel: strength(what) for panel, what in found.items()} == {
        "inner": STRONG,
        "outer": MEDIUM,
        "pendant-1": STRONG,
        None: STRONG,
    }


def test_a_shared_door_of_a_home_in_no_scheme() -> None:
    """Behind it lives nobody else that we know of: the one visit expected is this home's."""
    alone = Dwelling("elm-12", "1 Lane End", "Europe/London")
    tap = event("door.granted", at("08:00"), credential="fob:joy", scope=Scope.COMMUNAL)
    assert strength(weighed(tap, expected(), dwelling=alone)) is MEDIUM
    assert strength(weighed(tap, dwelling=alone)) is WEAK


def test_many_visits_are_searched_to_the_earliest_that_still_counts() -> None:
    """A long window that began first is found behind many short ones that are over."""
    long = Expected("elm-14", "brightcare", at("04:00"), at("23:00"))
    short = [
        Expected("elm-12", "brightcare", at(f"{hour:02}:00"), at(f"{hour:02}:30")) for hour in range(5, 20)
    ]
    doors = Doors.of([long, *short])
    assert doors.only_dwelling("brightcare", at("19:45")) == "elm-14"
    assert doors.only_dwelling("brightcare", at("19:15")) is None
    assert doors.only_dwelling("brightcare", at("23:01")) is None
    assert doors.only_dwelling("otherco", at("12:00")) is None
