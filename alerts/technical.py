"""Alerts about units: faults that last, hubs that are silent. Raised here, or held back by a window."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts.area_alerts import Candidate, hold_in_areas
from alerts.model import Priority
from alerts.raising import raise_for
from alerts.store import HubHome
from alerts.suppression import held
from alerts.windows import record_suppressed, windows_of
from db.pool import Connection


async def raise_technical(
    conn: Connection,
    rows: Sequence[Mapping[str, Any]],
    homes: Mapping[str, HubHome],
    now: datetime,
    area: str | None = None,
) -> frozenset[str]:
    """Raises alerts about units for the centres that run them; one that stands open stays as it is.

    What a window of suppression holds back is recorded instead, and where an alert of the kind `area` stands
    for a unit its own is held. Answers with the keys of these: what they are about may last longer than what
    holds it, and is raised then.
    """
    rows, held_back = await _not_held_back(conn, rows, homes, now)
    if area is not None:
        candidates = [
            Candidate(
                row["hub_id"],
                row["raised_at"],
                row["reason"] if row["priority"] == Priority.WELFARE else None,
            )
            for row in rows
        ]
        together = await hold_in_areas(conn, area, candidates, now)
        held_back |= {row["dedupe_key"] for row in rows if row["hub_id"] in together}
        rows = [row for row in rows if row["hub_id"] not in together]
    if rows:
        centres = {row["dedupe_key"]: home.centres for row in rows if (home := homes.get(row["hub_id"]))}
        await raise_for(conn, rows, centres, now)
    return held_back


async def _not_held_back(
    conn: Connection, rows: Sequence[Mapping[str, Any]], homes: Mapping[str, HubHome], now: datetime
) -> tuple[Sequence[Mapping[str, Any]], frozenset[str]]:
    windows = await windows_of(conn, homes, min(row["raised_at"] for row in rows), now)
    if not windows:
        return rows, frozenset()
    free, kept = [], []
    for row in rows:
        hold = held(row["kind"], row["priority"], row["raised_at"], windows.get(row["hub_id"], ()))
        if hold.until > now:
            # Looked at again and again while it lasts: that is no press.
            kept.append(({**row, "press_count": 0}, hold))
        else:
            free.append({**row, "raised_at": hold.until})
    await record_suppressed(conn, kept, homes, now)
    return free, frozenset(row["dedupe_key"] for row, _ in kept)
