"""A morning around now, with every kind of thing that the console shows; for looking at and clicking through."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg.types.json import Jsonb

from api.tokens import Role, create_token
from db.pool import Connection

PEOPLE: Final = (
    ("ada", "Ada Byrne"), ("winston", "Winston Clarke"), ("maureen", "Maureen Doyle"), ("gurdeep", "Gurdeep Singh"),
    ("irene", "Irene Walsh"), ("tadeusz", "Tadeusz Nowak"), ("beryl", "Beryl Hughes"), ("amina", "Amina Yusuf"),
    ("stanley", "Stanley Moss"), ("lakshmi", "Lakshmi Rao"), ("doreen", "Doreen Pike"), ("kwame", "Kwame Mensah"),
)  # fmt: skip
CARERS: Final = (("joy", "Joy Okafor"), ("liam", "Liam Reid"), ("priya", "Priya Nair"))


@dataclass(frozen=True)
class Keys:
    """The access keys of the people on the scene."""

    operator: str
    second_operator: str
    care_manager: str
    housing_officer: str
    engineer: str


async def set_scene(conn: Connection, now: datetime) -> Keys:
    """Organisations, twelve homes, the visits of this morning, and five alerts; commits."""
    await _estate(conn, now)
    await _visits(conn, now)
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


async def _estate(conn: Connection, now: datetime) -> None:
    await conn.execute(
        "INSERT INTO organisation (id, kind, name) VALUES ('elm-housing', 'landlord', 'Elm Housing'),"
        "('brightcare', 'care_provider', 'BrightCare'), ('northgate', 'monitoring_centre', 'Northgate Lifeline')"
    )
    await conn.execute(
        "INSERT INTO contact (organisation_id, position, name, email) VALUES"
        "('elm-housing', 0, 'Duty housing officer', 'duty@elm.example'),"
        "('brightcare', 0, 'On-call coordinator', 'oncall@bright.example')"
    )
    for carer, name in CARERS:
        await conn.execute(
            "INSERT INTO carer (id, provider_id, name) VALUES (%s, 'brightcare', %s)", (carer, name)
        )
    for index, (person, name) in enumerate(PEOPLE, 1):
        home = f"elm-{index}"
        await conn.execute(
            "INSERT INTO dwelling VALUES (%s, 'elm-housing', 'elm-court', %s, 'Europe/London')",
            (home, f"Flat {index}, Elm Court"),
        )
        sheet = {"preferred_name": name.split()[0], "communication": "a little deaf, speak slowly",
                 "key_safe": "ask the supervisor", "next_of_kin": "daughter, rings back"} if index == 1 else {}  # fmt: skip
        await conn.execute(
            "INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id, details) VALUES (%s, %s, %s, 'northgate', %s)",
            (person, home, name, Jsonb(sheet)),
        )
        await conn.execute(
            "INSERT INTO hub (id, dwelling_id, online, last_heard_at, enrolled_at, queued) VALUES (%s, %s, %s, %s, %s, 0)",
            (f"hub-{index:02}", home, index != 7, now - timedelta(minutes=1 if index != 7 else 42), now),
        )
        await conn.execute(
            "INSERT INTO device VALUES (%s, 'pendant-1', 'pendant', NULL)", (f"hub-{index:02}",)
        )
        await conn.execute(
            "INSERT INTO package (id, resident_id, provider_id, tier) VALUES (%s, %s, 'brightcare', %s)",
            (f"pkg-{person}", person, ("critical", "essential", "standard")[index % 3]),
        )


@dataclass(frozen=True)
class _Visit:
    index: int
    start: int
    minutes: int
    state: str
    came: int | None = None
    left: int | None = None
    reason: str = ""


_MORNING: Final = (
    _Visit(
        0, -75, 30, "missed", reason="The visit was not made: no arrival was seen by an hour after its start."
    ),
    _Visit(0, 180, 30, "planned"),
    _Visit(1, -150, 45, "completed", -148, -101, "Joy Okafor was there for 47 minutes."),
    _Visit(1, 90, 30, "planned"),
    _Visit(
        2, -40, 30, "late", reason="The visit is late: no arrival was seen by half an hour after its start."
    ),
    _Visit(3, -20, 45, "in_progress", -18, None, "Liam Reid arrived and is there."),
    _Visit(4, -5, 30, "due"),
    _Visit(5, -130, 30, "completed", -121, -96, "Priya Nair came, 25 minutes."),
    _Visit(5, 60, 30, "planned"),
    _Visit(
        6, -95, 30, "unverified", reason="Cannot be confirmed: the unit was not heard for most of the time."
    ),
    _Visit(7, -100, 30, "cancelled", reason="The visit was cancelled: the resident is away."),
    _Visit(8, 40, 30, "planned"),
    _Visit(9, -110, 60, "completed", -112, -50, "Both carers came."),
    _Visit(10, -60, 30, "completed", -57, -30, "Joy Okafor was there for 27 minutes."),
    _Visit(11, 15, 30, "planned"),
)


async def _visits(conn: Connection, now: datetime) -> None:
    from console.lanes import service_date

    for number, visit in enumerate(_MORNING):
        person, _ = PEOPLE[visit.index]
        start = (now + timedelta(minutes=visit.start)).replace(second=0, microsecond=0)
        end = start + timedelta(minutes=visit.minutes)
        came = None if visit.came is None else now + timedelta(minutes=visit.came)
        left = None if visit.left is None else now + timedelta(minutes=visit.left)
        carer = CARERS[number % 3][0]
        attended = "attended" if came else ("not_attended" if visit.state == "missed" else "unknown")
        ref = f"pkg-{person}/v{number}/{start:%Y-%m-%d}"
        await conn.execute(
            """INSERT INTO visit (ref, package_id, resident_id, dwelling_id, provider_id, tier, service_date, start_wall,
                   start_at, end_at, carers_required, carers, plan, source, state, attendance, timeliness, duration,
                   verification, arrived_at, departed_at, carers_seen, reason, version, next_check_at)
               SELECT %s, package.id, package.resident_id, resident.dwelling_id, 'brightcare', tier, %s, '08:00', %s, %s, 1,
                   %s, %s, 'roster', %s, %s, %s, %s, %s, %s, %s, %s, %s, 1, %s
               FROM package JOIN resident ON resident.id = resident_id WHERE package.id = %s""",
            (
                ref,
                service_date(now, "Europe/London"),
                start,
                end,
                [carer],
                "cancelled" if visit.state == "cancelled" else "planned",
                visit.state,
                attended,
                "on_time" if came else "none",
                "ok" if left else ("unknown" if came else "none"),
                "full" if left else ("partial" if came else "none"),
                came,
                left,
                [carer] if came else [],
                visit.reason,
                now,
                f"pkg-{person}",
            ),  # fmt: skip
        )
        await conn.execute(
            """INSERT INTO verdict SELECT ref, 1, start_at, start_at, 'due', 'unknown', 'none', 'none', 'none', NULL, NULL,
                   '{}', 'The visit is due; no arrival has been seen yet.' FROM visit WHERE ref = %s""",
            (ref,),
        )
        await conn.execute(
            """INSERT INTO verdict SELECT ref, 2, coalesce(arrived_at, end_at), coalesce(arrived_at, end_at), state, attendance,
                   timeliness, duration, verification, arrived_at, departed_at, carers_seen, reason FROM visit WHERE ref = %s""",
            (ref,),
        )


async def _alerts(conn: Connection, now: datetime) -> None:
    def ago(minutes: float) -> datetime:
        return now - timedelta(minutes=minutes)

    missed = await add_alert(conn, "visit.missed", 2, ago(15), "A care visit was not made: no arrival was seen.",
                             person=0, visit=True)  # fmt: skip
    landlord = await add_duty(
        conn, missed, "elm-housing", "landlord", 2, ago(15), "visit", timedelta(minutes=15)
    )
    provider = await add_duty(
        conn, missed, "brightcare", "care_provider", 2, ago(15), "visit", timedelta(minutes=15)
    )
    await conn.execute(
        "UPDATE duty SET step = 1, next_check_at = %s WHERE id = ANY(%s)",
        (now + timedelta(minutes=4), [landlord, provider]),
    )
    unverified = await add_alert(conn, "visit.unverified", 2, ago(35),
                                 "A care visit cannot be confirmed: the unit was not heard.", person=6, visit=True)  # fmt: skip
    housing = await add_duty(
        conn, unverified, "elm-housing", "landlord", 2, ago(35), "visit", timedelta(minutes=30)
    )
    care = await add_duty(
        conn, unverified, "brightcare", "care_provider", 2, ago(35), "visit", timedelta(minutes=30)
    )
    await conn.execute(
        "UPDATE duty SET state = 'acknowledged', acknowledged_by = 'Hugh Price', acknowledged_at = %s, eta = %s WHERE id = %s",
        (ago(28), now + timedelta(minutes=12), housing),
    )
    await conn.execute(
        "UPDATE duty SET step = 2, next_check_at = %s WHERE id = %s", (now + timedelta(minutes=25), care)
    )
    late = await add_alert(conn, "visit.late", 2, ago(10), "A care visit is late: no arrival was seen yet.", person=2,
                           visit=True)  # fmt: skip
    await add_duty(conn, late, "brightcare", "care_provider", 2, ago(10), "visit.once", None)
    pendant = await add_alert(
        conn, "alarm.pendant", 1, ago(0.7), "The pendant was pressed.", person=9, hub="hub-10"
    )
    await add_duty(conn, pendant, "northgate", "monitoring_centre", 1, ago(0.7), "alarm.1", None)
    await conn.execute("UPDATE alert SET press_count = 3 WHERE id = %s", (pendant,))
    battery = await add_alert(
        conn, "technical.battery_low", 4, ago(130), "A battery is low.", person=4, hub="hub-05"
    )
    await add_duty(conn, battery, "northgate", "monitoring_centre", 4, ago(130), "technical", None)
    for duty, contact in ((landlord, "Duty housing officer"), (provider, "On-call coordinator")):
        await conn.execute(
            """INSERT INTO delivery (alert_id, duty_id, organisation_id, contact_id, channel, purpose, step, priority,
                   idempotency_key, message, state, attempts, created_at, delivered_at)
               SELECT %s, %s, organisation_id, id, 'email', 'raise', 1, 2, %s, '{}', 'delivered', 1, %s, %s
               FROM contact WHERE name = %s""",
            (missed, duty, f"key-{duty}", ago(15), ago(14.9), contact),
        )
        await conn.execute(
            "INSERT INTO alert_history (alert_id, duty_id, at, noticed_at, actor, what, detail)"
            " VALUES (%s, %s, %s, %s, 'threshold', 'step', %s)",
            (missed, duty, ago(15), ago(15), Jsonb({"step": 1, "reason": "step 1: contacts on call"})),
        )


async def add_alert(
    conn: Connection, kind: str, priority: int, at: datetime, reason: str, *, person: int, hub: str | None = None,
    visit: bool = False,
) -> int:  # fmt: skip
    """An alert about one of PEOPLE; its number."""
    row = await (
        await conn.execute(
            """INSERT INTO alert (kind, priority, dedupe_key, visit_ref, hub_id, device, dwelling_id, resident_id, raised_at,
                   noticed_at, reason)
               VALUES (%(kind)s, %(priority)s, %(key)s,
                   CASE WHEN %(visit)s THEN (SELECT ref FROM visit WHERE resident_id = %(person)s ORDER BY start_at LIMIT 1) END,
                   %(hub)s, %(device)s, %(home)s, %(person)s, %(at)s, %(at)s, %(reason)s) RETURNING id""",
            {
                "kind": kind,
                "priority": priority,
                "key": f"{kind} {person} {at}",
                "visit": visit,
                "hub": hub,
                "device": "pendant-1" if hub else None,
                "home": f"elm-{person + 1}",
                "person": PEOPLE[person][0],
                "at": at,
                "reason": reason,
            },  # fmt: skip
        )
    ).fetchone()
    assert row is not None
    await conn.execute(
        "INSERT INTO alert_history (alert_id, at, noticed_at, actor, what, detail) VALUES (%s, %s, %s, 'threshold', 'raised', %s)",
        (row["id"], at, at, Jsonb({"reason": reason})),
    )
    return int(row["id"])


async def add_duty(
    conn: Connection, alert: int, organisation: str, role: str, priority: int, at: datetime, ladder: str,
    step: timedelta | None,
) -> int:  # fmt: skip
    """A duty in an alert; its number."""
    row = await (
        await conn.execute(
            """INSERT INTO duty (alert_id, organisation_id, role, priority, raised_at, ladder, ladder_step, step, step_from,
                   next_check_at) VALUES (%s, %s, %s, %s, %s, %s, %s, 1, %s, %s) RETURNING id""",
            (alert, organisation, role, priority, at, ladder, step, at, at + timedelta(minutes=60)),
        )
    ).fetchone()
    assert row is not None
    return int(row["id"])
