"""The demonstration's mailbox: takes every letter over real SMTP on the loopback and keeps it as a file."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from app.clock import Clock
from app.errors import Fault

KEPT = 500
"""Letters kept; older files go, so that a demonstration left running does not fill the disk."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One caught letter."""

    id: str
    at: datetime
    to: str
    subject: str
    body: str


class Mailbox:
    """An SMTP server on 127.0.0.1 that keeps what it is given in `directory`."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self.directory = directory
        self.clock = clock
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listens on a free port and returns it. Raises Fault when the folder cannot be made."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Fault(f"cannot keep letters in {self.directory}: {error.strerror}") from None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, hostname="localhost"), "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stops listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd with a whole letter."""
        stamp = self.clock().strftime("%Y%m%dT%H%M%S%f")
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content).encode()
        await asyncio.to_thread(self._keep, stamp, raw)
        return "250 kept"

    def letters(self) -> list[Letter]:
        """The kept letters, newest first."""
        return [_read(path) for path in sorted(self.directory.glob("*.eml"), reverse=True)]

    def _keep(self, stamp: str, raw: bytes) -> None:
        number = 0
        while (path := self.directory / f"{stamp}-{number}.eml").exists():
            number += 1
        path.write_bytes(raw)
        for old in sorted(self.directory.glob("*.eml"))[:-KEPT]:
            old.unlink(missing_ok=True)


def _read(path: Path) -> Letter:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    part: Any = message.get_body(("plain",))
    return Letter(
        id=path.stem,
        at=datetime.strptime(path.stem.partition("-")[0] + "+0000", "%Y%m%dT%H%M%S%f%z"),
        to=str(message["to"] or ""),
        subject=str(message["subject"] or ""),
        body=part.get_content() if part is not None else "",
    )
