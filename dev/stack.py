"""The sources, the local Glean and the Worker, started together."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import httpx
import msgspec
from msgspec.structs import replace

from dev.comparison import Indexed, Record
from dev.ensemble import Ensemble
from dev.local_glean.readings import Readings
from dev.patience import PATIENT_SECONDS, SECONDS_MAX, wait_until
from dev.proxy import ThroughProxy
from dev.runtime import Runtime
from dev.service import Service
from dev.site import DOCS, Site
from dev.snapshot import Image
from durable.machine.states import ENDED, PENDING, State


DATASOURCE = "pythondocs"
# They open nothing but what runs here, and are like nothing else, so that a search finds a leak.
GLEAN_TOKEN = "local-glean-Xq7RkZ2mWc9LtV4hBn6YpD3sJf8G"  # noqa: S105
TRIGGER_TOKEN = "local-trigger-Hd5TvP8xKr3NzQ7bFw2MjC6yLg9S"  # noqa: S105
RESTING = frozenset(State) - PENDING  # till a person asks for more
FOR_EVER = 1_000_000
# A killed runtime is to go on soon after its start, and the local Glean keeps to no rate.
LIMITS = {"lease_ms": 2_000, "documents_per_minute_max": 60_000}


class Stack(Ensemble):
    """What a sync needs, on this machine. Use it as a context manager.

    Args:
        folder: for the Worker's storage, the local Glean's database and the logs.
        limits: of the jobs, where they differ from the defaults.
        source_arguments: more of them for the main source's command line.
        site: what is synced. Its variables take the place of those that are made here.
        image_folder: with an image of the Worker, which it is started from as Cloudflare does.
        seconds_max: until an answer.
    """

    is_bare: ClassVar = False  # without wrangler, see `dev.bare`
    serve: ClassVar[Callable[..., AbstractContextManager[Any]]] = Service

    def __init__(  # noqa: PLR0913 - each but the folder has a default
        self,
        folder: Path,
        limits: Mapping[str, float] | None = None,
        source_arguments: tuple[str, ...] = (),
        *,
        site: Site = DOCS,
        image_folder: Path | None = None,
        seconds_max: float = SECONDS_MAX,
    ) -> None:
        super().__init__()
        self._folder = folder
        self._limits = {**LIMITS, **(limits or {})}
        self._servers = [
            replace(server, arguments=(*server.arguments, *source_arguments))
            if server is site.servers[0]
            else server
            for server in site.servers
        ]
        self._site = site
        self.source_urls: dict[str, str] = {}  # by the variable that takes them
        self._image_folder = image_folder
        self._http = httpx.Client(timeout=seconds_max, transport=ThroughProxy())

    def _start(self) -> None:
        enter = self._closing.enter_context
        enter(self._http)
        for server in self._servers:
            source = self.serve(server.module, server.arguments, server.environment)
            self.source_urls[server.variable] = enter(source).url
        glean = self.serve(
            "dev.local_glean",
            ("--database", str(self._folder / "glean.sqlite"), "--token-env", "LOCAL_GLEAN_TOKEN"),
            {"LOCAL_GLEAN_TOKEN": GLEAN_TOKEN},
        )
        self.glean_url = enter(glean).url
        self._set_up_datasources(self._site)
        self.runtime = enter(
            Runtime(
                self._folder / "worker",
                self._variables(self._site),
                packages={"connectors": self._site.connectors},
                image=Image.PYODIDE if self._image_folder is None else Image.WORKER,
                image_folder=self._image_folder,
                is_bare=self.is_bare,
            )
        )

    def restart(self, site: Site) -> None:
        """Start the Worker anew, with other datasources and variables. The servers go on."""
        variables = self._variables(site)
        self._set_up_datasources(site)
        self.runtime.stop()
        self.runtime.variables = variables
        self.runtime.start()

    def _set_up_datasources(self, site: Site) -> None:
        for datasource in site.datasources:
            self.ask_glean("adddatasource", **datasource).raise_for_status()

    def _variables(self, site: Site) -> dict[str, str]:
        given = {**self.source_urls, **site.variables}
        limits = {**self._limits, **msgspec.json.decode(given.get("LIMITS", "{}"))}
        return {
            **{name: value for name, value in given.items() if value},  # wrangler wants them all
            "GLEAN_SERVER_URL": self.glean_url,
            "GLEAN_INDEXING_API_TOKEN": GLEAN_TOKEN,
            "TRIGGER_TOKEN": TRIGGER_TOKEN,
            "LIMITS": msgspec.json.encode(limits).decode(),
        }

    @property
    def source_url(self) -> str:
        """Of the main source."""
        return next(iter(self.source_urls.values()))

    @property
    def worker_url(self) -> str:
        return self.runtime.url

    def crash(self) -> None:
        """Kill the whole runtime with SIGKILL and start it again on the same storage."""
        self.runtime.kill()
        self.runtime.start()

    @property
    def answers(self) -> Path:
        """All that the Worker answered, of all starts."""
        return self._folder / "answers.log"

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | Sequence[tuple[bytes, bytes]] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Ask the Worker; with its token, unless headers are given."""
        if headers is None:
            headers = {"authorization": f"Bearer {TRIGGER_TOKEN}"}
        url = self.worker_url + path
        response = self._http.request(method, url, headers=headers, **options)
        head = f"{method} {path}: {response.status_code} {dict(response.headers)}\n"
        self.keep(head.encode() + response.content + b"\n")
        return response

    def keep(self, answer: bytes) -> None:
        """Add to `answers` what was not asked for by `request`."""
        with self.answers.open("ab") as answers:
            answers.write(answer)

    def trigger(
        self, mode: str, connector: str | None = None, *, replace: bool = False
    ) -> dict[str, Any]:
        """Ask for a job; the connector may be left out where there is one."""
        wanted: dict[str, Any] = {"mode": mode, "replace": replace}
        if connector is not None:
            wanted["connector"] = connector
        response = self.request("POST", "/trigger", json=wanted).raise_for_status()
        job: dict[str, Any] = response.json()
        return job

    def command(self, command: str, job_id: str, **fields: Any) -> dict[str, Any]:
        """Ask for something that the job takes; `fields` are the body. Returns its status."""
        path = f"/{command}/{job_id}"
        response = self.request("POST", path, json=fields).raise_for_status()
        job: dict[str, Any] = response.json()
        return job

    def tick(self, cron: str, at_ms: int) -> None:
        """Have a cron trigger fire, as if it were that time."""
        url = f"{self.worker_url}/cdn-cgi/local/scheduled"
        response = self._http.get(url, params={"cron": cron, "time": at_ms, "format": "json"})
        if response.json()["outcome"] != "ok":
            raise RuntimeError(f"the tick of {cron} failed: {response.text}")

    def ended(self, job_id: str) -> dict[str, Any]:
        """The job's status once it has ended, or is held. Raises TimeoutError."""
        return wait_until(
            lambda: self.status(job_id),
            lambda job: job["state"] in RESTING,
            pause_seconds_max=PATIENT_SECONDS,
        )

    def until(self, job_id: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The job's status as soon as something is so. Raises TimeoutError."""
        return wait_until(lambda: self.status(job_id), is_so)

    def status(self, job_id: str) -> dict[str, Any]:
        job: dict[str, Any] = self.request("GET", f"/status/{job_id}").raise_for_status().json()
        return job

    def source_records(self) -> list[Record]:
        body = self._http.get(f"{self.source_url}/control/records").raise_for_status().content
        return msgspec.json.Decoder(Record).decode_lines(body)

    def glean_documents(self, datasource: str = DATASOURCE) -> list[Indexed]:
        return msgspec.convert(self.in_glean("documents", datasource), list[Indexed])

    def in_glean(self, what: str, datasource: str) -> list[Any]:
        """What the local Glean has of one kind: documents, users, groups, memberships."""
        url = f"{self.glean_url}/control/{what}"
        body = self._http.get(url, params={"datasource": datasource}).raise_for_status().content
        return msgspec.json.Decoder().decode_lines(body)

    def source_requests(self, since: int = 0, source: str | None = None) -> list[dict[str, Any]]:
        """The pages that were asked for after a sequence number, oldest first."""
        url = self.source_url if source is None else self.source_urls[source]
        return self._requests(url, since)

    def source_faults(self, source: str | None = None) -> list[dict[str, Any]]:
        """Those that wait for a request."""
        url = self.source_url if source is None else self.source_urls[source]
        faults: list[dict[str, Any]] = self._http.get(f"{url}/control/faults").json()
        return faults

    def glean_requests(self, since: int = 0) -> list[dict[str, Any]]:
        """The indexing requests, oldest first, those that a fault befell too."""
        return self._requests(self.glean_url, since)

    def settle(self) -> None:
        """All ends work as they should, and nothing is under way or waits for a person."""
        self.clear_faults()
        for job in self.request("GET", "/jobs?limit=100").raise_for_status().json()["jobs"]:
            if job["state"] not in ENDED:
                self.request("POST", f"/cancel/{job['id']}")  # 409: it has ended by itself
                self.until(job["id"], lambda now: now["state"] in ENDED)

    def stall(self, pages: int = 0) -> None:
        """After so many pages the source answers nobody, so that there is a middle to act in."""
        self.control_source("faults", skip=pages, times=FOR_EVER, status=503)

    def clear_faults(self) -> None:
        """All ends work as they should, and every record is whole."""
        for url in (*self.source_urls.values(), self.glean_url):
            self._http.delete(f"{url}/control/faults").raise_for_status()
        if self._servers[0].module == DOCS.servers[0].module:
            self.control_source("break", ids=[])
            self.control_source("latency", ms=0)

    def _requests(self, url: str, since: int) -> list[dict[str, Any]]:
        response = self._http.get(f"{url}/control/requests", params={"since": since})
        response.raise_for_status()
        requests: list[dict[str, Any]] = response.json()
        return requests

    def control_source(self, command: str, source: str | None = None, **fields: Any) -> Any:
        """Ask a source for something, by its variable; the main one, if none is named."""
        url = self.source_url if source is None else self.source_urls[source]
        response = self._http.post(f"{url}/control/{command}", json=fields).raise_for_status()
        return response.json() if response.content else None

    def put_settings(self, source: str | None = None, **settings: Any) -> None:
        """How a source behaves from now on, see `dev.rest.settings`."""
        url = self.source_url if source is None else self.source_urls[source]
        self._http.put(f"{url}/control/settings", json=settings).raise_for_status()

    def live(self, source: str | None = None) -> list[Any]:
        """The records that a source has now."""
        url = self.source_url if source is None else self.source_urls[source]
        body = self._http.get(f"{url}/control/records").raise_for_status().content
        return msgspec.json.Decoder().decode_lines(body)

    def control_glean(self, command: str, **fields: Any) -> Any:
        url = f"{self.glean_url}/control/{command}"
        return self._http.post(url, json=fields).raise_for_status().json()

    def put_readings(self, readings: Readings) -> None:
        """What the local Glean does from now on where Glean documents nothing."""
        url = f"{self.glean_url}/control/readings"
        self._http.put(url, content=msgspec.json.encode(readings)).raise_for_status()

    def ask_glean(self, endpoint: str, **body: Any) -> httpx.Response:
        """Ask the local Glean as another of its clients, with the same token."""
        url = f"{self.glean_url}/api/index/v1/{endpoint}"
        return self._http.post(url, json=body, headers={"authorization": f"Bearer {GLEAN_TOKEN}"})
