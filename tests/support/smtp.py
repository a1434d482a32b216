"""A real mail server that keeps what it gets, and can refuse, hang up or hang."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Letter:
    """One message that arrived."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        """Its subject line."""
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """Its plain text."""
        body = self.message.get_body(("plain",))
        return "" if body is None else cast(str, body.get_content())


class Mailbox:
    """A mail server on a free port of the loopback.

    `letters` is what it took. `answer` is what it says to the next letters: "250 OK" takes them, "451 later"
    and "550 no such user" refuse; `refused_recipients` are refused one by one. While `hangs` is set it takes
    the letter's text and never answers.
    """

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.answer = "250 OK"
        self.refused_recipients: dict[str, str] = {}
        self.attempts = 0
        self.hangs = asyncio.Event()
        self._arrived = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._connections: list[SMTP] = []

    @property
    def host(self) -> str:
        """Where it listens."""
        return "127.0.0.1"

    @property
    def port(self) -> int:
        """Its port."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.get_running_loop().create_server(self._connection, self.host, 0)

    async def stop(self) -> None:
        """Listen no more, and cut off who is connected."""
        if self._server is not None:
            self._server.close()
            for connection in self._connections:
                if isinstance(connection.transport, asyncio.WriteTransport):
                    connection.transport.abort()
            await self._server.wait_closed()

    async def wait_for(self, count: int, *, within: float = 10.0) -> list[Letter]:
        """The letters, once there are `count`; raises TimeoutError naming what came instead."""
        try:
            async with asyncio.timeout(within), self._arrived:
                await self._arrived.wait_for(lambda: len(self.letters) >= count)
        except TimeoutError:
            raise TimeoutError(f"{count} letters expected, there are {self.letters}") from None
        return self.letters

    def _connection(self) -> SMTP:
        connection = SMTP(self, hostname="mailbox.test", loop=asyncio.get_running_loop())
        self._connections.append(connection)
        return connection

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        """aiosmtpd asks for each recipient."""
        if address in self.refused_recipients:
            return self.refused_recipients[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd brings each letter."""
        self.attempts += 1
        if self.hangs.is_set():
            await asyncio.Event().wait()
        if self.answer.startswith("2"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            async with self._arrived:
                self.letters.append(Letter(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))
                self._arrived.notify_all()
        return self.answer


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """A mail server of this test's own."""
    box = Mailbox()
    await box.start()
    yield box
    await box.stop()
