"""What changes around a visit in the live service: clocks, plans after the fact, how far an event reaches."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from db.pool import Pool
from tests.integration.care.world import NOW, Home, alerts, at, estate, load, rows, sweep, visit

MORNING = "pkg-ada/morning/2026-11-16"
SPRING = datetime(2027, 3, 27, 12, tzinfo=UTC)  # clocks go forward in the coming night, at one


async def test_a_visit_in_the_hour_that_is_not_there(pool: Pool) -> None:
    """When clocks go forward, half past one becomes half past two, and the verdict says so."""
    night = '[{id: night, rrule: FREQ=DAILY, start: "01:30", minutes: 30, from: 2027-03-01}]'
    row = "extra,pkg-ada,2027-03-28,01:10,01:50,,,,,planned,\n"
    await load(pool, estate(visits=night), row, now=SPRING)

    moved, extra = await visit(pool, "pkg-ada/night/2027-03-28"), await visit(pool, "extra")
    assert (moved["start_at"], moved["shifted"]) == (datetime(2027, 3, 28, 1, 30, tzinfo=UTC), True)
    assert (extra["start_at"], extra["end_at"] - extra["start_at"]) == (
        datetime(2027, 3, 28, 1, 10, tzinfo=UTC),
        timedelta(minutes=40),
    )
    plain = await visit(pool, "pkg-ada/night/2027-03-29")
    assert (plain["start_at"], plain["shifted"]) == (datetime(2027, 3, 29, 0, 30, tzinfo=UTC), False)
    await sweep(pool, moved["start_at"])
    assert (
        "The clocks skip its planned start, 01:30"
        in (await visit(pool, "pkg-ada/night/2027-03-28"))["reason"]
    )


async def test_somebody_comes_to_a_cancelled_visit(pool: Pool) -> None:
    """A visit that was cancelled in time and made all the same is attended, raises nothing, and says both."""
    await load(pool, estate(), f"{MORNING},pkg-ada,2026-11-16,08:00,08:30,,,,,cancelled,\n")
    ada = Home(pool, "hub-ada")
    await ada.beats(at(6), at(9.5))
    await sweep(pool, at(6))
    assert (await visit(pool, MORNING))["state"] == "cancelled"

    await ada.says("carer.arrived", at(8), credential="fob:1", method="fob")
    await ada.says("carer.departed", at(8.5), credential="fob:1", method="fob")
    await sweep(pool, at(9.5))
    found = await visit(pool, MORNING)
    assert (found["state"], found["attendance"], found["plan"]) == ("completed", "attended", "cancelled")
    assert "cancelled" in found["reason"]
    assert await alerts(pool) == []


async def test_a_visit_added_after_the_fact_hides_nothing_and_wakes_nobody(pool: Pool) -> None:
    """A row loaded after its late time is judged and raises no alert; its verdict says why."""
    await load(pool, estate(visits="[]"))
    ada = Home(pool, "hub-ada")
    await ada.beats(at(6), at(12))
    await load(pool, estate(visits="[]"), "extra,pkg-ada,2026-11-16,08:00,08:30,,,,,planned,\n", now=at(11))
    await sweep(pool, at(12))
    found = await visit(pool, "extra")
    assert (found["state"], found["attendance"]) == ("missed", "not_attended")
    assert "raises no alert" in found["reason"]
    assert await alerts(pool) == []


@pytest.mark.parametrize("kind", ["carer.arrived", "door.opened"])
async def test_an_event_has_only_its_own_days_judged_again(pool: Pool, kind: str) -> None:
    """Of eight weeks of visits an event reaches those of the day around it; no other row is touched."""
    three = ", ".join(
        f'{{id: v{hour}, rrule: FREQ=DAILY, start: "{hour:02}:00", minutes: 30, from: 2026-11-01}}'
        for hour in (8, 13, 18)
    )
    await load(pool, estate(visits=f"[{three}]"), now=NOW - timedelta(days=6))
    ada = Home(pool, "hub-ada")
    await sweep(pool, NOW)
    before = await rows(pool, "SELECT ref, xmin::text FROM visit")
    judged = REGISTRY.get_sample_value("threshold_visits_judged_total") or 0.0

    await ada.says(kind, at(6.01), credential="fob:1", method="fob")
    await sweep(pool, at(6.01))
    after = await rows(pool, "SELECT ref, xmin::text FROM visit")
    changed = {row["ref"] for row in after} - {row["ref"] for row in after if row in before}
    assert {ref.rpartition("/")[2] for ref in changed} <= {"2026-11-15", "2026-11-16", "2026-11-17"}
    assert (REGISTRY.get_sample_value("threshold_visits_judged_total") or 0.0) - judged <= 9
    assert len(before) > 150
