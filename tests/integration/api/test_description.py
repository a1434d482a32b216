"""docs/api.md and the console's page keep up with the routes."""

import re
from pathlib import Path

from care.reasons import CANCEL, SUSPEND, VERIFY
from tests.integration.api.conftest import House

DOCS = Path(__file__).resolve().parents[3] / "docs"


async def test_every_call_is_described_and_none_that_there_is_not(house: House) -> None:
    """The table of docs/api.md has a row for each call of the application, and only those."""
    paths = house.app.openapi()["paths"]
    served = {f"{verb.upper()} {path}" for path, verbs in paths.items() for verb in verbs}
    told = set(
        re.findall(r"^\| `((?:GET|POST) [^`]+)` \|", (DOCS / "api.md").read_text("utf-8"), re.MULTILINE)
    )
    assert told == served


def test_every_reason_is_described() -> None:
    """Whoever verifies, cancels or suspends finds the words that are taken."""
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    for reason in (*VERIFY, *CANCEL, *SUSPEND):
        assert f"`{reason}`" in page, reason
