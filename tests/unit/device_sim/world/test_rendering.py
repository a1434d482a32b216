"""A world as received keeps the contract: kept while the line is down, told when it is back, never lost."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from device_sim.world.faults import Faults, parse_faults
from device_sim.world.rendering import Rendered, render
from device_sim.world.truth import Truth, read_truth, write_truth
from device_sim.world.world import make_world

EVERY = timedelta(minutes=10)


def decoded(rendered: Rendered) -> list[dict[str, Any]]:
    """The lines that can be read."""
    found = []
    for line in rendered.lines:
        try:
            found.append(msgspec.json.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found


def when(line: dict[str, Any]) -> datetime:
    """The moment of receipt."""
    return msgspec.convert(line["received_at"], datetime)


def test_lines_are_in_order_of_receipt() -> None:
    """As a recorder would have written them."""
    times = [when(line) for line in decoded(render(make_world(2, 20, 2)))]
    assert times == sorted(times)


def test_everything_said_is_received_but_from_a_dead_hub() -> None:
    """Faults on the way cost time, never an event; what the end of the world cuts off is no loss."""
    faults = Faults(
        duplicate=0.1, delay=0.1, reorder=0.1, drop=0.2, truncate=0.1, corrupt=0.1, skew=0.2, flap=0.2
    )
    rendered = render(make_world(6, 40, 3), faults)
    got = {(line["hub"], line["event"]["id"]) for line in decoded(rendered) if "event" in line}
    ends = {outage.hub for outage in rendered.truth.outages if outage.end is None}
    soon = rendered.truth.world.until - timedelta(hours=1)
    for said in rendered.truth.said:
        assert ((said.hub, said.id) in got) == (said.received_at is not None)
        late = any(
            outage.hub == said.hub and (outage.end or soon) >= soon for outage in rendered.truth.outages
        )
        assert said.received_at is not None or said.hub in ends or late or said.happened > soon


def test_nothing_is_received_while_the_line_is_down_but_the_will() -> None:
    """A cut line says one thing, through the broker: that it is gone."""
    world = make_world(9, 40, 3)
    rendered = render(world)
    outages = [outage for outage in rendered.truth.outages if outage.end is not None]
    assert outages
    for outage in outages:
        assert outage.end is not None
        within = [
            line
            for line in decoded(rendered)
            if line["hub"] == outage.hub and outage.begin + timedelta(seconds=1) < when(line) < outage.end
        ]
        assert [line.get("status") for line in within] == [{"online": False}] * len(within)
        assert len(within) <= 1


def test_a_heartbeat_after_an_outage_names_what_was_kept_and_then_that_all_is_told() -> None:
    """The home says how much it owes, tells it, and says at once that it has (domain/visits.md §6)."""
    rendered = render(make_world(10, 60, 4), Faults(flap=0.1))
    beats = [
        (line["hub"], when(line), line["event"]["data"]["queued"])
        for line in decoded(rendered)
        if line.get("event", {}).get("type") == "heartbeat"
    ]
    owing = [beat for beat in beats if beat[2] > 0]
    assert owing
    for hub, at, _ in owing:
        after = [queued for other, then, queued in beats if other == hub and at < then < at + EVERY / 2]
        assert after
        assert after[-1] == 0


def test_a_skewed_home_says_another_time_than_it_is() -> None:
    """All of what a home with a wrong clock says is off by the same hour."""
    rendered = render(make_world(3, 30, 1), Faults(skew=0.5))
    by_hub: dict[str, set[timedelta]] = {}
    for said in rendered.truth.said:
        by_hub.setdefault(said.hub, set()).add(said.at - said.happened)
    assert {len(off) for off in by_hub.values()} == {1}
    assert {abs(next(iter(off))) for off in by_hub.values()} == {timedelta(0), timedelta(hours=1)}


def test_homes_that_are_spared_see_no_fault() -> None:
    """With no share of homes there is no fault at all."""
    world = make_world(3, 10, 1)
    spared = render(world, Faults(duplicate=1, delay=1, drop=1, truncate=1, skew=1, flap=1, homes=0))
    assert spared.lines == render(world).lines


def test_the_truth_is_read_back_as_it_was_written(tmp_path: Any) -> None:
    """A score on another day sees the same truth."""
    truth = render(make_world(3, 10, 1)).truth
    write_truth(truth, tmp_path / "truth.jsonl")
    assert read_truth(tmp_path / "truth.jsonl") == truth


@pytest.mark.parametrize("text", ["nonsense\n", '{"fact":"world","seed":1}\n', '{"fact":"outage"}\n', ""])
def test_a_damaged_truth_is_one_sentence(tmp_path: Any, text: str) -> None:
    """It names the file, and the line where there is one."""
    path = tmp_path / "truth.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"truth\.jsonl:"):
        read_truth(path)


@pytest.mark.parametrize("pair", ["drop", "drop=2", "drop=much", "storm=0.1", "drop=nan"])
def test_a_fault_that_is_none_is_refused(pair: str) -> None:
    """With what there is."""
    with pytest.raises(ValueError, match=pair.partition("=")[0]):
        parse_faults([pair])


def test_faults_are_told_by_name() -> None:
    """NAME=SHARE, several times."""
    assert parse_faults(["drop=0.1", "flap=1", "homes=0.5"]) == Faults(drop=0.1, flap=1.0, homes=0.5)


def test_a_truth_without_a_platform_has_nothing_said() -> None:
    """Only a rendering knows what was received; the world itself does not."""
    assert isinstance(make_world(1, 1, 1).truth, Truth)
    assert make_world(1, 1, 1).truth.said == ()
