"""Every route for every role, at home and in a foreign organisation; one not listed fails the test."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.api import world
from tests.integration.api.conftest import House

OWN = ("operator", "care_manager", "housing_officer", "commissioner", "engineer", "administrator")


@dataclass(frozen=True)
class Call:
    """One call about Ada: the `answers` by role at home, and those of `foreign` roles, each or all alike."""

    method: str
    route: str
    path: str
    answers: dict[str, int]
    foreign: dict[str, int] | int
    body: Any = None


def everyone(status: int) -> dict[str, int]:
    """The same answer for each role."""
    return dict.fromkeys(OWN, status)


A = "/api/v1"
DUTY_12 = {**everyone(404), "care_manager": 200}
CALLS = [
    Call("GET", f"{A}/alerts", f"{A}/alerts", everyone(200), 200),
    Call("GET", f"{A}/alerts/{{alert}}", f"{A}/alerts/1", {**everyone(200), "commissioner": 404,
                                                                     "engineer": 404}, 404),
    Call("POST", f"{A}/alerts/next", f"{A}/alerts/next", {**everyone(403), "operator": 200},
         {**everyone(403), "operator": 200}),
    *[
        Call("POST", f"{A}/duties/{{duty}}/{verb}", f"{A}/duties/12/{verb}", answers, 404, body)
        for verb, body, answers in (
            ("claim", None, DUTY_12),
            ("release", None, {**DUTY_12, "care_manager": 409}),
            ("acknowledge", {"note": "on it"}, DUTY_12),
            ("note", {"text": "rang twice"}, DUTY_12),
            ("close", {"outcome": "carer_attended"}, DUTY_12),
        )
    ],
    Call("GET", f"{A}/visits", f"{A}/visits", everyone(200), 200),
    Call("GET", f"{A}/visits/{{ref:path}}", f"{A}/visits/{world.ADAS}",
         {**everyone(404), "operator": 200, "care_manager": 200}, 404),
    Call("POST", f"{A}/visits/{{ref:path}}/verify", f"{A}/visits/{world.ADAS}/verify",
         {**everyone(404), "operator": 403, "care_manager": 200}, 404,
         {"attended": True, "reason": "credential_forgotten"}),
    Call("POST", f"{A}/visits/{{ref:path}}/cancel", f"{A}/visits/{world.ADAS}/cancel",
         {**everyone(404), "operator": 403, "care_manager": 200}, 404, {"reason": "resident_declined"}),
    Call("POST", f"{A}/suspensions", f"{A}/suspensions",
         {**everyone(404), "operator": 403, "administrator": 403, "care_manager": 201}, 404,
         {"resident": "ada", "from": "2026-12-24T09:00:00+00:00", "until": "2026-12-27T09:00:00+00:00",
          "reason": "hospital"}),
    Call("POST", f"{A}/suspensions/{{suspension}}/end", f"{A}/suspensions/1/end",
         {**everyone(404), "operator": 403, "administrator": 403, "care_manager": 200}, 404),
    Call("GET", f"{A}/events", f"{A}/events",
         {**everyone(403), "operator": 200, "care_manager": 200, "engineer": 200},
         {**everyone(403), "operator": 200, "care_manager": 200, "engineer": 200}),
    Call("GET", f"{A}/residents/{{resident}}/timeline", f"{A}/residents/ada/timeline",
         {**everyone(404), "operator": 200, "care_manager": 200, "administrator": 200}, 404),
    Call("POST", f"{A}/hubs/{{hub}}/test-window", f"{A}/hubs/hub-12/test-window",
         {**everyone(404), "operator": 201, "engineer": 201, "administrator": 403}, 404, {"minutes": 30}),
    Call("GET", f"{A}/suppressions", f"{A}/suppressions",
         {**everyone(403), "operator": 200, "engineer": 200, "administrator": 200},
         {**everyone(403), "operator": 200, "engineer": 200, "administrator": 200}),
    Call("POST", f"{A}/suppressions", f"{A}/suppressions",
         {**everyone(403), "operator": 201, "engineer": 201, "commissioner": 404}, 404,
         {"reason": "away", "dwelling": "elm-12", "until": "2026-12-24T09:00:00+00:00"}),
    Call("POST", f"{A}/suppressions/{{suppression}}/end", f"{A}/suppressions/1/end",
         {**everyone(404), "operator": 409, "engineer": 409, "administrator": 403}, 404),
    Call("GET", f"{A}/hubs", f"{A}/hubs",
         {**everyone(403), "operator": 200, "engineer": 200, "administrator": 200},
         {**everyone(403), "operator": 200, "engineer": 200, "administrator": 200}),
    Call("GET", f"{A}/hubs/{{hub}}", f"{A}/hubs/hub-12",
         {**everyone(404), "operator": 200, "engineer": 200, "administrator": 200}, 404),
    Call("POST", f"{A}/hubs/{{hub}}/commands", f"{A}/hubs/hub-12/commands",
         {**everyone(404), "operator": 202, "engineer": 202, "administrator": 403}, 404, {"type": "probe"}),
    Call("GET", f"{A}/deliveries", f"{A}/deliveries", {**everyone(403), "administrator": 200},
         {**everyone(403), "administrator": 200}),
    Call("POST", f"{A}/deliveries/{{delivery}}/replay", f"{A}/deliveries/3/replay",
         {**everyone(403), "administrator": 409}, {**everyone(403), "administrator": 404}),
]  # fmt: skip

STREAMS = {("GET", f"{A}/live")}
"""Asked in test_live.py, because its answer does not end."""
OPEN_TO_ALL = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")}
"""Nobody's data is in them."""
SIGNED = {("POST", f"{A}/receipts/{{provider}}")}
"""Asked in test_receipts.py: a provider proves itself by a signature."""


async def test_every_route_is_in_the_table(house: House) -> None:
    """A new route is not served before its line in this table says who gets which answer."""
    served = {
        (method, route.path)
        for router in house.app.routes
        if hasattr(router, "effective_route_contexts")
        for route in router.effective_route_contexts()
        for method in route.methods
    }
    assert served == {(call.method, call.route) for call in CALLS} | STREAMS | OPEN_TO_ALL | SIGNED


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
async def test_who_gets_which_answer(house: House, call: Call) -> None:
    """Each role gets the answer of the table, at home and abroad, and every refusal is a problem."""
    abroad = dict.fromkeys(OWN, call.foreign) if isinstance(call.foreign, int) else call.foreign
    expected = {f"foreign {role}": status for role, status in abroad.items()} | call.answers
    for who, status in sorted(
        expected.items(), key=lambda pair: -pair[1]
    ):  # refusals first: they change nothing
        answer = await (await house.as_(who)).request(call.method, call.path, json=call.body)
        assert answer.status_code == status, (who, answer.text)
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == status


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
async def test_nobody_gets_nothing(house: House, call: Call) -> None:
    """Without a token, and with a wrong one, every call is a 401 problem that says how to sign in."""
    for headers in ({}, {"Authorization": "Bearer thr_wrong"}, {"Authorization": "Basic dGVzdDp0ZXN0"}):
        client = await house.as_(None)
        answer = await client.request(call.method, call.path, json=call.body, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("role", OWN)
async def test_lists_hold_nothing_foreign(house: House, role: str) -> None:
    """What stands in a role's list about Ada stands in no list of that role elsewhere, and the reverse."""
    for path in ("/alerts", "/visits", "/events", "/hubs"):
        for who, words in (
            (f"foreign {role}", ('"ada"', "Ada", "elm-12", "hub-12")),
            (role, ('"ben"', "Ben", "oak-3")),
        ):
            answer = await (await house.as_(who)).get(A + path)
            assert not any(word in answer.text for word in words), (path, who, answer.text)
