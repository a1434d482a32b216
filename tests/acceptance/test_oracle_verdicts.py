"""Sentences of the visit rules, one tiny case each, worked out by hand: for the oracle and for the engine.

As `test_oracle_sentences.py`, for §6 and §7.
"""

from pathlib import Path

import pytest

from tests.support.oracle.story import Story, at


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """An empty day."""
    return Story(tmp_path)


# -- §6, the verdict -----------------------------------------------------------------------------------------


def test_a_visit_goes_from_planned_to_missed(story: Story) -> None:
    """Planned before its start, due, late from `late_at`, missed from `missed_at`."""
    story.visit("v", "08:00", "08:30")
    for until, state in (
        ("07:59:59.999999", "planned"), ("08:00", "due"), ("08:29:59.999999", "due"), ("08:30", "late"),
        ("08:59:59.999999", "late"), ("09:00", "missed"),
    ):  # fmt: skip
        story.is_judged("v", until=until, state=state)


def test_a_stay_without_an_end_is_in_progress_for_a_while(story: Story) -> None:
    """Until first arrival + planned length + half an hour, as that is later than the planned end."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", "08:10")
    story.is_judged("v", until="09:09:59.999999", state="in_progress", duration="unknown")
    story.is_judged("v", until="09:10", state="completed", duration="unknown", attendance="attended")


@pytest.mark.parametrize(
    ("departed", "duration"),
    [("08:23:59.999999", "short"), ("08:24", "ok"), ("09:00", "ok"), ("09:00:00.000001", "long")],
)
def test_a_duration_is_short_or_long_beyond_its_bounds(story: Story, departed: str, duration: str) -> None:
    """Essential: below 80 % of half an hour is short; more than half an hour over is long."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", "08:00", departed)
    story.is_judged("v", duration=duration)


def test_half_a_double_is_part_attended_from_missed_at(story: Story) -> None:
    """Before `missed_at` attendance is unknown; the alert is the care provider's, and ends when all came."""
    story.visit("v", "08:00", "08:30", carers_required="2")
    story.tap("joy", "08:00", "08:30")
    story.is_judged("v", until="08:59:59", attendance="unknown", state="completed", verification="none")
    story.tap("kim", "09:20", "09:50")
    story.is_judged("v", until="09:10", attendance="part_attended", verification="partial")
    story.is_judged("v", attendance="attended", verification="full")
    assert story.alerts("v") == [("part_attended", "09:00", "09:20")]
    assert list(story.steps("v", "part_attended")) == ["care_provider"]


def test_a_buffered_arrival_corrects_the_record(story: Story) -> None:
    """A missed visit is attended when an arrival turns up later; the alert is stood down at the receipt."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", "08:05", "08:35", received="09:40")
    story.is_judged("v", until="09:39:59", state="missed")
    story.is_judged("v", state="completed", timeliness="on_time")
    assert story.alerts("v") == [("late", "08:30", "09:00"), ("missed", "09:00", "09:40")]


def test_evidence_that_empties_a_slot_raises_a_new_alert(story: Story) -> None:
    """A buffered earlier arrival shows that the session began too early: missed again, at that receipt."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", "07:20", received="08:10")
    story.tap("joy", "07:05", received="09:30")
    story.is_judged("v", until="09:00", state="completed")
    story.is_judged("v", state="missed")
    assert story.alerts("v") == [("missed", "09:30", None)]


@pytest.mark.parametrize(("changed", "state"), [("08:30", "cancelled"), ("08:30:00.000001", "missed")])
def test_a_late_cancellation_changes_nothing(story: Story, changed: str, state: str) -> None:
    """A cancellation whose `changed_at` is later than `late_at` leaves verdict and alerts as planned."""
    story.visit("v", "08:00", "08:30", status="cancelled", changed_at=at(changed).isoformat())
    story.is_judged("v", state=state)
    missed = [("late", "08:30", "09:00"), ("missed", "09:00", None)]
    assert story.alerts("v") == (missed if state == "missed" else [])


def test_a_late_addition_raises_no_alert(story: Story) -> None:
    """It is judged all the same."""
    story.visit("v", "08:00", "08:30", changed_at=at("08:31").isoformat())
    story.is_judged("v", state="missed")
    assert story.alerts("v") == []


@pytest.mark.parametrize(
    ("since", "until", "state"),
    [("08:00", "08:01", "suspended"), ("07:00", "08:00", "missed"), ("08:00:01", "09:00", "missed")],
)
def test_a_suspension_covers_the_starts_from_its_own_to_its_end(
    story: Story, since: str, until: str, state: str
) -> None:
    """`from` ≤ start < `until`."""
    story.visit("v", "08:00", "08:30")
    story.files.estate["suspensions"] = [
        {
            "resident": "ada",
            "from": at(since).isoformat(),
            "until": at(until).isoformat(),
            "reason": "hospital",
        }
    ]
    story.is_judged("v", state=state)


def test_who_comes_to_a_cancelled_visit_is_seen(story: Story) -> None:
    """It is judged attended, without alerts."""
    story.visit("v", "08:00", "08:30", status="cancelled")
    story.tap("joy", "08:05", "08:35")
    story.is_judged("v", attendance="attended")
    assert story.alerts("v") == []


def test_a_verdict_settles_after_72_hours(story: Story) -> None:
    """Evidence received after 72 hours from the planned end changes nothing; at that moment it still does."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", "08:05", received="+3 08:30:00.000001")
    story.is_judged("v", until="+4 00:00", state="missed")
    story.tap("kim", "08:05", received="+3 08:30")
    story.is_judged("v", until="+4 00:00", state="completed")


# -- §6, could the home speak --------------------------------------------------------------------------------


@pytest.mark.parametrize(("heard", "state"), [("07:58:45", "missed"), ("07:58:44.999999", "unverified")])
def test_a_quarter_of_the_window_may_be_silent(story: Story, heard: str, state: str) -> None:
    """The window is 105 minutes; 26 min 15 s of silence are just a quarter, a microsecond more is more."""
    story.visit("v", "08:00", "08:30")
    story.hubs_beat(("hub-1",), quiet=("07:50", "08:50"))
    story.beat("hub-1", at(heard))
    story.forget_queues()  # else the beat of 08:50 says that all was said
    story.is_judged("v", until="09:00", state=state)


def test_a_home_silent_for_longer_could_not(story: Story) -> None:
    """But once it has said everything by `missed_at`, the visit is missed all the same, at once."""
    story.visit("v", "08:00", "08:30")
    story.hubs_beat(("hub-1",), quiet=("07:20", "08:50"), uptime_s=1)
    story.is_judged("v", until="09:00", state="missed")
    story.forget_queues()
    story.is_judged("v", until="09:04:59", state="unverified", attendance="unknown")
    story.is_judged("v", state="missed", attendance="not_attended")
    assert story.alerts("v") == [
        ("late", "08:30", "09:00"), ("unverified", "09:00", "09:05"), ("missed", "09:05", None),
    ]  # fmt: skip


def test_a_home_silent_when_the_visit_is_missed_is_unverified(story: Story) -> None:
    """Silent at `missed_at` for a moment is enough, and a fresh empty queue ends it."""
    story.visit("v", "08:00", "08:30")
    story.hubs_beat(("hub-1",), quiet=("08:30", "09:10"))
    story.is_judged("v", until="09:09", state="unverified")
    story.is_judged("v", state="missed")
    assert story.alerts("v")[1:] == [("unverified", "09:00", "09:10"), ("missed", "09:10", None)]


def test_exactly_two_and_a_half_intervals_are_not_silence(story: Story) -> None:
    """Silent is *more* than 2.5 × the interval without a word."""
    story.visit("v", "08:00", "08:30")
    story.hubs_beat(("hub-1",), quiet=("08:30", "09:10"))
    story.beat("hub-1", at("08:35"))
    story.is_judged("v", until="09:00", state="missed")


def test_a_will_makes_a_hub_silent_at_once(story: Story) -> None:
    """From `online: false` until anything is received; the will itself is no word."""
    story.visit("v", "08:00", "08:30")
    story.files.events.append(
        {"hub": "hub-1", "received_at": at("08:55").isoformat(), "status": {"online": False}}
    )
    story.is_judged("v", until="09:00", state="missed")  # the beat of 09:00 is in
    story.visit("w", "10:01", "10:31")
    story.files.events.append(
        {"hub": "hub-1", "received_at": at("11:00:30").isoformat(), "status": {"online": False}}
    )
    story.is_judged("w", until="11:01", state="unverified")


def test_a_queue_that_waits_means_more_may_come(story: Story) -> None:
    """The last fresh heartbeat with `queued` above 0: unverified, until one says 0."""
    story.visit("v", "08:00", "08:30")
    story.beat("hub-1", at("08:55"), queued=2)
    said = (at("08:55").isoformat(), at("09:15").isoformat())
    story.files.events = [
        line
        for line in story.files.events
        if line["hub"] != "hub-1" or not said[0] < line["received_at"] < said[1]
    ]
    story.is_judged("v", until="09:00", state="unverified")
    story.is_judged("v", state="missed")
    assert story.alerts("v")[1:] == [("unverified", "09:00", "09:20"), ("missed", "09:20", None)]


def test_a_buffered_heartbeat_says_nothing_of_the_queue_now(story: Story) -> None:
    """A heartbeat is fresh when its effective time is within the interval of its receipt."""
    story.visit("v", "08:00", "08:30")
    story.beat("hub-1", at("09:00"), told=at("08:49:59"), queued=9)
    story.is_judged("v", until="09:00", state="missed")
    story.beat("hub-1", at("09:00"), told=at("08:50"), queued=9)
    story.is_judged("v", until="09:00", state="unverified")


def test_where_no_hub_hears_nobody_is_woken(story: Story) -> None:
    """A package whose dwelling no hub hears: unverified, and no alert of any kind."""
    story.files.estate["hubs"] = [hub for hub in story.files.estate["hubs"] if hub["id"] == "hub-2"]
    story.files.events = [line for line in story.files.events if line["hub"] == "hub-2"]
    story.visit("v", "08:00", "08:30", package="dan-b")
    story.is_judged("v", state="unverified", attendance="unknown")
    assert story.alerts("v") == []


# -- §7, alerts ----------------------------------------------------------------------------------------------


def test_both_parties_own_a_missed_visit_and_the_centre_joins_at_the_third_step(story: Story) -> None:
    """The party's raise, + a, + 2 a, and every a after; the centre's duty begins with the third step."""
    story.visit("v", "08:00", "08:30")
    story.is_judged("v", until="10:00", state="missed")
    party = ["09:00", "09:15", "09:30", "09:45", "10:00"]
    assert story.steps("v", "missed") == {
        "care_provider": party, "landlord": party, "monitoring_centre": party[2:],
    }  # fmt: skip
    assert story.steps("v", "late") == {"care_provider": ["08:30"]}


def test_a_step_with_nobody_reachable_is_skipped_at_once(story: Story) -> None:
    """A landlord without contacts: the third step falls due at the raise, and the centre's duty with it."""
    del story.files.estate["organisations"][0]["contacts"]
    story.visit("v", "08:00", "08:30")
    story.is_judged("v", until="09:30", state="missed")
    every = ["09:00", "09:15", "09:30"]
    assert story.steps("v", "missed") == {
        "care_provider": every, "landlord": every, "monitoring_centre": every,
    }  # fmt: skip


def test_nothing_falls_due_at_or_after_the_stand_down(story: Story) -> None:
    """A step at the very moment of standing down is not taken."""
    story.visit("v", "08:00", "08:30")
    story.tap("joy", "08:05", received="09:15")
    story.is_judged("v", state="completed")
    assert story.steps("v", "missed") == {"care_provider": ["09:00"], "landlord": ["09:00"]}


def test_what_cannot_be_confirmed_escalates_half_as_fast(story: Story) -> None:
    """`visit.unverified`: ladder step 2 × a."""
    story.visit("v", "08:00", "08:30")
    story.hubs_beat(("hub-1",), quiet=("08:00", "+2 18:00"))
    story.is_judged("v", until="10:00", state="unverified")
    assert story.steps("v", "unverified") == {
        "care_provider": ["09:00", "09:30", "10:00"],
        "landlord": ["09:00", "09:30", "10:00"],
        "monitoring_centre": ["10:00"],
    }


def test_without_a_landlord_that_duty_does_not_exist(story: Story) -> None:
    """Nor without a monitoring centre."""
    del story.files.estate["dwellings"][0]["landlord"]
    del story.files.estate["residents"][0]["monitoring_centre"]
    story.visit("v", "08:00", "08:30")
    story.is_judged("v", until="09:30", state="missed")
    assert story.steps("v", "missed") == {"care_provider": ["09:00", "09:15", "09:30"]}
