"""The live stream over a real socket: own share, nothing skipped, nothing held up."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.application import build
from api.live import Broadcast, LiveRow
from db import feed
from db.caller import Caller
from db.feed import Cursor
from db.pool import Connection, Pool, connection_arguments
from tests.integration.api import world
from tests.integration.api.conftest import Clock
from tests.integration.api.serving import served

WITHIN = 60.0
"""Seconds that a test waits for what must come; far more than it takes, because the machine may be busy."""


@dataclass
class Happening:
    """One server-sent event."""

    event: str
    id: str
    data: dict[str, Any]


class Stream:
    """A client of the live stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.lines = response.aiter_lines()

    async def next(self) -> Happening:
        """The next event, whatever it is."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(WITHIN):
            async for line in self.lines:
                if line.startswith(":"):
                    continue
                if not line:
                    if "data" in fields:
                        return Happening(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
                    continue
                name, _, value = line.partition(": ")
                fields[name] = value
        raise AssertionError("the stream ended")

    async def ended(self) -> bool:
        """True once the stream ends."""
        async with asyncio.timeout(WITHIN):
            async for _ in self.lines:
                pass
        return True


async def rows_of(pieces: AsyncIterator[Sequence[LiveRow]]) -> AsyncIterator[LiveRow]:
    """A stream row by row."""
    async for piece in pieces:
        for row in piece:
            yield row


@dataclass
class Live:
    """A served API, and a way to say things into the feed."""

    url: str
    pool: Pool
    broadcast: Broadcast
    tokens: dict[str, str]

    @asynccontextmanager
    async def listening(self, who: str, last: str | None = None) -> AsyncIterator[Stream]:
        """Somebody's stream, past its greeting when it begins anew."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} | ({"Last-Event-ID": last} if last else {})
        async with (
            httpx.AsyncClient(timeout=httpx.Timeout(WITHIN)) as client,
            client.stream("GET", f"{self.url}/api/v1/live", headers=headers) as response,
        ):
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            stream = Stream(response)
            if last is None:
                hello = await stream.next()
                assert hello.event == "hello"
            yield stream

    async def say(self, number: int, organisations: list[str], roles: list[str] | None = None) -> None:
        """Commits one alert's news."""
        async with self.pool.connection() as conn:
            await feed.append(conn, "alert", organisations, {"alert": number}, world.NOW, roles)


@pytest.fixture
async def live(furnished: None, pool: Pool, database_url: str) -> AsyncIterator[Live]:
    """The API on a socket."""
    broadcast = Broadcast(pool)
    app = build(pool, Clock(), broadcast)
    tokens = await world.sign_in(pool)
    async with served(app, broadcast, database_url) as url:
        yield Live(url, pool, broadcast, tokens)


async def test_each_hears_their_own_share(live: Live) -> None:
    """What is for one organisation reaches its people and no others; what is for one role, that role."""
    async with live.listening("care_manager") as bright, live.listening("foreign care_manager") as kind:
        await live.say(1, ["brightcare"])
        await live.say(2, ["kindcare"])
        await live.say(3, ["brightcare", "kindcare"], ["operator"])
        await live.say(4, ["brightcare", "kindcare"], ["care_manager"])
        assert [(await bright.next()).data["alert"] for _ in range(2)] == [1, 4]
        assert [(await kind.next()).data["alert"] for _ in range(2)] == [2, 4]


async def test_a_happening_says_when_and_what_and_where_to_go_on(live: Live) -> None:
    """An event carries its topic, its time and an id; the id leads to what comes after it, no more."""
    async with live.listening("care_manager") as stream:
        await live.say(1, ["brightcare"])
        first = await stream.next()
    assert first.event == "alert"
    assert first.data == {"at": world.NOW.isoformat(), "alert": 1}
    await live.say(2, ["brightcare"])
    await live.say(3, ["northgate"])
    await live.say(4, ["brightcare"])
    async with live.listening("care_manager", last=first.id) as again:
        missed = [await again.next() for _ in range(2)]
        assert [happening.data["alert"] for happening in missed] == [2, 4]
        await live.say(5, ["brightcare"])
        assert (await again.next()).data["alert"] == 5


async def test_what_commits_late_is_not_skipped_and_holds_nothing_up(live: Live, database_url: str) -> None:
    """A transaction that began first and commits last delays no other's news, and its own still comes,
    to those who listened and to those who come back with the id of the news that overtook it."""
    async with await Connection.connect(database_url, **connection_arguments("slow")) as slow:
        async with live.listening("care_manager") as stream:
            await feed.append(slow, "alert", ["brightcare"], {"alert": 1}, world.NOW)
            await live.say(2, ["brightcare"])
            overtaking = await stream.next()
            assert overtaking.data["alert"] == 2
            await slow.commit()
            assert (await stream.next()).data["alert"] == 1
        async with live.listening("care_manager", last=overtaking.id) as again:
            replayed = {(await again.next()).data["alert"]}
            if replayed == {2}:  # its own place lay beyond the slow one: told again rather than never
                replayed.add((await again.next()).data["alert"])
            assert 1 in replayed


async def test_many_listeners_of_one_organisation_share_one_reading(live: Live) -> None:
    """Ten people of one role hear the same news, each once and in order."""
    async with contexts(live, "care_manager", 10) as streams:
        for number in range(1, 6):
            await live.say(number, ["brightcare"])
        for stream in streams:
            assert [(await stream.next()).data["alert"] for _ in range(5)] == [1, 2, 3, 4, 5]


@asynccontextmanager
async def contexts(live: Live, who: str, count: int) -> AsyncIterator[list[Stream]]:
    """Several streams of one person."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(live.listening(who)) for _ in range(count)]


async def test_a_place_that_is_none_begins_anew_and_says_so(live: Live) -> None:
    """A Last-Event-ID that no stream gave is answered with `reset`: read the open alerts again."""
    async with live.listening("care_manager", last="tomorrow") as stream:
        assert (await stream.next()).event == "reset"
        assert (await stream.next()).event == "hello"
        await live.say(1, ["brightcare"])
        assert (await stream.next()).data["alert"] == 1


async def test_who_was_away_longer_than_is_kept_is_told_to_read_again(live: Live, pool: Pool) -> None:
    """When rows after a place were trimmed, the stream says `reset` and does not pretend."""
    async with live.listening("care_manager") as stream:
        await live.say(1, ["brightcare"])
        place = (await stream.next()).id
    await live.say(2, ["brightcare"])
    async with pool.connection() as conn:
        await conn.execute("DELETE FROM feed")
    await live.say(3, ["brightcare"])
    async with live.listening("care_manager", last=place) as again:
        assert (await again.next()).event == "reset"


async def test_a_withdrawn_token_ends_its_stream(
    live: Live, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that stands does not outlive its token."""
    monkeypatch.setattr("api.live.CHECK_AGAIN", timedelta(milliseconds=50))
    async with live.listening("care_manager") as stream:
        async with pool.connection() as conn:
            await conn.execute("UPDATE token SET revoked_at = now() WHERE organisation_id = 'brightcare'")
        assert await stream.ended()


async def test_what_was_replayed_is_not_told_again_by_the_common_reading(furnished: None, pool: Pool) -> None:
    """Somebody who comes back while the others' reading still lags hears each missed thing once."""
    broadcast = Broadcast(pool)
    caller = Caller("brightcare", "care_manager", "Cara", 1)

    async def good() -> bool:
        return True

    async with broadcast.joined(caller, None, good) as joined:
        first = rows_of(joined)
        place = (await anext(first)).place
        async with pool.connection() as conn:
            for number in (1, 2):
                await feed.append(conn, "alert", ["brightcare"], {"alert": number}, world.NOW)
        async with broadcast.joined(caller, place, good) as joined_again:
            again = rows_of(joined_again)
            stop = asyncio.Event()
            running = asyncio.create_task(broadcast.run(stop))
            async with asyncio.timeout(WITHIN):
                told = [json.loads((await anext(first)).data)["alert"] for _ in range(2)]
                assert told == [1, 2]
            async with pool.connection() as conn:
                await feed.append(conn, "alert", ["brightcare"], {"alert": 3}, world.NOW)
            broadcast.wake.set()
            async with asyncio.timeout(WITHIN):
                assert [json.loads((await anext(again)).data)["alert"] for _ in range(3)] == [1, 2, 3]
            stop.set()
            await running


async def test_a_client_that_does_not_keep_up_is_dropped_and_others_are_not(
    furnished: None, pool: Pool
) -> None:
    """Rows wait for a slow reader up to a limit; then its stream ends; the reader beside it has all."""
    broadcast = Broadcast(pool)
    stop = asyncio.Event()
    running = asyncio.create_task(broadcast.run(stop))
    caller = Caller("brightcare", "care_manager", "Cara", 1)

    async def good() -> bool:
        return True

    async with broadcast.joined(caller, None, good) as slow, broadcast.joined(caller, None, good) as other:
        quick = rows_of(other)
        assert (await anext(quick)).topic == "hello"
        heard = 0
        for batch in range(3):
            async with pool.connection() as conn:
                for number in range(400):
                    await feed.append(
                        conn, "alert", ["brightcare"], {"alert": batch * 400 + number}, world.NOW
                    )
            broadcast.wake.set()
            async with asyncio.timeout(WITHIN):
                for _ in range(400):
                    assert json.loads((await anext(quick)).data)["alert"] == heard
                    heard += 1
        async with asyncio.timeout(WITHIN):
            left = [row async for row in rows_of(slow)]
        assert [row.topic for row in left] == ["hello"]
    stop.set()
    await running


async def test_what_waits_for_a_client_comes_in_one_piece(furnished: None, pool: Pool) -> None:
    """A press behind three hundred other rows waits for no turn of the loop for each of them."""
    broadcast = Broadcast(pool)
    stop = asyncio.Event()

    async def good() -> bool:
        return True

    async with broadcast.joined(Caller("brightcare", "care_manager", "Cara", 1), None, good) as pieces:
        assert [row.topic for row in await anext(pieces)] == ["hello"]
        news = [feed.News("alert", ["brightcare"], {"alert": number}) for number in range(301)]
        async with pool.connection() as conn:
            await feed.append_all(conn, news, world.NOW)
        running = asyncio.create_task(broadcast.run(stop))
        async with asyncio.timeout(WITHIN):
            assert [json.loads(row.data)["alert"] for row in await anext(pieces)] == list(range(301))
        stop.set()
        await running


async def test_a_stream_without_news_says_that_it_is_there(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comment goes out when nothing has come for a while, so that nobody on the way ends a quiet stream."""
    monkeypatch.setattr("api.live.QUIET", timedelta(milliseconds=10))
    async with live.listening("care_manager") as stream:
        async with asyncio.timeout(WITHIN):
            assert await anext(line async for line in stream.lines if line.startswith(":")) == ": ping"


async def test_a_stop_ends_every_stream(live: Live) -> None:
    """When the process is told to stop, streams end at once instead of holding it up."""
    broadcast = Broadcast(live.pool)
    stop = asyncio.Event()
    running = asyncio.create_task(broadcast.run(stop))

    async def good() -> bool:
        return True

    async with broadcast.joined(Caller("brightcare", "care_manager", "Cara", 1), Cursor(), good) as missed:
        stop.set()
        await running
        async with asyncio.timeout(WITHIN):
            left = [row async for row in rows_of(missed)]
        assert [row.topic for row in left] == ["duty"]
