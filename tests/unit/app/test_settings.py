"""Settings from the environment and a file."""

from datetime import timedelta
from pathlib import Path

import pytest

from app.errors import Fault
from app.settings import load_settings


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("THRESHOLD_")]:
        monkeypatch.delenv(name)


def test_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in both comes from the environment; the file's other keys of the same group stand."""
    file = tmp_path / "threshold.toml"
    file.write_text('mqtt_url = "mqtt://file:1"\n[smtp]\nhost = "file.example"\nport = 2525\n')
    monkeypatch.setenv("THRESHOLD_MQTT_URL", "mqtt://env:1")
    monkeypatch.setenv("THRESHOLD_SMTP__HOST", "env.example")
    settings = load_settings(file)
    assert (settings.broker, settings.smtp.host, settings.smtp.port) == ("mqtt://env:1", "env.example", 2525)


def test_durations_are_iso_8601(monkeypatch: pytest.MonkeyPatch) -> None:
    """`PT20S` is twenty seconds."""
    monkeypatch.setenv("THRESHOLD_SWEEP__CARE", "PT20S")
    assert load_settings().sweep.care == timedelta(seconds=20)


def test_unknown_keys_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting of a later version does not stop an earlier one."""
    file = tmp_path / "threshold.toml"
    file.write_text('new = 1\n[smtp]\nnewer = "x"\n')
    monkeypatch.setenv("THRESHOLD_NEWEST", "1")
    assert load_settings(file).smtp.port == 587


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("THRESHOLD_API__PORT", "high", "setting api.port: "),
        ("THRESHOLD_API__PORT", "70000", "setting api.port: "),
        ("THRESHOLD_SWEEP__CARE", "PT0S", "setting sweep.care: "),
        ("THRESHOLD_SMTP__SECURITY", "ssl", "setting smtp.security: "),
    ],
)
def test_mistake_is_named(name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that cannot be is a fault with the setting's name."""
    monkeypatch.setenv(name, value)
    with pytest.raises(Fault, match=words):
        load_settings()


def test_secrets_are_not_repeated_in_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault elsewhere does not print the database's password."""
    monkeypatch.setenv("THRESHOLD_DATABASE_URL", "postgresql://u:canary@h/d")
    monkeypatch.setenv("THRESHOLD_API__PORT", "high")
    with pytest.raises(Fault) as caught:
        load_settings()
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"), [(None, "no such configuration file"), ("a = = 1", "threshold.toml: ")]
)
def test_unreadable_file_is_named(text: str | None, words: str, tmp_path: Path) -> None:
    """A file that is missing or no TOML is a fault with its name."""
    file = tmp_path / "threshold.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(Fault, match=words):
        load_settings(file)


def test_missing_servers_are_named() -> None:
    """Without a database or broker the fault says which setting to give."""
    with pytest.raises(Fault, match="THRESHOLD_DATABASE_URL"):
        _ = load_settings().database
    with pytest.raises(Fault, match="THRESHOLD_MQTT_URL"):
        _ = load_settings().broker
