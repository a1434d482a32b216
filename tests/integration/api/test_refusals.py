"""Bad input, bad sign-ins, and a database that is away: one clear problem each."""

import httpx

from api.application import build
from api.tokens import close_session, open_session, session_of_cookie
from db.pool import Pool, make_pool
from tests.integration.api import world
from tests.integration.api.conftest import House

A = "/api/v1"
ACK = "/duties/12/acknowledge"
VERIFY = f"/visits/{world.ADAS}/verify"
COMMANDS = "/hubs/hub-12/commands"


QUESTIONS = [
    ("/alerts?state=sleeping", "query.state"),
    ("/alerts?since=2026-11-21T08:00:00", "query.since"),
    ("/alerts?since=yesterday", "query.since"),
    ("/alerts?since=1763712000", "query.since"),
    ("/alerts?since=2026-11-21T08:00:00%2B99:00", "query.since"),
    ("/alerts?cursor=AAAA", "query.cursor"),
    ("/alerts?cursor=%00", "query.cursor"),
    ("/alerts?limit=0", "query.limit"),
    ("/alerts?limit=100000", "query.limit"),
    ("/alerts?kind=%00", "query.kind"),
    ("/alerts/abc", "path.alert"),
    ("/alerts/9223372036854775808", "path.alert"),
    ("/visits?date=21.11.2026", "query.date"),
    ("/visits?state=gone", "query.state"),
    ("/visits?cursor=WzEsMl0", "query.cursor"),
    ("/events?until=2026-02-30T00:00:00Z", "query.until"),
]


async def test_a_question_that_makes_no_sense_names_its_field(house: House) -> None:
    """A parameter that cannot be meant is a 422 that names it, never a 500 and never an empty list."""
    client = await house.as_("operator")
    for path, field in QUESTIONS:
        answer = await client.get(A + path)
        assert answer.status_code == 422, (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert [fault["field"] for fault in answer.json()["errors"]] == [field], path


ACTS = [
        ("care_manager", "/duties/12/close", {"outcome": "gone"}, 422, "outcome"),
        ("care_manager", "/duties/12/close", {}, 422, "outcome"),
        ("care_manager", "/duties/12/note", {"text": "  "}, 422, "text"),
        ("care_manager", "/duties/12/note", {"text": "a\x00b"}, 422, "text"),
        ("care_manager", ACK, {"eta": "2026-11-21T08:00:00"}, 422, "offset"),
        ("care_manager", ACK, {"eta": "2026-11-20T08:00:00Z"}, 422, "past"),
        ("care_manager", ACK, {"eta": "2026-11-28T08:00:00Z"}, 422, "ahead"),
        ("care_manager", "/duties/99999/claim", None, 404, "duty"),
        ("care_manager", VERIFY, {"attended": True, "reason": "because"}, 422, "reason"),
        ("care_manager", VERIFY, {"attended": "maybe", "reason": "other"}, 422, "attended"),
        ("care_manager", "/suspensions", {"resident": "ada", "from": "2026-12-02T09:00:00Z",
                                          "until": "2026-12-01T09:00:00Z", "reason": "hospital"}, 422, "end"),
        ("care_manager", "/suspensions/77/end", None, 404, "suspension"),
        ("operator", COMMANDS, {"type": "explode"}, 422, "type"),
        ("operator", COMMANDS, {"type": "door.release", "data": {"panel": 1}}, 422, "panel"),
        ("operator", COMMANDS, {"type": "alarm.acknowledged", "data": {"alert": True}}, 422, "alert"),
    ]  # fmt: skip


async def test_an_act_that_cannot_be_done_says_why(house: House) -> None:
    """A write with bad input changes nothing and answers with one sentence that names what is wrong."""
    for who, path, body, status, word in ACTS:
        answer = await (await house.as_(who)).post(A + path, json=body)
        assert answer.status_code == status, (path, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert word in answer.json()["detail"], (path, body)


async def test_broken_json_and_unknown_addresses_are_problems_too(house: House) -> None:
    """What does not even reach a route is answered in the same form."""
    client = await house.as_("care_manager")
    broken = await client.post(
        f"{A}/duties/12/note", content="{", headers={"Content-Type": "application/json"}
    )
    assert broken.status_code == 422
    for answer, status in (
        (broken, 422),
        (await client.get(f"{A}/nothing"), 404),
        (await client.put(f"{A}/alerts"), 405),
    ):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status


async def test_a_held_duty_answers_with_its_holder(house: House) -> None:
    """409 names who has it, in the sentence and as a member of the problem."""
    assert (await (await house.as_("operator")).post(f"{A}/duties/21/claim")).status_code == 200
    refused = await (await house.as_("administrator")).post(f"{A}/duties/21/acknowledge")
    assert refused.status_code == 409
    assert refused.json()["holder"] == "operator in tests"
    assert "operator in tests" in refused.json()["detail"]


async def test_two_operators_take_two_different_alerts_and_then_nothing_waits(house: House) -> None:
    """`/alerts/next` hands out the most urgent first, each to one, and 204 when none is left."""
    client = await house.as_("operator")
    taken = [(await client.post(f"{A}/alerts/next")).json()["id"] for _ in range(3)]
    assert taken == [2, 1, 3]
    assert (await client.post(f"{A}/alerts/next")).status_code == 204


async def test_a_withdrawn_token_is_worth_nothing(house: House, pool: Pool) -> None:
    """Withdrawing a token takes effect at the next request."""
    client = await house.as_("operator")
    assert (await client.get(f"{A}/alerts")).status_code == 200
    async with pool.connection() as conn:
        await conn.execute("UPDATE token SET revoked_at = now()")
    assert (await client.get(f"{A}/alerts")).status_code == 401


async def test_a_session_reads_with_its_cookie_and_writes_only_with_its_word(
    house: House, pool: Pool
) -> None:
    """The console's cookie reads; a write without the session's CSRF word, or with another's, is 403."""
    async with pool.connection() as conn:
        cookie = await open_session(conn, house.tokens["care_manager"], house.clock())
        other = await open_session(conn, house.tokens["care_manager"], house.clock())
        assert cookie is not None
        assert other is not None
        session = await session_of_cookie(conn, cookie, house.clock())
        others = await session_of_cookie(conn, other, house.clock())
    assert session is not None
    assert others is not None
    client = await house.as_(None)
    client.cookies.set("threshold_session", cookie)
    assert (await client.get(f"{A}/alerts")).status_code == 200
    note = f"{A}/duties/12/note"
    for word, status in ((None, 403), (others.csrf, 403), ("", 403), (session.csrf, 200)):
        headers = {} if word is None else {"X-CSRF-Token": word}
        assert (await client.post(note, json={"text": "x"}, headers=headers)).status_code == status
    async with pool.connection() as conn:
        await close_session(conn, cookie)
    assert (await client.get(f"{A}/alerts")).status_code == 401


async def test_a_session_ends_after_a_shift(house: House, pool: Pool) -> None:
    """A cookie that is left behind is worth nothing after twelve hours."""
    async with pool.connection() as conn:
        cookie = await open_session(conn, house.tokens["care_manager"], house.clock())
    client = await house.as_(None)
    client.cookies.set("threshold_session", cookie or "")
    house.clock.advance(hours=11.9)
    assert (await client.get(f"{A}/alerts")).status_code == 200
    house.clock.advance(hours=0.2)
    assert (await client.get(f"{A}/alerts")).status_code == 401


async def test_a_database_that_is_away_is_a_503_and_readiness_says_so(house: House) -> None:
    """With the database gone every call is a 503 problem that says nothing was changed; alive, not ready."""
    away = make_pool("postgresql://nobody@127.0.0.1:1/none", name="away", min_size=0, timeout=0.2)
    async with away:
        app = build(away, house.clock, house.broadcast)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://away.test") as client:
            for path in ("/alerts", "/visits", "/live"):
                answer = await client.get(A + path, headers={"Authorization": "Bearer thr_x"})
                assert answer.status_code == 503
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.headers["retry-after"] == "1"
            assert (await client.get("/healthz")).status_code == 200
            ready = await client.get("/readyz")
            assert ready.status_code == 503
            assert ready.json()["checks"][0]["name"] == "database"


async def test_readiness_follows_the_sweeps(house: House, pool: Pool) -> None:
    """Ready while every sweep was heard within three of its periods; else 503 names the one that was not."""
    client = await house.as_(None)
    assert (await client.get("/readyz")).json()["ready"] is True
    house.clock.advance(seconds=20)
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert [check["name"] for check in answer.json()["checks"] if not check["ok"]] == ["sweep care"]
    house.app.state.expected_beats = frozenset({"deliver"})
    named = [check["name"] for check in (await client.get("/readyz")).json()["checks"] if not check["ok"]]
    assert named == ["sweep care", "sweep deliver"]


async def test_readiness_names_a_schema_that_is_behind(house: House, pool: Pool) -> None:
    """A database that lacks a migration makes the service not ready, and says what to do."""
    async with pool.connection() as conn:
        await conn.execute("DELETE FROM schema_version WHERE file LIKE '0004%'")
    answer = await (await house.as_(None)).get("/readyz")
    assert answer.status_code == 503
    assert "threshold migrate" in answer.text


async def test_metrics_count_requests_by_route_and_not_by_address(house: House) -> None:
    """Labels hold the route's pattern: an id in an address never becomes a label."""
    client = await house.as_("operator")
    await client.get(f"{A}/residents/ada/timeline")
    text = (await (await house.as_(None)).get("/metrics")).text
    assert 'route="/api/v1/residents/{resident}/timeline"' in text
    assert "residents/ada" not in text


async def test_a_bridge_of_another_maker_takes_no_commands(house: House, pool: Pool) -> None:
    """It would not understand them, and who asks is told at once instead of waiting for the answer."""
    client = await house.as_("operator")
    hub = (await client.get(f"{A}/hubs")).json()["items"][0]
    assert hub["adapter"] is None
    async with pool.connection() as conn:
        await conn.execute(
            """UPDATE hub SET adapter = '{"kind": "zigbee2mqtt", "base": "z"}' WHERE id = %s""", (hub["id"],)
        )
    assert (await client.get(f"{A}/hubs/{hub['id']}")).json()["adapter"] == "zigbee2mqtt"
    refused = await client.post(f"{A}/hubs/{hub['id']}/commands", json={"type": "probe"})
    assert refused.status_code == 409
    assert refused.json()["detail"].endswith("takes no commands")
