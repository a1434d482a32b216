"""Every scenario that comes along is played, replayed by the rules, and must come out as its file says."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.homes import cast, upcoming_visits
from care.estate import read_estate
from care.roster import Known, read_roster
from device_sim.home import Home
from device_sim.play import Done, play
from device_sim.scenario import Outcome, Scenario, load_scenario, names
from device_sim.spec import HomeSpec
from device_sim.wire import Broker
from gateway.model import Event
from tests.acceptance.test_simulated_week import threshold
from tests.unit.device_sim.simulated_time import SimulatedTime

ORDINARY = "2026-11-21 09:00"
BEFORE, AFTER = timedelta(hours=3), timedelta(hours=2)
"""A scenario begins so long before its visit, and is replayed until so long after its start."""
EVERY = timedelta(minutes=10)
DEVICES = ("pendant", "pull_cord", "smoke_detector", "door_panel")
CARERS = {"carer": "fob:1", "second_carer": "fob:2"}


def estate(scenario: Scenario) -> str:
    """A flat for each role of the scenario."""
    hubs = [f"hub-{role}" for role in scenario.roles]
    devices = ", ".join(f"{{id: {kind}-1, kind: {kind}}}" for kind in DEVICES)
    return "\n".join(
        (
            "organisations:",
            "  - {id: elm, kind: landlord, contacts: [{name: Duty, email: duty@elm.example}]}",
            "  - {id: bright, kind: care_provider, contacts: [{name: Duty, email: duty@bright.example}]}",
            "  - {id: northgate, kind: monitoring_centre}",
            "dwellings:",
            *(f"  - {{id: {hub}-flat, landlord: elm, time_zone: Europe/London}}" for hub in hubs),
            "residents:",
            *(
                f"  - {{id: {hub}-person, dwelling: {hub}-flat, monitoring_centre: northgate}}"
                for hub in hubs
            ),
            "hubs:",
            *(f"  - {{id: {hub}, dwelling: {hub}-flat, devices: [{devices}]}}" for hub in hubs),
            "carers:",
            "  - {id: joy, provider: bright, credentials: ['fob:1']}",
            "  - {id: sam, provider: bright, credentials: ['fob:2']}",
            "suspensions:",
            *(
                f"  - {{resident: hub-{role}-person, from: '{planned(scenario):%Y-%m-%d}T00:00:00+00:00',"
                " until: null, reason: hospital, told_by: bright}"
                for role, needs in scenario.roles.items()
                if needs.suspended
            ),
            "packages:",
            *(
                f"  - {{id: {hub}-care, resident: {hub}-person, provider: bright, tier: essential,"
                " visits: []}"
                for hub in hubs
            ),
        )
    )


def planned(scenario: Scenario) -> datetime:
    """The wall time for which the scenario's visits are planned: nine, unless it names another."""
    told = {needs.planned for needs in scenario.roles.values()} - {None}
    return datetime.fromisoformat((told or {ORDINARY}).pop() or ORDINARY)


def roster(scenario: Scenario) -> str:
    """A visit of half an hour for each home that plays a role with one."""
    carers = 2 if scenario.name == "double_with_one" else 1
    start = planned(scenario)
    times = f"{start:%Y-%m-%d},{start:%H:%M},{start + timedelta(minutes=30):%H:%M}"
    rows = (
        f"hub-{role},hub-{role}-care,{times},{carers},joy\n"
        for role, needs in scenario.roles.items()
        if needs.visit
    )
    return "visit_ref,package,service_date,start,end,carers_required,carer_1\n" + "".join(rows)


def specs(scenario: Scenario) -> dict[str, HomeSpec]:
    """The homes, by role, as `threshold sim` makes them of the estate and the roster."""
    known = read_estate(estate(scenario), "estate.yaml")
    rows = {row.visit_ref: row for row in read_roster(roster(scenario).encode(), "r", Known.of(known)).rows}
    day_before = planned(scenario).replace(tzinfo=UTC) - timedelta(days=1)
    visits = list(upcoming_visits(known, rows, day_before))
    chosen = {role: f"hub-{role}" for role in scenario.roles}
    return {
        role: replace(spec, carers=dict(CARERS))
        for role, spec in cast(scenario, known, visits, chosen=chosen).items()
    }


async def played(
    scenario: Scenario, homes_to_be: dict[str, HomeSpec], begin: datetime, until: datetime
) -> tuple[dict[str, dict[str, Event]], list[Done]]:
    """What each home said by id, and the steps that were taken."""
    time = SimulatedTime(begin)
    homes = {role: Home(spec, Broker("nowhere.invalid"), time) for role, spec in homes_to_be.items()}
    playing = asyncio.create_task(play(scenario, homes, time))
    await time.passes((until - begin).total_seconds())
    done = await playing
    said = {}
    for home in homes.values():
        await home.switches_off()
        events = (msgspec.json.decode(entry.body, type=Event) for entry in home.hub.outbox)
        said[home.spec.hub] = {event.id: event for event in events}
    return said, done


def received(
    said: dict[str, dict[str, Event]], done: list[Done], begin: datetime, until: datetime
) -> list[dict[str, Any]]:
    """The lines of an events file: what is said while the line is down comes when it is back."""
    lines: list[dict[str, Any]] = []
    for hub, events in said.items():
        own = [step for step in done if step.hub == hub]
        cut = [step.at for step in own if step.step.does == "goes_offline"]
        back = [step.at for step in own if step.step.does == "comes_back"]
        down = list(zip(cut, [*back, until][: len(cut)], strict=True))
        stops = [step.at for step in own if step.step.does == "stops_heartbeats"]
        for cut_at, end in down:
            lines.append({"hub": hub, "received_at": cut_at, "status": {"online": False}})
            if end < until:
                lines.append(_beat(hub, end, 1, "again"))
                lines.append(_beat(hub, end + timedelta(seconds=2), 0, "told"))
        for step in own:
            at = next(
                (end + timedelta(seconds=1) for cut_at, end in down if cut_at <= step.at < end), step.at
            )
            if at < until:
                lines += [{"hub": hub, "received_at": at, "event": events[id]} for id in step.events]
        moment = begin
        while moment < min([*stops, until]):
            if not any(cut_at <= moment <= end for cut_at, end in down):
                lines.append(_beat(hub, moment, 0, "beat"))
            moment += EVERY
    return lines


def _beat(hub: str, at: datetime, queued: int, name: str) -> dict[str, Any]:
    event = {"id": f"{name}-{at:%H%M%S}", "type": "heartbeat", "at": at, "data": {"queued": queued}}
    return {"hub": hub, "received_at": at, "event": event}


def why_not(outcome: Outcome, hub: str, report: dict[str, Any]) -> str | None:
    """Why a report does not show an outcome; None when it does."""
    if outcome.visit is not None:
        visit = next(each for each in report["visits"] if each["visit_ref"] == hub)
        expected = (outcome.visit, outcome.attendance or visit["attendance"])
        found = (visit["state"], visit["attendance"])
        return None if found == expected else f"{hub}: {found}, and not {expected}: {visit['reason']}"
    alerts = [
        alert
        for alert in report["alerts"]
        if alert["kind"] == outcome.alert and hub in (alert["hub"], alert["visit_ref"])
    ]
    if len(alerts) != 1:
        return f"{hub}: {len(alerts)} alerts {outcome.alert}"
    roles = {duty["role"] for duty in alerts[0]["duties"]}
    if not set(outcome.duties) <= roles:
        return f"{hub}: {outcome.alert} has duties of {roles}"
    if (alerts[0]["stood_down_at"] is not None) != outcome.stood_down:
        return f"{hub}: {outcome.alert} stood down at {alerts[0]['stood_down_at']}"
    return None


@pytest.mark.parametrize("name", names())
def test_a_scenario_comes_out_as_it_says(name: str, tmp_path: Path) -> None:
    """By the rules as the service has them, and with nobody called about a visit beyond what is told."""
    scenario = load_scenario(name)
    homes = specs(scenario)
    starts = [spec.visit.start for spec in homes.values() if spec.visit is not None]
    start = min(starts, default=planned(scenario).replace(tzinfo=UTC))
    begin, until = start - BEFORE, start + AFTER
    said, done = asyncio.run(played(scenario, homes, begin, until))
    (tmp_path / "estate.yaml").write_text(estate(scenario))
    (tmp_path / "roster.csv").write_text(roster(scenario))
    (tmp_path / "events.jsonl").write_bytes(
        b"".join(msgspec.json.encode(line) + b"\n" for line in received(said, done, begin, until))
    )
    replay = threshold(
        *("backtest", "--estate", str(tmp_path / "estate.yaml"), "--roster", str(tmp_path / "roster.csv")),
        *("--events", str(tmp_path / "events.jsonl"), "--until", until.isoformat()),
        *("--out", str(tmp_path / "report.json")),
    )
    assert replay.returncode == 0, replay.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert scenario.must_come_out
    found = [why_not(outcome, f"hub-{outcome.home}", report) for outcome in scenario.must_come_out]
    assert [why for why in found if why is not None] == []
    told = {outcome.alert for outcome in scenario.must_come_out} | {"visit.late", "hub.silent"}
    assert {alert["kind"] for alert in report["alerts"]} <= told
