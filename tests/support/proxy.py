"""A TCP proxy that injects faults: put it before the broker, the database or a receiver.

Its faults are switched while connections are open, and count for what passes from then on.
"""

import asyncio
import contextlib
import socket as socket_module
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import pytest

Direction = Literal["up", "down"]
"""Up is from the client to the server."""


@dataclass
class Faults:
    """What happens to the bytes of one direction.

    `latency` in seconds for each chunk; `blackhole` swallows; `slice_bytes` sends in pieces of that size.
    """

    latency: float = 0.0
    blackhole: bool = False
    slice_bytes: int = 0


class FaultProxy:
    """Listens on a free port of the loopback and passes everything on to `host:port`, faults permitting."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.target = (host, port)
        self.up = Faults()
        self.down = Faults()
        self.refuses = False
        self.connections = 0
        self.passed = {"up": 0, "down": 0}
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._flows.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Listen no more and cut everything."""
        if self._server is not None:
            self._server.close()
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def reset(self) -> None:
        """Break every open connection with a reset, both ways."""
        for writer in list(self._open):
            reset(writer)

    def half_close(self, direction: Direction) -> None:
        """Say "nothing more will come" in one direction, and go on in the other."""
        for writer in list(self._open):
            if self._direction_of(writer) == direction and writer.can_write_eof():
                writer.write_eof()

    def partition(self) -> None:
        """Swallow everything, both ways, without closing anything: a cable that was cut."""
        self.up.blackhole = self.down.blackhole = True

    def stall(self) -> None:
        """Hold everything back, both ways, until `heal()`: a hung server."""
        self._flows.clear()

    def heal(self) -> None:
        """End all faults. What a blackhole swallowed is gone, so open connections are reset."""
        swallowed = self.up.blackhole or self.down.blackhole
        self.up, self.down, self.refuses = Faults(), Faults(), False
        self._flows.set()
        if swallowed:
            self.reset()

    def _direction_of(self, writer: asyncio.StreamWriter) -> Direction:
        peer = writer.get_extra_info("peername")
        return "up" if peer == self.target else "down"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            reset(writer)
            return
        self.connections += 1
        task = asyncio.create_task(self._join(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, far_writer}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, far_writer, "up"))
                both.create_task(self._pump(far_reader, writer, "down"))
        finally:
            self._open -= {writer, far_writer}
            for end in (writer, far_writer):
                end.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction
    ) -> None:
        try:
            while chunk := await reader.read(65536):
                await self._pass(chunk, writer, direction)
            writer.write_eof()
        except OSError:  # one end was reset, as the system does for a killed process: the other must know
            reset(writer)

    async def _pass(self, chunk: bytes, writer: asyncio.StreamWriter, direction: Direction) -> None:
        await self._flows.wait()
        faults = self.up if direction == "up" else self.down
        if faults.latency:
            await asyncio.sleep(faults.latency)
        if faults.blackhole:
            return
        size = faults.slice_bytes or len(chunk)
        for start in range(0, len(chunk), size):
            writer.write(chunk[start : start + size])
            await writer.drain()
            if faults.slice_bytes:
                await asyncio.sleep(0)  # so that each piece is a segment of its own
        self.passed[direction] += len(chunk)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST: asyncio's own abort() says goodbye politely, with FIN."""
    socket: socket_module.socket | None = writer.get_extra_info("socket")
    if socket is not None:
        linger_for_no_time = struct.pack("ii", 1, 0)
        with contextlib.suppress(OSError):
            socket.setsockopt(socket_module.SOL_SOCKET, socket_module.SO_LINGER, linger_for_no_time)
    writer.transport.abort()


@asynccontextmanager
async def proxied(port: int) -> AsyncIterator[FaultProxy]:
    """A proxy before a port of the loopback, for the time of the block."""
    proxy = FaultProxy(port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


@pytest.fixture
async def make_proxy() -> AsyncIterator[Callable[[int], Awaitable[FaultProxy]]]:
    """`await make_proxy(port)` puts a proxy before a port of the loopback; it ends with the test."""
    made: list[FaultProxy] = []

    async def make(port: int) -> FaultProxy:
        proxy = FaultProxy(port)
        await proxy.start()
        made.append(proxy)
        return proxy

    yield make
    for proxy in made:
        await proxy.stop()
