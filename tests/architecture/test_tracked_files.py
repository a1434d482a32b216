"""What is in the repository could be anybody's."""

import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import PROJECT, tracked_files

# Put together from parts, so that this file does not contain what it looks for.
REGISTRIES = ["py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js", "deb.deb" + "ian.org"]
PATHS = [r"/wo" + r"rk/", r"/ro" + r"ot/", r"/ho" + r"me/[a-z]", r"/opt/whe" + r"els", r"/opt/py" + r"pi"]
UNFINISHED = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]


def _lines_with(pattern: str) -> Iterator[str]:
    wanted = re.compile(pattern)
    for path in tracked_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a picture
        for number, line in enumerate(lines, 1):
            if wanted.search(line):
                yield f"{path.relative_to(PROJECT)}:{number}: {line.strip()[:100]}"


@pytest.mark.parametrize("host", REGISTRIES)
def test_no_registry_is_named(host: str) -> None:
    """Where packages come from is the machine's own configuration."""
    assert list(_lines_with(re.escape(host))) == []


@pytest.mark.parametrize("place", PATHS)
def test_no_machine_is_named(place: str) -> None:
    """No path of the machine that somebody worked on got in."""
    assert list(_lines_with(rf"(?<![\w.]){place}")) == []


@pytest.mark.parametrize("mark", UNFINISHED)
def test_nothing_is_left_for_later(mark: str) -> None:
    """No note marks work that was not done."""
    assert list(_lines_with(rf"\b{mark}\b")) == []


def test_the_lock_names_no_place() -> None:
    """The lock pins and hashes; it tells nobody where to fetch."""
    lock = (PROJECT / "requirements.lock").read_text()
    assert re.findall(r".*(?:://|--index|--extra-index|--find-links).*", lock) == []
    pinned = re.findall(r"^[a-z0-9][^=\s]*==\S+", lock, re.MULTILINE)
    assert len(pinned) > 50
    entries = re.split(r"\n(?=[a-z0-9])", lock)
    assert [entry.split()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


def test_no_secret_is_in_the_compose_file() -> None:
    """Passwords come from the environment."""
    compose = (PROJECT / "docker-compose.yml").read_text()
    assert (
        re.findall(r"(?i)^.*(?:password|secret)\w*\s*[:=]\s*(?!\S*\$\{)[\"']?[\w-]{4,}.*$", compose, re.M)
        == []
    )
