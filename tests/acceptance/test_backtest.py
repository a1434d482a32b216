"""`threshold backtest`: files in, the report of contract §6 out; the command as people run it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.backtest_case import DAY, Case, run, whole


def test_the_command_writes_the_report(case: Case) -> None:
    """Every field of the contract, with its form, for a visit that was made and one that was not."""
    case.beats()
    case.taps("joy", "08:03", "08:33")
    case.rows.append(f"extra,pkg-ada,{DAY},18:00,18:30,,,,,,")
    case.line("{broken")
    paths = case.files()
    done = run(
        "--estate", paths["estate.yaml"], "--roster", paths["roster.csv"], "--events", paths["events.jsonl"],
        "--out", paths["out.json"], "--until", whole("20:00"),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{paths['events.jsonl']}: 1 line rejected: they could not be read\n"
    report = json.loads(paths["out.json"].read_text())
    assert report["until"] == whole("20:00")
    made, missed = report["visits"]
    reason = made.pop("reason")
    assert "Joy Okafor" in reason
    assert made == {
        "visit_ref": f"pkg-ada/morning/{DAY}",
        "package": "pkg-ada",
        "resident": "ada",
        "start": whole("08:00"),
        "end": whole("08:30"),
        "attendance": "attended",
        "timeliness": "on_time",
        "duration": "ok",
        "verification": "full",
        "arrived_at": whole("08:03"),
        "departed_at": whole("08:33"),
        "carers": ["joy"],
        "state": "completed",
    }
    assert (missed["visit_ref"], missed["state"], missed["arrived_at"]) == ("extra", "missed", None)
    late, alert = report["alerts"]
    assert (late["kind"], late["stood_down_at"]) == ("visit.late", whole("19:00"))
    assert isinstance(alert.pop("reason"), str)
    assert alert == {
        "kind": "visit.missed",
        "visit_ref": "extra",
        "hub": None,
        "resident": "ada",
        "raised_at": whole("19:00"),
        "stood_down_at": None,
        "duties": [
            {
                "organisation": "elm-housing",
                "role": "landlord",
                "step_at": [whole(clock) for clock in ("19:00", "19:15", "19:30", "19:45", "20:00")],
            },
            {
                "organisation": "brightcare",
                "role": "care_provider",
                "step_at": [whole(clock) for clock in ("19:00", "19:15", "19:30", "19:45", "20:00")],
            },
            {
                "organisation": "northgate",
                "role": "monitoring_centre",
                "step_at": [whole(clock) for clock in ("19:30", "19:45", "20:00")],
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
    assert case.report()["until"] == whole("23:10")
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
    again["event"]["at"], again["received_at"] = whole("08:20"), whole("09:30")
    case.line(again)
    ordered = case.report("12:00")
    case.lines.reverse()
    assert case.report("12:00") == ordered
    assert ordered["visits"][0]["arrived_at"] == whole("08:03")


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
        case.line({"hub": "hub-12", "received_at": whole(clock), "event": {"id": "e1"}})
    assert case.visit(until="09:10")["state"] == "missed"


def test_a_last_will_is_not(case: Case) -> None:
    """It silences the hub from its receipt until anything comes."""
    case.beats(last="08:00")
    case.line({"hub": "hub-12", "received_at": whole("08:05"), "status": {"online": False}})
    assert case.visit(until="09:10")["state"] == "unverified"
    assert case.alerts("09:10", "visit.") == [
        ("visit.late", "08:30", "09:00"),
        ("visit.unverified", "09:00", None),
    ]
    case.line({"hub": "hub-12", "received_at": whole("08:06"), "status": {"online": True}})
    case.beats(first="08:10")
    assert case.visit(until="09:10")["state"] == "missed"


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
