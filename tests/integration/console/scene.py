"""A morning around now, with every kind of thing that the console shows: to look at and to click through."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from psycopg.types.json import Jsonb

from api.tokens import Role, create_token
from console.lanes import service_date
from db.pool import Connection, execute, fetch_one
from db.sql import parse

_FILE: Final = Path(__file__).with_name("scene.sql")
_SQL: Final = parse(_FILE.read_text(encoding="utf-8"), _FILE.name)

PEOPLE: Final = (
    "Ada Byrne",
    "Winston Clarke",
    "Maureen Doyle",
    "Gurdeep Singh",
    "Irene Walsh",
    "Tadeusz Nowak",
    "Beryl Hughes",
    "Amina Yusuf",
    "Stanley Moss",
    "Lakshmi Rao",
    "Doreen Pike",
    "Kwame Mensah",
)
CARERS: Final = {"joy": "Joy Okafor", "liam": "Liam Reid", "priya": "Priya Nair"}
SHEET: Final = {
    "preferred_name": "Ada",
    "communication": "a little deaf: speak slowly, and wait for the answer",
    "lives_with": "a cat",
}


@dataclass(frozen=True)
class Keys:
    """The access keys of the people on the scene."""

    operator: str
    second_operator: str
    care_manager: str
    housing_officer: str
    engineer: str


@dataclass(frozen=True)
class Visit:
    """A visit in minutes from now; `index` of PEOPLE."""

    index: int
    start: int
    minutes: int
    state: str
    came: int | None = None
    left: int | None = None
    reason: str = ""


MORNING: Final = (
    Visit(0, -75, 30, "missed", reason="Not made: no arrival was seen by an hour after its start."),
    Visit(0, 180, 30, "planned"),
    Visit(1, -150, 45, "completed", -148, -101, "Joy Okafor was there for 47 minutes."),
    Visit(1, 90, 30, "planned"),
    Visit(2, -40, 30, "late", reason="Late: no arrival was seen by half an hour after its start."),
    Visit(3, -20, 45, "in_progress", -18, None, "Liam Reid arrived and is there."),
    Visit(4, -5, 30, "due"),
    Visit(5, -130, 30, "completed", -121, -96, "Priya Nair came, 25 minutes."),
    Visit(5, 60, 30, "planned"),
    Visit(6, -95, 30, "unverified", reason="Cannot be confirmed: the unit was silent for most of the time."),
    Visit(7, -100, 30, "cancelled", reason="Cancelled: the resident is away."),
    Visit(8, 40, 30, "planned"),
    Visit(9, -110, 60, "completed", -112, -50, "Liam Reid was there for 62 minutes."),
    Visit(10, -60, 30, "completed", -57, -30, "Joy Okafor was there for 27 minutes."),
    Visit(11, 15, 30, "planned"),
)


def person_of(index: int) -> str:
    """The id of one of PEOPLE."""
    return PEOPLE[index].split()[0].lower()


async def set_scene(conn: Connection, now: datetime) -> Keys:
    """Organisations, twelve homes, the visits of this morning and five alerts; commits."""
    await _run(conn, "organisations")
    for carer, name in CARERS.items():
        await _run(conn, "carer", id=carer, name=name)
    for index, name in enumerate(PEOPLE):
        await _home(conn, index, name, now)
    for number, visit in enumerate(MORNING):
        await _visit(conn, number, visit, now)
    await _alerts(conn, now)
    keys = Keys(
        await create_token(conn, "northgate", Role.OPERATOR, "Olu Bankole", now),
        await create_token(conn, "northgate", Role.OPERATOR, "Petra Lang", now),
        await create_token(conn, "brightcare", Role.CARE_MANAGER, "Cara Novak", now),
        await create_token(conn, "elm-housing", Role.HOUSING_OFFICER, "Hugh Price", now),
        await create_token(conn, "northgate", Role.ENGINEER, "Enid Frost", now),
    )
    await conn.commit()
    return keys


async def add_alert(
    conn: Connection, kind: str, priority: int, at: datetime, reason: str, *, index: int, hub: bool = False
) -> int:
    """An alert about one of PEOPLE; its number."""
    return await _number(
        conn,
        "alert",
        kind=kind,
        priority=priority,
        key=f"{kind} {index} {at}",
        hub=f"hub-{index + 1:02}" if hub else None,
        device="pendant-1" if hub else None,
        home=f"elm-{index + 1}",
        person=person_of(index),
        at=at,
        reason=reason,
    )


async def add_duty(
    conn: Connection, alert: int, role: str, priority: int, at: datetime, ladder: str, minutes: int = 0
) -> int:
    """A party's duty in an alert, on a ladder of so many minutes; its number."""
    holder = {"landlord": "elm-housing", "care_provider": "brightcare", "monitoring_centre": "northgate"}
    return await _number(
        conn,
        "duty",
        alert=alert,
        organisation=holder[role],
        role=role,
        priority=priority,
        at=at,
        ladder=ladder,
        step=timedelta(minutes=minutes) if minutes else None,
        next=at + timedelta(minutes=minutes or 60),
    )


async def _home(conn: Connection, index: int, name: str, now: datetime) -> None:
    silent = index == 6
    await _run(
        conn,
        "home",
        home=f"elm-{index + 1}",
        address=f"Flat {index + 1}, Elm Court",
        person=person_of(index),
        name=name,
        sheet=Jsonb(SHEET if index == 0 else {}),
        hub=f"hub-{index + 1:02}",
        online=not silent,
        heard=now - timedelta(minutes=42 if silent else 1),
        tier=("critical", "essential", "standard")[index % 3],
    )


async def _visit(conn: Connection, number: int, visit: Visit, now: datetime) -> None:
    def at(minutes: int | None) -> datetime | None:
        return None if minutes is None else now + timedelta(minutes=minutes)

    start = (now + timedelta(minutes=visit.start)).replace(second=0, microsecond=0)
    came = visit.came is not None
    ref = f"pkg-{person_of(visit.index)}/v{number}/{start:%Y-%m-%d}"
    carers = [list(CARERS)[number % 3]]
    await _run(
        conn,
        "visit",
        ref=ref,
        person=person_of(visit.index),
        date=service_date(start, "Europe/London"),
        start=start,
        end=start + timedelta(minutes=visit.minutes),
        carers=carers,
        plan="cancelled" if visit.state == "cancelled" else "planned",
        state=visit.state,
        attendance="attended" if came else "not_attended" if visit.state == "missed" else "unknown",
        timeliness="on_time" if came else "none",
        duration="ok" if visit.left else "unknown" if came else "none",
        verification="full" if visit.left else "partial" if came else "none",
        arrived=at(visit.came),
        departed=at(visit.left),
        seen=carers if came else [],
        reason=visit.reason,
    )
    await _run(conn, "verdicts", ref=ref)


async def _alerts(conn: Connection, now: datetime) -> None:
    def ago(minutes: float) -> datetime:
        return now - timedelta(minutes=minutes)

    missed = await add_alert(conn, "visit.missed", 2, ago(11), "A care visit was not made.", index=0)
    for role in ("landlord", "care_provider"):
        await _run(conn, "told", duty=await add_duty(conn, missed, role, 2, ago(11), "visit", 15))
    unsure = await add_alert(
        conn, "visit.unverified", 2, ago(35), "A care visit cannot be confirmed.", index=6
    )
    housing = await add_duty(conn, unsure, "landlord", 2, ago(35), "visit", 30)
    await _run(conn, "answered", duty=housing, by="Hugh Price", at=ago(28), eta=ago(-12))
    care = await add_duty(conn, unsure, "care_provider", 2, ago(35), "visit", 60)
    await _run(conn, "second_step", duty=care)
    late = await add_alert(conn, "visit.late", 2, ago(10), "A care visit is late.", index=2)
    await add_duty(conn, late, "care_provider", 2, ago(10), "visit.once")
    pendant = await add_alert(
        conn, "alarm.pendant", 1, ago(0.7), "The pendant was pressed.", index=9, hub=True
    )
    await _run(conn, "pressed", alert=pendant)
    await add_duty(conn, pendant, "monitoring_centre", 1, ago(0.7), "alarm.1")
    battery = await add_alert(
        conn, "technical.battery_low", 4, ago(130), "A battery is low.", index=4, hub=True
    )
    await add_duty(conn, battery, "monitoring_centre", 4, ago(130), "technical")


async def _run(conn: Connection, statement: str, **values: Any) -> None:
    await execute(conn, _SQL[statement].sql, **values)


async def _number(conn: Connection, statement: str, **values: Any) -> int:
    row = await fetch_one(conn, _SQL[statement].sql, **values)
    assert row is not None
    return int(row["id"])
