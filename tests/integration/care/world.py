"""A small estate for tests of live care: a landlord, two providers, a centre, a few homes with hubs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from textwrap import dedent

from care.estate import read_estate
from care.loading import Loading, apply, prepare
from care.model import Estate
from care.roster import Known, read_roster
from db.pool import Pool

NOW = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)  # a Monday; Europe/London is on UTC
HEADER = "visit_ref,package,service_date,start,end,carers_required,carer_1,carer_2,tier,status,changed_at\n"

ORGANISATIONS = dedent(
    """\
    organisations:
      - {id: elm-housing, kind: landlord, name: Elm Housing,
         contacts: [{name: Duty officer, email: duty@elm.example}]}
      - {id: brightcare, kind: care_provider, name: BrightCare,
         contacts: [{name: Coordinator, email: oncall@bright.example}]}
      - {id: kindred, kind: care_provider, name: Kindred}
      - {id: northgate, kind: monitoring_centre, name: Northgate Lifeline}
    """
)


def estate_text(residents: Sequence[str] = ("ada",), visits: str | None = None, more: str = "") -> str:
    """An estate file: each resident in a dwelling of their own, with hub, package and the same visits."""
    recurrences = (
        visits or '[{id: morning, rrule: FREQ=DAILY, start: "08:00", minutes: 30, from: 2026-11-01}]'
    )
    lines = [ORGANISATIONS.rstrip(), "dwellings:"]
    lines += [
        f"  - {{id: home-{name}, landlord: elm-housing, address: Home of {name}, time_zone: Europe/London}}"
        for name in residents
    ]
    lines.append("residents:")
    lines += [
        f"  - {{id: {name}, dwelling: home-{name}, name: {name.title()}, monitoring_centre: northgate}}"
        for name in residents
    ]
    lines.append("hubs:")
    lines += [
        f"  - {{id: hub-{name}, dwelling: home-{name}, devices: [{{id: pendant-1, kind: pendant}}]}}"
        for name in residents
    ]
    lines += [
        "carers:",
        '  - {id: joy, provider: brightcare, name: Joy Okafor, credentials: ["fob:1", "pin:4711"]}',
        '  - {id: sam, provider: brightcare, name: Sam Hill, credentials: ["fob:2"]}',
        '  - {id: kit, provider: kindred, name: Kit Moss, credentials: ["fob:3"]}',
        "packages:",
    ]
    lines += [
        f"  - {{id: pkg-{name}, resident: {name}, provider: brightcare, tier: essential,\n     visits: {recurrences}}}"
        for name in residents
    ]
    return "\n".join(lines) + "\n" + more


def estate(residents: Sequence[str] = ("ada",), visits: str | None = None, more: str = "") -> Estate:
    """`estate_text`, read."""
    return read_estate(estate_text(residents, visits, more), "estate.yaml")


async def load(
    pool: Pool,
    wanted: Estate,
    *rosters: str,
    now: datetime = NOW,
    full: bool = False,
    force: bool = False,
) -> Loading:
    """Loads an estate and rosters (rows without their header) as the command does."""
    known = Known.of(wanted)
    read = [read_roster(HEADER + rows, f"roster-{number}.csv", known) for number, rows in enumerate(rosters)]
    async with pool.connection() as conn, conn.transaction():
        loading = await prepare(conn, wanted, read, now, full=full, force=force)
        await apply(conn, loading, now)
    return loading


def at(hours: float, day: int = 16) -> datetime:
    """A moment of a day of November 2026, in hours."""
    return datetime(2026, 11, day, tzinfo=UTC) + timedelta(hours=hours)
