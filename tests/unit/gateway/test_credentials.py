"""Hub passwords as Mosquitto keeps them."""

import pytest

from gateway.credentials import (
    can_be_account,
    new_password,
    password_hash,
    verifies,
    with_account,
    without_account,
)

MADE_BY_MOSQUITTO = "$7$101$Gooune/dBGPgyglU$" + (
    "IP2IuDMXJCoMZBGYL6lmihVeXkWPOSkslydpkqG9SOMc+k7O2sDRFwL9ixR/TZcIwBwU8X4yk+9Ph4p0wEydoA=="
)


def test_a_hash_that_mosquitto_passwd_made_verifies() -> None:
    """Our reading of the format is Mosquitto's: its own hash of `secret` fits, and of nothing else."""
    assert verifies("secret", MADE_BY_MOSQUITTO)
    assert not verifies("Secret", MADE_BY_MOSQUITTO)


def test_our_hashes_verify_and_differ() -> None:
    """One password hashed twice has two salts, and both fit."""
    password = new_password()
    first, second = password_hash(password), password_hash(password)
    assert first != second
    assert verifies(password, first)
    assert verifies(password, second)
    assert len({new_password() for _ in range(100)}) == 100


@pytest.mark.parametrize("kept", ["", "plain", "$6$salt$hash", "$7$x$y$z", "$7$101$***$***", "$7$101$AAAA"])
def test_what_is_no_hash_fits_nothing(kept: str) -> None:
    """A damaged line refuses every password instead of raising."""
    assert not verifies("secret", kept)


def test_a_file_keeps_everybody_elses_lines() -> None:
    """Enrolling replaces one line, revoking removes it, and the others stay to the byte."""
    lines = "gateway:$7$1\n# a remark\nhub-1:old\n"
    enrolled = with_account(lines, "hub-1", "new")
    assert enrolled == "gateway:$7$1\n# a remark\nhub-1:new\n"
    assert without_account(enrolled, "hub-1") == "gateway:$7$1\n# a remark\n"
    assert without_account(enrolled, "hub") == enrolled
    assert with_account("no newline:x", "hub", "y") == "no newline:x\nhub:y\n"


@pytest.mark.parametrize(("hub", "can"), [("hub-12", True), ("Häuschen 3", True), ("", False), (" a", False),
    ("a:b", False), ("+", False), ("a/b", False), ("#", False), ("a\nb:c", False),
    ("threshold-gateway", False), ("threshold-monitor", False)])  # fmt: skip
def test_ids_that_would_mean_something_else_to_the_broker(hub: str, can: bool) -> None:
    """An id with a separator of the password file or of topics is no account."""
    assert can_be_account(hub) is can
