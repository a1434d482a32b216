"""Random estates, policies and rosters: what is planned in a random world."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.oracle.files import Files, stamp
from tests.support.oracle.plan import Visit, on_the_wall

TIERS = ["critical", "essential", "standard", "flexible"]
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)
NUDGES = [
    timedelta(0),
    timedelta(0),
    timedelta(0),
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


class Planner:
    """Plans a world from a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dice = random.Random(seed)
        night = self.dice.random() < 0.3
        self.first, self.zone, self.wall = self.dice.choice(NIGHTS) if night else ORDINARY
        self.days = self.dice.choice([1, 1, 2, 3]) + night
        self.numbers = 0
        self.files = Files({}, [], [])

    def chance(self, share: float) -> bool:
        """True so often."""
        return self.dice.random() < share

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
        self.doors(estate)
        self.carers(estate)
        for resident in estate["residents"]:
            self.packages(estate, resident["id"])
            if self.chance(0.2):
                estate["suspensions"].append(self.suspension(resident["id"]))
        return estate

    def doors(self, estate: dict[str, Any]) -> None:
        """A hub at the shared door of a scheme, or none."""
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

    def carers(self, estate: dict[str, Any]) -> None:
        """A few people of each provider, some with two credentials."""
        for provider in ("care-a", "care-b"):
            for number in range(self.dice.choice([1, 2, 3])):
                name = f"{provider[-1]}{number}"
                credentials = [f"fob:{name}"] + ([f"pin:{name}"] if self.chance(0.3) else [])
                estate["carers"].append(
                    {"id": name, "provider": provider, "name": name, "credentials": credentials}
                )

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
        hour = self.dice.choice([8, 8, 8, 9, 9, 12, 18, 22, 23, 0, 3, 4, 4])
        return f"{hour:02}:{self.dice.choice([0, 0, 5, 15, 20, 30, 45, 59]):02}"

    def suspension(self, resident: str) -> dict[str, Any]:
        """From some time on, with or without an end; often exactly at a start."""
        since, _ = self.somewhen()
        until = since + self.dice.choice([timedelta(hours=1), timedelta(hours=12), timedelta(days=1)])
        other, _ = self.somewhen()
        if other > since and self.chance(0.7):
            until = other
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
