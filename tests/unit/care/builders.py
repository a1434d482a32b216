"""Short words for the rules' nouns. All on one winter's day in London, where the wall shows UTC."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from care.doors import Doors, Expected, expected_at_doors
from care.household import Household
from care.model import (
    Carer,
    Device,
    Dwelling,
    Hearing,
    HomeEvent,
    Hub,
    Plan,
    Resident,
    Scope,
    Suspension,
    Tier,
    Visit,
)
from care.policy import DEFAULT_POLICY, Policy
from care.windows import frame

DAY = date(2026, 11, 20)
LONDON = "Europe/London"
HUB = Hub(
    "hub-12",
    dwelling_id="elm-12",
    devices=(Device("panel-1", "door_panel", Scope.DWELLING),),
)
DOOR_HUB = Hub("hub-door", scheme="elm-court", devices=(Device("front", "door_panel", Scope.COMMUNAL),))
DWELLING = Dwelling("elm-12", "Flat 12, Elm Court", LONDON, "elm-housing", "elm-court")
ADA = Resident("ada", "elm-12", "Ada Byrne", "northgate")
JOY = Carer("joy", "brightcare", "Joy Okafor", ("fob:joy",))
SAM = Carer("sam", "brightcare", "Sam Oke", ("fob:sam",))
KIM = Carer("kim", "otherco", "Kim Lee", ("fob:kim",))
CARERS = {credential: carer for carer in (JOY, SAM, KIM) for credential in carer.credentials}


def at(clock: str, day: int = 0) -> datetime:
    """`08:25`, `08:25:30.5`, on the day or so many days after it."""
    return datetime.combine(DAY + timedelta(days=day), time.fromisoformat(clock), tzinfo=UTC)


def minutes(number: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=number)


def visit(start: str = "08:00", length: float = 30, ref: str = "v1", day: int = 0, **more: Any) -> Visit:
    """A visit of pkg-ada, essential and for one carer unless said otherwise."""
    begins = at(start, day)
    given: dict[str, Any] = {
        "package_id": "pkg-ada",
        "resident_id": "ada",
        "dwelling_id": "elm-12",
        "provider_id": "brightcare",
        "tier": Tier.ESSENTIAL,
        "service_date": begins.date(),
        "start_wall": begins.time(),
        **more,
    }
    return Visit(ref=ref, start_at=begins, end_at=begins + minutes(length), **given)


def cancelled(start: str = "08:00", changed_at: datetime | None = None, **more: Any) -> Visit:
    """A visit that was called off."""
    return visit(start, plan=Plan.CANCELLED, changed_at=changed_at, **more)


_numbers = iter(range(10**9))


def event(type_: str, when: datetime, received: datetime | None = None, **more: Any) -> HomeEvent:
    """An event of the dwelling's hub; received at once unless said otherwise."""
    number = next(_numbers)
    received = when if received is None else received
    given: dict[str, Any] = {"hub_id": "hub-12", "arrival": number, **more}
    return HomeEvent(
        event_id=f"e{number}",
        type=type_,
        at=when,
        effective_at=min(when, received),
        received_at=received,
        **given,
    )


def arrives(
    carer: str | None, clock: str, received: str | None = None, day: int = 0, **more: Any
) -> HomeEvent:
    """`carer.arrived` with the carer's fob, or by button for None."""
    return _tap("carer.arrived", carer, clock, received, day, **more)


def departs(
    carer: str | None, clock: str, received: str | None = None, day: int = 0, **more: Any
) -> HomeEvent:
    """`carer.departed` likewise."""
    return _tap("carer.departed", carer, clock, received, day, **more)


def _tap(type_: str, carer: str | None, clock: str, received: str | None, day: int, **more: Any) -> HomeEvent:
    came = None if received is None else at(received, day)
    if carer is None:
        return event(type_, at(clock, day), came, method="button", **more)
    return event(type_, at(clock, day), came, method="fob", credential=f"fob:{carer}", **more)


def talking(hub: Hub = HUB, **more: Any) -> Hearing:
    """A hub that was heard all the time."""
    given: dict[str, Any] = {
        "first_heard_at": at("00:00", -30),
        "last_heard_at": at("00:00", 30),
        **more,
    }
    return Hearing(hub, **given)


def home(
    visits: Iterable[Visit],
    events: Iterable[HomeEvent] = (),
    hearing: Iterable[Hearing] | None = None,
    policy: Policy = DEFAULT_POLICY,
    suspensions: Iterable[Suspension] = (),
    neighbours: Iterable[Expected] = (),
    hubs: tuple[Hub, ...] = (HUB, DOOR_HUB),
    **more: Any,
) -> Household:
    """Ada's home, heard all the time unless said otherwise."""
    planned = tuple(visits)
    windows = frame(planned, tuple(suspensions), policy, LONDON)
    own_hub = any(hub.dwelling_id is not None for hub in hubs)
    return Household(
        resident=ADA,
        dwelling=DWELLING,
        visits=planned,
        hubs=hubs,
        hearing=(talking(),) if hearing is None else tuple(hearing),
        carers=CARERS,
        events=tuple(events),
        suspensions=tuple(suspensions),
        doors=Doors.of([*expected_at_doors(windows.values(), own_hub), *neighbours]),
        policy=policy,
        **more,
    )
