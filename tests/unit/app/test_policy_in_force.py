"""The policy that the service runs by."""

from pathlib import Path

import pytest

from app.errors import Fault
from app.roles import policy_of
from app.settings import Settings, load_settings


def settings(file: Path, factor: str) -> Settings:
    file.write_text(f"silence_factor = {factor}\n")
    return load_settings(policy=file)


def test_a_silence_that_the_service_keeps_no_gaps_for_is_refused(tmp_path: Path) -> None:
    """A factor below that of kept gaps would mean one thing live and another in a backtest."""
    with pytest.raises(Fault, match=r"silence_factor is below 1\.25.*backtest") as refused:
        policy_of(settings(tmp_path / "p.toml", "1.2"))
    assert "\n" not in str(refused.value)


def test_the_smallest_silence_that_can_be_held_is_taken(tmp_path: Path) -> None:
    """Gaps are kept beyond exactly that factor."""
    assert policy_of(settings(tmp_path / "p.toml", "1.25")).silence_factor == 1.25
