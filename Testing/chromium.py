"""The system's Chromium, without a window and without a network, for tests of pages.

    @pytest.fixture(scope="module")
    def chromium():
        with open_chromium() as browser:
            yield browser

A page that asks for anything but its own file, or has a fault in its console, fails the test that opened it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

PROGRAM = Path("/usr/bin/chromium")
TIME_LIMIT_MS = 20_000
A4_WIDTH_PX, PAGE_MARGIN_MM, PX_PER_MM = 794, 11, 96 / 25.4


@contextmanager
def open_chromium() -> Iterator[Chromium]:
    """Chromium, for as long as the context lasts."""
    if not PROGRAM.is_file():
        pytest.fail(f"{PROGRAM} is missing; `make test` installs it", pytrace=False)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=arguments, timeout=6 * TIME_LIMIT_MS)
        try:
            yield Chromium(browser)
        finally:
            browser.close()


class Chromium:
    """A browser that opens pages from files."""

    def __init__(self, browser: Browser):
        self._browser = browser

    @contextmanager
    def open(self, html: Path, media: str = "screen", **context: Any) -> Iterator[Page]:
        """The page in a file, for as long as the context lasts.

        Parameters
        ----------
        media:
            "screen" or "print"; for print the window is as wide as what is printed on A4.
        context:
            What the reader has: `viewport`, `color_scheme`, `java_script_enabled`, ... as Playwright takes them.

        Raises
        ------
        AssertionError
            When it is closed: it asked for another address, or something went wrong in its console.
        """
        if media == "print":
            context["viewport"] = {"width": round(A4_WIDTH_PX - 2 * PAGE_MARGIN_MM * PX_PER_MM), "height": 1000}
        opened = self._browser.new_context(offline=True, **context)
        opened.set_default_timeout(TIME_LIMIT_MS)
        faults: list[str] = []
        try:
            page = opened.new_page()
            page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("request", lambda one: None if _is_inside(one.url, html) else faults.append(f"asked for {one.url}"))
            page.emulate_media(media=media)
            page.goto(html.resolve().as_uri())
            yield page
        finally:
            opened.close()
        assert not faults, faults


def violations(page: Page) -> list[str]:
    """What axe-core finds that keeps people from reading a page: rule, what is wrong, and where."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']} at {', '.join(str(node['target']) for node in one['nodes'][:5])}" for one in found
    ]


def overflowing(page: Page) -> list[str]:
    """What reaches out of the window to the right, as the first words of each part; tables that scroll do not count."""
    return page.evaluate(
        """() => [...document.body.querySelectorAll("*")]
            .filter(part => part.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
            .filter(part => !part.closest(".scroll") || getComputedStyle(part.closest(".scroll")).overflowX !== "auto")
            .map(part => part.tagName + " " + part.textContent.trim().slice(0, 40))"""
    )


def _is_inside(url: str, html: Path) -> bool:
    return url.startswith(("data:", "blob:")) or url.split("#")[0] == html.resolve().as_uri()
