"""Alerts as each party may see them."""

from tests.integration.api.conftest import House


async def test_landlord_sees_the_dwelling_and_the_other_party_and_never_the_visit(house: House) -> None:
    """A landlord reads its own duty in full, the provider as organisation and state, nothing of the visit."""
    client = await house.as_("housing_officer")
    alert = (await client.get("/api/v1/alerts/1")).json()
    assert alert["dwelling"]["address"] == "Flat 12, Elm Court"
    assert alert["duty"]["acknowledged_by"] == "Hugh"
    assert alert["reason"] == "A planned care visit was not made. Please check on the resident."
    assert {(party["organisation"]["name"], party["state"]) for party in alert["others"]} == {
        ("BrightCare", "open"),
        ("Northgate Lifeline", "open"),
    }
    assert alert["visit_ref"] is None
    assert alert["resident"] is None
    assert alert["data"] == {}
    text = str(alert)
    assert "pkg-ada" not in text
    assert "Joy" not in text
    assert "Ada" not in text
