"""What acceptance tests share."""

from pathlib import Path

import pytest

from tests.acceptance.backtest_case import Case


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """An empty case: Ada's visit at eight, and nothing heard."""
    return Case(tmp_path)
