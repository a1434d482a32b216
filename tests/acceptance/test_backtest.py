"""`threshold backtest`: files in, the report of contract §6 out; the command as people run it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
        event = {"id": f"e{self.number}", "type": type_, "at": _whole(at), **more}
        self.line({"hub": hub, "received_at": _whole(received or at), "event": event})

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
            None if until is None else _whole(until),
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
            (alert["kind"], _clock(alert["raised_at"]), _clock(alert["stood_down_at"]))
            for alert in self.report(until)["alerts"]
            if alert["kind"].startswith(prefix)
        ]


def _whole(text: str) -> str:
    return text if "T" in text else f"{DAY}T{text}:00+00:00"


def _clock(text: Any) -> Any:
    return text and text.removeprefix(f"{DAY}T").removesuffix(":00+00:00")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """An empty case: Ada's visit at eight, and nothing heard."""
    return Case(tmp_path)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command, as in a shell."""
    return subprocess.run(
        [THRESHOLD, "backtest", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def test_the_command_writes_the_report(case: Case) -> None:
    """Every field of the contract, with its form, for a visit that was made and one that was not."""
    case.beats()
    case.taps("joy", "08:03", "08:33")
    case.rows.append(f"extra,pkg-ada,{DAY},18:00,18:30,,,,,,")
    case.line("{broken")
    paths = case.files()
    done = run(
        "--estate", paths["estate.yaml"], "--roster", paths["roster.csv"], "--events", paths["events.jsonl"],
        "--out", paths["out.json"], "--until", _whole("20:00"),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{paths['events.jsonl']}: 1 line rejected: they could not be read\n"
    report = json.loads(paths["out.json"].read_text())
    assert report["until"] == _whole("20:00")
    made, missed = report["visits"]
    reason = made.pop("reason")
    assert "Joy Okafor" in reason
    assert made == {
        "visit_ref": f"pkg-ada/morning/{DAY}",
        "package": "pkg-ada",
        "resident": "ada",
        "start": _whole("08:00"),
        "end": _whole("08:30"),
        "attendance": "attended",
        "timeliness": "on_time",
        "duration": "ok",
        "verification": "full",
        "arrived_at": _whole("08:03"),
        "departed_at": _whole("08:33"),
        "carers": ["joy"],
        "state": "completed",
    }
    assert (missed["visit_ref"], missed["state"], missed["arrived_at"]) == ("extra", "missed", None)
    late, alert = report["alerts"]
    assert (late["kind"], late["stood_down_at"]) == ("visit.late", _whole("19:00"))
    assert isinstance(alert.pop("reason"), str)
    assert alert == {
        "kind": "visit.missed",
        "visit_ref": "extra",
        "hub": None,
        "resident": "ada",
        "raised_at": _whole("19:00"),
        "stood_down_at": None,
        "duties": [
            {
                "organisation": "elm-housing",
                "role": "landlord",
                "step_at": [_whole(clock) for clock in ("19:00", "19:15", "19:30", "19:45", "20:00")],
            },
            {
                "organisation": "brightcare",
                "role": "care_provider",
                "step_at": [_whole(clock) for clock in ("19:00", "19:15", "19:30", "19:45", "20:00")],
            },
            {
                "organisation": "northgate",
                "role": "monitoring_centre",
                "step_at": [_whole(clock) for clock in ("19:30", "19:45", "20:00")],
            },
        ],
    }


def test_faults_are_one_clear_line(case: Case, tmp_path: Path) -> None:
    """Exit 1 and a line for a fault of a file, exit 2 for wrong usage; never a traceback."""
    case.beats()
    paths = case.files()
    good: list[str | Path] = [
        "--estate",
        paths["estate.yaml"],
        "--events",
        paths["events.jsonl"],
        "--out",
        paths["out.json"],
    ]
    missing = run("--estate", tmp_path / "none.yaml", *good[2:])
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
    bad_policy = tmp_path / "bad.toml"
    bad_policy.write_text('settle = "soon"\n')
    refused = run(*good, "--policy", bad_policy)
    assert refused.returncode == 1
    assert refused.stderr == f"{bad_policy}: settle: 'soon' is not an ISO 8601 duration such as PT30M\n"
    assert run(*good, "--until", "yesterday").returncode == 2


def test_until_is_the_last_receipt_by_default(case: Case) -> None:
    """What is received last ends the replay; the local date of that moment ends the occurrences."""
    case.sends("heartbeat", "23:10", data={"queued": 0})
    assert case.report()["until"] == _whole("23:10")
    assert [visit["visit_ref"] for visit in case.report()["visits"]] == [f"pkg-ada/morning/{DAY}"]
    later = case.report("2026-11-22T00:00:00+00:00")
    assert [visit["visit_ref"][-10:] for visit in later["visits"]] == [DAY, "2026-11-21", "2026-11-22"]


def test_what_was_received_after_until_is_not_known(case: Case) -> None:
    """A replay of the past knows what was known then."""
    case.beats()
    case.taps("joy", "08:03", "08:33")
    assert case.visit(until="08:02")["state"] == "due"
    assert case.visit(until="08:03")["state"] == "in_progress"
    assert case.visit(until="08:33")["state"] == "completed"


def test_the_order_of_lines_is_nothing(case: Case) -> None:
    """A file in any order gives the same report, and what is sent twice counts once, as it first arrived."""
    case.beats()
    case.taps("joy", "08:03", "08:33")
    again = json.loads(case.lines[-2])
    again["event"]["at"], again["received_at"] = _whole("08:20"), _whole("09:30")
    case.line(again)
    ordered = case.report("12:00")
    case.lines.reverse()
    assert case.report("12:00") == ordered
    assert ordered["visits"][0]["arrived_at"] == _whole("08:03")


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        '{"hub": "hub-12"}',
        '{"hub": "hub-12", "received_at": "2026-11-20T09:30:00", "event": {}}',
        '{"hub": "hub-12", "received_at": "2026-11-20T09:30:00+00:00"}',
        '{"hub": "hub-12", "received_at": "9999-12-31T23:59:59-14:00", "status": {"online": false}}',
        '{"hub": "hub-12", "received_at": "2026-11-20T09:30:00+00:00", "event": {"id": "x"}}',
        '{"hub": "hub-12", "received_at": "2026-11-20T09:30:00+00:00", "event": null}',
        '{"hub": "hub-12", "received_at": "2026-11-20T09:30:00+00:00", "status": {"online": 5}}',
        '{"hub": 5, "received_at": "2026-11-20T09:30:00+00:00", "event": null}',
        "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
    ],
)
def test_a_line_that_cannot_be_read_is_counted(
    case: Case, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The replay goes on, and stderr tells how many there were."""
    case.beats()
    case.taps("joy", "08:03", "08:33")
    case.line(line)
    assert case.visit()["state"] == "completed"
    assert "1 line rejected" in capsys.readouterr().err


def test_a_rejected_message_is_hearing(case: Case) -> None:
    """A hub that sends nothing we can read is not silent, and one that only repeats itself neither."""
    case.beats(last="08:10")
    for clock in ("08:20", "08:40", "09:00"):
        case.line({"hub": "hub-12", "received_at": _whole(clock), "event": {"id": "e1"}})
    assert case.visit(until="09:10")["state"] == "missed"


def test_a_last_will_is_not(case: Case) -> None:
    """It silences the hub from its receipt until anything comes."""
    case.beats(last="08:00")
    case.line({"hub": "hub-12", "received_at": _whole("08:05"), "status": {"online": False}})
    assert case.visit(until="09:10")["state"] == "unverified"
    assert case.alerts("09:10", "visit.") == [
        ("visit.late", "08:30", "09:00"),
        ("visit.unverified", "09:00", None),
    ]
    case.line({"hub": "hub-12", "received_at": _whole("08:06"), "status": {"online": True}})
    case.beats(first="08:10")
    assert case.visit(until="09:10")["state"] == "missed"


def test_unverified_goes_at_half_the_pace(case: Case) -> None:
    """Its ladder's step is twice the tier's, and the centre joins at the third."""
    case.beats(last="07:20")
    alert = next(a for a in case.report("10:30")["alerts"] if a["kind"] == "visit.unverified")
    steps = {duty["role"]: [_clock(step) for step in duty["step_at"]] for duty in alert["duties"]}
    assert steps == {
        "landlord": ["09:00", "09:30", "10:00", "10:30"],
        "care_provider": ["09:00", "09:30", "10:00", "10:30"],
        "monitoring_centre": ["10:00", "10:30"],
    }


def test_a_party_that_nobody_can_reach_calls_the_centre_at_once(case: Case) -> None:
    """Its first steps are skipped and not listed; the centre's duty begins with the first third."""
    case.estate = case.estate.replace("email: duty@elm.example", "")
    case.beats()
    alert = next(a for a in case.report("09:31")["alerts"] if a["kind"] == "visit.missed")
    steps = {duty["role"]: [_clock(step) for step in duty["step_at"]] for duty in alert["duties"]}
    assert steps == {
        "landlord": ["09:00", "09:15", "09:30"],
        "care_provider": ["09:00", "09:15", "09:30"],
        "monitoring_centre": ["09:00", "09:15", "09:30"],
    }


def test_no_step_lies_at_or_after_the_stand_down(case: Case) -> None:
    """A buffered arrival received at half past nine ends the ladders before that moment."""
    case.beats()
    case.taps("joy", "08:03", received="09:30")
    alert = next(a for a in case.report("12:00")["alerts"] if a["kind"] == "visit.missed")
    assert _clock(alert["stood_down_at"]) == "09:30"
    assert [[_clock(step) for step in duty["step_at"]] for duty in alert["duties"]] == [
        ["09:00", "09:15"]
    ] * 2


def test_parties_that_do_not_exist_owe_nothing(case: Case) -> None:
    """Without landlord and centre the provider's duty is left; its third step is listed all the same."""
    case.estate = case.estate.replace("elm-12, landlord: elm-housing,", "elm-12,").replace(
        "name: Ada Byrne, monitoring_centre: northgate", "name: Ada Byrne"
    )
    case.beats()
    alert = next(a for a in case.report("09:45")["alerts"] if a["kind"] == "visit.missed")
    (duty,) = alert["duties"]
    assert (duty["role"], len(duty["step_at"])) == ("care_provider", 4)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (f"pkg-ada/morning/{DAY},pkg-ada,{DAY},10:00,10:30,2,joy,sam,critical,planned,", ("10:00", "missed")),
        (f"pkg-ada/morning/{DAY},pkg-ada,{DAY},08:00,08:30,,,,,cancelled,", ("08:00", "cancelled")),
        (
            f"pkg-ada/morning/{DAY},pkg-ada,{DAY},08:00,08:30,,,,,cancelled,{DAY}T08:30:00+00:00",
            ("08:00", "cancelled"),
        ),
        (
            f"pkg-ada/morning/{DAY},pkg-ada,{DAY},08:00,08:30,,,,,cancelled,{DAY}T08:30:01+00:00",
            ("08:00", "missed"),
        ),
    ],
)
def test_a_roster_row_replaces_an_occurrence(case: Case, row: str, expected: tuple[str, str]) -> None:
    """One visit with that ref, as the row says."""
    case.beats()
    case.rows.append(row)
    visit = case.visit()
    assert (_clock(visit["start"]), visit["state"]) == expected
    assert len(case.report("23:50")["visits"]) == 1


def test_a_row_added_too_late_raises_no_alert(case: Case) -> None:
    """A miss that was planned after the fact is judged, and nobody is woken."""
    case.beats()
    case.rows.append(f"extra,pkg-ada,{DAY},12:00,12:30,,,,,planned,{DAY}T12:31:00+00:00")
    assert case.visit("extra")["state"] == "missed"
    assert not any(alert["visit_ref"] == "extra" for alert in case.report("23:50")["alerts"])


def test_a_suspension_covers_its_days(case: Case) -> None:
    """Sunday in hospital: suspended, without alerts."""
    case.beats()
    visit = case.visit("pkg-ada/morning/2026-11-22", until="2026-11-22T12:00:00+00:00")
    assert (visit["state"], visit["attendance"]) == ("suspended", "suspended")


def test_a_shared_door_proves_when_one_dwelling_expects(case: Case) -> None:
    """Bert has no hub, the front door is all there is. When Ada is expected too it proves nothing."""
    case.beats("hub-door")
    case.beats()
    data = {"panel": "front", "credential": "fob:joy", "method": "fob"}
    case.sends("door.granted", "12:05", hub="hub-door", data=data)
    case.rows.append(f"b1,pkg-bert,{DAY},12:00,12:30,,,,,,")
    assert (case.visit("b1")["attendance"], case.visit("b1")["verification"]) == ("attended", "partial")
    case.rows.append(f"a1,pkg-ada,{DAY},12:10,12:40,,,,,,")
    bert, ada = case.visit("b1"), case.visit("a1")
    assert (bert["attendance"], bert["verification"]) == ("unknown", "indicative")
    assert (ada["attendance"], ada["verification"]) == ("unknown", "indicative")


def test_the_policy_file_is_obeyed(case: Case) -> None:
    """Other thresholds, other moments; other packages keep the tier's."""
    case.beats()
    case.policy = (
        '[tiers.essential]\nmissed_after = "PT1H30M"\nladder_step = "PT20M"\n'
        '[packages.pkg-ada]\nlate_after = "PT10M"\nnonsense = 3\n'
    )
    assert case.alerts() == [("visit.late", "08:10", "09:30"), ("visit.missed", "09:30", None)]


def test_a_night_when_clocks_go_forward(case: Case) -> None:
    """The visit at half past one is made at half past two by the wall, keeps its length, and says so."""
    case.rows.append("n1,pkg-ada,2026-03-29,01:30,02:15,,,,,,")
    case.sends("heartbeat", "2026-03-29T00:00:00+00:00", data={"queued": 0})
    visit = case.visit("n1", until="2026-03-29T12:00:00+00:00")
    assert (visit["start"], visit["end"]) == ("2026-03-29T01:30:00+00:00", "2026-03-29T02:15:00+00:00")
    assert "clocks" in visit["reason"]


def test_a_press_is_one_alert(case: Case) -> None:
    """Further presses of the device fold into it; another kind is another alert; a cancel closes nothing."""
    case.beats(first="09:00", last="10:00")
    case.sends("alarm.pendant", "09:00", device="pendant-1")
    case.sends("alarm.pendant", "09:02", device="pendant-1")
    case.sends("alarm.cancelled", "09:03", device="pendant-1")
    case.sends("alarm.fall", "09:04", "09:05", device="pendant-1")
    case.sends("test.call", "09:06", device="pendant-1")
    case.sends("alarm.brand_new", "09:07")
    assert case.alerts("10:00", "alarm.") == [
        ("alarm.pendant", "09:00", None),
        ("alarm.fall", "09:05", None),
        ("alarm.brand_new", "09:07", None),
    ]
    press = next(a for a in case.report("09:05")["alerts"] if a["kind"] == "alarm.pendant")
    assert (press["hub"], press["resident"], press["visit_ref"]) == ("hub-12", "ada", None)
    (duty,) = press["duties"]
    assert (duty["organisation"], duty["role"]) == ("northgate", "monitoring_centre")
    assert [_clock(step) for step in duty["step_at"]] == ["09:00", "09:01", "09:03", "09:04", "09:05"]


def test_an_alarm_of_an_unknown_hub_reaches_every_centre(case: Case) -> None:
    """Nobody knows whose home it is, and still somebody is called."""
    case.sends("alarm.smoke", "09:00", hub="hub-lost")
    (alert,) = [a for a in case.report("09:00")["alerts"] if a["kind"] == "alarm.smoke"]
    assert (alert["hub"], alert["resident"]) == ("hub-lost", None)
    assert [duty["organisation"] for duty in alert["duties"]] == ["northgate"]


def test_a_fault_is_raised_when_it_has_lasted(case: Case) -> None:
    """Fifteen minutes after its receipt, closed by what restores it; a short one is never raised."""
    case.beats()
    case.sends("technical.sensor_missing", "09:00", device="smoke-1")
    case.sends("technical.sensor_restored", "09:15", device="smoke-1")
    assert case.alerts("12:00", "technical.") == []
    case.sends("technical.sensor_missing", "10:00", device="smoke-1")
    case.sends("technical.sensor_restored", "10:40", device="smoke-1")
    assert case.alerts("12:00", "technical.") == [("technical.sensor_missing", "10:15", "10:40")]


def test_a_silent_hub_is_missed(case: Case) -> None:
    """Overdue after two and a half intervals, closed when heard; one never heard is not missed."""
    case.beats(first="06:00", last="08:00")
    case.beats(first="11:00", last="12:00")
    assert case.alerts("12:25", "hub.") == [("hub.silent", "08:25", "11:00")]
    assert case.alerts("12:26", "hub.") == [("hub.silent", "08:25", "11:00"), ("hub.silent", "12:25", None)]


def test_no_order_is_left_to_chance(case: Case) -> None:
    """Visits by start and ref, alerts by raise, kind and ref."""
    case.beats()
    case.rows += [f"{ref},pkg-ada,{DAY},08:00,08:30,,,,,," for ref in ("z", "a", "m")]
    report = case.report("12:00")
    visits = [(visit["start"], visit["visit_ref"]) for visit in report["visits"]]
    assert visits == sorted(visits)
    alerts = [(alert["raised_at"], alert["kind"], alert["visit_ref"] or "") for alert in report["alerts"]]
    assert alerts == sorted(alerts)
    assert len(visits) == 4


def test_a_replay_can_be_repeated(case: Case, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The same files give the same bytes."""
    case.beats()
    case.taps("joy", "08:03", "08:33")
    case.taps("sam", "08:10")
    first = case.report("12:00")
    assert case.report("12:00") == first


@pytest.mark.parametrize(
    "spoil",
    [
        lambda case: case.rows.append("x,pkg-ada,20/11/2026,08:00,08:30,,,,,,"),
        lambda case: case.rows.append(f"x,pkg-none,{DAY},08:00,08:30,,,,,,"),
    ],
)
def test_a_bad_roster_is_refused(case: Case, spoil: Callable[[Case], None]) -> None:
    """Day-first dates and unknown packages are faults with file, line and field."""
    spoil(case)
    case.beats()
    paths = case.files()
    done = run(
        "--estate", paths["estate.yaml"], "--roster", paths["roster.csv"], "--events", paths["events.jsonl"],
        "--out", paths["out.json"],
    )  # fmt: skip
    assert done.returncode == 1
    assert f"{paths['roster.csv']}:2: " in done.stderr
    assert "Traceback" not in done.stderr
