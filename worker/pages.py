"""Serves the dashboard's page and assets. They hold no data, so they need no authentication."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from durable.machine.commands import RefusalCode
from durable.machine.states import TRAITS
from durable.views.texts import WORDINGS, Surface, template
from worker import problems
from worker.endpoints import ENDPOINTS
from worker.negotiation import prefers_html
from worker.request import Request
from worker.responses import WorkerResponse, refuse
from worker.sessions import SAFE_METHODS


FOLDER = Path(__file__).with_name("dashboard")
PAGE = "index.html"
STATES = "states.js"  # made of the table of the states
TEXTS = "texts.js"  # made of the table of the texts
ASSETS = "/assets/"
# At these, a browser gets the page and everybody else the data.
SHARED = frozenset(one.path for one in ENDPOINTS if one.has_page and "{" not in one.path)
SHARED_OF_A_JOB = tuple(
    one.path.partition("{")[0] for one in ENDPOINTS if one.has_page and "{" in one.path
)
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    # Asked for again each time, and answered by 304: after a deployment, no file is an old one.
    "cache-control": "no-cache",
}


class File(Struct, frozen=True):
    """A file of the dashboard."""

    content: bytes
    content_type: str
    etag: str


def answer(request: Request) -> WorkerResponse | None:
    """The dashboard's answer; None if the request is not for it."""
    name = _name(request)
    if name is None:
        return None
    if (file := _files().get(name)) is None:
        text = f"There is nothing at {request.path!r:.200}."
        return refuse(problems.describe(404, text, RefusalCode.UNKNOWN_PATH))
    if request.method not in SAFE_METHODS:
        problem = problems.describe(405, f"{request.method} is not for this; use GET.")
        return refuse(problem, allow="GET, HEAD")
    headers = {**HEADERS, "content-type": file.content_type, "etag": file.etag}
    if _is_known(file, request.headers.get("if-none-match", "")):
        return WorkerResponse(304, headers, b"")
    return WorkerResponse(200, headers, file.content)


def vary(request: Request, response: WorkerResponse) -> WorkerResponse:
    """Add to the answer that it depends on the header Accept."""
    if not _is_shared(request.path):
        return response
    return replace(response, headers={**response.headers, "vary": "Accept"})


def _name(request: Request) -> str | None:
    """The file that is asked for, which may be none there is; None: the data is."""
    if request.path.startswith(ASSETS):
        return request.path.removeprefix(ASSETS)
    if request.path == "/":
        return PAGE
    is_page = _is_shared(request.path) and prefers_html(request.headers.get("accept"))
    return PAGE if is_page else None


def _is_shared(path: str) -> bool:
    return path in SHARED or path.startswith(SHARED_OF_A_JOB)


def _is_known(file: File, known: str) -> bool:
    """Whether the client has it: proxies that compress it mark the tag as weak."""
    tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
    return file.etag in tags or "*" in tags


@cache  # once, with the first request: nothing is read while the Worker starts
def _files() -> Mapping[str, File]:
    contents = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in TYPES}
    shown = {state: {"phase": one.phase, "look": one.look} for state, one in TRAITS.items()}
    contents[STATES] = b"export const STATES = " + msgspec.json.encode(shown) + b";\n"
    words = {code: template(code, Surface.DASHBOARD) for code in WORDINGS}
    contents[TEXTS] = b"export const TEXTS = " + msgspec.json.encode(words) + b";\n"
    tags = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return {
        name: File(content, TYPES[Path(name).suffix], f'"{tags[name][:32]}"')
        for name, content in contents.items()
    }
