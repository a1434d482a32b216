"""The contract of a channel: what it is given and what it answers. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from alerts.retry import Delivered, Outcome, Undelivered


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way.

    `key` is the same whenever the same message is sent again: a receiver that has it may drop the repeat.
    `subject` and `text` are for people who read, `short` is the same for a small screen, `spoken` for the
    ear, `payload` for programs; `urgent` is a life-safety message. `language` is that of the words.
    """

    key: str
    subject: str
    text: str
    payload: dict[str, Any]
    email: str | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = None
    urgent: bool = False
    phone: str | None = None
    push_url: str | None = None
    short: str = ""
    spoken: str = ""
    language: str = "en"


class Channel(Protocol):
    """What every channel offers."""

    async def send(self, message: Outgoing, now: datetime) -> Outcome:
        """Hands the message over; what went wrong is in the answer."""
        ...


@runtime_checkable
class Confirms(Protocol):
    """A channel whose provider can be asked what became of a message that it took (`Sent`)."""

    async def look(self, ref: str) -> Delivered | Undelivered | None:
        """The provider's last word on its own number for a message; None: it has none yet."""
        ...
