"""Nouns of the wire (contract §2). Encoding any of these gives the contract's JSON."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

# Python's `$` also matches before a final newline, which is no printable character: hence `\Z`.
EventId = Annotated[str, msgspec.Meta(pattern=r"^[\x20-\x7e]{1,64}\Z")]
AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]
# A device or boot name is indexed by the database; 255 characters hold any Zigbee friendly name.
Name = Annotated[str, msgspec.Meta(max_length=255)]
# What the database's bigint holds.
Counter = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a device reported. `at` is the device's own clock, with an offset.

    `device`, `seq`, `boot` and `data` may be left out; `data` may also be null, which means left out.
    """

    id: EventId
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    at: AwareTime
    device: Name | None = None
    seq: Counter | None = None
    boot: Name | None = None
    data: dict[str, Any] = {}


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """A hub's retained word about itself; its last will is `Status(online=False)`.

    `battery` is a share of one.
    """

    online: bool
    at: AwareTime | None = None
    firmware: Name | None = None
    mains: bool | None = None
    battery: float | None = None


class Refusal(msgspec.Struct, frozen=True):
    """An event that was kept as rejected, and why."""

    id: str
    reason: str


class Receipts(msgspec.Struct, frozen=True):
    """Our word to the hub: these ids are durably stored, these were rejected and why."""

    stored: tuple[str, ...] = ()
    rejected: tuple[Refusal, ...] = ()


class Command(msgspec.Struct, frozen=True):
    """What we ask of a hub. Refused by the hub past `expires_at`; an id is obeyed once."""

    id: str
    type: str
    issued_at: AwareTime
    expires_at: AwareTime
    data: dict[str, Any] = {}
