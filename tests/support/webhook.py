"""A real HTTP receiver of webhooks that records what it gets and misbehaves when told to."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from standardwebhooks import Webhook

from tests.support.proxy import reset

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The secret that tests share with their receivers: the example of the Standard Webhooks specification."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    def verified(self, secret: str = SECRET) -> object:
        """Its content, when the signature is right; raises standardwebhooks' WebhookVerificationError."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Behaviour:
    """How the receiver answers.

    `status` and `headers` make the answer (a 302 with a Location, a 429 with Retry-After). It waits `delay`
    seconds before it answers, for ever while `hangs`. `reset` records the request and then resets the
    connection instead of answering; `body_bytes` is how much of a body it sends, unless `body` is its text.
    """

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hangs: bool = False
    reset: bool = False
    body_bytes: int = 0
    body: bytes = b""


class WebhookSink:
    """An HTTP receiver on a free port; `received` is all it got, `behaves` how it answers the next ones."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.behaves = Behaviour()
        self._arrived = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Its port on 127.0.0.1."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Where to send to."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Listen no more, and drop who is connected."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def wait_for(self, count: int, *, within: float = 10.0) -> list[Received]:
        """The requests, once there are `count`; raises TimeoutError naming what came instead."""
        try:
            async with asyncio.timeout(within), self._arrived:
                await self._arrived.wait_for(lambda: len(self.received) >= count)
        except TimeoutError:
            raise TimeoutError(f"{count} webhooks expected, there are {self.received}") from None
        return self.received

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer_one(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        pairs = (line.split(":", 1) for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        behaves = self.behaves
        async with self._arrived:
            self.received.append(Received(method, path, headers, body))
            self._arrived.notify_all()
        if behaves.hangs:
            await asyncio.Event().wait()
        await asyncio.sleep(behaves.delay)
        if behaves.reset:
            reset(writer)
            return
        lines = [f"HTTP/1.1 {behaves.status} Answer", "Connection: close"]
        if behaves.status not in (204, 304):
            lines.append(f"Content-Length: {len(behaves.body) or behaves.body_bytes}")
        lines += [f"{name}: {value}" for name, value in behaves.headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        writer.write(behaves.body)
        for _ in range(behaves.body_bytes // 65536):
            writer.write(b"x" * 65536)
            await writer.drain()
        writer.write(b"x" * (behaves.body_bytes % 65536))
        await writer.drain()


@pytest.fixture
async def webhook_sink() -> AsyncIterator[WebhookSink]:
    """A webhook receiver of this test's own."""
    sink = WebhookSink()
    await sink.start()
    yield sink
    await sink.stop()
