"""What the API shows of hubs, their devices, and commands to them. Times are RFC 3339 in UTC."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.paging import Page


class HubOut(BaseModel):
    """The unit in a home or a scheme."""

    id: str
    dwelling: str | None
    scheme: str | None
    heartbeat_every: str = Field(description="ISO 8601 duration")
    online: bool | None = Field(description="its last status; null: none yet")
    last_heard_at: datetime | None
    queued: int | None = Field(description="events that it still holds, of its last fresh heartbeat")
    enrolled: bool
    revoked_at: datetime | None
    adapter: str | None = Field(description="another maker's bridge of this kind; null: it speaks our wire")


class HubPage(Page):
    """Hubs by id."""

    items: list[HubOut]


class DeviceOut(BaseModel):
    """A thing behind a hub."""

    id: str
    kind: str
    scope: str | None


class GapOut(BaseModel):
    """A time in which nothing was heard of a hub."""

    heard_from: datetime
    heard_to: datetime


class MissingOut(BaseModel):
    """Events that a hub's own numbering passed over and that have not come since."""

    boot: str = Field(description="empty for a hub that names none")
    ranges: list[tuple[int, int]] = Field(description="first and last `seq` of each gap, both missing")
    missed_at: datetime = Field(description="when the last of them was noticed")


class CommandOut(BaseModel):
    """A command down to a hub, and what came of it."""

    id: str
    type: str
    data: dict[str, Any]
    issued_at: datetime
    expires_at: datetime
    issued_by: str
    sent_at: datetime | None
    state: Literal["pending", "sent", "done", "refused", "expired"]
    result_at: datetime | None
    reason: str | None


class HubDetail(HubOut):
    """A hub with its devices, its last status, gaps and commands."""

    status: dict[str, Any]
    status_at: datetime | None
    first_heard_at: datetime | None
    devices: list[DeviceOut]
    clock_offset_s: float | None = Field(
        description="its clock minus ours, the median of its last fresh heartbeats; null: none yet"
    )
    boot: str | None
    last_seq: int | None = Field(description="the highest number heard of this boot")
    missing: list[MissingOut]
    gaps: list[GapOut]
    commands: list[CommandOut]
