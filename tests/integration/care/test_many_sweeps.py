"""Several sweeps, writers at the same time, rows that cannot be judged, and our own absence."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from alerts.model import Actor
from care import service
from care.gathering import gather
from care.history import judged
from care.sweep import sweep_due
from db.pool import Pool
from tests.integration.care.world import Home, alerts, at, estate, load, rows, sweep, visit

NAMES = tuple(f"r{number:02}" for number in range(24))


async def test_several_sweeps_decide_each_visit_once(pool: Pool) -> None:
    """Four sweeps at once leave each visit with one set of versions and one alert."""
    await load(pool, estate(NAMES))
    for name in NAMES:
        await Home(pool, f"hub-{name}").says("heartbeat", at(9), queued=0)

    async def keep_on() -> int:
        total = 0
        while taken := await sweep_due(pool, at(9), batch=3):
            total += taken
        return total

    taken = await asyncio.gather(*(keep_on() for _ in range(4)))
    assert await sweep_due(pool, at(9)) == 0

    assert sum(1 for each in taken if each) > 1, "one sweep alone has done all the work"
    missed = await rows(
        pool, "SELECT visit_ref FROM alert WHERE kind IN ('visit.missed', 'visit.unverified')"
    )
    assert sorted(row["visit_ref"] for row in missed) == [f"pkg-{name}/morning/2026-11-16" for name in NAMES]
    versions = await rows(
        pool, "SELECT visit_ref, count(*) AS many, max(version) AS last FROM verdict GROUP BY 1"
    )
    assert {(row["many"], row["last"]) for row in versions} == {(4, 4)}


async def test_what_commits_during_a_sweep_is_judged_by_the_next(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An arrival that commits while its visit is being judged is not lost, and intake did not wait for it."""
    await load(pool, estate())
    ada = Home(pool, "hub-ada")
    await ada.beats(at(6), at(9))

    async def gather_and_be_overtaken(*arguments: Any) -> Any:
        homes = await gather(*arguments)
        if ada.said < 100:
            ada.said = 100
            await asyncio.wait_for(
                ada.says("carer.arrived", at(8), received=at(9), credential="fob:1", method="fob"), 5
            )
        return homes

    monkeypatch.setattr("care.judging.gather", gather_and_be_overtaken)
    assert await sweep_due(pool, at(9))
    assert (await visit(pool, "pkg-ada/morning/2026-11-16"))["state"] == "missed"
    await sweep(pool, at(9))

    assert (await visit(pool, "pkg-ada/morning/2026-11-16"))["attendance"] == "attended"


async def test_a_home_that_cannot_be_judged_does_not_stop_the_others(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that fails on one home puts that home aside for minutes, and the others are judged."""
    await load(pool, estate(("ada", "bob")))

    def fails_on_bob(windows: Any, household: Any, *more: Any) -> Any:
        if household.resident.id == "bob":
            raise ZeroDivisionError("planted")
        return judged(windows, household, *more)

    monkeypatch.setattr("care.judging.judged", fails_on_bob)
    with capture_logs() as logs:
        await sweep(pool, at(8))
    assert [line["event"] for line in logs] == ["a home could not be judged"]
    assert (await visit(pool, "pkg-ada/morning/2026-11-16"))["state"] == "due"
    bob = await visit(pool, "pkg-bob/morning/2026-11-16")
    assert (bob["state"], bob["next_check_at"]) == ("planned", at(8) + timedelta(minutes=5))

    monkeypatch.undo()
    await sweep(pool, at(8) + timedelta(minutes=5))
    assert (await visit(pool, "pkg-bob/morning/2026-11-16"))["state"] == "due"


async def test_what_the_database_refuses_does_not_stop_the_others(pool: Pool) -> None:
    """A conclusion that the database refuses puts aside its home alone, and the batch goes on one by one."""
    await load(pool, estate(("ada", "bob", "cat")))
    async with pool.connection() as conn:
        await conn.execute(
            "ALTER TABLE verdict ADD CONSTRAINT planted CHECK (visit_ref NOT LIKE 'pkg-bob/%') NOT VALID"
        )
    with capture_logs() as logs:
        await sweep(pool, at(8))
    assert [line["event"] for line in logs] == [
        "the database refused a batch; its homes are taken one by one",
        "the database refused what was concluded of a home",
    ]

    states = await rows(
        pool, "SELECT resident_id, state FROM visit WHERE service_date = '2026-11-16' ORDER BY 1"
    )
    assert [row["state"] for row in states] == ["due", "planned", "due"]
    assert (await visit(pool, "pkg-bob/morning/2026-11-16"))["next_check_at"] == at(8) + timedelta(minutes=5)


async def intake(pool: Pool, **state: Any) -> None:
    """What intake says of itself."""
    async with pool.connection() as conn:
        await conn.execute("DELETE FROM intake")
        await conn.execute(
            "INSERT INTO intake (id, beat_at, connected_at, caught_up_at)"
            " VALUES ('mqtt', %(beat)s, %(connected)s, %(caught_up)s)",
            {"beat": None, "connected": None, "caught_up": None, **state},
        )


async def test_decisions_wait_while_we_could_not_listen(pool: Pool) -> None:
    """Our own outage makes no miss: decisions wait for intake, keep their true time, and are marked late."""
    await load(pool, estate(("ada", "bob")))
    ada, bob = Home(pool, "hub-ada"), Home(pool, "hub-bob")
    await ada.beats(at(6), at(8.4))
    await bob.beats(at(6), at(8.4))
    await intake(pool, beat=at(8.45), connected=at(6), caught_up=at(6))
    await sweep(pool, at(9.5))
    assert {(await visit(pool, f"pkg-{name}/morning/2026-11-16"))["state"] for name in ("ada", "bob")} == {
        "due"
    }

    async with pool.connection() as conn:
        await conn.execute("INSERT INTO intake_gap (began_at) VALUES (%s)", (at(8.45),))
    await intake(pool, beat=at(10), connected=at(9.99))
    await bob.says("carer.arrived", at(8.45), received=at(10), credential="fob:1", method="fob")
    await sweep(pool, at(10))
    assert (await visit(pool, "pkg-bob/morning/2026-11-16"))["state"] == "due"

    async with pool.connection() as conn:
        await conn.execute("UPDATE intake_gap SET ended_at = %s", (at(10.01),))
    await intake(pool, beat=at(10.01), connected=at(9.99), caught_up=at(10.01))
    await ada.says("heartbeat", at(10.01), queued=0)
    await sweep(pool, at(10.01))

    assert (await visit(pool, "pkg-bob/morning/2026-11-16"))["attendance"] == "attended"
    found = await visit(pool, "pkg-ada/morning/2026-11-16")
    assert found["state"] == "missed"
    missed = await rows(
        pool, "SELECT raised_at, raised_late, visit_ref FROM alert WHERE kind = 'visit.missed'"
    )
    assert [(row["raised_at"], row["raised_late"]) for row in missed if "ada" in row["visit_ref"]] == [
        (at(9), True)
    ]


async def test_a_persons_word_waits_for_nothing(pool: Pool) -> None:
    """A manual verification counts at once, also while intake is away, and stands the alert down."""
    await load(pool, estate())
    await Home(pool, "hub-ada").beats(at(6), at(9))
    await sweep(pool, at(9))
    await intake(pool, beat=at(9.05), connected=at(6), caught_up=at(6))
    async with pool.connection() as conn:
        await service.verify_visit(
            conn,
            "pkg-ada/morning/2026-11-16",
            Actor("Grace", "brightcare"),
            True,
            at(8),
            None,
            "carer_confirmed",
            None,
            at(9.5),
        )
    await sweep(pool, at(9.5))

    found = await visit(pool, "pkg-ada/morning/2026-11-16")
    assert (found["attendance"], found["verification"]) == ("attended", "manual")
    assert (await alerts(pool))[-1] == ("visit.missed", at(9), at(9.5))


async def test_a_cancellation_in_time_and_one_too_late(pool: Pool) -> None:
    """Cancelled before its late time a visit is cancelled; after it, verdict and alerts stay as planned."""
    await load(pool, estate(("ada", "bob")))
    for name in ("ada", "bob"):
        await Home(pool, f"hub-{name}").beats(at(6), at(9))
    who = Actor("Grace", "brightcare")
    async with pool.connection() as conn:
        await service.cancel_visit(conn, "pkg-ada/morning/2026-11-16", who, "resident_declined", at(8.25))
    await sweep(pool, at(8.25))
    assert (await visit(pool, "pkg-ada/morning/2026-11-16"))["state"] == "cancelled"
    async with pool.connection() as conn:
        await service.cancel_visit(conn, "pkg-bob/morning/2026-11-16", who, "resident_declined", at(8.75))
    await sweep(pool, at(9))

    assert (await visit(pool, "pkg-ada/morning/2026-11-16"))["state"] == "cancelled"
    assert (await visit(pool, "pkg-bob/morning/2026-11-16"))["state"] == "missed"
    assert {row["visit_ref"] for row in await rows(pool, "SELECT visit_ref FROM alert")} == {
        "pkg-bob/morning/2026-11-16"
    }


async def test_a_suspension_and_its_end(pool: Pool) -> None:
    """Visits to come are suspended as soon as it is said, and planned again as soon as that ends."""
    await load(pool, estate())
    who = Actor("Grace", "brightcare")
    async with pool.connection() as conn:
        made = await service.suspend(conn, "ada", who, at(7, 17), None, "hospital", at(6))
    await sweep(pool, at(6))
    assert (await visit(pool, "pkg-ada/morning/2026-11-16"))["state"] == "planned"
    assert (await visit(pool, "pkg-ada/morning/2026-11-20"))["state"] == "suspended"
    async with pool.connection() as conn:
        await service.end_suspension(conn, made, who, at(12, 18))
    await sweep(pool, at(12, 18))

    assert (await visit(pool, "pkg-ada/morning/2026-11-18"))["state"] == "suspended"
    assert (await visit(pool, "pkg-ada/morning/2026-11-20"))["state"] == "planned"
    await load(pool, replace(estate(), suspensions=()), now=at(13, 18))
    assert (await visit(pool, "pkg-ada/morning/2026-11-18"))["state"] == "suspended"
