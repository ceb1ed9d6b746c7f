"""The Worker with a connector for each door, and all that is beyond the doors."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dev.loopback import serving
from dev.patience import PATIENT_SECONDS, wait_until
from dev.proxy import ThroughProxy
from dev.runtime import Runtime
from dev.stack import GLEAN_TOKEN, TRIGGER_TOKEN
from tests.fakes.deployed import IS_BARE
from tests.fakes.team import AUDIENCE


TABLE = Path(__file__).with_name("_doors.py")
NAMES = (
    *("good", "page", "later", "resumed", "keyed", "totalled", "detailed", "gathered", "nested"),
    *("lines", "graph", "wiki", "token", "python", "single", "backend"),
)
NOTES = '{"id": "a"}'
LIMITS = {
    "backoff_ms_min": 50,
    "backoff_ms_max": 100,
    "stall_ms_max": 300,
    "documents_per_minute_max": 1_000_000,
}
CERTS = "/cdn-cgi/access/certs"
SOUND: Mapping[str, str] = {
    "/page": f'{{"items": [{NOTES}], "next_cursor": null}}',
    "/later": f'{{"items": [{NOTES}], "next_cursor": "2"}}',
    "/later?2": f'{{"items": [{NOTES}], "next_cursor": null}}',
    "/keyed": '{"items": {"a": {}}, "next_cursor": null}',
    "/totalled": f'{{"items": [{NOTES}], "next_cursor": null, "total": 1}}',
    "/parents": '{"items": [{"id": "p"}], "next_cursor": null}',
    "/lines": f"{NOTES}\n",
    "/graph": f'{{"data": {{"x": {{"nodes": [{NOTES}], "pageInfo": {{"hasNextPage": false}}}}}}}}',
    "/wiki": f'{{"batchcomplete": "", "query": {{"pages": [{NOTES}]}}}}',
    "/token": '{"access_token": "doors-access-token-5rT8", "expires_in": 3600}',
    "/python": f'{{"items": [{NOTES}]}}',
    "/single": f'{{"items": [{NOTES}]}}',
    "/index": '{"status": "succeeded"}',
    "/detail/a": NOTES,
    CERTS: '{"keys": []}',
    "/api/index/v1/getdatasourceconfig": '{"name": "doors"}',
}
OPEN_UPLOAD = '{"documents": {"bulkUploadHistory": []}}'
NEIGHBOUR = b'"doorsgood"'
PAUSE_SECONDS = 0.1


class Beyond:
    """A source, a Glean, a token endpoint, a backend, a receiver and a team, by their paths."""

    def __init__(self) -> None:
        self.url = ""
        self.spoilt: dict[str, tuple[int, bytes]] = {}  # what comes in place of what is sound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        cursor = request.query_params.get("cursor", "")
        path = request.url.path + (f"?{cursor}" if request.url.path == "/later" and cursor else "")
        is_neighbours = NEIGHBOUR in await request.body()  # Glean has one path for all
        if path in self.spoilt and not is_neighbours:
            status, body = self.spoilt[path]
        else:
            if path == "/good":
                await asyncio.sleep(PAUSE_SECONDS)
            status, body = 200, self._sound(path, cursor).encode()
        await Response(body, status, media_type="application/json")(scope, receive, send)

    def _sound(self, path: str, cursor: str) -> str:
        if path == "/good":
            number = int(cursor or 0)
            return f'{{"items": [{{"id": "n{number}"}}], "next_cursor": "{number + 1}"}}'
        if path.endswith("/status"):
            return OPEN_UPLOAD
        if path.startswith(("/of/", "/members/")):
            return SOUND["/page"]
        return SOUND.get(path, "{}")


class Site:
    """The Worker between them."""

    def __init__(self, runtime: Runtime, beyond: Beyond, http: httpx.Client) -> None:
        self._http = http
        self.runtime = runtime
        self.beyond = beyond

    @property
    def crash_count(self) -> int:
        """wrangler says so, and starts another; without it, nothing is left."""
        told = re.findall("crashed unexpectedly", self.runtime.log.read_text(errors="replace"))
        return len(told) + (not self.runtime.is_running)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        options.setdefault("headers", {"authorization": f"Bearer {TRIGGER_TOKEN}"})
        return self._http.request(method, self.runtime.url + path, **options)

    def status(self, job_id: str) -> dict[str, Any]:
        status: dict[str, Any] = self.request("GET", f"/status/{job_id}").raise_for_status().json()
        return status

    def begun(self, connector: str, mode: str = "FULL") -> str:
        order = {"mode": mode, "connector": connector}
        job_id: str = self.request("POST", "/trigger", json=order).raise_for_status().json()["id"]
        return job_id

    def ended(self, job_id: str) -> dict[str, Any]:
        return wait_until(
            lambda: self.status(job_id),
            lambda job: job["state"] in {"succeeded", "failed", "cancelled"},
            pause_seconds_max=PATIENT_SECONDS,
        )


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    connectors = folder / "connectors"
    connectors.mkdir(parents=True)
    (connectors / "__init__.py").write_text("")
    (connectors / "_doors.py").write_text(TABLE.read_text(encoding="utf-8"), encoding="utf-8")
    for name in NAMES:
        text = f'from connectors._doors import made\n\n\nconnector = made("{name}")\n'
        (connectors / f"{name}.py").write_text(text)
    beyond = Beyond()
    with serving(beyond) as url:
        beyond.url = url
        variables = {
            "DOORS_URL": url,
            "DOORS_BACKEND": url,
            "DOORS_CLIENT": "client",
            "DOORS_SECRET": "doors-client-secret-8hT2",
            "GLEAN_SERVER_URL": url,
            "GLEAN_INSTANCE": "doors",
            "GLEAN_INDEXING_API_TOKEN": GLEAN_TOKEN,
            "TRIGGER_TOKEN": TRIGGER_TOKEN,
            "ACCESS_TEAM_DOMAIN": url,
            "ACCESS_AUD": AUDIENCE,
            "ALERT_WEBHOOK_URL": f"{url}/alerts",
            "LIMITS": msgspec.json.encode(LIMITS).decode(),
        }
        packages = {"connectors": connectors}
        with (
            Runtime(folder / "runtime", variables, packages=packages, is_bare=IS_BARE) as runtime,
            httpx.Client(timeout=60, transport=ThroughProxy()) as http,
        ):
            yield Site(runtime, beyond, http)
