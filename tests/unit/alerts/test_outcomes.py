"""The lists of outcomes, and the page that shows them."""

import re
from pathlib import Path

import pytest

from alerts.model import Role
from alerts.outcomes import STOOD_DOWN, outcomes_for, words_for

PAGE = Path(__file__).parents[3] / "docs" / "alerts.md"
COLUMNS = {Role.MONITORING_CENTRE: 0, Role.CARE_PROVIDER: 1, Role.LANDLORD: 2}

DOMAIN = (
    "fall, lifted · fall, ambulance · illness · reassurance · carer needed · accidental · test · sensor fault"
    " · cooking smoke · no reply, attended, well · no reply, found unwell · deceased · police · fire service"
    " · door access given · wrong person · engineer booked · power cut · duplicate · handed over"
)


def test_operators_have_the_outcomes_of_the_domain() -> None:
    """Word for word and in its order (domain/alarms.md §2)."""
    assert list(outcomes_for(Role.MONITORING_CENTRE).values()) == DOMAIN.split(" · ")


@pytest.mark.parametrize("role", COLUMNS)
def test_the_page_shows_what_may_be_chosen(role: Role) -> None:
    """docs/alerts.md has each party's list, code and words."""
    table = PAGE.read_text(encoding="utf-8").split("### Outcomes")[1].split("`stood_down`")[0]
    found = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        pair = cells[COLUMNS[role] * 2 : COLUMNS[role] * 2 + 2]
        if len(pair) == 2 and re.fullmatch(r"`\w+`", pair[0]):
            found[pair[0].strip("`")] = pair[1]
    assert found == dict(outcomes_for(role))


def test_standing_down_is_nobodys_choice() -> None:
    """It is in no list, and has words all the same."""
    assert all(STOOD_DOWN not in outcomes_for(role) for role in Role)
    assert words_for(Role.LANDLORD, STOOD_DOWN) == "stood down"


def test_an_outcome_of_another_time_is_shown_as_it_was() -> None:
    """A list that has changed does not hide what was chosen."""
    assert words_for(Role.LANDLORD, "gas_engineer_sent") == "gas engineer sent"
