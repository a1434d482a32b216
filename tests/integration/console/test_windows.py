"""Windows of tests and suppression on their page: who sees, opens and ends them, and what is refused how."""

import re
from datetime import datetime
from typing import Any

import pytest

from tests.integration.console.conftest import Screen

OPENED = {
    "sort": "scheme",
    "place": "elm-court",
    "reason": "scheme_works",
    "begins": "2027-06-01T09:00",
    "ends": "2027-06-01T17:30",
    "note": "the lift",
}


async def windows(screen: Screen) -> list[dict[str, Any]]:
    """What was opened here, oldest first; the estate has one that is over."""
    async with screen.pool.connection() as conn:
        cursor = await conn.execute("SELECT * FROM suppression WHERE id > 1 ORDER BY id")
        return await cursor.fetchall()


@pytest.mark.parametrize("who", ["operator", "engineer"])
async def test_a_window_is_opened_at_wall_times_of_its_place_shown_and_ended(
    screen: Screen, who: str
) -> None:
    """Nine on a summer's morning is eight in UTC; the page shows nine; ended, it is gone."""
    word = await screen.sign_in(who)
    answer = await screen.client.post("/windows", data={**OPENED, "csrf": word})
    assert (answer.status_code, answer.headers["location"]) == (303, "/windows")
    (opened,) = await windows(screen)
    assert (opened["scheme"], opened["reason"], opened["note"]) == ("elm-court", "scheme_works", "the lift")
    assert opened["from_at"] == datetime.fromisoformat("2027-06-01T08:00+00:00")
    assert opened["until_at"] == datetime.fromisoformat("2027-06-01T16:30+00:00")
    assert opened["created_by"] == f"{who} in tests"
    page = (await screen.client.get("/windows")).text
    for words in (
        "to come",
        "Works",
        "scheme elm-court",
        "1 Jun 09:00",
        "1 Jun 17:30",
        "the lift",
        f"opened by {who}",
    ):
        assert words in page, words
    ended = await screen.client.post(f"/windows/{opened['id']}/end", data={"csrf": word})
    assert (ended.status_code, ended.headers["location"]) == (303, "/windows")
    assert "None: everything is raised." in (await screen.client.get("/windows")).text
    again = await screen.client.post(f"/windows/{opened['id']}/end", data={"csrf": word})
    assert again.status_code == 409
    assert "It is over already" in again.text


async def test_without_a_beginning_it_holds_from_now(screen: Screen) -> None:
    """And the unit's own page leads to a form that is filled in for it."""
    word = await screen.sign_in("engineer")
    link = re.search(r'href="(/windows\?[^"]+)"', (await screen.client.get("/homes/hub-12")).text)
    assert link is not None
    form = (await screen.client.get(link[1].replace("&amp;", "&"))).text
    assert '<details class="panel" open>' in form
    assert 'name="place" value="hub-12"' in form
    said = {"sort": "hub", "place": " hub-12 ", "reason": "test", "ends": "2026-11-21T10:00", "csrf": word}
    assert (await screen.client.post("/windows", data=said)).status_code == 303
    (opened,) = await windows(screen)
    assert (opened["hub_id"], opened["from_at"]) == ("hub-12", screen.clock())
    assert ">now</span>" in (await screen.client.get("/windows")).text


@pytest.mark.parametrize(
    ("wrong", "status", "field", "words"),
    [
        ({"place": " "}, 422, "place", "Say where"),
        ({"place": "oak-court"}, 404, "place", "not yours to see"),
        ({"sort": "hub", "place": "<b>"}, 404, "place", "not yours to see"),
        ({"reason": ""}, 422, "reason", "Choose what it is for."),
        ({"reason": "holiday"}, 422, "reason", "Choose what it is for."),
        ({"reason": "test"}, 422, "place", "A test is of one unit"),
        ({"reason": "away"}, 422, "place", "of a resident or a dwelling"),
        ({"ends": ""}, 422, "ends", "Say when it ends"),
        ({"ends": "2027-06-01T09:00"}, 422, "ends", "a window ends after it begins"),
        ({"begins": "", "ends": "2026-11-21T09:00"}, 422, "ends", "later than now"),
        ({"ends": "2027-06-08T09:01"}, 422, "ends", "168 hours at most"),
        ({"ends": "2027-06-31T09:00"}, 422, "form", "is no date and time"),
    ],
)
async def test_what_is_refused_is_said_beside_its_field_and_what_was_typed_stays(
    screen: Screen, wrong: dict[str, str], status: int, field: str, words: str
) -> None:
    """One sentence, tied to the field for those who hear the page; no window is opened."""
    word = await screen.sign_in("operator")
    answer = await screen.client.post("/windows", data={**OPENED, **wrong, "csrf": word})
    assert answer.status_code == status
    assert re.search(rf'id="fault" role="alert">[^<]*{re.escape(words)}', answer.text), answer.text
    marked = re.findall(r'name="(\w+)"[^>]*aria-invalid', answer.text)
    assert marked == ([] if field == "form" else [field])
    assert "the lift" in answer.text
    assert "<b>" not in answer.text
    assert await windows(screen) == []


async def test_a_window_of_the_longest_length_is_not_too_long(screen: Screen) -> None:
    """Seven days of works, to the minute."""
    word = await screen.sign_in("operator")
    said = {**OPENED, "ends": "2027-06-08T09:00", "csrf": word}
    assert (await screen.client.post("/windows", data=said)).status_code == 303


async def test_a_home_in_which_others_live_is_not_held_back_as_empty(screen: Screen) -> None:
    """The refusal stands beside the place."""
    async with screen.pool.connection() as conn:
        await conn.execute(
            "INSERT INTO resident (id, dwelling_id, name, monitoring_centre_id)"
            " VALUES ('eve', 'elm-12', 'Eve Byrne', 'northgate')"
        )
    word = await screen.sign_in("operator")
    said = {**OPENED, "sort": "resident", "place": "ada", "reason": "hospital", "csrf": word}
    answer = await screen.client.post("/windows", data=said)
    assert answer.status_code == 409
    assert "others live there too" in answer.text
    assert await windows(screen) == []


async def test_who_may_not_open_a_window_sees_no_form_and_is_refused(screen: Screen) -> None:
    """An administrator reads; a care manager and a housing officer do neither; the rule is the API's."""
    word = await screen.sign_in("administrator")
    page = await screen.client.get("/windows")
    assert page.status_code == 200
    assert "Open a window" not in page.text
    for who, reads in (("administrator", 200), ("care_manager", 403), ("housing_officer", 403)):
        word = await screen.sign_in(who)
        assert (await screen.client.get("/windows")).status_code == reads, who
        assert (await screen.client.post("/windows", data={**OPENED, "csrf": word})).status_code == 403, who
        assert ('href="/windows"' in (await screen.client.get("/")).text) is (reads == 200), who
    assert await windows(screen) == []
