"""The contract of a channel: what it is given and what it answers. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from alerts.retry import Outcome


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way.

    `key` is the same whenever the same message is sent again: a receiver that has it may drop the repeat.
    `subject` and `text` are for people, `payload` for programs; `urgent` is a life-safety message.
    """

    key: str
    subject: str
    text: str
    payload: dict[str, Any]
    email: str | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = None
    urgent: bool = False


class Channel(Protocol):
    """What every channel offers."""

    async def send(self, message: Outgoing, now: datetime) -> Outcome:
        """Hands the message over; what went wrong is in the answer."""
        ...
