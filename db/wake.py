"""LISTEN/NOTIFY as a hint that there is something to do. Polling is the promise: a lost hint costs
only the time until the next tick."""

from typing import Final

from db.pool import Connection

CARE: Final = "threshold_care"
ALERTS: Final = "threshold_alerts"
DELIVER: Final = "threshold_deliver"
LIVE: Final = "threshold_live"
COMMANDS: Final = "threshold_commands"
CHANNELS: Final = (CARE, ALERTS, DELIVER, LIVE, COMMANDS)


async def wake(conn: Connection, channel: str) -> None:
    """Hints at `channel` when the transaction commits; many hints of one transaction arrive as one."""
    await conn.execute("SELECT pg_notify(%s, '')", (channel,))
