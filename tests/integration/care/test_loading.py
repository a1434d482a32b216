"""Loading estates and rosters into PostgreSQL."""

from dataclasses import replace

import pytest
from psycopg.errors import DatabaseError

from care.errors import EmptiedDay
from care.loading import apply, prepare
from care.revision import Outcome
from db.pool import Pool
from tests.integration.care.world import NOW, at, estate, load, rows, visit


async def test_a_first_load_makes_eight_weeks_of_visits(pool: Pool) -> None:
    """Visits of a recurrence are made for eight weeks from today; each is first judged at its start."""
    await load(pool, estate())

    made = await rows(pool, "SELECT * FROM visit ORDER BY start_at")
    assert [str(made[0]["service_date"]), str(made[-1]["service_date"])] == ["2026-11-16", "2027-01-11"]
    assert len(made) == 57
    assert all(row["next_check_at"] == row["start_at"] for row in made)
    assert made[0]["start_at"] == at(8)
    assert made[0]["end_at"] == at(8.5)


async def test_loading_the_same_again_changes_nothing(pool: Pool) -> None:
    """The same estate and roster loaded twice is one load."""
    roster = "extra-1,pkg-ada,2026-11-16,12:00,12:30,2,joy,sam,critical,planned,\n"
    suspended = (
        'suspensions: [{resident: ada, from: "2026-12-02T09:00:00+00:00", until: null, reason: hospital}]'
    )
    first = await load(pool, estate(more=suspended), roster)
    second = await load(pool, estate(more=suspended), roster)

    assert first.changes_anything
    assert not second.changes_anything
    assert not second.revisions


async def test_a_row_replaces_the_occurrence_with_its_ref(pool: Pool) -> None:
    """A roster row whose ref is an occurrence's moves that visit; any other row is one visit more."""
    await load(
        pool,
        estate(),
        "pkg-ada/morning/2026-11-17,pkg-ada,2026-11-17,09:15,09:45,,joy,,,planned,\n"
        "extra-1,pkg-ada,2026-11-17,23:30,00:15,2,joy,sam,critical,,\n",
    )

    moved, extra = await visit(pool, "pkg-ada/morning/2026-11-17"), await visit(pool, "extra-1")
    assert (moved["start_at"], moved["carers"], moved["source"]) == (at(9.25, 17), ["joy"], "roster")
    assert (extra["end_at"], extra["carers_required"], extra["tier"]) == (at(0.25, 18), 2, "critical")
    assert len(await rows(pool, "SELECT FROM visit WHERE service_date = '2026-11-17'")) == 2


async def test_a_changed_estate_moves_visits_to_come_but_not_rostered_ones(pool: Pool) -> None:
    """A recurrence's new hour moves its visits to come; what a roster said of one day still stands."""
    await load(pool, estate(), "pkg-ada/morning/2026-11-18,pkg-ada,2026-11-18,10:00,10:30,,,,,planned,\n")
    later = '[{id: morning, rrule: FREQ=DAILY, start: "09:00", minutes: 45, from: 2026-11-01}]'
    loading = await load(pool, estate(visits=later))

    assert (await visit(pool, "pkg-ada/morning/2026-11-17"))["start_at"] == at(9, 17)
    assert (await visit(pool, "pkg-ada/morning/2026-11-18"))["start_at"] == at(10, 18)
    assert loading.by_date()[at(0, 17).date()][Outcome.CHANGED] == 1


async def test_what_a_recurrence_no_longer_holds_is_cancelled_and_comes_back(pool: Pool) -> None:
    """A visit that leaves the rule is cancelled, never removed, and is planned again when it returns."""
    rule = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
    weekdays = f'[{{id: morning, rrule: "{rule}", start: "08:00", minutes: 30, from: 2026-11-01}}]'
    await load(pool, estate())
    await load(pool, estate(visits=weekdays))
    saturday = await visit(pool, "pkg-ada/morning/2026-11-21")
    assert (saturday["plan"], saturday["next_check_at"]) == ("cancelled", NOW)

    await load(pool, estate())
    assert (await visit(pool, "pkg-ada/morning/2026-11-21"))["plan"] == "planned"


async def test_a_package_that_vanishes_ends_and_comes_back(pool: Pool) -> None:
    """A package that the file no longer holds ends: its visits to come are cancelled, its record stays."""
    await load(pool, estate(("ada", "bob")))
    loading = await load(pool, estate(("ada",)))

    assert loading.changes["packages"].ended == ("pkg-bob",)
    assert loading.changes["residents"].kept == ("bob",)
    assert any("residents: bob" in notice for notice in loading.notices)
    assert (await visit(pool, "pkg-bob/morning/2026-11-20"))["plan"] == "cancelled"
    assert not (await load(pool, estate(("ada",)))).changes_anything

    await load(pool, estate(("ada", "bob")))
    assert (await visit(pool, "pkg-bob/morning/2026-11-20"))["plan"] == "planned"


async def test_a_plan_is_frozen_at_the_start_of_the_visit(pool: Pool) -> None:
    """A move that is loaded after the visit began changes nothing and is told; one made in time is taken."""
    await load(pool, estate(("ada", "bob")))
    loading = await load(
        pool,
        estate(("ada", "bob")),
        "pkg-ada/morning/2026-11-16,pkg-ada,2026-11-16,11:00,11:30,,,,,planned,\n"
        "pkg-bob/morning/2026-11-16,pkg-bob,2026-11-16,11:00,11:30,,,,,planned,2026-11-16T07:00:00+00:00\n",
        now=at(9.5),
    )

    assert (await visit(pool, "pkg-ada/morning/2026-11-16"))["start_at"] == at(8)
    assert (await visit(pool, "pkg-bob/morning/2026-11-16"))["start_at"] == at(11)
    assert any("pkg-ada/morning/2026-11-16" in notice for notice in loading.notices)


async def test_a_late_cancellation_carries_the_moment_of_loading(pool: Pool) -> None:
    """A row without changed_at that cancels a visit after its start was made when it was loaded."""
    await load(pool, estate())
    await load(
        pool,
        estate(),
        "pkg-ada/morning/2026-11-16,pkg-ada,2026-11-16,08:00,08:30,,,,,cancelled,\n",
        now=at(9),
    )

    row = await visit(pool, "pkg-ada/morning/2026-11-16")
    assert (row["plan"], row["changed_at"], row["next_check_at"]) == ("cancelled", at(9), at(9))


async def test_a_full_roster_cancels_what_it_no_longer_holds(pool: Pool) -> None:
    """With --full a vanished ref of a mentioned date is cancelled, for good, and only for that provider."""
    names = ("ada", "bob", "cat", "dan", "eve", "fay")
    await load(pool, estate(names))
    kept = "".join(
        f"pkg-{name}/morning/2026-11-17,pkg-{name},2026-11-17,08:00,08:30,,,,,planned,\n"
        for name in names[:-1]
    )
    await load(pool, estate(names), kept, full=True)

    assert (await visit(pool, "pkg-fay/morning/2026-11-17"))["plan"] == "cancelled"
    assert (await visit(pool, "pkg-fay/morning/2026-11-18"))["plan"] == "planned"
    later = '[{id: morning, rrule: FREQ=DAILY, start: "09:00", minutes: 45, from: 2026-11-01}]'
    await load(pool, estate(names, visits=later))
    assert (await visit(pool, "pkg-fay/morning/2026-11-17"))["plan"] == "cancelled"


async def test_a_full_roster_that_empties_a_day_is_refused_unless_forced(pool: Pool) -> None:
    """A full roster that cancels more than a fifth of a day is refused, and nothing of it is written."""
    await load(pool, estate(("ada", "bob")))
    row = "pkg-ada/morning/2026-11-17,pkg-ada,2026-11-17,08:30,09:00,,,,,planned,\n"
    with pytest.raises(EmptiedDay, match="2026-11-17: would cancel 1 of 2 visits"):
        await load(pool, estate(("ada", "bob")), row, full=True)
    assert (await visit(pool, "pkg-ada/morning/2026-11-17"))["start_at"] == at(8, 17)

    await load(pool, estate(("ada", "bob")), row, full=True, force=True)
    assert (await visit(pool, "pkg-bob/morning/2026-11-17"))["plan"] == "cancelled"


async def test_a_load_that_fails_leaves_nothing(pool: Pool) -> None:
    """A fault half way through writing leaves the database as it was."""
    wanted = estate()
    async with pool.connection() as conn:
        await conn.execute("ALTER TABLE visit ADD CONSTRAINT planted CHECK (service_date < '2026-12-01')")
    with pytest.raises(DatabaseError):
        async with pool.connection() as conn, conn.transaction():
            await apply(conn, await prepare(conn, wanted, [], NOW), NOW)
    assert not await rows(pool, "SELECT FROM organisation")


async def test_credentials_that_move_are_known_to_have_been_anothers(pool: Pool) -> None:
    """A fob that passes to another carer has one holder, and whose it was before is not forgotten."""
    await load(pool, estate())
    text = estate()
    joy, sam = text.carers["joy"], text.carers["sam"]
    moved = replace(
        text,
        carers={
            **text.carers,
            "joy": replace(joy, credentials=()),
            "sam": replace(sam, credentials=("fob:1",)),
        },
    )
    await load(pool, moved, now=at(7))

    found = await rows(pool, "SELECT credential, carer_id, withdrawn_at FROM credential ORDER BY 1, 2")
    assert [(row["credential"], row["carer_id"], row["withdrawn_at"]) for row in found] == [
        ("fob:1", "joy", at(7)),
        ("fob:1", "sam", None),
        ("fob:2", "sam", at(7)),
        ("fob:3", "kit", None),
        ("pin:4711", "joy", at(7)),
    ]
    assert not (await load(pool, moved, now=at(7))).changes_anything


async def test_a_suspension_that_vanishes_ends_now(pool: Pool) -> None:
    """A suspension that the file no longer holds ends at the load; its past stays on record."""
    away = 'suspensions: [{resident: ada, from: "2026-11-10T09:00:00+00:00", until: null, reason: hospital}]'
    await load(pool, estate(more=away))
    assert (await visit(pool, "pkg-ada/morning/2026-11-18"))["next_check_at"] == NOW
    await load(pool, estate(), now=at(7))

    (row,) = await rows(pool, "SELECT until_at FROM suspension")
    assert row["until_at"] == at(7)
    assert await rows(pool, "SELECT FROM recheck WHERE resident_id = 'ada' AND at = %s", at(7))
