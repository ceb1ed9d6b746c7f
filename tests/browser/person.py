"""Somebody in front of the dashboard, with a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from dev import chromium
from dev.patience import SECONDS_MAX
from dev.stack import TRIGGER_TOKEN
from dev.staging import ROOT


PATIENCE_MS = SECONDS_MAX * 1_000
AXE = ROOT / "node_modules/axe-core/axe.min.js"
# Prefixed in the console by the browser itself: a status that the test asks for.
EXPECTED = "Failed to load resource"
WIDTH, HEIGHT = 1_200, 900
PHONE_WIDTH = 320


@contextmanager
def a_browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find_program(), args=list(chromium.FLAGS)
        )
        try:
            yield browser
        finally:
            browser.close()


class Person:
    """Opens pages, and sees what is wrong with them.

    Args:
        browser: in which they have a profile of their own.
        url: of the Worker.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self.context = browser.new_context(
            base_url=url,
            color_scheme="light",
            viewport={"width": WIDTH, "height": HEIGHT},
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []  # of the script, and what the policy has stopped
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda line: self._heard(line.type, line.text))

    def sign_in(self, token: str = TRIGGER_TOKEN) -> None:
        self.page.get_by_label("Token").fill(token)
        self.page.keyboard.press("Enter")

    def go(self, path: str) -> None:
        """Open a page, and sign in if that is asked for."""
        self.page.goto(path)
        self.page.locator("h1").first.wait_for()
        if self.page.get_by_label("Token").is_visible():
            self.sign_in()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name)

    def sees(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def sees_state(self, state: str) -> None:
        self.page.locator("h1 .badge", has_text=state).wait_for()

    def faults_of_the_page(self) -> list[str]:
        """What is wrong with the page as it is now: in both schemes of colours, and on a phone."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        faults = self._violations()
        self.page.emulate_media(color_scheme="dark")
        faults += self._violations("color-contrast")
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": PHONE_WIDTH, "height": HEIGHT})
        faults += self._violations()
        overhang = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        return faults if overhang <= 0 else [*faults, f"it is {overhang} px wider than a phone"]

    def _violations(self, *rules: str) -> list[str]:
        """What axe finds wrong, by some of its rules or by all."""
        options = {"runOnly": rules} if rules else {}
        found: dict[str, Any] = self.page.evaluate("options => axe.run(options)", options)
        return [
            f"{violation['id']}: {node['html'][:200]}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not text.startswith(EXPECTED):
            self.faults.append(text)
