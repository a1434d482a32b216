"""Failing and restoring events of units, written into the rows that remember them (see faults.py)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts import store
from alerts.classify import Act, Meaning, dedupe_key
from alerts.faults import Fault, failed, restored
from alerts.model import Signal
from alerts.stand_down import stand_down
from alerts.store import Q, as_rows, fault_from
from alerts.wording import Correction
from db.pool import Connection, execute, fetch_all
from db.wake import ALERTS, wake

Key = tuple[str, str, str]


@dataclass(slots=True)
class _Change:
    """What a batch does to one fault that was raised as an alert already."""

    presses: int = 0
    last_press_at: datetime | None = None
    restored: Signal | None = None


async def handle_faults(conn: Connection, signals: Sequence[tuple[Signal, Meaning]], now: datetime) -> None:
    """Begins, repeats and ends faults; what was raised for one that ends is stood down."""
    keys = sorted({_key(signal, meaning) for signal, meaning in signals})
    wanted = as_rows({"hub_id": hub, "device": device, "kind": kind} for hub, device, kind in keys)
    await execute(conn, Q["claim_fault_rows"], rows=wanted, now=now)
    rows = await fetch_all(conn, Q["lock_faults"], rows=wanted)
    before = {(row["hub_id"], row["device"], row["kind"]): fault_from(row) for row in rows}
    after = dict(before)
    changes: dict[Key, _Change] = {}
    for signal, meaning in signals:
        key = _key(signal, meaning)
        change = changes.setdefault(key, _Change())
        if meaning.act is Act.FAIL:
            after[key] = failed(after[key], signal.effective_at, signal.received_at, signal.event_id)
            change.presses += 1
            change.last_press_at = signal.received_at
        else:
            after[key] = restored(after[key], signal.effective_at)
            change.restored = signal
    await store.save_faults(conn, [fault for key, fault in after.items() if fault != before[key]])
    await _tell_raised(conn, before, after, changes, now)
    if any(fault.next_check_at is not None and fault.next_check_at <= now for fault in after.values()):
        await wake(conn, ALERTS)


async def _tell_raised(
    conn: Connection,
    before: dict[Key, Fault],
    after: dict[Key, Fault],
    changes: dict[Key, _Change],
    now: datetime,
) -> None:
    repeats = []
    over: dict[str, Correction] = {}
    for key, change in changes.items():
        was, is_now = before[key], after[key]
        if was.failing and was.next_check_at is None:  # raised already
            if not is_now.failing and change.restored is not None:
                words = f"the unit reported that it is over ({change.restored.type})"
                over[dedupe_key(*key)] = Correction(words, change.restored.received_at)
            elif change.presses and is_now.next_check_at is None:
                row = {"dedupe_key": dedupe_key(*key), "presses": change.presses}
                repeats.append({**row, "last_press_at": change.last_press_at})
    if over:
        alerts = await fetch_all(conn, Q["open_hub_alerts"], keys=sorted(over))
        await stand_down(conn, alerts, {alert["id"]: over[alert["dedupe_key"]] for alert in alerts}, now)
    if repeats:
        await fetch_all(conn, Q["fold_repeats"], rows=as_rows(repeats))


def _key(signal: Signal, meaning: Meaning) -> Key:
    return signal.hub_id, signal.device or "", meaning.kind
