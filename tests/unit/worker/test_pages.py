"""The dashboard's page and its assets, as the routes serve them."""

import json
import re
from collections.abc import Mapping

import pytest

from durable.machine.commands import RefusalCode
from durable.machine.states import TRAITS, State
from durable.views.texts import WORDINGS, Surface, template
from tests.fakes.requests import BEARER, a_request, answered, check_problem
from tests.fakes.runners import JOB_ID, FakeRunners
from worker.endpoints import find_endpoints
from worker.pages import FOLDER, STATES, TEXTS, TYPES
from worker.responses import WorkerResponse


BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SHARED = ["/connectors", "/jobs", f"/status/{JOB_ID}", f"/events/{JOB_ID}", f"/rejects/{JOB_ID}"]
FILES = sorted(path.name for path in FOLDER.iterdir())
# Of what a script could read data as, or get elsewhere.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc|"
    r"(?<!xmlns=\")(?<!SVG = \")https?://|@import|url\(|javascript:|\sstyle=|\son[a-z]+=\""
)


def got(path: str, headers: Mapping[str, str] = BROWSER, method: str = "GET") -> WorkerResponse:
    return answered(a_request(method, path, headers=headers))


def test_the_page_is_for_everybody() -> None:
    response = got("/", {})

    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.body == (FOLDER / "index.html").read_bytes()


@pytest.mark.parametrize("path", SHARED)
def test_where_a_browser_gets_the_page_everybody_else_gets_the_data(path: str) -> None:
    page, data = got(path), got(path, {**BEARER, "accept": "*/*"})

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "json" in data.headers["content-type"]
    assert page.headers["vary"] == data.headers["vary"] == "Accept"


@pytest.mark.parametrize("path", SHARED)
def test_the_page_is_given_before_anybody_is_asked_and_asks_no_object(path: str) -> None:
    runners = FakeRunners()

    response = answered(a_request("GET", path, headers=BROWSER), runners)

    assert response.status == 200
    assert runners.asked == []


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js")])
def test_what_a_script_asks_for_is_in_the_table_of_the_routes(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    paths = re.findall(r"[`\"](/[a-z]+(?:/\$\{\w+(?:\.\w+)?\})?)[`\"?$]", text)

    assert [
        path for path in paths if find_endpoints(path.replace("${", "").replace("}", "")) is None
    ] == []


def test_a_script_has_the_states_of_the_table() -> None:
    response = got(f"/assets/{STATES}")

    start, end = b"export const STATES = ", b";\n"
    states = json.loads(response.body.removeprefix(start).removesuffix(end))
    assert response.headers["content-type"] == TYPES[".js"]
    assert states == {
        state: {"phase": TRAITS[state].phase, "look": TRAITS[state].look} for state in State
    }


def test_a_script_has_the_texts_of_the_table_as_the_dashboard_says_them() -> None:
    response = got(f"/assets/{TEXTS}")

    start, end = b"export const TEXTS = ", b";\n"
    texts = json.loads(response.body.removeprefix(start).removesuffix(end))
    assert texts == {code: template(code, Surface.DASHBOARD) for code in WORDINGS}


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/session", "/trigger", "/x"])
def test_at_other_paths_a_browser_gets_what_everybody_gets(path: str) -> None:
    response = got(path, {**BEARER, **BROWSER})

    assert "json" in response.headers["content-type"]
    assert "vary" not in response.headers


def test_a_refusal_is_data_of_these_paths_too() -> None:
    response = got(f"/status/{JOB_ID}", {"accept": "application/json"})

    check_problem(response, 401)
    assert response.headers["vary"] == "Accept"


@pytest.mark.parametrize("name", FILES)
def test_an_asset_is_for_everybody_and_of_its_type(name: str) -> None:
    response = got(f"/assets/{name}", {})

    assert response.status == 200
    assert response.headers["content-type"] == TYPES[f".{name.rpartition('.')[2]}"]
    assert response.body == (FOLDER / name).read_bytes()


@pytest.mark.parametrize("path", ["/", "/jobs", "/assets/dashboard.js", "/assets/dashboard.css"])
def test_a_page_and_its_assets_take_nothing_from_elsewhere(path: str) -> None:
    headers = got(path).headers

    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    own = dict.fromkeys(("script-src", "style-src", "connect-src", "img-src"), "'self'")
    none = dict.fromkeys(("default-src", "base-uri", "form-action", "frame-ancestors"), "'none'")
    assert policy == {**own, **none}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize("name", FILES)
def test_no_asset_reads_data_as_html_or_takes_anything_from_elsewhere(name: str) -> None:
    assert FORBIDDEN.findall((FOLDER / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("known", ["{}", "W/{}", '"x", {}', "*"])
def test_what_a_browser_has_is_not_sent_again(known: str) -> None:
    first = got("/assets/dashboard.js")
    etag = first.headers["etag"]

    second = got("/assets/dashboard.js", {"if-none-match": known.format(etag)})

    assert (second.status, second.body) == (304, b"")
    assert second.headers["etag"] == etag
    assert second.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("known", ["", '"x"', "x"])
def test_what_has_changed_is_sent(known: str) -> None:
    assert got("/assets/dashboard.js", {"if-none-match": known}).status == 200


@pytest.mark.parametrize(
    "name",
    [
        *("", "x.js", "../entry.py", "..%2fentry.py", "entry.py", "/etc/passwd", "Dashboard.js"),
        *("dashboard.js/", "dashboard.js%00", "./dashboard.js", "__pycache__", "." * 10_000),
    ],
    ids=lambda name: repr(name[:20]),
)
def test_what_is_no_asset_is_not_there(name: str) -> None:
    response = got(f"/assets/{name}")

    check_problem(response, 404, code=RefusalCode.UNKNOWN_PATH)
    assert len(response.body) < 1_000


@pytest.mark.parametrize("path", ["/", "/assets/dashboard.js"])
def test_a_page_is_read_only(path: str) -> None:
    response = got(path, BEARER, "POST")

    check_problem(response, 405)
    assert response.headers["allow"] == "GET, HEAD"
