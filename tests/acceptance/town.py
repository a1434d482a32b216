"""A small town on real servers: homes, a broker, a database, the whole service, mailboxes, and the people.

Only the outside world is made up: whose letter box it is, and what time it is. Our clock and the homes' run
at their true speed from shortly before nine on a November morning, once everybody is there.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx

from api.tokens import create_token
from app.clock import system_clock
from app.load import apply_files
from app.role import Role
from app.service import Service
from app.settings import Settings, load_settings
from db.pool import Connection, connection_arguments, fetch_all
from device_sim.clock import HurriedClock
from device_sim.home import Home
from device_sim.spec import DeviceSpec, HomeSpec
from device_sim.wire import broker_from_url
from tests.support.processes import free_port
from tests.support.smtp import Mailbox

NINE = datetime(2026, 11, 21, 9, tzinfo=UTC)
"""When the visits begin; London is on UTC then."""
LEAD = timedelta(seconds=8)
"""How long before nine the town's time begins to pass: homes are heard before a visit of theirs counts."""
PATIENCE = 60.0
"""Seconds for what must come."""
HEARTBEAT = timedelta(seconds=1)

POLICY = """
[tiers.essential]
counts_from = "PT6S"
on_time = "PT2S"
late_after = "PT3S"
missed_after = "PT9S"
ladder_step = "PT4S"

[packages]
pkg-ada = {on_time = "PT1M", late_after = "PT1M", missed_after = "PT2M"}
pkg-ben = {missed_after = "PT2M"}
pkg-fay = {on_time = "PT1M", late_after = "PT1M", missed_after = "PT2M"}
"""
"""Seconds where a story waits for nobody to come; a minute where somebody does, however slow the machine."""
PEOPLE = {
    "kim": ("northgate", "operator"),
    "lou": ("northgate", "operator"),
    "grace": ("brightcare", "care_manager"),
    "martin": ("elm-housing", "housing_officer"),
}
RESIDENTS = ("ada", "ben", "cora", "dora", "ed", "fay")


def estate() -> str:
    """One flat for each resident, all with the same landlord, provider and centre."""
    lines = [
        "organisations:",
        "  - {id: elm-housing, kind: landlord, name: Elm Housing,",
        "     contacts: [{name: Duty officer, email: duty@elm.example}]}",
        "  - {id: brightcare, kind: care_provider, name: BrightCare,",
        "     contacts: [{name: Coordinator, email: oncall@bright.example}]}",
        "  - {id: northgate, kind: monitoring_centre, name: Northgate Lifeline}",
        "dwellings:",
        *(
            f"  - {{id: flat-{name}, landlord: elm-housing, scheme: elm-court,"
            f" address: Flat {number}, time_zone: Europe/London}}"
            for number, name in enumerate(RESIDENTS, 1)
        ),
        "residents:",
        *(
            f"  - {{id: {name}, dwelling: flat-{name}, name: {name.title()} Example,"
            " monitoring_centre: northgate}"
            for name in RESIDENTS
        ),
        "hubs:",
        *(
            f"  - {{id: hub-{name}, dwelling: flat-{name}, heartbeat_every: PT1S,"
            " devices: [{id: pendant-1, kind: pendant}]}"
            for name in RESIDENTS
        ),
        "carers:",
        "  - {id: joy, provider: brightcare, name: Joy Okafor, credentials: ['fob:04A1B2']}",
        "packages:",
        *(
            f"  - {{id: pkg-{name}, resident: {name}, provider: brightcare, tier: essential, visits: []}}"
            for name in RESIDENTS
        ),
    ]
    return "\n".join(lines) + "\n"


def roster(visited: tuple[str, ...]) -> str:
    """A visit of one minute at nine for each of these."""
    rows = (f"{name}-nine,pkg-{name},2026-11-21,09:00,09:01,joy\n" for name in visited)
    return "visit_ref,package,service_date,start,end,carer_1\n" + "".join(rows)


class Person:
    """Somebody at a console or a program of theirs: speaks the API as their organisation and role."""

    def __init__(self, name: str, client: httpx.AsyncClient) -> None:
        self.name = name
        self.client = client

    async def get(self, path: str, **query: str) -> Any:
        """What a call answers; fails on any but 200."""
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, f"{self.name}: GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def post(self, path: str, expect: int = 200, **body: Any) -> Any:
        """What a call answers; fails on any status but `expect`."""
        answer = await self.client.post(path, json=body)
        assert answer.status_code == expect, f"{self.name}: POST {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def alerts(self, **query: str) -> list[dict[str, Any]]:
        """The alerts that this person may see, newest first."""
        found: list[dict[str, Any]] = (await self.get("/api/v1/alerts", **query))["items"]
        return found

    async def is_alerted(self, kind: str, dwelling: str | None) -> dict[str, Any]:
        """The first alert of this kind for this dwelling, once this person sees it."""

        async def look() -> dict[str, Any] | None:
            for alert in await self.alerts(kind=kind):
                if dwelling is None or (alert["dwelling"] or {}).get("id") == dwelling:
                    return alert
            return None

        return await eventually(look, f"{self.name} is alerted to {kind} at {dwelling}")

    async def alert(self, number: int) -> dict[str, Any]:
        """One alert with all that belongs to it."""
        found: dict[str, Any] = await self.get(f"/api/v1/alerts/{number}")
        return found


T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T | None]], what: str) -> T:
    """What `look` finds, as soon as it finds something; fails with `what` when patience is at an end."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while (found := await look()) is None:
        assert asyncio.get_running_loop().time() < deadline, f"not within {PATIENCE} s: {what}"
        await asyncio.sleep(0.1)
    return found


class Town:
    """The town once it is awake."""

    def __init__(self, settings: Settings, mailbox: Mailbox) -> None:
        self.settings = settings
        self.mailbox = mailbox
        self.time = HurriedClock(system_clock, 1, None, NINE - LEAD)
        self.people: dict[str, Person] = {}
        self.homes: dict[str, Home] = {}
        self._expected: set[tuple[int, int]] = set()

    def clock(self) -> datetime:
        """The town's time."""
        return self.time.now()

    async def at(self, seconds: float) -> None:
        """Waits until so many seconds after nine."""
        await asyncio.sleep(max(0.0, (NINE + timedelta(seconds=seconds) - self.clock()).total_seconds()))

    def _told(self) -> list[tuple[tuple[int, int], tuple[str, ...], str]]:
        """Everything that letters said so far: place, to whom, words. A letter may list several."""
        found = []
        for number, letter in enumerate(self.mailbox.letters):
            parts = re.split(r"^\d+\. ", letter.text, flags=re.MULTILINE)[1:]
            for place, part in enumerate(parts or [f"{letter.subject}\n{letter.text}"]):
                found.append(((number, place), letter.recipients, part))
        return found

    async def letter(self, to: str, *words: str) -> str:
        """What a letter to this address says with all these words; each saying answers one question only."""

        async def look() -> str | None:
            for place, recipients, text in self._told():
                if place not in self._expected and to in recipients and all(word in text for word in words):
                    self._expected.add(place)
                    return text
            return None

        return await eventually(look, f"a letter to {to} with {words}; there are {self.unexpected}")

    def put_aside(self, to: str, *words: str) -> None:
        """What was said by now and may, but need not, have been said."""
        for place, recipients, text in self._told():
            if to in recipients and all(word in text for word in words):
                self._expected.add(place)

    @property
    def unexpected(self) -> list[str]:
        """What letters said that nobody in the story asked for."""
        return [f"{to}: {text}" for place, to, text in self._told() if place not in self._expected]


@asynccontextmanager
async def awake(database_url: str, mqtt_url: str, mailbox: Mailbox, folder: Path) -> AsyncIterator[Town]:
    """The town, from shortly before nine until the end of the block."""
    (folder / "policy.toml").write_text(POLICY)
    (folder / "estate.yaml").write_text(estate())
    (folder / "roster.csv").write_text(roster(RESIDENTS))
    settings = load_settings(
        database_url=database_url,
        mqtt_url=mqtt_url,
        policy=folder / "policy.toml",
        api={"port": free_port(), "secure_cookies": False},
        smtp={"host": mailbox.host, "port": mailbox.port, "security": "none"},
        sweep={"care": 0.2, "alerts": 0.2, "deliver": 0.2},
    )
    town = Town(settings, mailbox)
    await apply_files(settings, folder / "estate.yaml", [folder / "roster.csv"], town.clock())
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        service = Service(settings, list(Role), town.clock)
        running = asyncio.create_task(service.run(stop))
        stack.push_async_callback(_ended, running, stop)
        await asyncio.wait(
            {running, asyncio.create_task(service.ready.wait())}, return_when="FIRST_COMPLETED"
        )
        assert service.ready.is_set(), running
        for name in RESIDENTS:
            spec = HomeSpec(f"hub-{name}", (DeviceSpec("pendant-1", "pendant"),), HEARTBEAT)
            home = Home(spec, broker_from_url(mqtt_url), town.time)
            town.homes[name] = await stack.enter_async_context(home)
            await home.heartbeats()
        async with await Connection.connect(database_url, **connection_arguments("town")) as conn:

            async def all_heard() -> bool | None:
                await conn.commit()
                heard = await fetch_all(conn, "SELECT DISTINCT hub_id FROM event")
                return len(heard) == len(RESIDENTS) or None

            await eventually(all_heard, "every home is heard")
            for name, (organisation, role) in PEOPLE.items():
                key = await create_token(conn, organisation, role, name, town.clock())
                client = httpx.AsyncClient(
                    base_url=f"http://127.0.0.1:{settings.api.port}",
                    headers={"Authorization": f"Bearer {key}"},
                )
                town.people[name] = Person(name, await stack.enter_async_context(client))
        town.time.start()
        yield town


async def _ended(running: "asyncio.Task[None]", stop: asyncio.Event) -> None:
    stop.set()
    await running
