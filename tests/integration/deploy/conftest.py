"""The broker as its container runs it."""

from pathlib import Path

import pytest

from tests.integration.deploy.container import Container


@pytest.fixture
def container(tmp_path: Path) -> Container:
    """A container that was never started."""
    return Container(tmp_path / "mosquitto")
