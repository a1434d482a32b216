"""The clock of a simulation, and who may have it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.clock import clock_of, system_clock
from app.errors import Fault
from app.loops import Loop, schedule_ticks
from app.roles import SHORTEST_TICK, paced
from app.settings import ClockSettings, SweepSettings

MORNING = datetime(2026, 11, 2, 6, tzinfo=UTC)


def test_without_a_word_it_is_the_wall_clock() -> None:
    """Production reads the time from the machine and from nowhere else."""
    assert clock_of(ClockSettings()) is system_clock  # type: ignore[call-arg]


def test_a_simulated_clock_shows_what_it_is_told_and_hurries() -> None:
    """An hour and a little more after a true moment a clock of speed two shows two hours later."""
    since = system_clock() - timedelta(hours=1)
    clock = clock_of(ClockSettings(speed=2, since=since, shows=MORNING))
    assert timedelta(hours=2) <= clock() - MORNING < timedelta(hours=2, minutes=5)
    assert timedelta(hours=1) <= clock_of(ClockSettings(speed=2, since=since, shows=None))() - system_clock()


@pytest.mark.parametrize("setting", [("SPEED", "60"), ("SHOWS", "2026-11-02T06:00:00+00:00")])
def test_the_service_of_real_homes_refuses_another_clock(
    setting: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `--embedded` it ends at once with one line that says why."""
    name, value = setting
    monkeypatch.setenv("THRESHOLD_DATABASE_URL", "postgresql://nowhere.invalid/threshold")
    monkeypatch.setenv(f"THRESHOLD_CLOCK__{name}", value)
    result = CliRunner().invoke(cli, ["run"])
    assert isinstance(result.exception, Fault)
    assert str(result.exception) == (
        "another clock (clock.speed, clock.shows) is for simulations: use --embedded DIR"
    )


@pytest.mark.parametrize("value", ["0.5", "1001", "fast"])
def test_a_speed_that_cannot_be_is_refused_by_name(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From real time to a thousand times faster."""
    monkeypatch.setenv("THRESHOLD_CLOCK__SPEED", value)
    result = CliRunner().invoke(cli, ["run", "--embedded", str(Path("nowhere"))])
    assert str(result.exception).startswith("setting clock.speed: ")


def test_sweeps_follow_the_clock_as_far_as_a_machine_can() -> None:
    """Ticks come as many times sooner as the clock runs faster, but never more than five a second."""
    every = SweepSettings()  # type: ignore[call-arg]
    assert paced(every, 1) == every
    hurried = paced(every, 100)
    assert hurried.care == 100 * SHORTEST_TICK
    assert hurried.horizon == every.horizon

    async def nothing() -> int:
        return 0

    loops = [Loop("care", hurried.care, nothing), Loop("horizon", hurried.horizon, nothing)]
    intervals = {job.id: job.trigger.interval for job in schedule_ticks(loops, 100).get_jobs()}
    assert intervals == {"care": SHORTEST_TICK, "horizon": every.horizon / 100}
