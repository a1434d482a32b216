"""Are we listening, and have we caught up? Pure, but for what the worker writes of it.

While we could not listen, homes were not silent (domain/visits.md §6): decisions need to know when. The
broker queues in order, so a marker that we send to ourselves comes back after everything that waited before
it, through the same batches and commits. Its way round is our lag, and its first return in a connection
with little lag says that the backlog is worked off.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

LITTLE_LAG = timedelta(seconds=5)
"""Caught up below this (domain/visits.md §6)."""
LONGEST_WAIT = timedelta(seconds=60)
"""Decisions wait no longer than this after intake is back (domain/visits.md §6)."""
DEAF_AFTER = timedelta(seconds=30)
"""A marker out for so long while nothing is in hand says that the broker delivers to us no more."""


class Marker(msgspec.Struct, frozen=True):
    """A message to ourselves: which copy of us, on which connection, sent it when."""

    instance: str
    connection: int
    sent_at: datetime


_decoder = msgspec.json.Decoder(Marker)
_encoder = msgspec.json.Encoder()


def encode_marker(marker: Marker) -> bytes:
    """The payload of a marker."""
    return _encoder.encode(marker)


def decode_marker(payload: bytes) -> Marker | None:
    """The marker in a payload, or None when it is none of ours."""
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class Presence:
    """How intake stands. `connected_at` None: not connected. `marker_out`: sent, and not back yet.

    `markers_work` stays false where the broker does not let us speak to ourselves; then only time tells.
    """

    connection: int = 0
    connected_at: datetime | None = None
    caught_up_at: datetime | None = None
    lag: timedelta | None = None
    marker_out: datetime | None = None
    markers_work: bool = False

    def connected(self, now: datetime) -> "Presence":
        """A new connection stands; whatever waited at the broker comes now."""
        return replace(
            self,
            connection=self.connection + 1,
            connected_at=now,
            caught_up_at=None,
            lag=None,
            marker_out=None,
        )

    def disconnected(self) -> "Presence":
        """The connection has ended."""
        return replace(self, connected_at=None, caught_up_at=None, lag=None, marker_out=None)

    def sent(self, now: datetime) -> "Presence":
        """A marker went out; while one is out already, that one is the measure."""
        return self if self.marker_out is not None else replace(self, marker_out=now)

    def returned(self, marker: Marker, now: datetime) -> "Presence":
        """A marker came back, and all before it is committed. One of another connection says nothing."""
        if marker.connection != self.connection or self.connected_at is None:
            return self
        lag = max(now - marker.sent_at, timedelta(0))
        out = None if self.marker_out is None or marker.sent_at >= self.marker_out else self.marker_out
        return replace(self, lag=lag, marker_out=out, markers_work=True).looked_at(now)

    def looked_at(self, now: datetime) -> "Presence":
        """The same with `caught_up_at` set when that is so by `now`."""
        if self.caught_up_at is None and self.why_caught_up(now) is not None:
            return replace(self, caught_up_at=now)
        return self

    def why_caught_up(self, now: datetime) -> str | None:
        """Why decisions need not wait for us any more, or None when they must."""
        if self.connected_at is None:
            return None
        if self.lag is not None and self.lag < LITTLE_LAG:
            return "the backlog is worked off"
        if now - self.connected_at >= LONGEST_WAIT:
            return "waited long enough"
        return None

    def lag_at(self, now: datetime) -> timedelta | None:
        """How far behind we are: the last marker's way round, or how long the present one has been out."""
        if self.marker_out is None or not self.markers_work:
            return self.lag
        return max(self.lag or timedelta(0), now - self.marker_out)

    def is_deaf(self, in_hand: int, now: datetime, speed: float = 1.0) -> bool:
        """Whether the broker seems to have stopped delivering although the connection looks healthy.

        On a clock that runs `speed` times too fast the broker has as much more of its time.
        """
        return (
            self.markers_work
            and in_hand == 0
            and self.marker_out is not None
            and now - self.marker_out > DEAF_AFTER * speed
        )
