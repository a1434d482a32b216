"""Whom to approach about an alert, as of today (domain/joint_work.md)."""

from db.pool import Pool
from tests.integration.api.conftest import House

ALERT = "/api/v1/alerts/1"


async def approached(house: House, who: str) -> list[tuple[str, str, bool]]:
    """Organisation, name and whether it is the deputy, of every link person on the alert."""
    shown = (await (await house.as_(who)).get(ALERT)).json()["links"]
    return [(link["organisation"], link["name"], link["is_deputy"]) for link in shown]


async def test_an_alert_shows_the_other_parties_link_person_of_today(house: House, pool: Pool) -> None:
    """The deputy on the days that the person is away; nobody is shown their own."""
    assert await approached(house, "care_manager") == [("elm-housing", "Pat Reed", False)]
    assert await approached(house, "operator") == [("elm-housing", "Pat Reed", False)]
    assert await approached(house, "housing_officer") == []
    today = house.clock().date()
    async with pool.connection() as conn:
        await conn.execute(
            "UPDATE link_person SET away = jsonb_build_array(jsonb_build_array(%s::text, %s::text))",
            (today.isoformat(), today.isoformat()),
        )
    assert await approached(house, "care_manager") == [("elm-housing", "Sam Low", True)]
    house.clock.advance(days=1)
    assert await approached(house, "care_manager") == [("elm-housing", "Pat Reed", False)]


async def test_a_provider_does_not_learn_of_another_through_link_persons(house: House, pool: Pool) -> None:
    """Only parties of the alert are shown; the operator sees everybody who has one for the scheme."""
    async with pool.connection() as conn:
        await conn.execute("INSERT INTO organisation VALUES ('kin', 'care_provider', 'Kin')")
        await conn.execute(
            "INSERT INTO link_person VALUES ('kin', 'elm-court', '{\"name\": \"Ivy\"}', NULL, '[]')"
        )
    assert [name for name, *_ in await approached(house, "care_manager")] == ["elm-housing"]
    assert [name for name, *_ in await approached(house, "operator")] == ["elm-housing", "kin"]
