"""The console for whoever uses it, in whatever way: by keyboard, without scripts, at night, on a phone."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from tests.acceptance.screens import PATIENCE, Town, card, picture
from tests.integration.console import scene

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
CONTRAST = Path(scene.__file__).with_name("contrast.js").read_text(encoding="utf-8")
NAMELESS = """[...document.querySelectorAll('button, a, input:not([type=hidden]), select, textarea')]
    .filter((node) => node.checkVisibility() && !(node.innerText || node.textContent || '').trim()
        && !node.labels?.length && !node.getAttribute('aria-label'))
    .map((node) => node.outerHTML)"""
PAGES = ("/", "ALERT", "VISIT", "/visits", "/alerts", "/residents/ada", "/letters")


async def test_everything_works_without_a_script(town: Town) -> None:
    """Forms are forms: signing in, acknowledging and closing need no JavaScript."""
    page = await town.at_a_screen(town.keys.care_manager, java_script_enabled=False)
    missed = card(page, "Care visit was missed")
    await missed.locator("summary", has_text="Acknowledge").click()
    await missed.get_by_role("button", name="Acknowledge").click()
    await expect(card(page, "Care visit was missed")).to_contain_text("by Cara Novak")
    missed = card(page, "Care visit was missed")
    await missed.locator("summary", has_text="Close").click()
    await missed.get_by_label("How it ended").select_option("visit_was_made")
    await missed.get_by_role("button", name="Close").click()
    await expect(card(page, "Care visit was missed")).to_have_count(0)
    assert (await town.duty("brightcare", "visit.missed"))["outcome"] == "visit_was_made"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_words_can_be_read_by_day_and_by_night_and_on_a_phone(town: Town, scheme: Any) -> None:
    """Every text has WCAG AA contrast in both themes, no page is wider than a phone, controls have names."""
    for key, who, more in (
        (town.keys.operator, "operator", ("WINDOWS",)),
        (town.keys.care_manager, "care", ()),
    ):
        page = await town.at_a_screen(key, color_scheme=scheme, viewport={"width": 390, "height": 844})
        links = {
            "ALERT": await page.locator("li.card h3 a").first.get_attribute("href"),
            "VISIT": await page.locator(".lane-list a").first.get_attribute("href"),
            "WINDOWS": "/windows?sort=hub&place=hub-02",
        }
        for name in PAGES + more:
            await page.goto(f"{town.url}{links.get(name, name)}")
            assert await page.evaluate(CONTRAST) == [], (who, name, scheme)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (who, name)
            assert await page.evaluate(NAMELESS) == [], (who, name)
            await picture(page, f"phone-{who}-{name.strip('/').replace('/', '-').lower()}-{scheme}")


async def test_a_keyboard_is_enough(town: Town) -> None:
    """From the board to an acknowledged alert without a mouse."""
    page = await town.at_a_screen(town.keys.care_manager)
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.matches('li.card summary')"):
            break
    title = await page.evaluate("document.activeElement.closest('li').id")
    await page.keyboard.press("Enter")
    for _ in range(6):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.matches('button[type=submit]')"):
            break
    await page.keyboard.press("Enter")
    await expect(page.locator(f"#{title}")).to_contain_text("by Cara Novak", timeout=PATIENCE)


async def test_what_people_write_stays_text_and_pages_may_run_nothing_else(town: Town) -> None:
    """Markup in a name is shown as it was written, and the policy of every page forbids inline scripts."""
    evil = "<img src=x onerror=\"document.body.dataset.owned='yes'\">"
    async with town.pool.connection() as conn:
        await conn.execute("UPDATE resident SET name = %s WHERE id = 'ada'", (evil,))
    page = await town.at_a_screen(town.keys.care_manager)
    await expect(card(page, "Care visit was missed")).to_contain_text(evil)
    assert await page.evaluate("document.body.dataset.owned") is None
    async with httpx.AsyncClient(base_url=town.url) as client:
        for path in ("/sign-in", "/", "/alerts/1", "/static/console.js", "/static/nothing.js"):
            headers = (await client.get(path)).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-frame-options"] == "DENY"
        forged = await client.post(
            "/sign-in", data={"key": town.keys.operator}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert forged.status_code == 403
