"""One backtest as a test tells it: what was planned and what was sent, and the report that came of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from app.backtest import backtest

THRESHOLD = Path(sys.executable).with_name("threshold")


ESTATE = """
organisations:
  - {id: elm-housing, kind: landlord, name: Elm Housing,
     contacts: [{name: Duty housing officer, email: duty@elm.example}]}
  - {id: brightcare, kind: care_provider, name: BrightCare,
     contacts: [{name: On-call coordinator, email: oncall@bright.example}]}
  - {id: otherco, kind: care_provider, name: OtherCo}
  - {id: northgate, kind: monitoring_centre, name: Northgate Lifeline}
dwellings:
  - {id: elm-12, landlord: elm-housing, scheme: elm-court, address: "Flat 12", time_zone: Europe/London}
  - {id: elm-14, landlord: elm-housing, scheme: elm-court, address: "Flat 14", time_zone: Europe/London}
residents:
  - {id: ada, dwelling: elm-12, name: Ada Byrne, monitoring_centre: northgate}
  - {id: bert, dwelling: elm-14, name: Bert Crane, monitoring_centre: northgate}
hubs:
  - {id: hub-12, dwelling: elm-12, heartbeat_every: PT10M,
     devices: [{id: pendant-1, kind: pendant}, {id: panel-1, kind: door_panel, scope: dwelling}]}
  - {id: hub-door, scheme: elm-court, devices: [{id: front, kind: door_panel, scope: communal}]}
carers:
  - {id: joy, provider: brightcare, name: Joy Okafor, credentials: ["fob:joy", "pin:4711"]}
  - {id: sam, provider: brightcare, name: Sam Oke, credentials: ["fob:sam"]}
  - {id: kim, provider: otherco, name: Kim Lee, credentials: ["fob:kim"]}
packages:
  - {id: pkg-ada, resident: ada, provider: brightcare, tier: essential,
     visits: [{id: morning, rrule: FREQ=DAILY, start: "08:00", minutes: 30, carers: 1, from: 2026-11-20}]}
  - {id: pkg-bert, resident: bert, provider: brightcare, tier: critical}
suspensions:
  - {resident: ada, from: "2026-11-22T00:00:00+00:00", until: "2026-11-23T00:00:00+00:00", reason: hospital}
"""


HEADER = "visit_ref,package,service_date,start,end,carers_required,carer_1,carer_2,tier,status,changed_at"


DAY = "2026-11-20"


class Case:
    """One backtest: what was planned and what was sent, and the report that came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.estate = ESTATE
        self.rows: list[str] = []
        self.lines: list[str] = []
        self.policy: str | None = None
        self.number = 0

    def sends(
        self, type_: str, at: str, received: str | None = None, hub: str = "hub-12", **more: Any
    ) -> None:
        """A hub sends an event; times are clock times of the day, or whole ones."""
        self.number += 1
        event = {"id": f"e{self.number}", "type": type_, "at": whole(at), **more}
        self.line({"hub": hub, "received_at": whole(received or at), "event": event})

    def line(self, content: Any) -> None:
        """A line of the events file."""
        self.lines.append(content if isinstance(content, str) else json.dumps(content))

    def taps(self, carer: str, arrives: str, departs: str | None = None, **more: Any) -> None:
        """A carer taps in and out at the unit."""
        data = {"credential": f"fob:{carer}", "method": "fob"}
        self.sends("carer.arrived", arrives, data=data, **more)
        if departs is not None:
            self.sends("carer.departed", departs, data=data, **more)

    def beats(self, hub: str = "hub-12", first: str = "04:00", last: str = "23:50") -> None:
        """A heartbeat every ten minutes with an empty queue."""
        begin, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in (first, last))
        for minute in range(begin, end + 1, 10):
            self.sends("heartbeat", f"{minute // 60:02}:{minute % 60:02}", hub=hub, data={"queued": 0})

    def files(self) -> dict[str, Path]:
        """Writes the files and says where they are."""
        paths = {
            name: self.folder / name for name in ("estate.yaml", "roster.csv", "events.jsonl", "out.json")
        }
        paths["estate.yaml"].write_text(self.estate)
        paths["roster.csv"].write_text("\n".join([HEADER, *self.rows]) + "\n")
        paths["events.jsonl"].write_text("\n".join(self.lines) + "\n")
        if self.policy is not None:
            paths["policy.toml"] = self.folder / "policy.toml"
            paths["policy.toml"].write_text(self.policy)
        return paths

    def report(self, until: str | None = None) -> dict[str, Any]:
        """Runs the backtest and reads its report."""
        paths = self.files()
        backtest(
            paths["estate.yaml"],
            paths["events.jsonl"],
            paths["out.json"],
            [paths["roster.csv"]],
            paths.get("policy.toml"),
            None if until is None else whole(until),
        )
        found: dict[str, Any] = json.loads(paths["out.json"].read_text())
        return found

    def visit(self, ref: str = f"pkg-ada/morning/{DAY}", until: str = "23:50") -> dict[str, Any]:
        """One visit of the report."""
        found: dict[str, Any] = next(v for v in self.report(until)["visits"] if v["visit_ref"] == ref)
        return found

    def alerts(self, until: str = "23:50", prefix: str = "") -> list[tuple[str, str, str | None]]:
        """Kind, raise and stand-down of the alerts."""
        return [
            (alert["kind"], clock_of(alert["raised_at"]), clock_of(alert["stood_down_at"]))
            for alert in self.report(until)["alerts"]
            if alert["kind"].startswith(prefix)
        ]


def whole(text: str) -> str:
    """A clock time of the day as a whole one."""
    return text if "T" in text else f"{DAY}T{text}:00+00:00"


def clock_of(text: Any) -> Any:
    """The clock time of a moment of the day; anything else as it is."""
    return text and text.removeprefix(f"{DAY}T").removesuffix(":00+00:00")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command, as in a shell."""
    return subprocess.run(
        [THRESHOLD, "backtest", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
