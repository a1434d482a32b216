"""Windows of tests and suppression through the API."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import House

A = "/api/v1"


async def opens(house: House, who: str = "operator", **body: Any) -> Any:
    """The answer to opening a window."""
    return await (await house.as_(who)).post(f"{A}/suppressions", json=body)


async def test_a_window_in_wall_time_is_of_the_place(house: House) -> None:
    """Nine in the morning of a summer's day is eight in UTC; it is listed until it ends."""
    house.clock.advance(days=180)
    day = house.clock().date().isoformat()
    answer = await opens(
        house,
        reason="scheme_works",
        scheme="elm-court",
        from_local=f"{day}T23:00",
        until_local=f"{day}T23:30",
        note="lift",
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["from"], made["until"]) == (f"{day}T22:00:00Z", f"{day}T22:30:00Z")
    assert (made["scheme"], made["reason"], made["note"], made["ended_by"]) == (
        "elm-court",
        "scheme_works",
        "lift",
        None,
    )
    client = await house.as_("engineer")
    assert made in (await client.get(f"{A}/suppressions")).json()["items"]
    house.clock.advance(days=2)
    assert made not in (await client.get(f"{A}/suppressions")).json()["items"]
    assert made in (await client.get(f"{A}/suppressions?ended=true")).json()["items"]


async def test_a_test_window_is_opened_and_ended_by_an_engineer(house: House) -> None:
    """Ended once; the second time it is over."""
    client = await house.as_("engineer")
    made = (await client.post(f"{A}/hubs/hub-12/test-window")).json()
    assert (made["reason"], made["hub"]) == ("test", "hub-12")
    house.clock.advance(minutes=1)
    ended = await client.post(f"{A}/suppressions/{made['id']}/end")
    assert ended.json()["ended_by"] is not None
    assert (await client.post(f"{A}/suppressions/{made['id']}/end")).status_code == 409


async def test_a_window_ended_before_it_began_is_over(house: House) -> None:
    """It is listed among the ended ones alone, and cannot be ended again."""
    client = await house.as_("engineer")
    day = house.clock().date() + timedelta(days=7)
    said = {"from_local": f"{day}T09:00", "until_local": f"{day}T17:00"}
    made = (await opens(house, "engineer", reason="scheme_works", scheme="elm-court", **said)).json()
    assert (await client.post(f"{A}/suppressions/{made['id']}/end")).json()["until"] == made["from"]
    assert (await client.get(f"{A}/suppressions")).json()["items"] == []
    assert (await client.get(f"{A}/suppressions?ended=true")).json()["items"][0]["id"] == made["id"]
    assert (await client.post(f"{A}/suppressions/{made['id']}/end")).status_code == 409


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"reason": "away", "dwelling": "elm-12"}, 422, "say when it ends"),
        ({"reason": "away", "until_local": "2026-12-24T09:00"}, 422, "name one place"),
        (
            {"reason": "away", "dwelling": "elm-12", "hub": "hub-12", "until_local": "2026-12-24T09:00"},
            422,
            "one",
        ),
        ({"reason": "away", "hub": "hub-12", "until_local": "2026-12-24T09:00"}, 422, "of a resident"),
        ({"reason": "away", "dwelling": "elm-12", "until_local": "2026-13-24T09:00"}, 422, "until_local"),
        ({"reason": "away", "dwelling": "elm-12", "until": "2026-12-24T09:00:00"}, 422, "offset"),
        ({"reason": "away", "dwelling": "elm-12", "until_local": "2020-12-24T09:00"}, 422, "later than now"),
        ({"reason": "away", "dwelling": "elm-12", "until_local": "2036-12-24T09:00"}, 422, "hours at most"),
        ({"reason": "holiday", "dwelling": "elm-12", "until_local": "2026-12-24T09:00"}, 422, "reason"),
        ({"reason": "away", "dwelling": "oak-3", "until_local": "2026-12-24T09:00"}, 404, "not yours"),
        ({"reason": "away", "scheme": "nowhere", "until_local": "2026-12-24T09:00"}, 404, "not yours"),
    ],
)
async def test_a_window_that_cannot_be_is_refused_in_a_sentence(
    house: House, body: dict[str, Any], status: int, words: str
) -> None:
    """And none is opened."""
    answer = await opens(house, **body)
    assert answer.status_code == status, answer.text
    assert words in answer.text
    listed = await (await house.as_("operator")).get(f"{A}/suppressions?ended=true")
    assert [item["id"] for item in listed.json()["items"]] == [1]
