"""Random small worlds for `threshold backtest`: an estate, a roster, events and a policy, made to be nasty.

Times lie on the boundaries of the rules and one microsecond beside them, homes hold couples, doors are
shared, hubs fall silent for exactly as long as they may, and the same event comes twice. The same seed makes
the same world.
"""

from __future__ import annotations

import json
import random
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from tests.support.oracle.plan import Visit, on_the_wall, plan
from tests.support.oracle.read import World, read_world

COLUMNS = [
    "visit_ref",
    "package",
    "service_date",
    "start",
    "end",
    "carers_required",
    "carer_1",
    "carer_2",
    "tier",
    "status",
    "changed_at",
]
TIERS = ["critical", "essential", "standard", "flexible"]
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)
NUDGES = [
    timedelta(0),
    timedelta(0),
    TICK,
    -TICK,
    timedelta(seconds=1),
    -timedelta(seconds=1),
    MINUTE,
    -MINUTE,
]

ORDINARY: tuple[date, str, list[str]] = (date(2026, 11, 20), "Europe/London", [])
NIGHTS: list[tuple[date, str, list[str]]] = [
    (date(2026, 10, 24), "Europe/London", ["00:30", "00:59", "01:00", "01:30", "01:59", "02:00", "03:59"]),
    (date(2026, 3, 28), "Europe/London", ["00:30", "00:45", "01:00", "01:15", "01:30", "02:00", "02:15"]),
    (
        date(2026, 10, 3),
        "Australia/Lord_Howe",
        ["01:30", "01:45", "02:00", "02:15", "02:29", "02:30", "02:45"],
    ),
    (date(2026, 4, 4), "Australia/Lord_Howe", ["01:15", "01:30", "01:45", "01:59", "02:00", "02:15"]),
]
"""The evening before a clock change, where, and the wall times around it."""


def stamp(moment: datetime) -> str:
    """A moment as homes write it."""
    return moment.astimezone(UTC).isoformat()


@dataclass
class Files:
    """A world as it is written down; each list may be thinned out to find what matters."""

    estate: dict[str, Any]
    roster: list[dict[str, str]]
    events: list[Any]
    policy: dict[str, Any] = field(default_factory=dict)
    until: str | None = None
    separator: str = ","

    def write(self, folder: Path) -> tuple[Path, Path, Path, Path]:
        """Write the four files, and say where."""
        paths = (
            folder / "estate.yaml",
            folder / "roster.csv",
            folder / "events.jsonl",
            folder / "policy.toml",
        )
        paths[0].write_text(yaml.safe_dump(self.estate, sort_keys=False), "utf-8")
        lines = [self.separator.join(COLUMNS)]
        lines += [self.separator.join(row[column] for column in COLUMNS) for row in self.roster]
        paths[1].write_text("\n".join(lines) + "\n", "utf-8")
        said = [line if isinstance(line, str) else json.dumps(line) for line in self.events]
        paths[2].write_text("\n".join(said) + "\n", "utf-8")
        paths[3].write_text(toml(self.policy), "utf-8")
        return paths

    def read(self, until: datetime) -> World:
        """The world as the oracle reads it."""
        with TemporaryDirectory() as folder:
            estate, roster, events, policy = self.write(Path(folder))
            return read_world(estate, roster, events, policy, stamp(until))

    def copy(self) -> Files:
        """The same again, to be changed."""
        return deepcopy(self)


def toml(policy: dict[str, Any]) -> str:
    """A policy as TOML: plain keys first, then its tables."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in policy.items() if not isinstance(value, dict)]
    for group in ("tiers", "packages"):
        for name, values in policy.get(group, {}).items():
            lines.append(f"[{group}.{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


class Maker:
    """Makes one world from a seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        night = self.dice.random() < 0.3
        self.first, self.zone, self.wall = self.dice.choice(NIGHTS) if night else ORDINARY
        self.days = self.dice.choice([1, 1, 2, 3]) + night
        self.numbers = 0
        self.files = Files({}, [], [])

    def chance(self, share: float) -> bool:
        """True so often."""
        return self.dice.random() < share

    def make(self) -> Files:
        """The whole world."""
        self.files.estate = self.estate()
        self.files.policy = self.policy()
        self.files.roster = self.roster()
        self.files.separator = self.dice.choice([",", ";"])
        until = datetime.combine(self.first + timedelta(days=self.days - 1), time(12), tzinfo=UTC)
        self.change(plan(self.files.read(until)))
        world = self.files.read(until)
        visits = plan(world)
        for visit in [visit for visit in visits if visit.start < until + timedelta(days=1)]:
            self.attend(world, visit, visits)
        for hub in world.hubs.values():
            self.beat(hub.id, hub.heartbeat_every, visits)
        self.spoil(visits)
        self.dice.shuffle(self.files.events)
        self.files.until = self.end(visits)
        return self.files

    # -- the estate ------------------------------------------------------------------------------------------

    def estate(self) -> dict[str, Any]:
        """Organisations, homes, people and what is planned for them again and again."""
        contact = [{"name": "Duty desk", "email": "duty@example.org"}]
        kinds = [
            ("land", "landlord"),
            ("care-a", "care_provider"),
            ("care-b", "care_provider"),
            ("north", "monitoring_centre"),
        ]
        estate: dict[str, Any] = {
            "organisations": [
                {
                    "id": name,
                    "kind": kind,
                    "name": name,
                    **({"contacts": contact} if self.chance(0.8) else {}),
                }
                for name, kind in kinds
            ],
            "dwellings": [],
            "residents": [],
            "hubs": [],
            "carers": [],
            "packages": [],
            "suspensions": [],
        }
        homes = self.dice.choice([1, 1, 2, 3])
        for number in range(homes):
            home: dict[str, Any] = {
                "id": f"flat-{number}",
                "address": f"Flat {number}",
                "time_zone": self.zone,
            }
            if self.chance(0.85):
                home["landlord"] = "land"
            if self.chance(0.8):
                home["scheme"] = self.dice.choice(["court", "court", "court", "lane"])
            estate["dwellings"].append(home)
            for person in range(self.dice.choice([1, 1, 2])):
                resident = {
                    "id": f"res-{number}{person}",
                    "dwelling": home["id"],
                    "name": f"R {number}{person}",
                }
                if self.chance(0.85):
                    resident["monitoring_centre"] = "north"
                estate["residents"].append(resident)
            for unit in range(self.dice.choice([0, 1, 1, 1, 1, 1, 2])):
                estate["hubs"].append(
                    {
                        "id": f"hub-{number}{unit}",
                        "dwelling": home["id"],
                        "heartbeat_every": self.interval(),
                        "devices": [{"id": "panel-1", "kind": "door_panel", "scope": "dwelling"}],
                    }
                )
        for scheme in ("court", "lane"):
            if any(home.get("scheme") == scheme for home in estate["dwellings"]) and self.chance(0.6):
                estate["hubs"].append(
                    {
                        "id": f"door-{scheme}",
                        "scheme": scheme,
                        "heartbeat_every": self.interval(),
                        "devices": [{"id": "panel-9", "kind": "door_panel", "scope": "communal"}],
                    }
                )
        for provider in ("care-a", "care-b"):
            for number in range(self.dice.choice([1, 2, 3])):
                name = f"{provider[-1]}{number}"
                credentials = [f"fob:{name}"] + ([f"pin:{name}"] if self.chance(0.3) else [])
                estate["carers"].append(
                    {"id": name, "provider": provider, "name": name, "credentials": credentials}
                )
        for resident in estate["residents"]:
            self.packages(estate, resident["id"])
            if self.chance(0.2):
                estate["suspensions"].append(self.suspension(resident["id"]))
        return estate

    def interval(self) -> str:
        """How often a hub beats."""
        return self.dice.choice(["PT10M", "PT20M", "PT30M", "PT1H", "PT2H"])

    def packages(self, estate: dict[str, Any], resident: str) -> None:
        """One package or two of different providers."""
        providers = self.dice.choice([["care-a"], ["care-a"], ["care-b"], ["care-a", "care-b"]])
        for provider in providers:
            visits = []
            for number in range(self.dice.choice([0, 1, 1, 2])):
                rule = self.dice.choice(
                    [
                        f"FREQ=DAILY;COUNT={self.days + 1}",
                        "FREQ=DAILY;INTERVAL=2;COUNT=2",
                        "FREQ=WEEKLY;BYDAY=SA,SU",
                        "FREQ=DAILY;COUNT=2",
                    ]
                )
                start = self.dice.choice([0, 0, 1]) * timedelta(days=1) + datetime.combine(self.first, time())
                visits.append(
                    {
                        "id": f"v{number}",
                        "rrule": rule,
                        "start": self.wall_time(),
                        "minutes": self.dice.choice([15, 30, 30, 45, 60, 600]),
                        "carers": self.dice.choice([1, 1, 1, 2]),
                        "from": start.date().isoformat(),
                    }
                )
            estate["packages"].append(
                {
                    "id": f"pkg-{resident[4:]}-{provider[-1]}",
                    "resident": resident,
                    "provider": provider,
                    "tier": self.dice.choice(TIERS),
                    "visits": visits,
                }
            )

    def wall_time(self) -> str:
        """A time of day: often near others, at night, or near the clock change."""
        if self.wall and self.chance(0.6):
            return self.dice.choice(self.wall)
        hour = self.dice.choice([8, 8, 8, 9, 9, 12, 18, 22, 23, 0, 3, 4])
        return f"{hour:02}:{self.dice.choice([0, 0, 5, 15, 20, 30, 45, 59]):02}"

    def suspension(self, resident: str) -> dict[str, Any]:
        """From some time on, with or without an end; often exactly at a start."""
        since, _ = self.somewhen()
        until = since + self.dice.choice([timedelta(hours=1), timedelta(hours=12), timedelta(days=1)])
        return {
            "resident": resident,
            "from": stamp(since),
            "until": stamp(until) if self.chance(0.7) else None,
            "reason": "hospital",
            "told_by": "care-a",
        }

    def somewhen(self) -> tuple[datetime, bool]:
        """A wall time of one of the days."""
        day = self.first + timedelta(days=self.dice.randrange(self.days + 1))
        return on_the_wall(day, time.fromisoformat(self.wall_time()), ZoneInfo(self.zone))

    # -- the policy ------------------------------------------------------------------------------------------

    def policy(self) -> dict[str, Any]:
        """Mostly the defaults; sometimes other numbers everywhere."""
        policy: dict[str, Any] = {}
        if self.chance(0.5):
            return policy
        choices: dict[str, list[Any]] = {
            "day_begins": ["03:00", "05:30"],
            "day_ends": ["21:00", "22:30"],
            "silence_factor": [2, 3.5, 1.1],
            "silent_share": [0.1, 0.5, 0.3],
            "heard_again": ["PT5M", "PT1H"],
            "same_session": ["PT10M", "PT30M", "PT1H"],
            "longest_session": ["PT1H", "PT45M", "PT8H"],
            "swap_minutes": [0, 5, 60],
            "named_elsewhere_minutes": [0, 30, 100],
            "early_weight": [1, 3, 1.5],
            "settle": ["PT48H", "P2D", "PT96H"],
        }
        for key, values in choices.items():
            if self.chance(0.2):
                policy[key] = self.dice.choice(values)
        tiers = {tier: self.rules(tier) for tier in TIERS if self.chance(0.3)}
        packages = {}
        for package in self.files.estate["packages"]:
            if self.chance(0.2):
                packages[package["id"]] = self.rules(package["tier"])
        return {**policy, "tiers": tiers, "packages": packages}

    def rules(self, tier: str) -> dict[str, Any]:
        """Some of a tier's numbers; a flexible tier's windows are not durations and stay as they are."""
        choices: dict[str, list[Any]] = {
            "short_below": [0.5, 0.75, 1.0],
            "ladder_step": ["PT5M", "PT7M", "PT2H"],
        }
        if tier != "flexible":
            choices |= {
                "counts_from": ["PT15M", "PT2H"],
                "on_time": ["PT5M", "PT20M"],
                "late_after": ["PT10M", "PT1H"],
                "missed_after": ["PT45M", "PT1H", "PT4H"],
            }
        return {key: self.dice.choice(values) for key, values in choices.items() if self.chance(0.4)}

    # -- the roster ------------------------------------------------------------------------------------------

    def roster(self) -> list[dict[str, str]]:
        """Rows of their own, and rows that replace occurrences."""
        rows = []
        for package in self.files.estate["packages"]:
            for _ in range(self.dice.choice([0, 1, 1, 2, 3])):
                self.numbers += 1
                rows.append(self.row(package, f"x{self.numbers}", self.first))
            for visit in package["visits"]:
                for offset in range(self.days):
                    day = self.first + timedelta(days=offset)
                    if self.chance(0.25):
                        rows.append(
                            self.row(package, f"{package['id']}/{visit['id']}/{day.isoformat()}", day)
                        )
        for row in list(rows):
            if self.chance(0.05):  # said twice: the last row counts
                rows.append({**row, "start": self.wall_time()})
        return rows

    def row(self, package: dict[str, Any], ref: str, day: date) -> dict[str, str]:
        """One row, near the others."""
        if "/" not in ref:
            day += timedelta(days=self.dice.randrange(self.days))
        start = self.wall_time()
        length = self.dice.choice([10, 15, 30, 30, 45, 60, 90, 480, 1440])
        end = datetime.combine(day, time.fromisoformat(start)) + timedelta(minutes=length)
        carers = [
            carer["id"] for carer in self.files.estate["carers"] if carer["provider"] == package["provider"]
        ]
        ruled = package["id"] in self.files.policy.get("packages", {})
        tiers = [tier for tier in TIERS if not (ruled and tier == "flexible")]
        named = self.dice.sample(carers, min(len(carers), self.dice.choice([0, 1, 1, 2])))
        return {
            "visit_ref": ref,
            "package": package["id"],
            "service_date": day.isoformat(),
            "start": start,
            "end": end.strftime("%H:%M"),
            "carers_required": self.dice.choice(["", "1", "1", "2", "2"]),
            "carer_1": named[0] if named else "",
            "carer_2": named[1] if len(named) > 1 else "",
            "tier": self.dice.choice(["", "", "", *tiers]),
            "status": "cancelled" if self.chance(0.15) else "planned",
            "changed_at": "",
        }

    def change(self, visits: list[Visit]) -> None:
        """Say when rows were changed: just in time, just too late."""
        by_ref = {visit.ref: visit for visit in visits}
        for row in self.files.roster:
            visit = by_ref[row["visit_ref"]]
            if self.chance(0.3 if row["status"] == "planned" else 0.7):
                anchor = self.dice.choice([visit.late_at, visit.late_at, visit.start, visit.missed_at])
                row["changed_at"] = stamp(anchor + self.dice.choice(NUDGES))

    # -- what homes send -------------------------------------------------------------------------------------

    def attend(self, world: World, visit: Visit, visits: list[Visit]) -> None:
        """Somebody comes, or not, or nearly."""
        slots = visit.slots + self.dice.choice([0, 0, 0, -1, 1])
        for _ in range(max(0, slots)):
            if self.chance(0.25):
                continue
            anchors = [
                visit.counts_from,
                visit.start,
                visit.start,
                visit.start - visit.rules.on_time,
                visit.late_at,
                visit.missed_at,
                visit.latest,
            ]
            start = self.dice.choice(anchors) + self.dice.choice(NUDGES)
            if self.chance(0.6):
                start = visit.start + timedelta(minutes=self.dice.randrange(-45, 60))
            if start - visit.start > timedelta(hours=20):
                continue
            share = float(visit.rules.short_below)
            lengths = [
                visit.length,
                visit.length * share,
                visit.length + max(timedelta(minutes=30), visit.length / 2),
                timedelta(0),
                timedelta(minutes=self.dice.randrange(1, 90)),
                world.policy.longest_session,
            ]
            end = start + self.dice.choice(lengths) + self.dice.choice(NUDGES)
            self.come(world, visit, visits, start, max(start, end))
        if self.chance(0.2):
            self.undo(world, visit)
        if self.chance(0.25):
            kinds = [
                "door.opened",
                "door.closed",
                "door.call",
                "door.released",
                "door.denied",
                "door.granted",
            ]
            moment = self.dice.choice([visit.counts_from, visit.start, visit.latest]) + self.dice.choice(
                NUDGES
            )
            self.say(world, visit, visits, self.dice.choice(kinds), moment, self.credential(visit), "fob")

    def undo(self, world: World, visit: Visit) -> None:
        """An arrival that counts, until a buffered one shows that its session began too early to count."""
        own = [hub for hub in world.hubs.values() if hub.dwelling == visit.dwelling]
        if not own:
            return
        hub = self.dice.choice(own).id
        data: dict[str, Any] = {"credential": self.credential(visit), "method": "fob"}
        if data["credential"] is None or self.chance(0.2):
            data = {"method": "button"}
        same = world.policy.same_session
        counted = visit.counts_from + self.dice.choice([timedelta(0), same / 2, same - TICK, same])
        first = counted - self.dice.choice([same, same, same + TICK])
        knots = [counted, visit.start, visit.late_at, visit.missed_at, visit.missed_at + 50 * MINUTE]
        known = max(counted, self.dice.choice(knots) + self.dice.choice(NUDGES))
        undone = max(first, self.dice.choice(knots) + self.dice.choice([*NUDGES, timedelta(hours=1)]))
        self.send(hub, "carer.arrived", counted, data, known)
        self.send(hub, "carer.arrived", first, data, undone)
        if self.chance(0.4):  # and a third word, which fills the slot again
            self.send(
                hub, "carer.departed", first + same / 4, data, undone + self.dice.choice([2, 90]) * MINUTE
            )

    def credential(self, visit: Visit) -> str | None:
        """Whose: mostly the right provider's."""
        own = [carer for carer in self.files.estate["carers"] if carer["provider"] == visit.provider]
        if self.chance(0.08):
            return "fob:nobody"
        if self.chance(0.08):
            return None
        carers = self.files.estate["carers"] if self.chance(0.12) else own
        named = [carer for carer in own if carer["id"] in visit.named]
        if named and self.chance(0.5):
            carers = named
        return str(self.dice.choice(self.dice.choice(carers)["credentials"]))

    def come(self, world: World, visit: Visit, visits: list[Visit], start: datetime, end: datetime) -> None:
        """One stay: an arrival, perhaps again, a departure, perhaps again, perhaps one of them missing."""
        credential: str | None = self.credential(visit)
        method = "fob"
        if self.chance(0.15):
            credential, method = None, "button"
        same = world.policy.same_session
        if self.chance(0.88):
            kind = "door.granted" if self.chance(0.25) and method != "button" else "carer.arrived"
            self.say(world, visit, visits, kind, start, credential, method)
            if self.chance(0.25):
                again = (
                    start + self.dice.choice([same, -same, same / 2, -same / 2]) + self.dice.choice(NUDGES)
                )
                self.say(world, visit, visits, "carer.arrived", again, credential, method)
        if self.chance(0.75):
            self.say(world, visit, visits, "carer.departed", end, credential, method)
            if self.chance(0.2):
                again = end + self.dice.choice([same, -same, same / 2]) + self.dice.choice(NUDGES)
                self.say(world, visit, visits, "carer.departed", again, credential, method)

    def say(
        self,
        world: World,
        visit: Visit,
        visits: list[Visit],
        kind: str,
        at: datetime,
        credential: str | None,
        method: str,
    ) -> None:
        """An event from a hub near a visit, received sooner or later."""
        own = [hub for hub in world.hubs.values() if hub.dwelling == visit.dwelling]
        doors = [hub for hub in world.hubs.values() if hub.scheme is not None]
        hubs = (
            own
            if own and self.chance(0.85)
            else doors
            if doors and self.chance(0.8)
            else list(world.hubs.values())
        )
        if kind == "door.granted" and doors and self.chance(0.4):
            hubs = doors
        if not hubs:
            return
        hub = self.dice.choice(hubs)
        data: dict[str, Any] = {}
        if kind.startswith("door."):
            data["panel"] = next(iter(hub.scopes))
            if self.chance(0.5):
                data["scope"] = hub.scopes[data["panel"]]
            if self.chance(0.04):
                data["scope"] = "dwelling"
        if credential is not None:
            data["credential"] = credential
        if kind in ("carer.arrived", "carer.departed", "door.granted", "door.denied") and self.chance(0.95):
            data["method"] = method
        self.send(hub.id, kind, at, data, self.receipt(at, visit, visits))

    def receipt(self, at: datetime, visit: Visit, visits: list[Visit]) -> datetime:
        """When it came: at once, late, or exactly when something is decided."""
        if self.chance(0.55):
            return at + self.dice.choice(
                [timedelta(0), timedelta(seconds=1), timedelta(seconds=3, microseconds=7)]
            )
        if self.chance(0.2):  # the device's clock runs ahead
            return at - self.dice.choice([TICK, timedelta(seconds=30), timedelta(minutes=10)])
        other = self.dice.choice(visits)
        settled = visit.end + timedelta(hours=72)
        anchors = [
            visit.late_at,
            visit.missed_at,
            visit.missed_at,
            visit.latest,
            visit.end,
            other.missed_at,
            at + timedelta(hours=self.dice.randrange(1, 12)),
            at + timedelta(days=1),
        ]
        if self.chance(0.1):
            anchors = [settled, settled, settled + timedelta(hours=5), at + timedelta(days=30)]
        anchor = self.dice.choice(anchors) + self.dice.choice(NUDGES)
        return max(at, anchor)

    def send(self, hub: str, kind: str, at: datetime, data: dict[str, Any], received_at: datetime) -> None:
        """One line of the events file, perhaps again, perhaps with a clock that is far out."""
        self.numbers += 1
        if self.chance(0.03):
            far = [
                received_at + timedelta(hours=24),
                received_at + timedelta(hours=24) + TICK,
                received_at - timedelta(days=30),
                received_at - timedelta(days=30) - TICK,
                received_at - timedelta(days=300),
            ]
            at = self.dice.choice(far)
        event: dict[str, Any] = {"id": f"e{self.numbers}", "type": kind, "at": stamp(at), "data": data}
        if "panel" in data and self.chance(0.5):
            event["device"] = data["panel"]
        self.files.events.append({"hub": hub, "received_at": stamp(received_at), "event": event})
        if self.chance(0.06):
            later = received_at + self.dice.choice(
                [timedelta(seconds=20), timedelta(hours=3), timedelta(days=2)]
            )
            twin = {**event, "at": stamp(at + self.dice.choice([timedelta(0), timedelta(hours=1)]))}
            self.files.events.append({"hub": hub, "received_at": stamp(later), "event": twin})

    def beat(self, hub: str, every: timedelta, visits: list[Visit]) -> None:
        """Heartbeats of a hub: steady, with gaps just long enough and just too long, queues, and wills."""
        if not visits or self.chance(0.07):
            return
        moment = min(visit.counts_from for visit in visits) - self.dice.choice([1, 6]) * every
        if self.chance(0.2):
            moment = self.dice.choice(visits).counts_from + self.dice.choice([timedelta(0), 10 * MINUTE])
        last = max(visit.missed_at for visit in visits) + timedelta(hours=self.dice.choice([0, 3, 30]))
        last = min(last, moment + 300 * every)
        steady = self.dice.choice([0.97, 0.9, 0.7])
        queued: int | None = 0
        while moment < last:
            if self.chance(0.06):
                queued = self.dice.choice([0, 0, 0, 3, None])
            data: dict[str, Any] = {"uptime_s": 60} if queued is None else {"queued": queued}
            at = moment
            if self.chance(0.06):
                at = moment - self.dice.choice([every, every + TICK, every / 2, 3 * every])
            self.numbers += 1
            event = {"id": f"h{self.numbers}", "type": "heartbeat", "at": stamp(at), "data": data}
            if self.chance(0.02):  # rejected, and still a sign of life
                del event["at"]
            self.files.events.append({"hub": hub, "received_at": stamp(moment), "event": event})
            if self.chance(0.04):
                online = self.chance(0.3)
                off = moment + every * self.dice.choice([0.25, 0.5, 0.75])
                self.files.events.append(
                    {"hub": hub, "received_at": stamp(off), "status": {"online": online}}
                )
            if self.chance(steady):
                moment += every
                continue
            anchor = self.dice.choice(visits)
            gap = every * 5 / 2 + self.dice.choice([timedelta(0), TICK, -TICK])
            if self.chance(0.4):
                gap = every * self.dice.choice([2, 3, 4, 6, 12])
            moment += gap
            if self.chance(0.3) and moment < anchor.missed_at:
                moment = anchor.missed_at + self.dice.choice(NUDGES)

    def spoil(self, visits: list[Visit]) -> None:
        """Lines that cannot be read, and hubs that nobody knows."""
        moment = self.dice.choice(visits).start if visits else datetime(2026, 11, 20, tzinfo=UTC)
        if self.chance(0.2):
            self.files.events.append("{not json")
        if self.chance(0.2):
            event = {
                "id": "u1",
                "type": "carer.arrived",
                "at": stamp(moment),
                "data": {"credential": "fob:a0"},
            }
            self.files.events.append({"hub": "hub-unknown", "received_at": stamp(moment), "event": event})
        if all(isinstance(line, str) for line in self.files.events):
            self.files.events.append(
                {"hub": "hub-unknown", "received_at": stamp(moment), "status": {"online": True}}
            )

    def end(self, visits: list[Visit]) -> str | None:
        """When the replay ends: at the last receipt, long after, or in the middle of something."""
        if self.chance(0.3) or not visits:
            return None
        if self.chance(0.5):
            return stamp(max(visit.latest for visit in visits) + timedelta(hours=self.dice.choice([1, 100])))
        visit = self.dice.choice(visits)
        patience = max(timedelta(minutes=30), visit.length / 2)
        anchors = [visit.start, visit.late_at, visit.missed_at, visit.latest, visit.end + patience, visit.end]
        return stamp(self.dice.choice(anchors) + self.dice.choice(NUDGES))


def make_world(seed: int) -> Files:
    """The world of a seed."""
    return Maker(seed).make()
