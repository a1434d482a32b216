"""A scheme's shared door in the live service (domain/visits.md §3, the row of medium evidence)."""

from textwrap import dedent

from alerts.model import Actor
from care import service
from care.estate import read_estate
from care.model import Estate
from db.pool import Pool
from tests.integration.care.world import ORGANISATIONS, Home, at, load, rows, sweep, visit

DOOR = "  - {id: hub-door, scheme: court, devices: [{id: panel-1, kind: door_panel, scope: communal}]}\n"


def court(hubs: str = DOOR) -> Estate:
    """Two flats behind one door, each with a visit at eight; without hubs of their own if none are given."""
    return read_estate(
        ORGANISATIONS
        + dedent(
            """\
            dwellings:
              - {id: flat-1, scheme: court, time_zone: Europe/London}
              - {id: flat-2, scheme: court, time_zone: Europe/London}
            residents:
              - {id: ada, dwelling: flat-1, monitoring_centre: northgate}
              - {id: bob, dwelling: flat-2, monitoring_centre: northgate}
            carers:
              - {id: joy, provider: brightcare, credentials: ["fob:1"]}
            packages:
              - {id: pkg-ada, resident: ada, provider: brightcare, tier: essential,
                 visits: [{id: m, rrule: FREQ=DAILY, start: "08:00", minutes: 30, from: 2026-11-01}]}
              - {id: pkg-bob, resident: bob, provider: brightcare, tier: essential,
                 visits: [{id: m, rrule: FREQ=DAILY, start: "08:00", minutes: 30, from: 2026-11-01}]}
            """
        )
        + "hubs:\n"
        + hubs,
        "court.yaml",
    )


async def states(pool: Pool) -> dict[str, tuple[str, str]]:
    """State and verification of both morning visits."""
    found = {}
    for name in ("ada", "bob"):
        row = await visit(pool, f"pkg-{name}/m/2026-11-16")
        found[name] = (row["state"], row["verification"])
    return found


async def test_a_shared_door_speaks_for_the_one_who_was_expected(pool: Pool) -> None:
    """Opened while two were expected it says little of either; one cancelled, it is the other's."""
    await load(pool, court())
    door = Home(pool, "hub-door")
    await door.beats(at(6), at(8))
    await door.says(
        "door.granted", at(8), panel="panel-1", credential="fob:1", method="fob", scope="communal"
    )
    await sweep(pool, at(8.1))
    assert await states(pool) == {"ada": ("due", "indicative"), "bob": ("due", "indicative")}

    async with pool.connection() as conn:
        await service.cancel_visit(
            conn, "pkg-bob/m/2026-11-16", Actor("Grace", "brightcare"), "resident_declined", at(8.2)
        )
    await sweep(pool, at(8.2))

    assert await states(pool) == {"ada": ("in_progress", "partial"), "bob": ("cancelled", "none")}
    linked = await rows(pool, "SELECT visit_ref, strength FROM visit_evidence ORDER BY visit_ref")
    assert ("pkg-ada/m/2026-11-16", "medium") in {(row["visit_ref"], row["strength"]) for row in linked}


async def test_a_shared_door_without_a_credential_concerns_nobody(pool: Pool) -> None:
    """Neighbours and postmen come through it all day: nothing is judged again for them."""
    await load(pool, court())
    await sweep(pool, at(6))
    await Home(pool, "hub-door").says("door.opened", at(8), panel="panel-1", scope="communal")
    assert await rows(pool, "SELECT FROM recheck") == []


async def test_a_flats_hub_that_speaks_of_the_shared_door_speaks_for_the_neighbours(pool: Pool) -> None:
    """Neighbours are judged at once by such an event, again when the plan behind the door changes, and not by
    what a flat's hub says of its own door."""
    flats = "".join(f"  - {{id: hub-{number}, dwelling: flat-{number}}}\n" for number in (1, 2))
    await load(pool, court(flats))
    await sweep(pool, at(8))
    first = Home(pool, "hub-1")
    await first.says("door.granted", at(8.02), panel="p", credential="fob:1", method="fob")
    asked = "SELECT resident_id FROM recheck ORDER BY 1"
    assert [row["resident_id"] for row in await rows(pool, asked)] == ["ada"]
    await first.says("door.granted", at(8.05), panel="p", credential="fob:1", method="fob", scope="communal")
    assert {row["resident_id"] for row in await rows(pool, asked)} == {"ada", "bob"}
    await sweep(pool, at(8.1))
    assert (await states(pool))["bob"] == ("due", "indicative")

    async with pool.connection() as conn:
        await service.cancel_visit(
            conn, "pkg-ada/m/2026-11-16", Actor("Grace", "brightcare"), "resident_declined", at(8.2)
        )
    await sweep(pool, at(8.2))
    assert (await states(pool))["bob"] == ("in_progress", "partial")
