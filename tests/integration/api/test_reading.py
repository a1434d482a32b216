"""What the API tells: alerts, visits, events, timelines and hubs, page by page."""

from datetime import timedelta

import httpx

from db.pool import Pool
from tests.integration.api import world
from tests.integration.api.conftest import House

A = "/api/v1"


async def every_page(client: httpx.AsyncClient, path: str, limit: int) -> list[dict[str, object]]:
    """All items of a list, page by page."""
    items: list[dict[str, object]] = []
    cursor = None
    while True:
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(A + path, params=query)).json()
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


async def test_landlord_sees_the_dwelling_and_the_other_party_and_never_the_visit(house: House) -> None:
    """A landlord reads its own duty in full, the provider as organisation and state, nothing of the visit."""
    client = await house.as_("housing_officer")
    alert = (await client.get(f"{A}/alerts/1")).json()
    assert alert["dwelling"]["address"] == "Flat 12, Elm Court"
    assert alert["duty"]["acknowledged_by"] == "Hugh"
    assert alert["reason"] == "A planned care visit was not made. Please check on the resident."
    assert {(party["organisation"]["name"], party["state"]) for party in alert["others"]} == {
        ("BrightCare", "open"),
        ("Northgate Lifeline", "open"),
    }
    assert (alert["visit_ref"], alert["resident"], alert["data"]) == (None, None, {})
    for word in ("pkg-ada", "Joy", "Ada", "essential"):
        assert word not in str(alert)


async def test_the_provider_sees_the_landlords_answer_as_state_and_time_alone(house: House) -> None:
    """BrightCare learns that housing acknowledged at 08:07, and neither who nor what was noted."""
    client = await house.as_("care_manager")
    alert = (await client.get(f"{A}/alerts/1")).json()
    housing = next(party for party in alert["others"] if party["role"] == "landlord")
    assert housing == {
        "organisation": {"id": "elm-housing", "name": "Elm Housing"},
        "role": "landlord",
        "state": "acknowledged",
        "since": "2026-11-21T08:07:00Z",
    }
    assert "Hugh" not in str(alert)
    assert "on my way" not in str(alert)
    assert [delivery["contact"] for delivery in alert["deliveries"]] == ["On-call coordinator"]
    assert [entry["what"] for entry in alert["history"]] == ["raised", "step"]


async def test_an_operator_sees_who_and_the_evidence_and_an_engineer_the_unit_alone(house: House) -> None:
    """The pendant's press is evidence for the operator; the engineer's battery names no resident."""
    pendant = (await (await house.as_("operator")).get(f"{A}/alerts/2")).json()
    assert pendant["resident"]["name"] == "Ada Byrne"
    assert [press["type"] for press in pendant["evidence"]] == ["alarm.pendant"]
    engineers = (await (await house.as_("engineer")).get(f"{A}/alerts")).json()["items"]
    assert [(alert["id"], alert["resident"], alert["hub"]) for alert in engineers] == [(3, None, "hub-12")]


async def test_alerts_are_filtered_by_state_kind_since_and_dwelling(house: House) -> None:
    """Each filter of the contract narrows the list to what it says."""
    client = await house.as_("operator")
    for query, expected in (
        ("", [3, 2, 1]),
        ("?state=open", [3, 2, 1]),
        ("?state=closed", []),
        ("?kind=alarm.pendant", [2]),
        ("?since=2026-11-21T08:42:00Z", [3, 2]),
        ("?since=2026-11-21T09:42:00%2B01:00", [3, 2]),
        ("?since=2026-11-21T09:42:00+01:00", [3, 2]),
        ("?dwelling=elm-12", [3, 2, 1]),
        ("?dwelling=oak-3", []),
    ):
        items = (await client.get(f"{A}/alerts{query}")).json()["items"]
        assert [alert["id"] for alert in items] == expected, query


async def test_pages_do_not_move_when_new_alerts_come(house: House, pool: Pool) -> None:
    """What is raised while somebody reads page by page neither repeats an item nor hides one."""
    client = await house.as_("operator")
    first = (await client.get(f"{A}/alerts?limit=2")).json()
    async with pool.connection() as conn:
        await conn.execute(
            """WITH new AS (
                   INSERT INTO alert (kind, priority, dedupe_key, raised_at, noticed_at, reason)
                   SELECT 'alarm.fall', 1, 'n' || n, moment, moment, 'A fall.'
                   FROM generate_series(1, 5) AS n, (VALUES (timestamptz '2026-11-21T08:50Z')) AS at (moment)
                   RETURNING id, raised_at)
               INSERT INTO duty (alert_id, organisation_id, role, priority, raised_at, ladder, step_from)
               SELECT id, 'northgate', 'monitoring_centre', 1, raised_at, 'alarm.1', raised_at FROM new"""
        )
    second = (await client.get(f"{A}/alerts", params={"limit": 2, "cursor": first["next"]})).json()
    assert [alert["id"] for alert in first["items"] + second["items"]] == [3, 2, 1]
    assert second["next"] is None
    everything = await every_page(client, "/alerts", 3)
    assert len({str(alert["id"]) for alert in everything}) == len(everything) == 8


async def test_a_visit_is_told_with_its_evidence_verdicts_and_what_people_said(house: House) -> None:
    """A care manager sees strong evidence of its own carers, an operator weak evidence too; nobody a PIN."""
    path = f"{A}/visits/{world.ADAS}"
    care = (await (await house.as_("care_manager")).get(path)).json()
    assert care["carers"] == [{"id": "joy", "name": "Joy Okafor"}]
    assert [item["type"] for item in care["evidence"]] == ["carer.arrived"]
    assert care["evidence"][0]["carer"]["name"] == "Joy Okafor"
    assert [verdict["state"] for verdict in care["verdicts"]] == ["missed"]
    assert care["adjustments"][0]["by"] == "Cara"
    assert [alert["id"] for alert in care["alerts"]] == [1]
    centre = (await (await house.as_("operator")).get(path)).json()
    assert [item["type"] for item in centre["evidence"]] == ["carer.arrived", "door.opened"]
    assert "4711" not in str((care, centre))


async def test_visits_are_filtered_by_date_state_and_package(house: House) -> None:
    """Each filter of the contract narrows the list to what it says."""
    client = await house.as_("care_manager")
    for query, count in (
        ("", 1),
        (f"?date={world.TODAY}", 1),
        ("?date=2026-11-20", 0),
        ("?state=missed", 1),
        ("?state=completed", 0),
        ("?package=pkg-ada", 1),
        ("?package=pkg-ben", 0),
    ):
        assert len((await client.get(f"{A}/visits{query}")).json()["items"]) == count, query


async def test_events_show_each_role_what_it_may_know_and_nobody_a_pin(house: House) -> None:
    """The centre sees all of the home, the provider its own carers, the engineer what names no resident."""
    for who, expected in (
        ("operator", ["e5", "e4", "e3", "e2", "e1"]),
        ("care_manager", ["e1"]),
        ("engineer", ["e4"]),
        ("foreign care_manager", ["e1"]),  # of its own carer, in its own resident's home
        ("foreign operator", ["e1"]),
    ):
        items = await every_page(await house.as_(who), "/events", 2)
        assert [event["id"] for event in items] == expected, who
        assert "4711" not in str(items)
        assert ("hub-3" in str(items)) is who.startswith("foreign")
    arrived = (await (await house.as_("care_manager")).get(f"{A}/events")).json()["items"][0]
    assert arrived["data"] == {"credential": "pin:…", "method": "pin"}
    assert arrived["carer"]["name"] == "Joy Okafor"


async def test_events_are_filtered_by_place_type_and_time(house: House) -> None:
    """Times are those of receipt; `until` itself is outside."""
    client = await house.as_("operator")
    for query, expected in (
        ("?hub=hub-12&type=door.opened", ["e2"]),
        ("?dwelling=elm-12&since=2026-11-21T08:43:01Z", ["e5", "e4"]),
        ("?dwelling=elm-12&until=2026-11-21T08:41:01Z", ["e1"]),
        ("?until=2026-11-20T00:00:00Z", []),
        ("?hub=hub-3", []),
    ):
        items = (await client.get(f"{A}/events{query}")).json()["items"]
        assert [event["id"] for event in items] == expected, query


async def test_a_timeline_joins_events_visits_and_alerts_and_pages_without_a_gap(house: House) -> None:
    """A resident's record comes newest first, every moment once, however small the pages."""
    whole = (await (await house.as_("operator")).get(f"{A}/residents/ada/timeline")).json()
    assert whole["resident"] == {"id": "ada", "name": "Ada Byrne"}
    times = [item["at"] for item in whole["items"]]
    assert times == sorted(times, reverse=True)
    assert {item["kind"] for item in whole["items"]} == {"event", "visit", "alert"}
    for limit in (1, 2, 3, 7):
        paged = await every_page(await house.as_("operator"), "/residents/ada/timeline", limit)
        assert paged == whole["items"], limit
    care = await every_page(await house.as_("care_manager"), "/residents/ada/timeline", 50)
    assert [item["kind"] for item in care] == ["event", "alert", "visit"]


async def test_hubs_tell_how_they_are_and_hide_their_password(house: House) -> None:
    """A hub comes with devices, gaps and commands; its credential's hash is in no answer."""
    client = await house.as_("engineer")
    assert [hub["id"] for hub in await every_page(client, "/hubs", 1)] == ["hub-12", "hub-door"]
    hub = (await client.get(f"{A}/hubs/hub-12")).json()
    assert hub["heartbeat_every"] == "PT10M"
    assert hub["enrolled"] is True
    assert {device["id"] for device in hub["devices"]} == {"pendant-1", "panel-1"}
    assert len(hub["gaps"]) == 1
    assert [(one["boot"], one["ranges"]) for one in hub["missing"]] == [("b1", [[3, 4]])]
    assert "$7$" not in str(hub)


async def test_a_command_waits_to_be_sent_and_says_when_it_ends(house: House, pool: Pool) -> None:
    """Opening a door is asked for for 30 seconds, and nothing but what the contract names goes down."""
    client = await house.as_("operator")
    body = {"type": "door.release", "data": {"panel": "panel-1", "extra": "x"}}
    made = await client.post(f"{A}/hubs/hub-12/commands", json=body)
    assert made.status_code == 202
    command = made.json()
    assert (command["state"], command["issued_by"], command["data"]) == (
        "pending",
        "operator in tests",
        {"panel": "panel-1"},
    )
    async with pool.connection() as conn:
        row = await (await conn.execute("SELECT * FROM command WHERE id = %s", (command["id"],))).fetchone()
        assert row is not None
        assert row["expires_at"] - row["issued_at"] == timedelta(seconds=30)
        await conn.execute("UPDATE hub SET revoked_at = now() WHERE id = 'hub-12'")
    assert (await client.post(f"{A}/hubs/hub-12/commands", json={"type": "probe"})).status_code == 409


async def test_a_suspension_is_made_and_ended(house: House) -> None:
    """A care manager suspends visits with an end or without, and ends it; a second end is a conflict."""
    client = await house.as_("care_manager")
    body = {"resident": "ada", "from": "2026-11-21T08:00:00+00:00", "reason": "hospital"}
    made = (await client.post(f"{A}/suspensions", json=body)).json()
    assert (made["from"], made["until"], made["told_by"]) == ("2026-11-21T08:00:00Z", None, "brightcare")
    ended = await client.post(f"{A}/suspensions/{made['id']}/end")
    assert ended.json()["until"] == "2026-11-21T09:00:00Z"
    assert (await client.post(f"{A}/suspensions/{made['id']}/end")).status_code == 409


async def test_the_description_lists_every_call_with_its_roles_and_problems(house: House) -> None:
    """OpenAPI names each call, says who may make it, and every refusal as a problem."""
    document = (await (await house.as_(None)).get("/openapi.json")).json()
    calls = {
        (method, path): call for path, verbs in document["paths"].items() for method, call in verbs.items()
    }
    assert len(calls) > 20
    for (method, path), call in calls.items():
        assert call["summary"], (method, path)
        assert call["description"], (method, path)
        if path.startswith(A):
            for status, answer in call["responses"].items():
                if status >= "400":
                    assert "application/problem+json" in answer["content"], (method, path, status)
    assert "Problem" in document["components"]["schemas"]
