"""A small estate for tests of live care: a landlord, two providers, a centre, a few homes with hubs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from textwrap import dedent
from typing import Any

from care.estate import read_estate
from care.loading import Loading, apply, prepare
from care.model import Estate
from care.policy import DEFAULT_POLICY, Policy
from care.roster import Known, read_roster
from care.sweep import sweep_due
from db.pool import Pool
from gateway.model import Event, Status
from ingest.model import Arrival
from ingest.service import record

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
        f"  - {{id: pkg-{name}, resident: {name}, provider: brightcare, tier: essential,\n"
        f"     visits: {recurrences}}}"
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


class Home:
    """One home as the platform hears it: what its hub says goes through intake's own transaction."""

    def __init__(self, pool: Pool, hub: str) -> None:
        self.pool = pool
        self.hub = hub
        self.said = 0

    async def says(
        self, kind: str, moment: datetime, received: datetime | None = None, **data: object
    ) -> None:
        """An event that happened at `moment` and was received then, or later."""
        self.said += 1
        event = Event(f"{kind}-{self.said}", kind, moment, "panel-1", data=dict(data))
        await self._arrives(received or moment, events=(event,))

    async def beats(self, first: datetime, last: datetime, every: timedelta = timedelta(minutes=10)) -> None:
        """A heartbeat with an empty queue, again and again, both ends included."""
        moment = first
        while moment <= last:
            await self.says("heartbeat", moment, queued=0)
            moment += every

    async def goes(self, online: bool, moment: datetime) -> None:
        """A status, or the last will."""
        await self._arrives(moment, status=Status(online))

    async def _arrives(
        self, received: datetime, events: tuple[Event, ...] = (), status: Status | None = None
    ) -> None:
        arrival = Arrival(
            f"threshold/v1/{self.hub}/events", self.hub, received, b"", events=events, status=status
        )
        async with self.pool.connection() as conn, conn.transaction():
            await record(conn, [arrival], received)


async def sweep(pool: Pool, now: datetime, policy: Policy = DEFAULT_POLICY) -> int:
    """Sweeps until nothing is due, as the service's loop does."""
    total = 0
    while rows := await sweep_due(pool, now, policy):
        total += rows
        assert total < 100_000, "the sweep never comes to an end"
    return total


async def rows(pool: Pool, sql: Any, *arguments: object) -> list[dict[str, Any]]:
    """What a query finds."""
    async with pool.connection() as conn:
        return await (await conn.execute(sql, arguments)).fetchall()


async def visit(pool: Pool, ref: str) -> dict[str, Any]:
    """One visit's row."""
    (row,) = await rows(pool, "SELECT * FROM visit WHERE ref = %s", ref)
    return row


async def alerts(pool: Pool) -> list[tuple[str, datetime, datetime | None]]:
    """Kind, raise and stand-down of every alert of a visit, in order."""
    found = await rows(
        pool,
        "SELECT * FROM alert WHERE visit_ref IS NOT NULL ORDER BY raised_at, kind",
    )
    return [(row["kind"], row["raised_at"], row["stood_down_at"]) for row in found]
