"""The console as people work with it: real Chromium, a real server, a real database."""

import re
from datetime import timedelta

import httpx
import pytest
from playwright.async_api import expect

from tests.acceptance.screens import LONDON, PATIENCE, Town, card, picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


async def test_each_party_answers_for_itself_and_sees_the_other(town: Town) -> None:
    """BrightCare acknowledges with a time; Elm Housing sees that at once, and its own duty is still open."""
    housing = await town.at_a_screen(town.keys.housing_officer)
    care = await town.at_a_screen(town.keys.care_manager)
    await town.heard(housing)
    await picture(care, "care-manager")
    missed = card(care, "Care visit was missed", "Ada Byrne")
    await expect(missed).to_contain_text("housing Elm Housing: open")
    await missed.locator("summary", has_text="Acknowledge").click()
    await missed.get_by_label("20 min", exact=True).check(force=True)
    await missed.locator("details[open]").get_by_label("Note").fill("Joy is on her way <b>now</b>")
    await picture(care, "care-manager-acknowledges")
    await missed.get_by_role("button", name="Acknowledge").click()
    await expect(card(care, "Care visit was missed")).to_contain_text("by Cara Novak", timeout=PATIENCE)

    theirs = card(housing, "Care visit was missed")
    await expect(theirs).to_contain_text("care BrightCare: acknowledged", timeout=PATIENCE)
    await expect(theirs.locator(".pill.open")).to_be_visible()
    await picture(housing, "housing-officer")
    provider, landlord = (
        await town.duty("brightcare", "visit.missed"),
        await town.duty("elm-housing", "visit.missed"),
    )
    assert (provider["state"], landlord["state"]) == ("acknowledged", "open")
    assert abs(provider["eta"] - town.clock() - timedelta(minutes=20)) < timedelta(minutes=2)

    await card(care, "Care visit was missed").get_by_role("link", name="Care visit was missed").click()
    await expect(care.locator(".history")).to_contain_text("Joy is on her way <b>now</b>")
    await picture(care, "alert")
    await care.get_by_label("How it ended").select_option("carer_attended")
    await care.get_by_role("button", name="Close", exact=True).click()
    await expect(care.locator(".party-card.own")).to_contain_text("carer attended", timeout=PATIENCE)
    await expect(theirs).to_contain_text("care BrightCare: closed", timeout=PATIENCE)


async def test_a_landlord_sees_no_visit_resident_or_carer(town: Town) -> None:
    """Nothing that a housing officer's pages hold names who lives there, who was to come, or when."""
    page = await town.at_a_screen(town.keys.housing_officer)
    alert = (await town.duty("elm-housing", "visit.missed"))["alert_id"]
    for path in ("/", "/alerts", f"/alerts/{alert}"):
        await page.goto(town.url + path)
        text = await page.content()
        for word in ("Ada", "Beryl", "Joy", "Liam", "pkg-", "essential", "/residents/", "/visits"):
            assert word not in text, (path, word)
    for path, status in (
        ("/visits", 403),
        ("/residents/ada", 404),
        ("/homes", 403),
        (f"/alerts/{alert + 1000}", 404),
    ):
        answer = await page.goto(town.url + path)
        assert answer is not None
        assert answer.status == status
    town.complaints.clear()  # Chromium logs every answer above 399


async def test_a_list_does_not_move_under_ones_fingers(town: Town) -> None:
    """While a form is open, news waits and nothing moves or is lost; the list follows when one is done."""
    page = await town.at_a_screen(town.keys.care_manager)
    await town.heard(page)
    missed = card(page, "Care visit was missed", "Ada Byrne")
    await missed.locator("summary", has_text="Acknowledge").click()
    await missed.locator("details[open]").get_by_label("Note").fill("half a thought")
    before = await missed.bounding_box()
    await town.late_visit(3)
    await expect(page.locator("#held")).to_contain_text("New: Care visit is late, Flat 4", timeout=PATIENCE)
    await expect(missed.locator("details[open]").get_by_label("Note")).to_have_value("half a thought")
    await expect(card(page, "Care visit is late", "Gurdeep")).to_have_count(0)
    after = await missed.bounding_box()
    assert after == before
    await picture(page, "held")
    await missed.get_by_role("button", name="Acknowledge").click()
    await expect(card(page, "Care visit is late", "Gurdeep")).to_be_visible(timeout=PATIENCE)
    await expect(page.locator("#held")).to_be_hidden()
    await expect(page.locator("#polite")).to_contain_text("New alert: Care visit is late")


async def test_a_pressed_pendant_is_seen_heard_taken_and_kept(town: Town) -> None:
    """A press reaches every operator; one takes it, others see who; a claim lasts while its page is there."""
    olu = await town.at_a_screen(town.keys.operator, color_scheme="dark")
    petra = await town.at_a_screen(town.keys.second_operator)
    await olu.get_by_role("button", name="Sound for life-safety alarms").click()
    await picture(olu, "operator")
    await olu.get_by_role("button", name="Take next alarm").click()
    await expect(olu.get_by_role("heading", name="Pendant pressed")).to_be_visible(timeout=PATIENCE)
    await expect(olu.locator(".party-card.own")).to_contain_text("in your hands")
    await picture(olu, "operator-alert")
    await expect(card(petra, "Pendant pressed", "Lakshmi")).to_contain_text(
        "Olu Bankole has it", timeout=PATIENCE
    )
    await expect(card(petra, "Pendant pressed", "Lakshmi").get_by_role("button")).to_have_count(0)

    await town.heard(olu)
    await town.heard(petra)
    chimes = int(await olu.evaluate("document.body.dataset.chimes || '0'"))
    await town.press("hub-02", "p-1")
    for page in (olu, petra):
        await expect(page.locator("#banner")).to_contain_text(
            "Pendant pressed, Flat 2, Elm Court", timeout=PATIENCE
        )
    await olu.wait_for_function(f"Number(document.body.dataset.chimes || 0) > {chimes}")
    await picture(petra, "second-operator")

    held = (await town.duty("northgate", "alarm.pendant"))["lease_until"]
    async with olu.expect_response(re.compile(r"/duties/\d+/renew$"), timeout=30_000) as renewed:
        pass
    assert (await renewed.value).status == 204
    assert (await town.duty("northgate", "alarm.pendant"))["lease_until"] > held


async def test_the_day_and_a_visit_are_shown_and_verified_by_hand(town: Town) -> None:
    """A care manager finds the missed visit on the board, and lays a word over it with a reason."""
    page = await town.at_a_screen(town.keys.care_manager)
    await expect(page.locator(".lane").first).to_contain_text("Ada Byrne")  # who needs a look comes first
    await page.get_by_role("link", name="Whole day").click()
    await picture(page, "visits")
    await page.locator(".lane", has_text="Ada Byrne").get_by_role("listitem").first.click()
    await expect(page.locator(".history")).to_contain_text("Missed")
    await page.get_by_text("Verify by hand").click()
    await page.get_by_label("Reason").first.select_option("resident_confirmed")
    await page.get_by_role("textbox", name="Note").first.fill("Her daughter rang")
    await page.get_by_role("button", name="Record").click()
    await expect(page.get_by_text("Said by people")).to_be_visible(timeout=PATIENCE)
    await expect(page.locator(".block", has_text="Said by people")).to_contain_text("Cara Novak, BrightCare")
    await picture(page, "visit")
    await page.get_by_role("link", name="Ada Byrne").click()
    await expect(page.locator(".history")).to_contain_text("Care visit was missed")
    await picture(page, "resident")


async def test_an_engineer_tests_a_unit_by_keyboard_alone(town: Town) -> None:
    """From the unit's page through a refusal at its field to an open window and its end, without a script."""
    page = await town.at_a_screen(town.keys.engineer, java_script_enabled=False)
    await page.goto(f"{town.url}/homes/hub-02")
    await page.get_by_role("link", name="Test it, or hold its alarms back").press("Enter")
    await expect(page.get_by_label("Its id")).to_have_value("hub-02")
    now = town.clock().astimezone(LONDON)
    ends = page.get_by_label("Until, in the place's time")
    await page.get_by_label("What for").select_option("test")
    await ends.fill(f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}")
    await ends.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("later than now")
    await expect(ends).to_be_focused()
    await expect(ends).to_have_attribute("aria-invalid", "true")
    await picture(page, "windows-refused")
    await ends.fill(f"{now + timedelta(hours=2):%Y-%m-%dT%H:%M}")
    await ends.press("Enter")
    row = page.locator(".told li", has_text="Test of a unit")
    await expect(row).to_contain_text("opened by Enid Frost")
    await town.press("hub-02", "p-1")
    async with town.pool.connection() as conn:
        alert = await (await conn.execute("SELECT is_test FROM alert WHERE hub_id = 'hub-02'")).fetchone()
    assert alert == {"is_test": True}
    await picture(page, "windows")
    await row.get_by_role("button", name="End it now").press("Enter")
    await expect(page.get_by_text("None: everything is raised.")).to_be_visible()
    town.complaints.clear()  # the refused form


async def test_the_door(town: Town) -> None:
    """A wrong key is refused in words; signing out makes the cookie worthless, wherever it was copied."""
    page = await town.at_a_screen(None)
    await page.get_by_label("Access key").fill("thr_wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("unknown")
    await picture(page, "door")
    await page.get_by_label("Access key").fill(town.keys.operator)
    await page.get_by_role("button", name="Sign in").click()
    cookies = await page.context.cookies()
    cookie = next(cookie for cookie in cookies if cookie["name"] == "threshold_session")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Access key")).to_be_visible()
    async with httpx.AsyncClient(base_url=town.url, cookies={"threshold_session": cookie["value"]}) as copied:
        assert (await copied.get("/")).headers["location"] == "/sign-in"
        assert (await copied.get("/api/v1/alerts")).status_code == 401
    town.complaints.clear()  # the refused sign-in
