"""The live service and the backtest over the same random worlds give the same verdicts and alerts.

Each world's estate and roster are loaded before it begins; then every line of its events file goes through
intake's own transaction at the moment of its receipt, with a sweep after each and at many moments between.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.backtest import backtest
from app.load import read_files
from care.loading import apply, prepare
from care.model import Estate
from care.policy import Policy
from care.policy_file import read_policy
from db.pool import Pool
from gateway.topics import Topics
from ingest.model import Arrival, read
from ingest.service import record
from tests.integration.care.world import rows, sweep
from tests.support.oracle.files import Files
from tests.support.worlds import make_world

SEEDS = (
    range(int(os.environ["THRESHOLD_TEST_WORLDS"])) if "THRESHOLD_TEST_WORLDS" in os.environ else (2, 3, 5, 9)
)
"""Without the variable, four worlds in which much happens; with it, as many as it says."""

TICK = timedelta(minutes=20)
TOPICS = Topics("threshold/v1")


def replayed(folder: Path, paths: tuple[Path, ...], until: datetime) -> dict[str, Any]:
    """The report that the backtest writes."""
    estate, roster, events, policy = paths
    out = folder / "report.json"
    backtest(estate=estate, events=events, out=out, roster=[roster], policy=policy, until=until.isoformat())
    report: dict[str, Any] = json.loads(out.read_bytes())
    return report


def messages(path: Path) -> Iterator[tuple[datetime, str, bytes]]:
    """Each readable line as a message: when it was received, its topic, its payload; in order of receipt."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        try:
            said = json.loads(line)
            received = datetime.fromisoformat(said["received_at"]).astimezone(UTC)
            kind = "status" if "status" in said else "events"
            payload = json.dumps(said.get("status", said.get("event"))).encode()
            found.append((received, f"threshold/v1/{said['hub']}/{kind}", payload))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
    yield from sorted(found, key=lambda message: message[0])


async def lived(pool: Pool, estate: Estate, paths: tuple[Path, ...], policy: Policy, until: datetime) -> None:
    """The same world through the service, as it would have gone."""
    said = list(messages(paths[2]))
    begins = [
        each.from_date
        for package in estate.packages.values()
        for each in package.recurrences
        if each.from_date
    ]
    _, rosters = read_files(paths[0], [paths[1]])
    days = [*begins, *(row.service_date for roster in rosters for row in roster.rows)]
    start = datetime.combine(min(days, default=until.date()), datetime.min.time(), UTC) - timedelta(days=2)
    start = min([start, *(received for received, _, _ in said)]) - timedelta(days=1)
    async with pool.connection() as conn, conn.transaction():
        await apply(conn, await prepare(conn, estate, rosters, start), start)
    first = min([start + timedelta(days=2), *(received for received, _, _ in said)])
    moments = {first + number * TICK for number in range(int((until - first) / TICK) + 1)} | {until}
    arrivals: dict[datetime, list[Arrival]] = {moment: [] for moment in moments}
    for moment, topic, payload in said:
        arrival = read(topic, payload, retained=False, received_at=moment, topics=TOPICS)
        arrivals.setdefault(moment, []).append(arrival)
    # What is received at one moment is known at that moment, all of it, before anything is judged.
    for moment in sorted(each for each in arrivals if each <= until):
        for arrival in arrivals[moment]:
            async with pool.connection() as conn, conn.transaction():
                await record(conn, [arrival], moment)
        await sweep(pool, moment, policy)


async def agree(pool: Pool, folder: Path, files: Files) -> dict[str, Any]:
    """Holds the service to the backtest's report on a world, and returns the report."""
    paths = files.write(folder)
    received = [moment for moment, _, _ in messages(paths[2])]
    until = datetime.fromisoformat(files.until).astimezone(UTC) if files.until else max(received)
    expected = replayed(folder, paths, until)
    estate, _ = read_files(paths[0], [])
    policy = read_policy(paths[3].read_bytes(), "policy.toml")
    await lived(pool, estate, paths, policy, until)

    stored = {row["ref"]: row for row in await rows(pool, "SELECT * FROM visit")}
    for visit in expected["visits"]:
        row = stored[visit["visit_ref"]]
        found = {
            "state": row["state"],
            "attendance": row["attendance"],
            "timeliness": row["timeliness"],
            "duration": row["duration"],
            "verification": row["verification"],
            "arrived_at": row["arrived_at"],
            "departed_at": row["departed_at"],
            "carers": sorted(row["carers_seen"]),
        }
        wanted = {name: visit[name] for name in found}
        for name in ("arrived_at", "departed_at"):
            wanted[name] = wanted[name] and datetime.fromisoformat(wanted[name])
        wanted["carers"] = sorted(wanted["carers"])
        assert (visit["visit_ref"], found) == (visit["visit_ref"], wanted)
    raised = [
        (row["visit_ref"], row["kind"], row["raised_at"], row["stood_down_at"])
        for row in await rows(pool, "SELECT * FROM alert WHERE visit_ref IS NOT NULL")
    ]
    told = [
        (
            alert["visit_ref"],
            alert["kind"],
            datetime.fromisoformat(alert["raised_at"]),
            alert["stood_down_at"] and datetime.fromisoformat(alert["stood_down_at"]),
        )
        for alert in expected["alerts"]
        if alert["visit_ref"]
    ]
    assert sorted(raised, key=str) == sorted(told, key=str)
    return expected


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_live_service_and_the_backtest_agree(pool: Pool, tmp_path: Path, seed: int) -> None:
    """Verdicts, times, carers, reasons, and every visit's alerts with both their moments are the same."""
    await agree(pool, tmp_path, make_world(seed))


def court(devices: list[dict[str, str]]) -> dict[str, Any]:
    """Three flats of one scheme with hubs of their own; Ada and Bob are visited at eight, Cat at ten."""
    people = {"ada": "08:00", "bob": "08:00", "cat": "10:00"}
    return {
        "organisations": [
            {"id": "bright", "kind": "care_provider", "name": "Bright"},
            {"id": "north", "kind": "monitoring_centre", "name": "North"},
        ],
        "dwellings": [
            {"id": f"flat-{name}", "scheme": "court", "time_zone": "Europe/London"} for name in people
        ],
        "residents": [
            {"id": name, "dwelling": f"flat-{name}", "name": name, "monitoring_centre": "north"}
            for name in people
        ],
        "hubs": [{"id": f"hub-{name}", "dwelling": f"flat-{name}", "devices": devices} for name in people],
        "carers": [{"id": "joy", "provider": "bright", "name": "Joy", "credentials": ["fob:1"]}],
        "packages": [
            {
                "id": f"pkg-{name}",
                "resident": name,
                "provider": "bright",
                "tier": "essential",
                "visits": [
                    {"id": "m", "rrule": "FREQ=DAILY", "start": start, "minutes": 30, "from": "2026-11-16"}
                ],
            }
            for name, start in people.items()
        ],
    }


PANEL = {"id": "panel-1", "kind": "door_panel", "scope": "communal"}


@pytest.mark.parametrize(("devices", "own_word"), [([], {"scope": "communal"}), ([PANEL], {})])
async def test_a_dwellings_hub_may_speak_of_its_schemes_door(
    pool: Pool, tmp_path: Path, devices: list[dict[str, str]], own_word: dict[str, str]
) -> None:
    """By the event's own word or by its panel: proof where one neighbour alone is expected, a weak sign where
    two are; in the service as in the backtest."""
    door = {"panel": "panel-1", "credential": "fob:1", "method": "fob", **own_word}
    told: list[tuple[str, str, str, dict[str, Any]]] = [
        (f"hub-{name}", "heartbeat", f"2026-11-16T{hour:02}:{minute:02}:00+00:00", {"queued": 0})
        for name in ("ada", "bob", "cat")
        for hour in range(6, 13)
        for minute in range(0, 60, 10)
    ]
    told += [
        ("hub-ada", "door.granted", "2026-11-16T08:05:00+00:00", door),
        ("hub-ada", "door.granted", "2026-11-16T10:05:00+00:00", door),
        ("hub-cat", "carer.departed", "2026-11-16T10:31:00+00:00", {"credential": "fob:1", "method": "fob"}),
    ]
    events = [
        {"hub": hub, "received_at": at, "event": {"id": f"e{number}", "type": kind, "at": at, "data": data}}
        for number, (hub, kind, at, data) in enumerate(told)
    ]
    report = await agree(pool, tmp_path, Files(court(devices), [], events, until="2026-11-16T12:30:00+00:00"))

    found = {visit["resident"]: (visit["state"], visit["verification"]) for visit in report["visits"]}
    assert found == {
        "ada": ("missed", "indicative"),
        "bob": ("missed", "indicative"),
        "cat": ("completed", "full"),
    }
