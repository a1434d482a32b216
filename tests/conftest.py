"""Fixtures for every test, and the rule that unit tests touch no network."""

import os
from pathlib import Path

import pytest

pytest_plugins = [
    "tests.support.chromium",
    "tests.support.clock",
    "tests.support.mosquitto",
    "tests.support.postgres",
    "tests.acceptance.screens",
    "tests.support.proxy",
    "tests.support.smtp",
    "tests.support.webhook",
]

UNIT = Path(__file__).parent / "unit"
ACCEPTANCE = Path(__file__).parent / "acceptance"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests run with sockets blocked: one that needs a server is an integration test.

    Of the acceptance tests one runs at a time, however many workers there are: each is a whole system, and
    two of them beside each other would measure the machine.
    """
    for item in items:
        if UNIT in item.path.parents:
            item.add_marker(pytest.mark.disable_socket)
        if ACCEPTANCE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("whole system"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI nothing is skipped: what cannot run there has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("CI=true: a skipped test is a failed one", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
