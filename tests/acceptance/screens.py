"""The served console in real Chromium, for stories of people at their screens.

`THRESHOLD_SCREENSHOTS` names a folder where each story leaves pictures.
"""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

import console
from alerts import service as alerts
from alerts.model import Signal
from api.application import build
from api.live import Broadcast
from app.clock import system_clock
from db import feed
from db.pool import Pool
from tests.integration.api.serving import served
from tests.integration.console import scene

PICTURES = os.environ.get("THRESHOLD_SCREENSHOTS")
LONDON = ZoneInfo("Europe/London")
PATIENCE = 20_000
"""Milliseconds to wait for what must show: far more than it takes, because the machine may be busy."""


@dataclass(frozen=True)
class Letter:
    """A caught letter."""

    at: datetime
    to: str
    subject: str
    body: str


@dataclass
class Town:
    """The served console, the people's keys, and Chromium."""

    url: str
    pool: Pool
    keys: scene.Keys
    browser: Browser
    clock: Callable[[], datetime]
    complaints: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    async def at_a_screen(self, key: str | None, **options: Any) -> Page:
        """Somebody in a browser of their own; with a key, signed in and at the board."""
        options.setdefault("viewport", {"width": 1280, "height": 860})
        context = await self.browser.new_context(timezone_id="Europe/London", locale="en-GB", **options)
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self._listen(said.type, said.text))
        await page.goto(f"{self.url}/sign-in")
        if key is not None:
            await page.get_by_label("Access key").fill(key)
            await page.get_by_role("button", name="Sign in").click()
            await expect(page.get_by_role("heading", name="Needs an answer")).to_be_visible(timeout=PATIENCE)
        return page

    def _listen(self, kind: str, said: str) -> None:
        if kind == "error" and complaint(said):
            self.complaints.append(said)

    async def heard(self, page: Page) -> None:
        """Waits until the page listens to the live stream."""
        await expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=PATIENCE)

    async def press(self, hub: str, event_id: str) -> None:
        """A pendant is pressed, as intake hands it on."""
        now = self.clock()
        async with self.pool.connection() as conn:
            await alerts.handle_signals(
                conn, [Signal(hub, event_id, "alarm.pendant", now, now, device="pendant-1")], now
            )

    async def late_visit(self, index: int) -> None:
        """One more late visit, told to the care provider alone."""
        now = self.clock()
        async with self.pool.connection() as conn:
            alert = await scene.add_alert(conn, "visit.late", 2, now, "A care visit is late.", index=index)
            duty = await scene.add_duty(conn, alert, "care_provider", 2, now, "visit.once")
            news = {"duty": duty, "alert": alert, "state": "open", "change": "raised"}
            await feed.append(conn, "duty", ["brightcare"], news, now)

    async def duty(self, organisation: str, kind: str) -> dict[str, Any]:
        """A duty's row."""
        async with self.pool.connection() as conn:
            row = await (
                await conn.execute(
                    "SELECT duty.* FROM duty JOIN alert ON alert.id = duty.alert_id"
                    " WHERE duty.organisation_id = %s AND alert.kind = %s ORDER BY duty.id LIMIT 1",
                    (organisation, kind),
                )
            ).fetchone()
        assert row is not None
        return row


async def picture(page: Page, name: str) -> None:
    """Keeps a picture, when somebody wants to look."""
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def complaint(said: str) -> bool:
    """Is this an error of the page? Taking a picture puts in a style that the page's policy refuses."""
    return not (PICTURES and "inline style" in said)


def daytime() -> Callable[[], datetime]:
    """The true time, or by night so many hours more that the scene's visits lie in one service day."""
    hour = system_clock().astimezone(LONDON).hour
    ahead = timedelta(hours=8 if hour < 7 else 0)
    return lambda: system_clock() + ahead


@pytest.fixture
async def town(pool: Pool, database_url: str, browser: Browser) -> AsyncIterator[Town]:
    """The scene of `tests/integration/console`, served; no script of a page may fail."""
    clock = daytime()
    async with pool.connection() as conn:
        keys = await scene.set_scene(conn, clock())
    letters = [Letter(clock(), "brightcare@mail.example", "A care visit was not made", "Open since 09:02.")]
    broadcast = Broadcast(pool)
    app = build(pool, clock, broadcast, pages=console.build(letters=lambda: letters))
    async with served(app, broadcast, database_url) as url:
        town = Town(url, pool, keys, browser, clock)
        yield town
        for context in town._contexts:
            await context.close()
    assert town.complaints == []


def card(page: Page, title: str, who: str = "") -> Any:
    """An alert's card by its title, and by whom it is about."""
    return page.locator("li.card", has=page.get_by_role("heading", name=title)).filter(has_text=who)
