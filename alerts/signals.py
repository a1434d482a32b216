"""From stored events to alerts, in the transaction that stores them. A batch costs a few statements at most,
and none when nothing in it speaks to alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts import metrics, store
from alerts.classify import (
    MONITOR_HUB,
    OWN_FAULT,
    UNREADABLE,
    Act,
    Meaning,
    classify,
    credential_of,
    dedupe_key,
    device_of,
    worth_a_look,
)
from alerts.escalate import new_duty, open_duties
from alerts.fault_signals import handle_faults
from alerts.model import Priority, Signal
from alerts.routing import alarm_duties
from alerts.store import History, HubHome, News, Q, as_rows
from alerts.suppression import Hold, held, is_test
from alerts.windows import AWAY, HOME, follow_residents, record_suppressed, windows_of
from db.pool import Connection, execute, fetch_all

OVERTAKEN = timedelta(hours=1)
"""How far back a cancellation is looked for that overtook its alarm: a connection's worth of disorder."""


@dataclass(slots=True)
class _Call:
    """The presses of one batch that belong to one alert."""

    meaning: Meaning
    hub_id: str
    device: str | None
    presses: list[Signal] = field(default_factory=list)
    is_test: bool = False


async def handle_signals(conn: Connection, signals: Sequence[Signal], now: datetime) -> None:
    """Decides what each stored event means and does it: raise, fold, annotate, begin or end a fault, nothing.

    Called with events that were stored in this transaction, each once. Never commits.
    """
    relevant = [signal for signal in signals if worth_a_look(signal)]
    if not relevant:
        return
    known = await _known_credentials(conn, relevant)
    meanings = [
        (signal, classify(signal, credential_known=credential_of(signal) in known)) for signal in relevant
    ]
    residents = [signal for signal in relevant if signal.type in (AWAY, HOME)]
    if residents:
        await follow_residents(conn, residents, now)
    calls = _calls(meanings)
    if calls:
        await _raise_or_fold(conn, calls, now)
    cancels = [signal for signal, meaning in meanings if meaning.act is Act.ANNOTATE]
    if cancels:
        await _annotate(conn, [_evidence(signal) for signal in cancels], now)
    faults = [(s, m) for s, m in meanings if m.act in (Act.FAIL, Act.RESTORE)]
    if faults:
        await handle_faults(conn, faults, now)


async def handle_unreadable(
    conn: Connection,
    rejected_id: int,
    hub_id: str | None,
    topic: str,
    reason: str,
    received_at: datetime,
    now: datetime,
) -> None:
    """A rejected message that looks like an alarm becomes an operator's alert, not a log line.

    Further ones of the same hub, or of the same topic where no hub is known, fold into it while it is open.
    """
    words = f"A message that looks like an alarm could not be read: {reason}"
    meaning = Meaning(Act.RAISE, UNREADABLE, Priority.LIFE_SAFETY, words[:500])
    signal = Signal(
        hub_id=hub_id or "",
        event_id=f"rejected:{rejected_id}",
        type=UNREADABLE,
        effective_at=received_at,
        received_at=received_at,
        data={"rejected": rejected_id, "topic": topic},
    )
    key = dedupe_key(hub_id or topic, None, UNREADABLE)
    await _raise_or_fold(conn, {key: _Call(meaning, hub_id or "", None, [signal])}, now)


async def handle_own_fault(
    conn: Connection, what: str, reason: str, priority: Priority, now: datetime
) -> None:
    """What the service found wrong with itself (`what`: the part) becomes every centre's alert, once while
    it lasts."""
    meaning = Meaning(Act.RAISE, OWN_FAULT, priority, reason[:500])
    signal = Signal(
        hub_id="",
        event_id=f"own:{what}:{now.isoformat()}",
        type=OWN_FAULT,
        device=what,
        effective_at=now,
        received_at=now,
    )
    key = dedupe_key("", what, OWN_FAULT)
    await _raise_or_fold(conn, {key: _Call(meaning, "", what, [signal])}, now)


async def _known_credentials(conn: Connection, signals: Sequence[Signal]) -> set[str | None]:
    shown = {
        credential
        for signal in signals
        if signal.type == "door.call" and (credential := credential_of(signal)) is not None
    }
    if not shown:
        return set()
    rows = await fetch_all(conn, Q["known_credentials"], credentials=sorted(shown))
    return {row["credential"] for row in rows}


def _calls(meanings: Sequence[tuple[Signal, Meaning]]) -> dict[str, _Call]:
    calls: dict[str, _Call] = {}
    for signal, meaning in meanings:
        if meaning.act is Act.RAISE:
            device = device_of(signal)
            key = dedupe_key(signal.hub_id, device, meaning.kind)
            calls.setdefault(key, _Call(meaning, signal.hub_id, device)).presses.append(signal)
    return calls


async def _raise_or_fold(conn: Connection, calls: Mapping[str, _Call], now: datetime) -> None:
    homes = await store.homes_of(conn, {call.hub_id for call in calls.values() if call.hub_id})
    calls = await _not_held_back(conn, calls, homes, now)
    if not calls:
        return
    every_centre: list[str] = []
    if any(not _centres(homes, call) for call in calls.values()):
        every_centre = await store.all_centres(conn)
    rows = [_alert_row(key, call, homes.get(call.hub_id)) for key, call in calls.items()]
    raised = await fetch_all(conn, Q["raise_alerts"], rows=as_rows(rows), now=now)
    evidence = [
        {"alert_id": row["id"], **_evidence(press)}
        for row in raised
        for press in calls[row["dedupe_key"]].presses
    ]
    duties, lines, news = [], [], []
    for row in raised:
        call = calls[row["dedupe_key"]]
        routing = alarm_duties(call.meaning.priority, _centres(homes, call), every_centre)
        centres = tuple(owed.organisation_id for owed in routing.duties)
        change = "raised" if row["is_new"] else "repeated"
        payload = {"alert": row["id"], "kind": row["kind"], "priority": row["priority"], "change": change}
        news.append(News("alert", centres, {**payload, "presses": row["press_count"]}))
        if row["is_new"]:
            duties += [new_duty(row["id"], owed, row["raised_at"]) for owed in routing.duties]
            detail: dict[str, Any] = {"reason": call.meaning.reason, "missing": list(routing.missing)}
            lines.append(History(row["id"], None, row["raised_at"], "raised", detail=detail))
            metrics.RAISED.labels(metrics.kind_label(row["kind"])).inc()
            if not routing.duties:
                metrics.UNOWNED.labels(metrics.kind_label(row["kind"])).inc()
        else:
            detail = {"presses": len(call.presses)}
            lines.append(History(row["id"], None, call.presses[-1].received_at, "repeated", detail=detail))
            metrics.FOLDED.labels(metrics.kind_label(row["kind"])).inc(len(call.presses))
    async with conn.pipeline():  # sent in one go: a press waits for the way there and back, not for the work
        await execute(conn, Q["add_alert_events"], rows=as_rows(evidence))
        await store.add_history(conn, lines, now)
        await store.add_feed(conn, news, now)
    if duties:
        await open_duties(conn, duties, now)
    hubs = {calls[row["dedupe_key"]].hub_id for row in raised if row["is_new"]}
    await _find_overtaken_cancels(conn, hubs, now)


async def _not_held_back(
    conn: Connection, calls: Mapping[str, _Call], homes: Mapping[str, HubHome], now: datetime
) -> dict[str, _Call]:
    """The calls that somebody must answer, those of tests apart from real ones; the rest is only recorded."""
    times = [press.effective_at for call in calls.values() for press in call.presses]
    windows = await windows_of(conn, homes, min(times), max(times))
    if not windows:
        return dict(calls)
    wanted: dict[str, _Call] = {}
    kept: dict[tuple[str, int], tuple[_Call, Hold]] = {}
    for key, call in calls.items():
        kind, around = call.meaning.kind, windows.get(call.hub_id, ())
        for press in call.presses:
            hold = held(kind, call.meaning.priority, press.effective_at, around)
            if hold.window is not None:
                part, _ = kept.setdefault((key, hold.window.id), (replace(call, presses=[]), hold))
            else:
                tested = is_test(kind, press.effective_at, around)
                # A test never takes a real press into it: they are alerts of their own.
                own_key = dedupe_key(call.hub_id, call.device, f"{kind} (test)") if tested else key
                part = wanted.setdefault(own_key, replace(call, presses=[], is_test=tested))
            part.presses.append(press)
    rows = [(_alert_row(key, call, homes.get(call.hub_id)), hold) for (key, _), (call, hold) in kept.items()]
    recorded = await record_suppressed(conn, rows, homes, now)
    evidence = [
        {"alert_id": row["id"], **_evidence(press)}
        for row in recorded
        for press in kept[row["dedupe_key"], row["suppressed_by"]][0].presses
    ]
    await fetch_all(conn, Q["add_alert_events"], rows=as_rows(evidence))
    return wanted


def _centres(homes: Mapping[str, HubHome], call: _Call) -> tuple[str, ...]:
    if call.hub_id == MONITOR_HUB:
        return (MONITOR_HUB,)  # the service tries itself: its own organisation, no person's
    home = homes.get(call.hub_id)
    return home.centres if home else ()


def _alert_row(key: str, call: _Call, home: HubHome | None) -> dict[str, Any]:
    first = call.presses[0]
    data: dict[str, Any] = {}
    location = first.data.get("location")
    if isinstance(location, str):
        data["location"] = location
    for name in ("rejected", "topic"):
        if call.meaning.kind == UNREADABLE and name in first.data:
            data[name] = first.data[name]
    if not call.meaning.announced:
        data["announced"] = False
    return {
        "kind": call.meaning.kind,
        "priority": call.meaning.priority,
        "dedupe_key": key,
        "hub_id": call.hub_id or None,
        "device": call.device,
        "scheme": home.scheme if home else None,
        "dwelling_id": home.dwelling_id if home else None,
        # Two people live there: the alarm does not say which of them called.
        "resident_id": home.residents[0] if home and len(home.residents) == 1 else None,
        # Answer times count from receipt (domain/alarms.md §2), so that is when an alarm is raised.
        "raised_at": min(press.received_at for press in call.presses),
        "last_press_at": max(press.received_at for press in call.presses),
        "reason": call.meaning.reason,
        "data": data,
        "press_count": len(call.presses),
        "is_test": call.is_test,
    }


def _evidence(signal: Signal) -> dict[str, Any]:
    return {
        "hub_id": signal.hub_id,
        "device": signal.device,
        "event_id": signal.event_id,
        "type": signal.type,
        "effective_at": signal.effective_at,
        "received_at": signal.received_at,
    }


async def _find_overtaken_cancels(conn: Connection, hubs: set[str], now: datetime) -> None:
    wanted = sorted(hub for hub in hubs if hub)
    if wanted:
        cancels = await fetch_all(conn, Q["recent_cancels"], hubs=wanted, since=now - OVERTAKEN)
        if cancels:
            await _annotate(conn, cancels, now)


def annotates(cancel: Mapping[str, Any], alarm: Mapping[str, Any]) -> bool:
    """Does a cancellation at the unit speak of this open alarm? Pure.

    It does when it is of the same hub, names the same device or none, and was made no earlier than the press.
    """
    if cancel["hub_id"] != alarm["hub_id"]:
        return False
    if cancel["device"] and alarm["device"] and cancel["device"] != alarm["device"]:
        return False
    return alarm["pressed_at"] is None or bool(cancel["effective_at"] >= alarm["pressed_at"])


async def _annotate(conn: Connection, cancels: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Writes cancellations beside the open alarms; none is closed by it (contract §2)."""
    hubs = sorted({cancel["hub_id"] for cancel in cancels})
    alarms = await fetch_all(conn, Q["open_alarms_of_hubs"], hubs=hubs)
    pairs = {
        (alarm["id"], cancel["hub_id"], cancel["event_id"]): (alarm, cancel)
        for alarm in alarms
        for cancel in cancels
        if annotates(cancel, alarm)
    }
    if not pairs:
        return
    rows = [{**cancel, "alert_id": alarm["id"]} for alarm, cancel in pairs.values()]
    added = await fetch_all(conn, Q["add_alert_events"], rows=as_rows(rows))
    lines, news = [], []
    for row in added:
        alarm, cancel = pairs[(row["alert_id"], row["hub_id"], row["event_id"])]
        lines.append(History(alarm["id"], None, cancel["effective_at"], "cancelled_at_unit"))
        payload = {"alert": alarm["id"], "kind": alarm["kind"], "priority": alarm["priority"]}
        news.append(
            News("alert", tuple(alarm["organisations"] or ()), {**payload, "change": "cancelled_at_unit"})
        )
    await store.add_history(conn, lines, now)
    await store.add_feed(conn, news, now)
