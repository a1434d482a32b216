"""Every page and form of the console: nobody without a session, nothing without its word, own share only."""

import re
from datetime import datetime

import httpx

import console
from api.application import build
from api.live import Broadcast
from db.pool import Connection, Pool
from tests.integration.api import world
from tests.integration.api.conftest import Clock
from tests.integration.console.conftest import Screen

GETS = {
    "/": 200,
    "/board/alerts": 200,
    "/board/visits": 200,
    "/alerts": 200,
    "/alerts/{alert}": 200,
    "/alerts/{alert}/body": 200,
    "/visits": 200,
    "/visits/{ref:path}": 200,
    "/residents/{resident}": 200,
    "/homes": 200,
    "/homes/{hub}": 200,
    "/windows": 200,
    "/letters": 200,
}
"""Pages for an operator of Ada's centre."""
POSTS = {
    "/sign-out": {},
    "/take-next": {},
    "/duties/{duty}/claim": {},
    "/duties/{duty}/release": {},
    "/duties/{duty}/renew": {},
    "/duties/{duty}/acknowledge": {},
    "/duties/{duty}/close": {"outcome": "test"},
    "/duties/{duty}/note": {"text": "x"},
    "/visits/{ref:path}/verify": {"attended": "yes", "reason": "other"},
    "/visits/{ref:path}/cancel": {"reason": "other"},
    "/residents/{resident}/suspend": {"reason": "hospital"},
    "/suspensions/{suspension}/end": {},
    "/windows": {"sort": "hub", "place": "hub-12", "reason": "test", "ends": "2026-11-21T10:00"},
    "/windows/{window}/end": {},
}
OPEN = {"/sign-in", "/static/{name:path}"}
NAMES = {
    "{alert}": "2", "{duty}": "21", "{ref:path}": world.ADAS, "{resident}": "ada", "{hub}": "hub-12",
    "{suspension}": "1", "{window}": "1",
}  # fmt: skip


def filled(route: str) -> str:
    """The address of a route, about Ada."""
    for name, value in NAMES.items():
        route = route.replace(name, value)
    return route


async def test_every_page_and_form_is_listed(screen: Screen) -> None:
    """A new route of the console is not served before its line in this file says who gets it."""
    assert {path for method, path in screen.routes if method == "GET"} == GETS.keys() | OPEN
    assert {path for method, path in screen.routes if method == "POST"} == POSTS.keys() | {"/sign-in"}


async def test_nobody_gets_a_page_without_a_session(screen: Screen) -> None:
    """Whoever is not signed in is led to the door, in a page and in a part of one, and changes nothing."""
    for route in GETS:
        answer = await screen.client.get(filled(route))
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), route
        part = await screen.client.get(filled(route), headers={"HX-Request": "true"})
        assert (part.status_code, part.headers["hx-redirect"]) == (401, "/sign-in"), route
    for route, form in POSTS.items():
        answer = await screen.client.post(filled(route), data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), route


async def test_an_operator_sees_every_page(screen: Screen) -> None:
    """Each page of Ada's is there for an operator of her centre, with headers that forbid inline scripts."""
    await screen.sign_in("operator")
    for route, status in GETS.items():
        answer = await screen.client.get(filled(route))
        assert answer.status_code == status, (route, answer.text[:300])
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        for inline in ("<script>", " style=", " onclick=", "javascript:"):
            assert inline not in answer.text, (route, inline)


async def test_foreign_people_see_nothing_of_ada(screen: Screen) -> None:
    """Every role of another organisation gets 404, or a page without her."""
    for who in world.HOLDERS:
        if not who.startswith("foreign"):
            continue
        await screen.sign_in(who)
        for route in GETS:
            answer = await screen.client.get(filled(route))
            if "{" in route:
                assert answer.status_code == 404, (who, route)
            for word in ("Ada", "Elm Court", "hub-12", "pkg-ada"):
                assert word not in answer.text, (who, route, word)


async def test_a_form_without_its_word_or_from_elsewhere_changes_nothing(screen: Screen, pool: Pool) -> None:
    """Each form needs the session's word and a page of ours; a cookie alone is not enough."""
    word = await screen.sign_in("operator")
    for route, form in POSTS.items():
        path = filled(route)
        assert (await screen.client.post(path, data=form)).status_code == 403, route
        assert (await screen.client.post(path, data={**form, "csrf": word + "x"})).status_code == 403, route
        forged = await screen.client.post(
            path, data={**form, "csrf": word}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert forged.status_code == 403, route
    async with pool.connection() as conn:
        row = await (await conn.execute("SELECT state, claimed_by FROM duty WHERE id = 21")).fetchone()
    assert row == {"state": "open", "claimed_by": None}


async def test_the_cookie_is_for_https_but_on_this_machine(pool: Pool, connection: Connection) -> None:
    """A session cookie is Secure wherever people are; on the loopback, where there is no HTTPS, it is not."""
    await world.furnish(connection)
    tokens = await world.sign_in(pool)
    for secure, base, expected in (
        (True, "http://threshold.example", True),
        (True, "http://127.0.0.1:8470", False),
        (False, "http://threshold.example", False),
    ):
        app = build(pool, Clock(), Broadcast(pool), pages=console.build(secure_cookies=secure))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as client:
            answer = await client.post("/sign-in", data={"key": tokens["operator"]})
        cookie = answer.headers["set-cookie"]
        assert ("Secure" in cookie) is expected
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie


async def test_a_form_says_what_it_lacks_where_it_stands(screen: Screen) -> None:
    """Closing without an outcome, and acknowledging what another has, is one sentence in the card itself."""
    word = await screen.sign_in("operator")
    part = {"HX-Request": "true"}
    answer = await screen.client.post("/duties/21/close", data={"csrf": word}, headers=part)
    assert answer.status_code == 200
    assert "Choose how it ended." in answer.text
    assert (await screen.client.post("/duties/21/claim", data={"csrf": word})).status_code == 303
    word = await screen.sign_in("administrator")
    refused = await screen.client.post("/duties/21/acknowledge", data={"csrf": word}, headers=part)
    assert "in the hands of operator in tests" in refused.text
    assert refused.text.count("<li") == 1


async def test_a_visit_is_verified_with_the_wall_times_of_its_home(screen: Screen, pool: Pool) -> None:
    """Arrived and left are given as people read clocks, and kept as moments."""
    word = await screen.sign_in("care_manager")
    form = {
        "csrf": word,
        "attended": "yes",
        "arrived": "07:05",
        "departed": "07:40",
        "reason": "seen_in_person",
    }
    assert (await screen.client.post(f"/visits/{world.ADAS}/verify", data=form)).status_code == 303
    async with pool.connection() as conn:
        row = await (
            await conn.execute(
                "SELECT arrived_at, departed_at, by_name FROM adjustment ORDER BY id DESC LIMIT 1"
            )
        ).fetchone()
    assert row is not None
    assert [f"{row[name]:%H:%M}" for name in ("arrived_at", "departed_at")] == ["07:05", "07:40"]
    assert row["by_name"] == "care_manager in tests"
    late = await screen.client.post(f"/visits/{world.ADAS}/verify", data={**form, "arrived": "25:99"})
    assert late.status_code == 422
    assert "no time of day" in late.text


async def test_an_alert_says_whom_to_approach_today_and_whether_it_was_held_back(
    screen: Screen, pool: Pool
) -> None:
    """The other party's link person stands on the page, and a suppressed alert says why nobody was told."""
    async with pool.connection() as conn:
        await conn.execute("UPDATE alert SET suppressed = 'suppressed: scheme works'")
    await screen.sign_in("care_manager")
    page = (await screen.client.get("/alerts/1")).text
    assert "Whom to approach today" in page
    assert "Pat Reed" in page
    assert "Nobody was told" not in page  # why a home is left alone is the centre's to know
    await screen.sign_in("operator")
    assert "because it was suppressed: scheme works." in (await screen.client.get("/alerts/2")).text


async def test_visits_are_suspended_and_expected_again_from_the_page_of_a_resident(
    screen: Screen, pool: Pool
) -> None:
    """Times are those of the wall where she lives; ending it says so on the page; an operator only reads."""
    word = await screen.sign_in("care_manager")
    form = {"csrf": word, "reason": "hospital", "begins": "2026-11-25T09:00", "ends": "2027-03-28T01:30"}
    assert (await screen.client.post("/residents/ada/suspend", data=form)).status_code == 303
    async with pool.connection() as conn:
        row = await (
            await conn.execute("SELECT id, from_at, until_at, created_by FROM suspension ORDER BY id DESC")
        ).fetchone()
    assert row is not None
    assert row["from_at"] == datetime.fromisoformat("2026-11-25T09:00+00:00")
    assert row["until_at"] == datetime.fromisoformat("2027-03-28T01:30+00:00")  # 01:30 is not: 02:30 BST
    page = (await screen.client.get("/residents/ada")).text
    assert f"/suspensions/{row['id']}/end" in page
    for wrong in ({"begins": "2026-02-30T09:00"}, {"begins": "0001-01-01T00:00"}, {"reason": "no such"}):
        answer = await screen.client.post("/residents/ada/suspend", data={**form, **wrong})
        assert answer.status_code == 422, wrong
    assert (await screen.client.post(f"/suspensions/{row['id']}/end", data={"csrf": word})).status_code == 303
    assert f"/suspensions/{row['id']}/end" not in (await screen.client.get("/residents/ada")).text
    word = await screen.sign_in("operator")
    assert "Suspend visits" not in (await screen.client.get("/residents/ada")).text
    assert (
        await screen.client.post("/residents/ada/suspend", data={**form, "csrf": word})
    ).status_code == 403


async def test_a_visit_after_midnight_belongs_to_the_night_before(screen: Screen, pool: Pool) -> None:
    """Until four in the morning the board shows what begins by then, whatever date the roster wrote on it."""
    async with pool.connection() as conn:
        await conn.execute(
            "UPDATE visit SET service_date = '2026-11-22', start_at = '2026-11-22 00:30+00',"
            " end_at = '2026-11-22 01:00+00' WHERE ref = %s",
            (world.ADAS,),
        )
    for now, shown in (("21 23:00", True), ("22 00:04", True), ("22 03:59", True), ("22 04:00", False)):
        screen.clock.now = datetime.fromisoformat(f"2026-11-{now}+00:00")
        await screen.sign_in("care_manager")
        page = (await screen.client.get("/board/visits")).text
        assert (world.ADAS in page) is shown, now


async def test_letters_are_there_in_a_demonstration_alone(pool: Pool, connection: Connection) -> None:
    """Without a mail catcher there is no page of letters."""
    app = build(pool, Clock(), Broadcast(pool), pages=console.build())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x.test") as client:
        assert (await client.get("/letters")).status_code == 404


async def test_files_are_kept_by_browsers_and_change_with_their_contents(screen: Screen) -> None:
    """An address with the file's mark may be kept for ever; one without it is asked again."""
    page = (await screen.client.get("/sign-in")).text
    address = re.search(r'href="(/static/console\.css\?v=[0-9a-f]+)"', page)
    assert address is not None
    marked = await screen.client.get(address[1])
    assert "immutable" in marked.headers["cache-control"]
    assert marked.headers["content-type"].startswith("text/css")
    plain = await screen.client.get("/static/console.css")
    assert plain.headers["cache-control"] == "no-cache"
    again = await screen.client.get("/static/console.css", headers={"If-None-Match": plain.headers["etag"]})
    assert again.status_code == 304
    assert (await screen.client.get("/static/../pages.py")).status_code == 404


async def test_the_units_page_says_how_the_last_test_press_went(screen: Screen, pool: Pool) -> None:
    """How long ago and how quick, or what it did not get past."""
    await screen.sign_in("operator")
    assert "tried itself" not in (await screen.client.get("/homes")).text
    for press, seconds, fault, words in (
        ("press-1", 0.21, None, "tried itself 0 s ago: from the broker to its test contact in 0.2 s"),
        ("press-2", None, "a test press did not get past intake", "failed 0 s ago: a test press did not get"),
    ):
        async with pool.connection() as conn:
            await conn.execute(
                "INSERT INTO watch_press VALUES (%s, %s, %s, %s, %s)",
                (press, screen.clock(), screen.clock(), seconds, fault),
            )
        screen.clock.advance(seconds=0.5)
        assert words in (await screen.client.get("/homes")).text
