"""`threshold backtest --compare`: two policies over the same history (domain/visits.md §9)."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from app.backtest import DEFAULTS, backtest
from tests.acceptance.backtest_case import DAY, Case, run, whole

PATIENT = '[tiers.essential]\nmissed_after = "PT2H"\n[tiers.critical]\nmissed_after = "PT3H"\n'


class Compared:
    """What was counted, and the page drawn of it: the defaults against another policy."""

    def __init__(self, case: Case, second: str, truth: Path | None = None) -> None:
        paths, patient = case.files(), case.folder / "patient.toml"
        patient.write_text(second)
        out, page = case.folder / "compared.json", case.folder / "page.html"
        backtest(
            paths["estate.yaml"],
            paths["events.jsonl"],
            out,
            [paths["roster.csv"]],
            None,
            whole("23:50"),
            (Path(DEFAULTS), patient),
            page,
            truth,
        )
        self.found: dict[str, Any] = json.loads(out.read_text())
        self.first, self.second = self.found["policies"]
        self.page = page.read_text()


@pytest.fixture
def night(case: Case) -> Case:
    """Ada is missed at eight. Bert's three are: made late, made but heard late, and never made, at night."""
    case.beats()
    for minute in range(4 * 60, 24 * 60, 10):
        case.sends("heartbeat", f"{minute // 60:02}:{minute % 60:02}", hub="hub-14", data={"queued": 0})
    case.estate = case.estate.replace(
        "  - {id: hub-door", "  - {id: hub-14, dwelling: elm-14, heartbeat_every: PT10M}\n  - {id: hub-door"
    )
    case.rows = [
        f"late,pkg-bert,{DAY},10:00,10:30,,,,,,",
        f"unheard,pkg-bert,{DAY},13:00,13:30,,,,,,",
        f"night,pkg-bert,{DAY},22:00,22:20,,,,,,",
    ]
    case.taps("sam", "10:40", hub="hub-14")
    data = {"credential": "fob:sam", "method": "fob"}
    case.sends("carer.arrived", "13:00", "14:00", hub="hub-14", data=data)
    return case


def test_alerts_are_counted_by_kind_tier_and_hour(night: Case) -> None:
    """What each policy raises stands beside what the other does."""
    both = Compared(night, PATIENT)
    assert both.found["visits"] == 4
    assert both.first["alerts"]["visit.missed"] == 4
    assert both.second["alerts"]["visit.missed"] == 1
    assert both.first["by_tier"]["visit.missed"] == {"essential": 1, "critical": 3}
    assert [hour for hour, count in enumerate(both.first["by_hour"]["visit.missed"]) if count] == [
        9,
        10,
        13,
        22,
    ]
    assert both.first["alerts"]["visit.late"] == 4


def test_an_alert_is_disproved_by_who_had_come_before_it(night: Case) -> None:
    """Whoever came after the alert made the visit; only who had come by then shows that it was not true."""
    both = Compared(night, PATIENT)
    assert both.first["made"]["visit.missed"] == 2
    assert both.first["disproved"]["visit.missed"] == 1
    assert both.second["made"]["visit.missed"] == 0


def test_true_misses_are_found_later_or_not_at_all(night: Case) -> None:
    """What one policy calls not attended and neither calls made is a true miss, found by each in its time."""
    both = Compared(night, PATIENT)
    assert [miss["visit_ref"] for miss in both.found["misses"]] == [f"pkg-ada/morning/{DAY}", "night"]
    assert both.found["by"] == "verdicts"
    assert (both.first["found"], both.first["found_after"]) == (2, [30.0, 60.0])
    assert (both.second["found"], both.second["found_after"], both.second["not_found"]) == (1, [120.0], 1)
    counted = {name: both.found[name] for name in ("earlier", "later", "only_first", "only_second")}
    assert counted == {"earlier": 0, "later": 1, "only_first": 1, "only_second": 0}


def test_people_are_woken_by_night_alone(night: Case) -> None:
    """Tellings of parties' people from 22:00 to 07:00 are counted, each rung once."""
    both = Compared(night, PATIENT)
    # Late at 22:15 and missed at 22:30: the coordinator by both, the officer by one, both at 22:40.
    assert (both.first["woken"], both.first["at_night"]) == (2, 5)
    assert (both.second["woken"], both.second["at_night"]) == (1, 1)


def test_a_file_of_truth_decides_what_was_missed(night: Case) -> None:
    """What really happened goes before what the verdicts say."""
    truth = night.folder / "truth.jsonl"
    fact = {
        "fact": "visit", "ref": "night", "package": "pkg-bert", "resident": "bert", "hub": "hub-14",
        "tier": "critical", "start": whole("22:00"), "end": whole("22:20"), "carers_required": 1,
        "standing": "planned", "counts_from": whole("21:30"), "late_at": whole("22:15"),
        "missed_at": whole("22:30"), "latest": whole("23:00"),
        "attended": [{"carer": "sam", "arrived": whole("22:01"), "departed": whole("22:20"),
                      "logged": "nothing", "departure_logged": False, "rostered": True}],
    }  # fmt: skip
    absent = {**fact, "ref": f"pkg-ada/morning/{DAY}", "attended": []}
    world = {
        "fact": "world",
        "seed": 1,
        "homes": 2,
        "days": 1,
        "begin": whole("00:00"),
        "until": whole("23:50"),
    }
    truth.write_text("".join(json.dumps(line) + "\n" for line in (world, fact, absent)))
    both = Compared(night, PATIENT, truth)
    assert both.found["by"] == "truth"
    assert [miss["visit_ref"] for miss in both.found["misses"]] == [f"pkg-ada/morning/{DAY}"]
    assert both.first["disproved"]["visit.missed"] == 1


def test_the_terminal_shows_a_table_and_no_bar_in_a_pipe(
    night: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both policies stand in columns with their change; what is not a terminal is told of no progress."""
    Compared(night, PATIENT)
    told = capsys.readouterr()
    assert re.search(r"alerts raised: missed +4 +1 +-3", told.out)
    assert told.err == ""


def test_the_page_stands_alone(night: Case) -> None:
    """It is whole HTML with pictures that say their numbers, and asks nothing of anybody."""
    both = Compared(night, PATIENT)
    seen: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, dict(attrs)))

    Reader().feed(both.page)
    assert {tag for tag, _ in seen}.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert not re.search(r"https?://|url\(|@import", both.page)
    said = [attributes["aria-label"] for tag, attributes in seen if tag == "svg"]
    assert any(one and one.startswith("missed, by hour") and "22: 1, 0" in one for one in said)
    assert any(one and one.endswith("of 2: 30, 60; 120") for one in said)


def test_a_policy_named_like_markup_is_only_a_name(night: Case) -> None:
    """The page shows names as they are, and runs none."""
    paths = night.files()
    odd = night.folder / "<script>alert(1)<"
    odd.write_text("")
    page = night.folder / "page.html"
    done = run(
        *("--estate", paths["estate.yaml"], "--events", paths["events.jsonl"], "--page", page),
        *("--compare", odd, odd),
    )
    assert done.returncode == 0, done.stderr
    assert "<script>" not in page.read_text()


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--compare", "default", "absent.toml"], 1, "absent.toml: No such file"),
        (["--compare", "default", "default", "--policy", "x.toml"], 2, "--compare names both"),
        (["--compare", "default", "default", "--truth", "absent.jsonl"], 1, "absent.jsonl: No such file"),
        (["--page", "page.html", "--out", "o.json"], 2, "go with --compare"),
        ([], 2, "a report needs a file"),
    ],
)
def test_what_does_not_go_together_is_refused(
    night: Case, options: list[str], status: int, said: str
) -> None:
    """Wrong usage is 2, a file that is not there is 1, each with its reason."""
    paths = night.files()
    done = run("--estate", paths["estate.yaml"], "--events", paths["events.jsonl"], *options)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)
    assert said in done.stderr
