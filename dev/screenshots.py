"""Pictures of the dashboard, with all that can happen on it: `python -m dev.screenshots`.

They are written to docs/images, from the running Worker with the connectors to copy.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page, sync_playwright

from dev import chromium
from dev.examples import examples
from dev.stack import TRIGGER_TOKEN, Stack
from dev.staging import ROOT


FOLDER = ROOT / "docs/images"
COUNT = 600  # records of each source
SYNCS = 12  # of each connector, before anything goes wrong
LIMITS = {"turn_pages_max": 2, "backoff_ms_min": 100, "jobs_kept_max": 100}
WIDTH, HEIGHT = 1_120, 760
DELAY_MS = 1_500  # of a page of the source that is caught at work


def main() -> int:
    if chromium.find_program() is None:
        print(f"screenshots: {chromium.MISSING}", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        Stack(Path(name), LIMITS, site=examples(COUNT)) as stack,
    ):
        _draw(stack)
    return 0


def _draw(stack: Stack) -> None:
    _live(stack)
    failed, held, working = _fail(stack), _hold(stack), _work(stack)
    with _page(stack.worker_url) as page:
        _take(page, "/connectors", "connectors", "article")
        _take(page, f"/status/{working}", "working", "progress")
    with _page(stack.worker_url, "dark") as page:
        _take(page, f"/status/{failed}", "failed", ".events li")
        page.goto(f"/status/{held}")
        page.get_by_role("button", name="Approve").click()
        _shoot(page, "approve")


def _live(stack: Stack) -> None:
    """Some days of all connectors."""
    stack.put_settings("CONNECTOR_API_URL")  # the backend answers when it is done
    # The wiki has the people whom the files name.
    for connector in ("wiki", "files", "tickets", "backend"):
        for number in range(SYNCS):
            if connector != "backend" and number:
                changes = {"change": 7 + 31 * (number * 5 % 7), "remove": number % 3, "add": number}
                url = f"{connector.upper()}_URL"
                stack.control_source("change", url, seed=number, **changes)
            mode = "FULL" if number % 5 == 0 else "INCREMENTAL"
            stack.ended(stack.trigger(mode, connector)["id"])


def _fail(stack: Stack) -> str:
    """A sync that meets trouble which passes, and then some that does not."""
    stack.control_source("change", "TICKETS_URL", change=400, seed=99)
    stack.control_source("faults", "TICKETS_URL", status=503, retry_after="1", skip=1)
    stack.control_source("faults", "TICKETS_URL", status=401, skip=2)
    return _wait_for_end(stack, stack.trigger("INCREMENTAL", "tickets"))


def _hold(stack: Stack) -> str:
    stack.control_source("change", "FILES_URL", remove=COUNT // 3, seed=98)
    return _wait_for_end(stack, stack.trigger("FULL", "files"))


def _work(stack: Stack) -> str:
    stack.control_source("faults", "WIKI_URL", delay_ms=DELAY_MS, times=1_000, path="pages")
    job = stack.trigger("FULL", "wiki")
    stack.until(job["id"], lambda now: (now["progress"] or {"share": 0})["share"] > 0)
    return str(job["id"])


def _wait_for_end(stack: Stack, job: dict[str, Any]) -> str:
    return str(stack.ended(job["id"])["id"])


@contextmanager
def _page(url: str, scheme: Literal["light", "dark"] = "light") -> Iterator[Page]:
    """A page of somebody who is signed in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find_program(), args=list(chromium.FLAGS)
        )
        page = browser.new_page(
            base_url=url,
            color_scheme=scheme,
            viewport={"width": WIDTH, "height": HEIGHT},
            reduced_motion="reduce",
        )
        page.goto("/")
        page.get_by_label("Token").fill(TRIGGER_TOKEN)
        page.keyboard.press("Enter")
        page.locator("article").first.wait_for()
        yield page
        browser.close()


def _take(page: Page, path: str, name: str, needed: str) -> None:
    """A picture of a page, as soon as it has what is needed."""
    page.goto(path)
    page.locator(needed).first.wait_for()
    _shoot(page, name)


def _shoot(page: Page, name: str) -> None:
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
