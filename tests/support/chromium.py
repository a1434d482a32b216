"""Debian's Chromium through Playwright, for tests of what a person sees and does."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright

FLAGS = [
    "--no-sandbox",  # containers run as root, where the sandbox refuses to start
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NONE_HERE = "no Chromium here: run scripts/provision as root, or install it"


def chromium_path() -> str | None:
    """This machine's Chromium or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, (shutil.which(name) for name in names)), None)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium; skips aloud where there is none, and fails under CI=true."""
    path = chromium_path()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NONE_HERE)
        pytest.skip(NONE_HERE)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield chromium
        await chromium.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """An empty page, 1280 x 900, on which a script's error fails the test."""
    errors: list[str] = []
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    await page.close()
    assert errors == [], "scripts of the page failed"
