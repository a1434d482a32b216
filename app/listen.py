"""One listening connection a process: turns NOTIFY into asyncio events. Losing it loses nothing but speed."""

import asyncio
from collections.abc import Iterable, Mapping

import structlog
from psycopg import AsyncConnection, Error
from psycopg.sql import SQL, Identifier

from db.pool import connection_arguments

log = structlog.get_logger(__name__)

RECONNECT_PAUSE = 1.0
"""Seconds between attempts to listen again."""


async def listen(url: str, wakers: Mapping[str, Iterable[asyncio.Event]], stop: asyncio.Event) -> None:
    """Sets the events of a channel at each hint until `stop`; after a reconnect all of them once."""
    while not stop.is_set():
        try:
            await _listen_once(url, wakers, stop)
        except (Error, OSError) as error:
            log.info("not listening for hints, polling goes on", error=str(error).strip())
            await _pause(stop)


async def _listen_once(url: str, wakers: Mapping[str, Iterable[asyncio.Event]], stop: asyncio.Event) -> None:
    async with await AsyncConnection.connect(url, autocommit=True, **connection_arguments("listen")) as conn:
        for channel in wakers:
            await conn.execute(SQL("LISTEN {}").format(Identifier(channel)))
        for events in wakers.values():
            _set(events)
        while not stop.is_set():
            async for notice in conn.notifies(timeout=1.0):
                _set(wakers.get(notice.channel, ()))
                if stop.is_set():
                    return


def _set(events: Iterable[asyncio.Event]) -> None:
    for event in events:
        event.set()


async def _pause(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), RECONNECT_PAUSE)
    except TimeoutError:
        return
