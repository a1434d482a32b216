"""A day in three flats, told in a few lines, and judged by the engine and the oracle at once."""

import json
from contextlib import redirect_stderr
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from app.backtest import backtest
from tests.support.oracle.compare import differences
from tests.support.oracle.files import Files
from tests.support.oracle.report import oracle_report

DAY = "2026-11-21"  # London is on UTC that day
CONTACT = [{"name": "Duty desk", "email": "duty@example.org"}]
ESTATE: dict[str, Any] = {
    "organisations": [
        {"id": "elm", "kind": "landlord", "name": "Elm", "contacts": CONTACT},
        {"id": "bright", "kind": "care_provider", "name": "Bright", "contacts": CONTACT},
        {"id": "other", "kind": "care_provider", "name": "Other", "contacts": CONTACT},
        {"id": "north", "kind": "monitoring_centre", "name": "North"},
    ],
    "dwellings": [
        {
            "id": f"flat-{n}",
            "landlord": "elm",
            "scheme": "court",
            "address": f"Flat {n}",
            "time_zone": "Europe/London",
        }
        for n in (1, 2, 3)
    ],
    "residents": [
        {"id": name, "dwelling": flat, "name": name, "monitoring_centre": "north"}
        for name, flat in (("ada", "flat-1"), ("bob", "flat-1"), ("cyd", "flat-2"), ("dan", "flat-3"))
    ],
    "hubs": [
        {
            "id": "hub-1",
            "dwelling": "flat-1",
            "devices": [{"id": "p", "kind": "door_panel", "scope": "dwelling"}],
        },
        {
            "id": "hub-2",
            "dwelling": "flat-2",
            "devices": [{"id": "p", "kind": "door_panel", "scope": "dwelling"}],
        },
        {
            "id": "door",
            "scheme": "court",
            "devices": [{"id": "q", "kind": "door_panel", "scope": "communal"}],
        },
    ],
    "carers": [
        {"id": "joy", "provider": "bright", "name": "Joy", "credentials": ["fob:joy"]},
        {"id": "kim", "provider": "bright", "name": "Kim", "credentials": ["fob:kim"]},
        {"id": "lee", "provider": "other", "name": "Lee", "credentials": ["fob:lee"]},
    ],
    "packages": [
        {"id": f"{name}-b", "resident": name, "provider": "bright", "tier": "essential", "visits": []}
        for name in ("ada", "bob", "cyd", "dan")
    ]
    + [{"id": "ada-o", "resident": "ada", "provider": "other", "tier": "essential", "visits": []}],
    "suspensions": [],
}


def at(clock: str) -> datetime:
    """A time of the day, `+1 08:00` of the next; seconds and parts of them may follow."""
    days, _, clock = clock.rpartition(" ")
    moment = datetime.fromisoformat(f"{DAY}T{clock}+00:00")
    return moment + timedelta(days=int(days or 0))


class Story:
    """A day in three flats, told in a few lines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = Files(deepcopy(ESTATE), [], [])
        self.number = 0
        self.report: dict[str, Any] = {}
        self.hubs_beat()

    def hubs_beat(
        self,
        hubs: tuple[str, ...] = ("hub-1", "hub-2", "door"),
        quiet: tuple[str, str] | None = None,
        **data: int,
    ) -> None:
        """Heartbeats every ten minutes from the evening before for three days, but for a quiet time."""
        self.files.events = [line for line in self.files.events if line["hub"] not in hubs]
        for hub in hubs:
            moment = at("-1 18:00")
            while moment < at("+2 18:00"):
                if quiet is None or not at(quiet[0]) < moment < at(quiet[1]):
                    self.send(hub, "heartbeat", moment, moment, {"queued": 0, **data})
                moment += timedelta(minutes=10)

    def beat(self, hub: str, moment: datetime, *, told: datetime | None = None, **data: int) -> None:
        """One heartbeat, `told` by the hub's clock."""
        self.send(hub, "heartbeat", told or moment, moment, {"queued": 0, **data})

    def forget_queues(self) -> None:
        """No heartbeat so far speaks of its queue."""
        for line in self.files.events:
            line["event"]["data"].pop("queued", None)

    def send(self, hub: str, kind: str, moment: datetime, received: datetime, data: dict[str, Any]) -> None:
        """One line of the events file."""
        self.number += 1
        event = {"id": f"e{self.number}", "type": kind, "at": moment.isoformat(), "data": data}
        self.files.events.append({"hub": hub, "received_at": received.isoformat(), "event": event})

    def visit(self, ref: str, start: str, end: str, package: str = "ada-b", **cells: str) -> None:
        """A row of the roster."""
        row = {
            "visit_ref": ref, "package": package, "service_date": DAY, "start": start, "end": end,
            "carers_required": "", "carer_1": "", "carer_2": "", "tier": "", "status": "planned",
            "changed_at": "",
        }  # fmt: skip
        self.files.roster.append({**row, **cells})

    def tap(
        self,
        who: str,
        arrived: str | None,
        departed: str | None = None,
        received: str | None = None,
        hub: str = "hub-1",
    ) -> None:
        """A carer's fob at arrival and departure, or the button."""
        data = {"method": "button"} if who == "button" else {"credential": f"fob:{who}", "method": "fob"}
        for kind, clock in (("carer.arrived", arrived), ("carer.departed", departed)):
            if clock is not None:
                self.send(hub, kind, at(clock), at(received or clock), data)

    def door(self, kind: str, clock: str, who: str | None = None, hub: str = "door", **data: str) -> None:
        """Something at a door."""
        panel = {"panel": "q" if hub == "door" else "p", **data}
        if who is not None:
            panel["credential"] = f"fob:{who}"
        self.send(hub, kind, at(clock), at(clock), panel)

    def play(self, until: str) -> None:
        """Replay it, and hold the oracle to the engine's answer on the way."""
        estate, roster, events, policy = self.files.write(self.folder)
        out = self.folder / "report.json"
        end = at(until).isoformat()
        with redirect_stderr(StringIO()):
            backtest(estate=estate, roster=[roster], events=events, policy=policy, until=end, out=out)
        self.report = json.loads(out.read_bytes())
        assert differences(oracle_report(estate, roster, events, policy, end), self.report) == []

    def is_judged(self, ref: str, until: str = "+1 12:00", **fields: object) -> None:
        """What the report says of a visit at a moment."""
        self.play(until)
        found = next(visit for visit in self.report["visits"] if visit["visit_ref"] == ref)
        assert {key: found[key] for key in fields} == fields

    def alerts(self, ref: str) -> list[tuple[str, str, str | None]]:
        """The visit's alerts: kind, when raised, when stood down."""
        return [
            (
                alert["kind"].removeprefix("visit."),
                clock(alert["raised_at"]) or "",
                clock(alert["stood_down_at"]),
            )
            for alert in self.report["alerts"]
            if alert["visit_ref"] == ref
        ]

    def steps(self, ref: str, kind: str) -> dict[str, list[str | None]]:
        """The steps of an alert's duties by role."""
        found = next(
            alert
            for alert in self.report["alerts"]
            if alert["visit_ref"] == ref and alert["kind"] == f"visit.{kind}"
        )
        return {duty["role"]: [clock(step) for step in duty["step_at"]] for duty in found["duties"]}


def clock(moment: str | None) -> str | None:
    """A moment of the report as a time of day, with what is not nought behind the minutes."""
    if moment is None:
        return None
    time = datetime.fromisoformat(moment).astimezone(UTC)
    days = (time.date() - at("00:00").date()).days
    said = time.strftime("%H:%M") if not (time.second or time.microsecond) else time.strftime("%H:%M:%S.%f")
    return said if not days else f"{days:+} {said}"
