"""A morning in Elm Court: the whole system over real servers, told as the people in it live it."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import alerts.worker
from device_sim.home import Home
from device_sim.spec import DeviceSpec, HomeSpec
from device_sim.wire import broker_from_url
from tests.acceptance.town import NINE, Person, Town, awake, eventually
from tests.support.mosquitto import Mosquitto
from tests.support.smtp import Mailbox

JOY = "fob:04A1B2"
HOUSING, CARE = "duty@elm.example", "oncall@bright.example"


@pytest.mark.timescale
@pytest.mark.timeout(240)
async def test_a_morning_in_elm_court(
    timescale_url: str,
    open_mosquitto: Mosquitto,
    mailbox: Mailbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Six homes at nine o'clock, each with its own story at the same time, and no letter nobody expects."""
    # Visits of seconds want a post of seconds: what is over within a minute would never be written.
    monkeypatch.setattr(alerts.worker, "BETWEEN_LETTERS", timedelta(0))
    async with awake(timescale_url, open_mosquitto.url, mailbox, tmp_path) as town:
        async with asyncio.TaskGroup() as stories:
            stories.create_task(a_visit_on_time(town))
            stories.create_task(a_late_visit(town))
            stories.create_task(a_missed_visit(town))
            stories.create_task(a_buffered_arrival(town))
            stories.create_task(a_home_that_could_not_speak(town))
            stories.create_task(a_pendant_press(town))
            stories.create_task(an_alarm_from_a_hub_nobody_knows(town, open_mosquitto.url))
        town.put_aside(CARE, "Flat 3", "Still unanswered")
        assert town.unexpected == []


async def a_visit_on_time(town: Town) -> None:
    """Joy comes at one second past nine and leaves a minute later: completed, and nobody is alerted."""
    grace, ada = town.people["grace"], town.homes["ada"]
    await town.at(1)
    await ada.arrives(JOY)
    await _visit_is(town, "ada-nine", "in_progress")
    await town.at(55)
    await ada.departs(JOY)
    visit = await _visit_is(town, "ada-nine", "completed")
    assert (visit["attendance"], visit["timeliness"], visit["duration"]) == ("attended", "on_time", "ok")
    assert visit["verification"] == "full"
    assert [carer["name"] for carer in visit["carers_seen"]] == ["Joy Okafor"]
    detail = await grace.get("/api/v1/visits/ada-nine")
    assert [version["state"] for version in detail["verdicts"]] == [
        "planned",
        "due",
        "in_progress",
        "completed",
    ]
    assert detail["alerts"] == []


async def a_late_visit(town: Town) -> None:
    """Nobody by three seconds past: the provider alone is told; when Joy comes, told that it is over."""
    grace, martin = town.people["grace"], town.people["martin"]
    alert = await grace.is_alerted("visit.late", "flat-ben")
    assert alert["raised_at"] == "2026-11-21T09:00:03Z"
    await town.letter(CARE, "Flat 2", "late")
    await town.homes["ben"].arrives(JOY)
    await _visit_is(town, "ben-nine", "in_progress")
    await _stood_down(town, "grace", alert["id"])
    await town.letter(CARE, "Flat 2", "Stood down")
    assert [alert for alert in await martin.alerts() if alert["dwelling"]["id"] == "flat-ben"] == []


async def a_missed_visit(town: Town) -> None:
    """Both are told, each answers for itself, and the centre joins when one of them stays silent."""
    grace, martin, kim = (town.people[name] for name in ("grace", "martin", "kim"))
    theirs = await martin.is_alerted("visit.missed", "flat-cora")
    ours = await grace.is_alerted("visit.missed", "flat-cora")
    await town.letter(CARE, "Flat 3", "late")
    await town.letter(CARE, "Flat 3", "Stood down")
    assert ours["raised_at"] == theirs["raised_at"] == "2026-11-21T09:00:09Z"
    assert (theirs["visit_ref"], theirs["resident"]) == (None, None)
    to_housing = await town.letter(HOUSING, "Flat 3")
    to_care = await town.letter(CARE, "Flat 3", "was not made")
    assert "Joy" not in to_housing
    assert "Joy" in to_care
    assert "Cora Example" not in to_housing + to_care

    await martin.post(f"/api/v1/duties/{theirs['duty']['id']}/acknowledge", note="on my way")
    shared = await grace.alert(ours["id"])
    assert shared["duty"]["state"] == "open"
    assert ("landlord", "acknowledged") in [(party["role"], party["state"]) for party in shared["others"]]

    await town.letter(CARE, "Flat 3", "Still unanswered")  # their own ladder climbs on
    called = await kim.is_alerted("visit.missed", "flat-cora")
    assert called["duty"]["role"] == "monitoring_centre"
    taken = await grace.post(f"/api/v1/duties/{ours['duty']['id']}/acknowledge")
    assert taken["duty"]["state"] == "acknowledged"
    town.put_aside(CARE, "Flat 3", "Still unanswered")  # steps that fell due before they answered
    await kim.post(f"/api/v1/duties/{called['duty']['id']}/close", outcome="reassurance")
    await martin.post(f"/api/v1/duties/{theirs['duty']['id']}/close", outcome="resident_well")
    assert (await grace.alert(ours["id"]))["closed_at"] is None
    await grace.post(f"/api/v1/duties/{ours['duty']['id']}/close", 422, outcome="resident_well")
    closed = await grace.post(f"/api/v1/duties/{ours['duty']['id']}/close", outcome="visit_not_made")
    assert closed["closed_at"] is not None


async def a_buffered_arrival(town: Town) -> None:
    """An arrival that turns up after the visit was called missed corrects it, and both are told so."""
    grace, martin = town.people["grace"], town.people["martin"]
    theirs = await martin.is_alerted("visit.missed", "flat-dora")
    ours = await grace.is_alerted("visit.missed", "flat-dora")
    await town.letter(CARE, "Flat 4", "late")
    await town.letter(CARE, "Flat 4", "Stood down")
    await town.letter(HOUSING, "Flat 4")
    await town.letter(CARE, "Flat 4", "was not made")
    await town.homes["dora"].arrives(JOY, happened=NINE)
    await _stood_down(town, "martin", theirs["id"])
    await _stood_down(town, "grace", ours["id"])
    await town.letter(HOUSING, "Flat 4", "Stood down")
    await town.letter(CARE, "Flat 4", "Stood down")
    visit = await _visit_is(town, "dora-nine", "in_progress")
    assert visit["timeliness"] == "on_time"
    detail = await grace.get("/api/v1/visits/dora-nine")
    assert "missed" in [version["state"] for version in detail["verdicts"]]


async def a_home_that_could_not_speak(town: Town) -> None:
    """A hub that is cut off makes the visit unconfirmed, not missed; what it kept sets the record right."""
    grace, martin, ed = town.people["grace"], town.people["martin"], town.homes["ed"]
    await town.at(-2)
    await ed.goes_offline()
    theirs = await martin.is_alerted("visit.unverified", "flat-ed")
    assert "cannot be confirmed" in theirs["reason"]
    await town.letter(HOUSING, "Flat 5", "cannot be confirmed")
    await town.letter(CARE, "Flat 5", "late")
    await town.letter(CARE, "Flat 5", "Stood down")
    await town.letter(CARE, "Flat 5", "cannot be confirmed")
    await ed.arrives(JOY, happened=NINE)
    await ed.comes_back()
    await _stood_down(town, "martin", theirs["id"])
    await town.letter(HOUSING, "Flat 5", "Stood down")
    await town.letter(CARE, "Flat 5", "Stood down")
    assert [alert["kind"] for alert in await grace.alerts() if alert["dwelling"]["id"] == "flat-ed"] == [
        "visit.unverified",
        "visit.late",
    ]


async def a_pendant_press(town: Town) -> None:
    """Two presses are one alarm in one operator's hands; a press after closing is another."""
    kim, lou, fay = town.people["kim"], town.people["lou"], town.homes["fay"]
    await town.at(1)
    await fay.arrives(JOY)
    await fay.presses("pendant-1", times=2)
    alarm = await kim.is_alerted("alarm.pendant", "flat-fay")

    async def counted() -> dict[str, Any] | None:
        found = await kim.alert(alarm["id"])
        return found if found["press_count"] == 2 else None

    await eventually(counted, "both presses are counted")
    taken = await _taken(kim, "alarm.pendant")
    refused = await lou.post(f"/api/v1/duties/{taken['duty']['id']}/claim", 409)
    assert "kim" in refused["detail"]
    await kim.post(f"/api/v1/duties/{taken['duty']['id']}/acknowledge", note="speaking to her")
    await kim.post(f"/api/v1/duties/{taken['duty']['id']}/close", outcome="reassurance")
    await fay.presses("pendant-1")

    async def another() -> dict[str, Any] | None:
        open_now = [one for one in await kim.alerts(kind="alarm.pendant") if one["closed_at"] is None]
        return open_now[0] if open_now else None

    second = await eventually(another, "the press after closing is a new alarm")
    assert (second["id"] != alarm["id"], second["press_count"]) == (True, 1)
    assert await town.people["martin"].alerts(kind="alarm.pendant") == []


async def an_alarm_from_a_hub_nobody_knows(town: Town, mqtt_url: str) -> None:
    """A hub that is in no estate file presses: an operator sees it all the same, and the event is kept."""
    spec = HomeSpec("hub-stranger", (DeviceSpec("pendant-1", "pendant"),))
    async with Home(spec, broker_from_url(mqtt_url), town.time) as stranger:
        await stranger.presses("pendant-1")
        alarm = await town.people["lou"].is_alerted("alarm.pendant", None)
        assert alarm["hub"] in ("hub-stranger", "hub-fay")


async def _visit_is(town: Town, ref: str, state: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        visit: dict[str, Any] = await town.people["grace"].get(f"/api/v1/visits/{ref}")
        return visit if visit["state"] == state else None

    return await eventually(look, f"{ref} is {state}")


async def _stood_down(town: Town, who: str, alert: int) -> None:
    async def look() -> bool | None:
        found = await town.people[who].alert(alert)
        return (found["stood_down_at"] is not None and found["duty"]["state"] == "closed") or None

    await eventually(look, f"alert {alert} is stood down for {who}")


async def _taken(who: Person, kind: str) -> dict[str, Any]:
    """Takes alarms from the queue until this kind is in hand; others are released to their place."""
    for _ in range(5):
        alert: dict[str, Any] = await who.post("/api/v1/alerts/next")
        if alert["kind"] == kind and alert["hub"] == "hub-fay":
            return alert
    raise AssertionError(f"no {kind} in the queue")
