"""The sweep on PostgreSQL: what falls due is judged by the rules, written once, and alerts follow."""

from datetime import timedelta

from care.sweep import sweep_due
from db.pool import Pool
from tests.integration.care.world import Home, alerts, at, estate, load, rows, sweep, visit

MORNING = "pkg-ada/morning/2026-11-16"


async def test_nobody_comes(pool: Pool) -> None:
    """A visit to which nobody comes is due, late, then missed; the miss is a duty of both parties."""
    await load(pool, estate())
    ada = Home(pool, "hub-ada")
    await ada.beats(at(6), at(9.5))

    await sweep(pool, at(8))
    assert (await visit(pool, MORNING))["state"] == "due"
    await sweep(pool, at(8.5))
    assert (await visit(pool, MORNING))["state"] == "late"
    assert await alerts(pool) == [("visit.late", at(8.5), None)]
    await sweep(pool, at(9))

    found = await visit(pool, MORNING)
    assert (found["state"], found["attendance"]) == ("missed", "not_attended")
    assert await alerts(pool) == [("visit.late", at(8.5), at(9)), ("visit.missed", at(9), None)]
    duties = await rows(
        pool,
        "SELECT duty.organisation_id, duty.role FROM duty JOIN alert ON alert.id = duty.alert_id"
        " WHERE alert.kind = 'visit.missed' ORDER BY 1",
    )
    assert [(duty["organisation_id"], duty["role"]) for duty in duties] == [
        ("brightcare", "care_provider"),
        ("elm-housing", "landlord"),
    ]
    versions = await rows(pool, "SELECT * FROM verdict WHERE visit_ref = %s ORDER BY version", MORNING)
    assert (versions[0]["version"], versions[0]["state"]) == (1, "planned")
    assert [(row["version"], row["at"], row["state"]) for row in versions[1:]] == [
        (2, at(8), "due"),
        (3, at(8.5), "late"),
        (4, at(9), "missed"),
    ]


async def test_somebody_comes(pool: Pool) -> None:
    """An arrival and a departure complete the visit, with the carer and both times, and no alert."""
    await load(pool, estate())
    ada = Home(pool, "hub-ada")
    await ada.says("carer.arrived", at(7.95), credential="fob:1", method="fob")
    await sweep(pool, at(8))
    assert (await visit(pool, MORNING))["state"] == "in_progress"
    await ada.says("carer.departed", at(8.5), credential="fob:1", method="fob")
    await sweep(pool, at(8.5))

    found = await visit(pool, MORNING)
    assert (found["state"], found["attendance"], found["verification"]) == ("completed", "attended", "full")
    assert (found["arrived_at"], found["departed_at"], found["carers_seen"]) == (at(7.95), at(8.5), ["joy"])
    assert found["next_check_at"] > at(8.5)
    assert await alerts(pool) == []
    linked = await rows(pool, "SELECT type, strength, carer_id FROM visit_evidence ORDER BY effective_at")
    assert [(row["type"], row["strength"], row["carer_id"]) for row in linked] == [
        ("carer.arrived", "strong", "joy"),
        ("carer.departed", "strong", "joy"),
    ]


async def test_late_evidence_corrects_the_record(pool: Pool) -> None:
    """A buffered arrival that turns up after the miss revises the verdict and stands the alert down."""
    await load(pool, estate())
    ada = Home(pool, "hub-ada")
    await ada.beats(at(6), at(9))
    await sweep(pool, at(9))
    assert (await visit(pool, MORNING))["state"] == "missed"
    await ada.says("carer.arrived", at(8.1), received=at(10), credential="fob:1", method="fob")
    await sweep(pool, at(10))

    found = await visit(pool, MORNING)
    assert (found["state"], found["attendance"]) == ("completed", "attended")
    assert await alerts(pool) == [("visit.late", at(8.5), at(9)), ("visit.missed", at(9), at(10))]
    assert (await rows(pool, "SELECT max(version) AS most FROM verdict"))[0]["most"] == 5


async def test_a_home_that_could_not_speak_is_not_missed(pool: Pool) -> None:
    """A silent hub leaves the visit unconfirmed; once it has said everything, the visit is missed."""
    await load(pool, estate())
    ada = Home(pool, "hub-ada")
    await ada.beats(at(6), at(7.5))
    await sweep(pool, at(9))
    assert (await visit(pool, MORNING))["state"] == "unverified"
    await ada.says("heartbeat", at(9.5), queued=0)
    await sweep(pool, at(9.5))

    assert (await visit(pool, MORNING))["state"] == "missed"
    assert await alerts(pool) == [
        ("visit.late", at(8.5), at(9)),
        ("visit.unverified", at(9), at(9.5)),
        ("visit.missed", at(9.5), None),
    ]


async def test_a_last_will_counts_as_silence_until_the_hub_speaks(pool: Pool) -> None:
    """A hub that was reported gone at the threshold could not speak, however fresh its last heartbeat."""
    await load(pool, estate())
    ada = Home(pool, "hub-ada")
    await ada.beats(at(6), at(8.9))
    await ada.goes(False, at(8.95))
    await sweep(pool, at(9))
    assert (await visit(pool, MORNING))["state"] == "unverified"
    await ada.goes(True, at(9.1))
    await sweep(pool, at(9.2))
    assert (await visit(pool, MORNING))["state"] == "unverified"
    await sweep(pool, at(9.35))

    assert (await visit(pool, MORNING))["state"] == "missed"
    assert (await alerts(pool))[-1] == ("visit.missed", at(9.35), None)


async def test_a_scheduler_that_was_away_catches_up(pool: Pool) -> None:
    """After six hours without a sweep each miss is one open alert, due when it was due, raised late by us."""
    names = ("ada", "bob", "cat")
    await load(pool, estate(names))
    for name in names:
        await Home(pool, f"hub-{name}").beats(at(6), at(14))
    await sweep(pool, at(15))

    raised = await rows(pool, "SELECT * FROM alert WHERE kind = 'visit.missed'")
    assert {(row["raised_at"], row["raised_late"], row["noticed_at"]) for row in raised} == {
        (at(9), True, at(15))
    }
    assert len(raised) == 3
    assert [kind for kind, _, ended in await alerts(pool) if ended is None] == ["visit.missed"] * 3


async def test_what_is_due_of_one_home_is_judged_together(pool: Pool) -> None:
    """With a visit that is claimed goes what began in the last days; what is older is claimed in its turn."""
    await load(pool, estate())
    await sweep(pool, at(6))
    fortnight = at(15, 28)

    # The longest due, of the 16th, and those of the last five days.
    assert await sweep_due(pool, fortnight, batch=1) == 1 + 5
    assert await sweep(pool, fortnight) == 7
    judged = await rows(pool, "SELECT count(DISTINCT visit_ref) AS visits FROM verdict")
    assert judged == [{"visits": 13}]


async def test_a_verdict_settles(pool: Pool) -> None:
    """Seventy-two hours after the planned end a verdict is looked at for the last time."""
    await load(pool, estate())
    await Home(pool, "hub-ada").beats(at(6), at(9.5))
    await sweep(pool, at(9))
    await sweep(pool, at(9, 19))

    found = await visit(pool, MORNING)
    assert (found["state"], found["next_check_at"]) == ("missed", None)


async def test_sweeping_again_changes_nothing(pool: Pool) -> None:
    """A second sweep of the same moment, and one of evidence that is known, write no new version."""
    await load(pool, estate())
    ada = Home(pool, "hub-ada")
    await ada.beats(at(6), at(9))
    await sweep(pool, at(9))
    before = await rows(pool, "SELECT * FROM verdict")
    assert await sweep(pool, at(9)) == 0
    async with pool.connection() as conn:
        await conn.execute("UPDATE visit SET next_check_at = %s WHERE ref = %s", (at(9), MORNING))
    await sweep(pool, at(9) + timedelta(seconds=5))

    assert await rows(pool, "SELECT * FROM verdict") == before
    assert len(await alerts(pool)) == 2


async def test_what_was_concluded_goes_with_its_visit(pool: Pool) -> None:
    """Whoever removes a package removes its visits' verdicts with it, and no other's."""
    await load(pool, estate(("ada", "bob")))
    await sweep(pool, at(9))
    async with pool.connection() as conn:
        await conn.execute("DELETE FROM package WHERE id = 'pkg-ada'")
    left = await rows(pool, "SELECT DISTINCT visit_ref FROM verdict")
    assert left == [{"visit_ref": "pkg-bob/morning/2026-11-16"}]
