"""A source and a Glean that mean ill, in a process with the test."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from dev.loopback import serving
from dev.patience import wait_until
from dev.runtime import Runtime
from dev.stack import TRIGGER_TOKEN


EMPTY_PAGE: dict[str, Any] = {"items": [], "next_cursor": None}


class Hostile:
    """Answers what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.paths: deque[str] = deque()
        self._answers: deque[Response] = deque()
        self._lock = threading.Lock()

    def answer(self, *answers: Response) -> None:
        """The next requests of the source's get these; all others an empty last page."""
        with self._lock:
            self._answers.extend(answers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.paths.append(request.url.path)
        await self._answered(request.url.path)(scope, receive, send)

    def _answered(self, path: str) -> Response:
        if path == "/entries":
            with self._lock:
                return self._answers.popleft() if self._answers else JSONResponse(EMPTY_PAGE)
        return Response()  # as Glean's to a write


@contextmanager
def hostile() -> Iterator[Hostile]:
    app = Hostile()
    with serving(app) as url:
        app.url = url
        yield app


class Besieged:
    """The Worker between a source and a Glean that mean ill."""

    def __init__(self, runtime: Runtime, ends: Hostile, answers: Path, http: httpx.Client) -> None:
        self._http = http
        self.runtime = runtime
        self.ends = ends
        self._answers = answers

    def request(self, method: str, path: str, **options: Any) -> Any:
        headers = {"authorization": f"Bearer {TRIGGER_TOKEN}"}
        response = self._http.request(method, self.runtime.url + path, headers=headers, **options)
        with self._answers.open("ab") as answers:
            answers.write(response.content + b"\n")
        return response.raise_for_status().json()

    def synced(self, *answers: Response) -> Any:
        """An INCREMENTAL job after the source gave these answers."""
        self.ends.answer(*answers)
        return self.ended(self.request("POST", "/trigger", json={"mode": "INCREMENTAL"}))

    def ended(self, job: Any) -> Any:
        """The job's status once it has ended."""
        path = f"/status/{job['id']}"
        return wait_until(
            lambda: self.request("GET", path), lambda job: job["state"] in {"succeeded", "failed"}
        )

    def log_lines(self, marker: str) -> list[str]:
        """The log's objects with this in them, without what wrangler puts around errors."""
        lines = wait_until(lambda: self._lines(marker))  # it is in the file a little later
        return [line[line.find("{") : line.rfind("}") + 1] for line in lines]

    def _lines(self, marker: str) -> list[str]:
        log = self.runtime.log.read_bytes().decode()
        return [line for line in log.split("\n") if marker in line and "{" in line]
