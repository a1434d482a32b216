"""Sentences of what homes raise themselves, one tiny case each, worked out by hand: domain/alarms.md §1.

As `test_oracle_sentences.py`: the engine and the oracle are held to each other on the way.
"""

from datetime import datetime
from pathlib import Path

import pytest

from tests.support.oracle.story import Story, at, clock

Told = list[tuple[str, str | None, str | None]]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """An empty day."""
    return Story(tmp_path)


def raised(story: Story, until: str = "+1 12:00") -> Told:
    """Kind, raise and stand-down of every alert."""
    story.play(until)
    return [
        (alert["kind"], clock(alert["raised_at"]), clock(alert["stood_down_at"]))
        for alert in story.report["alerts"]
    ]


def steps(story: Story) -> list[str | None]:
    """The steps of the only duty of the only alert."""
    (alert,) = story.report["alerts"]
    (duty,) = alert["duties"]
    assert (duty["organisation"], duty["role"]) == ("north", "monitoring_centre")
    return [clock(step) for step in duty["step_at"]]


def calls(story: Story, kind: str, told: str, received: str | None = None, **more: str) -> None:
    """Something at hub-1, perhaps received later, perhaps by a device."""
    story.send("hub-1", kind, at(told), at(received or told), {})
    story.files.events[-1]["event"] |= more


@pytest.mark.parametrize(
    ("kind", "due"),
    [
        ("alarm.pendant", ["09:00", "09:01", "09:03", "09:04", "09:05"]),
        ("alarm.brand_new", ["09:00", "09:01", "09:03", "09:04", "09:05"]),
        ("alarm.medication", ["09:00", "09:03"]),
        ("door.forced", ["09:00", "09:03"]),
    ],
)
def test_an_alarm_is_raised_at_its_receipt_with_the_ladder_of_its_priority(
    story: Story, kind: str, due: list[str]
) -> None:
    """Also one of a kind that nobody knows, as a matter of life; not a cancellation, not a test call."""
    calls(story, kind, "08:20", "09:00")
    calls(story, "alarm.cancelled", "09:01")
    calls(story, "test.call", "09:01")
    assert raised(story, "09:05") == [(kind, "09:00", None)]
    assert steps(story) == due


def test_the_same_of_the_same_device_is_one_alert(story: Story) -> None:
    """Another device's is another; another kind's is another."""
    for kind, told, device in (
        ("alarm.fall", "09:00", "p-1"),
        ("alarm.fall", "23:00", "p-1"),
        ("alarm.fall", "09:02", "p-2"),
        ("alarm.pendant", "09:03", "p-1"),
    ):
        calls(story, kind, told, device=device)
    assert raised(story) == [
        ("alarm.fall", "09:00", None), ("alarm.fall", "09:02", None), ("alarm.pendant", "09:03", None),
    ]  # fmt: skip


def test_what_cannot_be_read_and_looks_like_an_alarm_is_one(story: Story) -> None:
    """And what does not, is none."""
    calls(story, "alarm.smoke", "09:00", id="")
    calls(story, "alarm.cancelled", "08:00", id="")
    calls(story, "heartbeat", "08:00", id="")
    assert raised(story) == [("alarm.unreadable", "09:00", None)]


@pytest.mark.parametrize(
    ("restored", "expected"),
    [
        ("09:14:59.999999", None),
        ("09:15", None),
        ("09:15:00.000001", "09:15:00.000001"),
        ("21:00", "21:00"),
    ],
)
def test_a_fault_is_raised_when_it_has_lasted_for_a_quarter_of_an_hour(
    story: Story, restored: str, expected: str | None
) -> None:
    """What restores it in time, that moment included, ends it quietly; later, it stands it down."""
    calls(story, "technical.link_failed", "09:00")
    calls(story, "technical.link_restored", restored)
    alert = ("technical.link_failed", "09:15", expected)
    assert raised(story) == ([alert] if expected else [])


def test_a_fault_waits_from_its_receipt_and_its_end_counts_in_either_order(story: Story) -> None:
    """What the unit kept for an hour is raised a quarter of an hour after it came; an end that overtakes its
    beginning ends it all the same, and of two words of one moment the better is believed.
    """
    calls(story, "technical.sensor_missing", "08:00", "09:00", device="s-1")
    calls(story, "technical.battery_ok", "09:02", device="s-2")
    calls(story, "technical.battery_low", "09:01", "09:03", device="s-2")
    calls(story, "technical.battery_low", "09:02", "09:04", device="s-2")
    assert raised(story, "09:14:59") == []
    assert raised(story) == [("technical.sensor_missing", "09:15", None)]


def test_only_what_restores_a_fault_of_the_same_device_ends_it(story: Story) -> None:
    """Neither another device's word nor another kind's; failing again is the same fault."""
    calls(story, "technical.mains_failed", "09:00", device="s-1")
    calls(story, "technical.mains_restored", "09:05", device="s-2")
    calls(story, "technical.link_restored", "09:05", device="s-1")
    calls(story, "technical.mains_failed", "09:10", device="s-1")
    assert raised(story, "09:15") == [("technical.mains_failed", "09:15", None)]
    assert steps(story) == ["09:15"]
    calls(story, "technical.mains_restored", "09:20", device="s-1")
    calls(story, "technical.mains_failed", "10:00", device="s-1")
    assert raised(story, "10:15") == [
        ("technical.mains_failed", "09:15", "09:20"), ("technical.mains_failed", "10:15", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("08:55", []),
        ("08:55:00.000001", [("hub.silent", "08:55", "08:55:00.000001")]),
        ("12:00", [("hub.silent", "08:55", "12:00")]),
    ],
)
def test_a_hub_is_overdue_after_two_and_a_half_intervals(story: Story, heard: str, expected: Told) -> None:
    """Raised at that moment, stood down when anything is heard, a rejected message too; a will is neither."""
    story.hubs_beat(("hub-1",), quiet=("08:30", "12:10"))
    story.files.events.append(
        {"hub": "hub-1", "received_at": at("08:40").isoformat(), "status": {"online": False}}
    )
    calls(story, "heartbeat", heard, id="")
    for minute in range(0, 250, 10):  # and from then on it is heard again
        moment = at(heard) + (at("00:10") - at("00:00")) * (minute // 10)
        story.beat("hub-1", moment)
    assert raised(story) == expected


def test_a_hub_that_was_never_heard_is_missed_by_nobody(story: Story) -> None:
    """It is not in service yet; one that is silent at the end is, once it is more than overdue."""
    story.files.events = [line for line in story.files.events if line["hub"] != "hub-2"]
    story.hubs_beat(("hub-1",), quiet=("08:00", "+2 18:00"))
    assert raised(story, "08:25") == []
    assert raised(story, "08:25:00.000001") == [("hub.silent", "08:25", None)]
    assert datetime.fromisoformat(story.report["alerts"][0]["raised_at"]) == at("08:25")


def test_a_silence_of_a_day_is_a_matter_of_welfare(story: Story) -> None:
    """From 24 hours after the last word on, the duty climbs the ladder of priority 2 anew."""
    story.hubs_beat(("hub-1",), quiet=("08:00", "+2 18:00"))
    assert raised(story, "+1 08:13") == [("hub.silent", "08:25", None)]
    assert steps(story) == ["08:25", "+1 08:00", "+1 08:03", "+1 08:10", "+1 08:13"]
    story.play("+1 07:59:59.999999")
    assert steps(story) == ["08:25"]


@pytest.mark.parametrize("other", ["hub-1", "hub-1b"])
def test_an_empty_home_is_empty_for_all_its_units_until_somebody_is_back(story: Story, other: str) -> None:
    """Whichever unit says so, and in whichever order it comes: back at ten, received before the leaving."""
    home = {"id": "hub-1b", "dwelling": "flat-1"}
    story.files.estate["hubs"].append(home)
    story.files.estate["residents"] = [
        resident for resident in story.files.estate["residents"] if resident["id"] != "bob"
    ]
    story.files.estate["packages"] = [
        package for package in story.files.estate["packages"] if package["id"] != "bob-b"
    ]
    story.send(other, "resident.home", at("10:00"), at("10:00"), {})
    story.send("hub-1", "resident.away", at("09:00"), at("10:01"), {})
    story.send("hub-1", "alarm.inactivity", at("09:59:59.999999"), at("10:02"), {})
    story.send(other, "alarm.bed", at("10:00"), at("10:02"), {})
    alarms = [alert for alert in raised(story) if alert[0].startswith("alarm.")]
    assert alarms == [("alarm.bed", "10:02", None)]
