"""The dashboard as people meet it: a real browser, and the Worker on the real runtime."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from dev.stack import Stack
from durable.machine.remedies import Remedy, RemedyCode
from durable.views.texts import Surface, say
from tests.browser.person import Person, a_browser
from tests.fakes.deployed import deployed


pytestmark = pytest.mark.workerd

RECORDS = 600
TICK = ("0 * * * *", 1_795_492_800_000)  # of the connector's schedule, on the hour
READ = 3  # pages, before a source that is stalled answers nobody
REMOVED = 90  # more than shrink_max lets go
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>" + "long" * 20


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as started:
        yield started


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    backoff = {"backoff_ms_min": 100, "backoff_ms_max": 200}
    limits = {"turn_pages_max": 2, "shrink_max": 0.1, **backoff}
    with deployed(tmp_path_factory.mktemp("dashboard"), limits, RECORDS) as started:
        yield started


@pytest.fixture(autouse=True)
def _quiet(stack: Stack) -> None:
    stack.settle()


@pytest.fixture
def person(browser: Browser, stack: Stack) -> Iterator[Person]:
    """Somebody whose browser finds nothing wrong with the script, nor with the policy."""
    someone = Person(browser, stack.worker_url)
    yield someone
    assert someone.faults == []
    someone.context.close()


def synced(stack: Stack) -> str:
    """A FULL sync that succeeded."""
    job = stack.ended(stack.trigger("FULL")["id"])
    if job["state"] == "held":
        stack.command("approve", job["id"], list=job["missing_list"])
        job = stack.ended(job["id"])
    assert job["state"] == "succeeded", job
    return str(job["id"])


def working(stack: Stack) -> str:
    """A FULL sync in its middle, which lasts until the faults are cleared, and then succeeds."""
    synced(stack)  # what others have removed, is gone
    stack.stall(READ)
    job = stack.trigger("FULL")
    stack.until(job["id"], lambda now: now["pages"] == READ)
    return str(job["id"])


def held(stack: Stack) -> str:
    synced(stack)
    stack.control_source("change", remove=REMOVED)
    job = stack.ended(stack.trigger("FULL")["id"])
    stack.control_source("change", add=REMOVED)
    assert job["state"] == "held", job
    return str(job["id"])


def with_rejects(stack: Stack) -> str:
    synced(stack)
    bad = [record.id for record in stack.source_records()[:3]]
    stack.control_source("break", ids=bad, fields={"text": None, "name": HOSTILE})
    return str(stack.ended(stack.trigger("FULL")["id"])["id"])


def test_a_wrong_token_is_told_and_the_right_one_leads_to_what_was_asked_for(
    person: Person,
) -> None:
    person.page.goto("/jobs?state=failed")

    person.page.get_by_label("Token").fill("wrong")
    person.button("Sign in").click()
    person.sees("The token is not the value of TRIGGER_TOKEN.")
    expect(person.page.get_by_label("Token")).to_be_focused()
    person.sign_in()

    expect(person.page.get_by_role("heading", name="Jobs")).to_be_visible()
    expect(person.page.get_by_label("State")).to_have_value("failed")
    expect(person.page.get_by_role("alert")).to_be_empty()


def test_who_signs_out_is_asked_for_the_token_again(person: Person) -> None:
    person.go("/")

    person.button("Sign out").click()

    expect(person.page.get_by_label("Token")).to_be_visible()
    assert person.context.cookies() == []


def test_a_session_that_is_over_leads_to_sign_in_and_back(person: Person, stack: Stack) -> None:
    person.go(f"/status/{working(stack)}")
    person.sees_state("sending")

    person.context.clear_cookies()
    person.page.get_by_label("Token").wait_for()
    stack.clear_faults()
    person.sign_in()

    person.sees_state("succeeded")


def test_a_job_that_is_triggered_is_followed_to_its_end(person: Person, stack: Stack) -> None:
    synced(stack)
    stack.stall(READ)
    person.go("/")

    person.button("Trigger FULL of python-docs").click()

    person.page.wait_for_url("**/status/python-docs-*")
    person.sees_state("sending")
    progress = person.page.get_by_role("progressbar")
    expect(progress).to_be_visible()
    expect(person.page.get_by_text("of about 600 documents, by what Glean has")).to_be_visible()
    stack.clear_faults()
    person.sees_state("succeeded")
    expect(progress).to_be_hidden()
    expect(person.page.locator("#news")).to_have_text("The job is succeeded: 600 unchanged")
    expect(person.page.get_by_text("Differences alone are sent.")).to_be_visible()
    expect(person.page.locator(".events li").first).to_contain_text("succeeded")
    expect(person.button("Cancel")).to_have_count(0)


def test_what_began_a_job_is_shown_with_it(person: Person, stack: Stack) -> None:
    stack.tick(*TICK)
    (by_cron,) = (job for job in jobs(stack) if job["begun_by"] == "cron")
    by_request = stack.ended(stack.trigger("FULL")["id"])
    assert by_request["begun_by"] == "request"

    for job, occasion in ((by_cron, "cron"), (by_request, "request")):
        person.go(f"/status/{job['id']}")
        asked = person.page.locator("p", has_text="asked for")
        expect(asked).to_contain_text(f" by {occasion}")
        person.go("/jobs")
        row = person.page.get_by_role("row").filter(
            has=person.page.locator(f"a[href$='{job['id']}']")
        )
        expect(row).to_contain_text(f"by {occasion}")


def jobs(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.request("GET", "/jobs").raise_for_status().json()["jobs"]
    return found


def test_what_is_worth_knowing_of_a_connector_is_shown_beside_its_health(
    person: Person, stack: Stack
) -> None:
    synced(stack)
    stack.control_source("change", change=20)
    single = "/indexdocuments"
    stack.control_glean("faults", path=single, times=1, status=429, retry_after="1")
    assert stack.ended(stack.trigger("INCREMENTAL")["id"])["state"] == "succeeded"

    person.go("/connectors")

    expect(person.page.get_by_text("429")).to_be_visible()


def test_a_held_job_is_approved_by_who_has_seen_how_much_goes(person: Person, stack: Stack) -> None:
    job_id = held(stack)
    person.go("/")
    expect(person.page.get_by_text("Held: needs a person")).to_be_visible()
    main = person.page.get_by_role("main")
    decide = Remedy(RemedyCode.DECIDE.value, {"deletions": REMOVED})
    asked = say(decide, Surface.DASHBOARD).partition(".")[0]
    expect(main).to_contain_text(asked)
    person.page.get_by_role("link", name="Latest: FULL held").click()
    expect(main).to_contain_text(asked)
    expect(main).not_to_contain_text("POST")
    expect(main).to_contain_text(f"Would be deleted: {REMOVED} documents")
    missing = stack.request("GET", f"/missing/{job_id}").raise_for_status().json()["missing"]
    rows = person.page.locator("section[aria-labelledby=missing] tbody tr")
    expect(rows).to_have_count(20)
    expect(rows.first).to_contain_text(missing[0]["id"])
    link = rows.first.get_by_role("link", name=missing[0]["title"])
    expect(link).to_have_attribute("href", missing[0]["url"])
    expect(main).to_contain_text(f"and {REMOVED - 20} more")

    person.button(f"Approve: delete {REMOVED} documents").click()
    dialog = person.page.get_by_role("dialog", name=f"Delete {REMOVED} documents?")
    expect(dialog).to_contain_text(f"deletes what is on this list of {REMOVED} documents")
    posted: list[str] = []
    person.page.on("request", lambda request: posted.append(request.method))
    dialog.get_by_role("button", name="Leave it").click()
    person.button(f"Approve: delete {REMOVED} documents").click()
    assert "POST" not in posted
    dialog.get_by_role("button", name=f"Delete {REMOVED} documents").click()

    person.sees_state("succeeded")
    expect(rows).to_have_count(0)
    expect(main).to_contain_text(f"{REMOVED} deleted")
    assert stack.status(job_id)["state"] == "succeeded"


def test_a_job_is_cancelled_and_retried(person: Person, stack: Stack) -> None:
    job_id = working(stack)
    person.go(f"/status/{job_id}")

    person.button("Cancel").click()
    person.button("Cancel the job").click()
    person.sees_state("cancelled")
    stack.clear_faults()
    person.button("Retry").click()
    person.button("Retry the job").click()

    person.sees_state("succeeded")
    assert stack.status(job_id)["state"] == "succeeded"


def test_what_is_refused_is_told_in_the_workers_words(person: Person, stack: Stack) -> None:
    job_id = held(stack)
    person.go(f"/status/{job_id}")
    person.button("Approve").click()

    stack.command("cancel", job_id)
    person.page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    alert = person.page.get_by_role("alert")
    expect(alert).to_contain_text("Conflict")
    expect(alert).to_contain_text("cancelled")
    person.button("Dismiss").click()
    expect(alert).to_be_empty()


def test_a_lost_network_is_told_and_asked_again(person: Person, stack: Stack) -> None:
    person.go(f"/status/{working(stack)}")
    person.sees_state("sending")

    person.context.set_offline(True)
    expect(person.page.get_by_role("alert")).to_contain_text("Trying again in")
    stack.clear_faults()
    person.context.set_offline(False)

    person.sees_state("succeeded")
    expect(person.page.get_by_role("alert")).to_be_empty()


def test_a_page_that_nobody_sees_asks_for_nothing(person: Person, stack: Stack) -> None:
    job_id = working(stack)
    person.go(f"/status/{job_id}")
    person.sees_state("sending")
    seen = "Object.defineProperty(document, 'hidden', {{configurable: true, get: () => {}}});"
    change = "document.dispatchEvent(new Event('visibilitychange'))"

    person.page.evaluate(seen.format("true") + change)
    asked: list[str] = []
    person.page.on("request", lambda request: asked.append(request.url))
    stack.clear_faults()
    assert stack.ended(job_id)["state"] == "succeeded"
    assert asked == []
    person.sees_state("sending")
    person.page.evaluate(seen.format("false") + change)

    person.sees_state("succeeded")


def test_what_was_rejected_is_shown_as_it_is_and_read_again(person: Person, stack: Stack) -> None:
    job_id = with_rejects(stack)
    person.go(f"/status/{job_id}")

    rows = person.page.get_by_role("table", name="Rejected (3)").locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("the record is not a Entry")
    expect(rows.first).to_contain_text(HOSTILE)
    person.button("Retry 3 records rejected").click()
    stack.clear_faults()
    person.button("Retry them").click()

    person.page.wait_for_url(lambda url: job_id not in url)
    person.sees(f"Reads again what was rejected by {job_id}.")
    person.sees_state("succeeded")


def test_jobs_are_found_by_their_state_and_page_by_page(person: Person, stack: Stack) -> None:
    stack.control_glean("faults", status=401)
    failed = stack.ended(stack.trigger("FULL")["id"])["id"]
    for _ in range(2):
        stack.ended(stack.trigger("INCREMENTAL")["id"])
    person.go("/jobs?limit=2")

    rows = person.page.locator("tbody tr")
    expect(rows).to_have_count(2)
    person.page.get_by_role("link", name="Older").click()
    person.page.wait_for_url("**before=*")
    expect(rows.first).to_contain_text("python-docs")
    person.page.get_by_role("link", name="Newest").click()
    person.page.wait_for_url(lambda url: "before" not in url)
    person.page.get_by_label("State").select_option("failed")
    person.page.wait_for_url("**state=failed")

    expect(rows.first).to_contain_text("GLEAN_INDEXING_API_TOKEN")
    assert person.page.locator(f"a[href='/status/{failed}']").is_visible()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/status/nothing", "There is no job 'nothing'."),
        ("/events/nothing", "There is no job 'nothing'."),
        ("/rejects/nothing", "There is no job 'nothing'."),
        ("/jobs?state=odd", "state"),
    ],
)
def test_what_is_not_there_is_told(person: Person, path: str, text: str) -> None:
    person.go(path)

    alert = person.page.locator("main [role=alert]")
    expect(alert).to_contain_text(text)
    expect(alert.get_by_role("link", name="All connectors")).to_be_visible()


def test_events_and_rejects_have_pages_of_their_own(person: Person, stack: Stack) -> None:
    job_id = with_rejects(stack)

    person.go(f"/events/{job_id}")
    expect(person.page.locator(".events li").last).to_contain_text("queued")
    person.go(f"/rejects/{job_id}")

    expect(person.page.get_by_role("table")).to_contain_text("the record is not a Entry")


def test_all_can_be_done_with_the_keyboard(person: Person, stack: Stack) -> None:
    job_id = held(stack)
    page, press = person.page, person.page.keyboard.press
    page.goto(f"/status/{job_id}")
    expect(page.get_by_label("Token")).to_be_focused()
    person.sign_in()
    approve, cancel = person.button("Approve"), person.button("Cancel")
    approve.wait_for()
    expect(page.locator("main")).to_be_focused()

    page.reload()
    approve.wait_for()
    press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    press("Enter")
    expect(page.locator("main")).to_be_focused()
    for _ in range(2):
        press("Tab")
    expect(approve).to_be_focused()
    press("Tab")
    expect(cancel).to_be_focused()
    press("Enter")
    leave = person.button("Leave it")
    expect(leave).to_be_focused()
    press("Shift+Tab")
    press("Shift+Tab")
    # What is behind the dialog is out of reach; the browser's own buttons are not.
    assert page.evaluate("document.activeElement.matches('body, dialog *')")
    press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(cancel).to_be_focused()
    press("Enter")
    expect(leave).to_be_focused()
    press("Tab")
    expect(person.button("Cancel the job")).to_be_focused()
    press("Enter")

    person.sees_state("cancelled")
    expect(page.locator(".commands")).to_be_focused()


def test_a_question_that_was_left_is_asked_again_at_once(person: Person, stack: Stack) -> None:
    """Before the browser has told the page that the dialog is closed, which it does later."""
    person.go(f"/status/{held(stack)}")
    person.button("Cancel").click()
    expect(person.button("Leave it")).to_be_focused()

    person.page.evaluate("document.querySelector('dialog').close(); document.activeElement.click()")

    expect(person.button("Leave it")).to_be_focused()
    person.button("Cancel the job").click()
    person.sees_state("cancelled")


def begun(person: Person, stack: Stack) -> tuple[str, Callable[[], None]]:
    """A job that waits its turn, on the screen; and what has the page draw that it has begun."""
    first = working(stack)
    job_id = str(stack.trigger("INCREMENTAL")["id"])
    person.go(f"/status/{job_id}")
    person.sees_state("queued")

    def begin() -> None:
        stack.stall()
        stack.command("cancel", first)
        person.sees_state("sending")

    return job_id, begin


def test_a_key_that_is_held_down_while_the_page_is_drawn_anew_counts(
    person: Person, stack: Stack
) -> None:
    _, begin = begun(person, stack)
    person.button("Cancel").focus()

    person.page.keyboard.down("Space")
    begin()
    expect(person.button("Cancel")).to_be_focused()
    person.page.keyboard.up("Space")

    expect(person.button("Leave it")).to_be_focused()


def test_a_question_gives_the_focus_back_though_the_page_was_drawn_anew(
    person: Person, stack: Stack
) -> None:
    job_id, begin = begun(person, stack)
    person.button("Cancel").focus()
    person.page.keyboard.press("Enter")
    expect(person.button("Leave it")).to_be_focused()

    begin()
    person.page.keyboard.press("Escape")
    expect(person.button("Cancel")).to_be_focused()
    person.page.keyboard.press("Enter")
    expect(person.button("Leave it")).to_be_focused()
    stack.command("cancel", job_id)
    person.sees_state("cancelled")
    person.page.keyboard.press("Escape")

    # Its button is gone.
    expect(person.page.locator(".commands")).to_be_focused()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/connectors", "Trigger FULL"),
        ("/connectors", "python-docs"),
        ("/jobs", "python-docs FULL"),
        ("/status/", "Jobs of python-docs"),
    ],
)
def test_what_is_drawn_anew_stays_the_element_that_it_was(
    person: Person, stack: Stack, path: str, name: str
) -> None:
    """So whatever a person has begun with it, goes on: a focus, a key, a choice of text."""
    job_id = working(stack)
    person.go(path + job_id if path == "/status/" else path)
    main = person.page.locator("main")
    element = main.locator("a, button").filter(has_text=name).first
    element.focus()
    element.evaluate("element => { window.before = element; }")

    stack.command("cancel", job_id)
    expect(main.locator("tbody tr, article, h1:has(.badge)").first).to_contain_text("cancelled")

    assert person.page.evaluate("document.activeElement === window.before")


def test_axe_finds_nothing_wrong_and_nothing_overhangs(person: Person, stack: Stack) -> None:
    page, found = person.page, dict[str, list[str]]()
    bad, job_id = with_rejects(stack), held(stack)

    page.goto("/")
    person.sign_in("wrong")
    person.sees("The token is not")
    found["sign-in"] = person.faults_of_the_page()
    person.sign_in()
    page.locator("article").first.wait_for()
    found["connectors"] = person.faults_of_the_page()
    for path in ("/jobs", f"/status/{bad}", f"/rejects/{bad}", f"/events/{bad}", "/status/x"):
        page.goto(path)
        page.locator("td, .events li, [role=alert] p").first.wait_for()
        found[path] = person.faults_of_the_page()
    page.goto(f"/status/{job_id}")
    person.button("Approve").click()
    found["dialog"] = person.faults_of_the_page()
    page.keyboard.press("Escape")
    stack.command("cancel", job_id)
    page.goto(f"/status/{working(stack)}")
    page.get_by_role("progressbar").wait_for()
    found["progress"] = person.faults_of_the_page()

    assert {name: faults for name, faults in found.items() if faults} == {}
