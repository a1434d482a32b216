"""Scenario files: those that come with the program, and mistakes in others."""

from datetime import timedelta

import pytest

from device_sim.scenario import Anchor, When, load_scenario, names, parse_scenario, parse_when

GOOD = """
title: a call
shows: A call.
roles:
  home: {devices: [pendant]}
steps:
  - {when: begin + PT2S, does: presses, device: pendant}
must_come_out:
  - {alert: alarm.pendant, duties: [monitoring_centre]}
"""


def test_the_promised_scenarios_are_there_and_each_says_what_must_come_out() -> None:
    """Every file that comes along can be read, tells its purpose and an outcome."""
    assert set(names()) >= {"ordinary_day", "missed_morning", "late_evidence", "pendant", "offline_hub"}
    for name in names():
        scenario = load_scenario(name)
        assert scenario.title
        assert scenario.shows.endswith(".")
        assert scenario.steps
        assert scenario.must_come_out


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("begin", When(Anchor.BEGIN, timedelta(0))),
        ("visit + PT3M", When(Anchor.VISIT, timedelta(minutes=3))),
        ("visit_end-PT1M30S", When(Anchor.VISIT_END, -timedelta(seconds=90))),
        ("  visit  +  P1DT2H ", When(Anchor.VISIT, timedelta(days=1, hours=2))),
    ],
)
def test_a_moment_is_an_anchor_and_a_distance(text: str, when: When) -> None:
    """Spaces do not matter; a distance is an ISO 8601 duration."""
    assert parse_when(text) == when


@pytest.mark.parametrize(
    "text", ["", "later", "visit + 3M", "visit PT3M", "visit + -PT3M", "begin + PT3X", "visits"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    """The sentence shows what was written."""
    with pytest.raises(ValueError, match="is not a"):
        parse_when(text)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("does: presses", "does: explodes", "step 1: a home cannot do 'explodes'"),
        ("does: presses", "does: switches_off", "step 1: a home cannot do 'switches_off'"),
        (
            "device: pendant}",
            "device: pendant, devise: pendant}",
            "step 1: presses: got an unexpected keyword argument 'devise'",
        ),
        (", device: pendant}", "}", "step 1: presses: missing a required argument: 'device'"),
        ("when: begin + PT2S", "when: soon", "step 1: 'soon' is not a moment"),
        ("when: begin + PT2S, ", "", "step 1: .*missing required field `when`"),
        ("does: presses,", "does: presses, home: elsewhere,", "step 1: no role is called 'elsewhere'"),
        ("alert: alarm.pendant,", "alert: alarm.pendant, home: elsewhere,", "no known role: 'elsewhere'"),
        ("alert: alarm.pendant,", "alarm: alarm.pendant,", "unknown field `alarm`"),
        ("title: a call\n", "", "missing required field `title`"),
        ("steps:", "steps: [", "line 7: "),
        (GOOD, "", "Expected `object`, got `null`"),
    ],
)
def test_a_mistake_in_a_file_is_told_in_one_sentence_with_its_place(
    before: str, after: str, told: str
) -> None:
    """The sentence names the scenario and the step."""
    assert before in GOOD
    with pytest.raises(ValueError, match=f"scenario mine: .*{told}") as refused:
        parse_scenario("mine", GOOD.replace(before, after))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [("no_such", "there is no scenario 'no_such'; there are: "), ("/no/such.yaml", "No such file")],
)
def test_a_scenario_that_is_not_there_is_refused(name: str, told: str) -> None:
    """By name the sentence lists what there is; by path it says what the system said."""
    with pytest.raises(ValueError, match=told):
        load_scenario(name)
