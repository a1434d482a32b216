"""The intake's sign of life in the database: is it listening, since when, how far behind.

The sweeps read it, so that a time in which we could not listen is never held against a home.
"""

from collections.abc import Callable
from datetime import datetime

from ingest import lease_store, metrics
from ingest.presence import Marker, Presence, encode_marker
from ingest.writer import Writer


class Beat:
    """Follows the connection, and writes how it stands once a second."""

    def __init__(self, writer: Writer, clock: Callable[[], datetime], instance: str) -> None:
        self._writer = writer
        self._clock = clock
        self._instance = instance
        self._presence = Presence()
        self._listened_until: datetime | None = None
        self._gap_is_over = False

    async def begin(self) -> None:
        """Finds out until when anybody listened before us; None when nobody ever did, which is no gap."""
        async with self._writer.transaction() as conn:
            before = await lease_store.intake_state(conn)
        self._listened_until = before.beat_at if before is not None else None

    def connected(self) -> None:
        """A new connection stands."""
        self._presence = self._presence.connected(self._clock())
        self._gap_is_over = False

    def disconnected(self) -> None:
        """The connection has ended: until now we listened."""
        if self._presence.caught_up_at is not None:
            self._listened_until = self._clock()
        self._presence = self._presence.disconnected()
        metrics.CAUGHT_UP.set(0)

    def next_marker(self) -> bytes | None:
        """The next message to ourselves, unless one is out already."""
        if self._presence.marker_out is not None:
            return None
        now = self._clock()
        self._presence = self._presence.sent(now)
        return encode_marker(Marker(self._instance, self._presence.connection, now))

    def returned(self, marker: Marker) -> None:
        """A marker came back, and what came before it is committed."""
        if marker.instance == self._instance:
            self._presence = self._presence.returned(marker, self._clock())

    def is_deaf(self, in_hand: int, speed: float = 1.0) -> bool:
        """Whether the broker seems to have stopped delivering to us, on a clock of this speed."""
        return self._presence.is_deaf(in_hand, self._clock(), speed)

    async def write(self) -> None:
        """Says how we stand. A gap lasts from when we last listened until all that waited is taken in."""
        now = self._clock()
        self._presence = presence = self._presence.looked_at(now)
        lag = presence.lag_at(now)
        listening = presence.connected_at is not None and presence.caught_up_at is not None
        metrics.CAUGHT_UP.set(listening)
        metrics.LAG_SECONDS.set(lag.total_seconds() if lag is not None else float("nan"))
        async with self._writer.transaction() as conn:
            if presence.caught_up_at is None:
                if self._listened_until is not None:
                    await lease_store.open_gap(conn, self._listened_until)
            elif not self._gap_is_over:
                await lease_store.close_gaps(conn, presence.caught_up_at)
            await lease_store.write_intake(
                conn,
                lease_store.IntakeState(
                    holder=self._instance,
                    beat_at=now if presence.connected_at is not None else None,
                    connected_at=presence.connected_at,
                    caught_up_at=presence.caught_up_at,
                    lag_seconds=lag.total_seconds() if lag is not None else None,
                ),
            )
        if listening and self._presence.connection == presence.connection:
            self._gap_is_over = True
            self._listened_until = now

    async def leave(self) -> None:
        """Says that nobody listens from now on."""
        self.disconnected()
        await self.write()
