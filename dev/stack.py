"""The source, the local Glean and the Worker, started together.

`python -m dev.stack` keeps them up until Ctrl+C and prints their URLs.
"""

import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from dev.comparison import Indexed, Record
from dev.runtime import Runtime
from dev.service import Service
from dev.staging import ROOT


DATASOURCE = "pythondocs"
GLEAN_TOKEN = "local-glean-token"  # noqa: S105 - opens nothing but the local Glean
TRIGGER_TOKEN = "local-trigger-token"  # noqa: S105 - opens nothing but the local Worker
ENDED = frozenset({"succeeded", "failed"})
POLL_SECONDS = 0.05
JOB_SECONDS_MAX = 180
LEASE_MS = 2_000  # a killed runtime is to go on soon after its start


class Stack:
    """What a sync needs, on this machine. Use it as a context manager.

    Args:
        folder: for the Worker's storage, the local Glean's database and the logs.
        limits: of the jobs, where they differ from the defaults.
        source_arguments: for the source's command line.
        is_reloading: the Worker takes up changes of the code while it runs.
    """

    def __init__(
        self,
        folder: Path,
        limits: Mapping[str, int] | None = None,
        source_arguments: tuple[str, ...] = (),
        *,
        is_reloading: bool = False,
    ) -> None:
        self._folder = folder
        self._limits = {"lease_ms": LEASE_MS, **(limits or {})}
        self._source_arguments = source_arguments
        self._is_reloading = is_reloading
        self._closing = ExitStack()
        self._http = httpx.Client(timeout=30)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._closing.close()

    def _start(self) -> None:
        enter = self._closing.enter_context
        enter(self._http)
        self.source_url = enter(Service("dev.docs_source", self._source_arguments)).url
        glean = Service(
            "dev.local_glean",
            ("--database", str(self._folder / "glean.sqlite"), "--token-env", "LOCAL_GLEAN_TOKEN"),
            {"LOCAL_GLEAN_TOKEN": GLEAN_TOKEN},
        )
        self.glean_url = enter(glean).url
        self._add_datasource()
        self.runtime = enter(
            Runtime(
                self._folder / "worker",
                {
                    "DOCS_API_URL": self.source_url,
                    "GLEAN_SERVER_URL": self.glean_url,
                    "GLEAN_INDEXING_API_TOKEN": GLEAN_TOKEN,
                    "TRIGGER_TOKEN": TRIGGER_TOKEN,
                    "LIMITS": msgspec.json.encode(self._limits).decode(),
                },
                is_reloading=self._is_reloading,
            )
        )

    @property
    def worker_url(self) -> str:
        return self.runtime.url

    def crash(self) -> None:
        """Kill the whole runtime with SIGKILL and start it again on the same storage."""
        self.runtime.kill()
        self.runtime.start()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask the Worker, with its token."""
        headers = {"authorization": f"Bearer {TRIGGER_TOKEN}"}
        return self._http.request(method, self.worker_url + path, headers=headers, **options)

    def trigger(self, mode: str) -> dict[str, Any]:
        response = self.request("POST", "/trigger", json={"mode": mode}).raise_for_status()
        job: dict[str, Any] = response.json()
        return job

    def ended(self, job_id: str) -> dict[str, Any]:
        """The job's status once it has ended. Raises TimeoutError."""
        deadline = time.monotonic() + JOB_SECONDS_MAX
        while (job := self.status(job_id))["state"] not in ENDED:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{job_id} has not ended: {job}")
            time.sleep(POLL_SECONDS)
        return job

    def status(self, job_id: str) -> dict[str, Any]:
        job: dict[str, Any] = self.request("GET", f"/status/{job_id}").raise_for_status().json()
        return job

    def source_records(self) -> list[Record]:
        body = self._http.get(f"{self.source_url}/control/records").raise_for_status().content
        return msgspec.json.Decoder(Record).decode_lines(body)

    def glean_documents(self) -> list[Indexed]:
        url = f"{self.glean_url}/control/documents"
        body = self._http.get(url, params={"datasource": DATASOURCE}).raise_for_status().content
        return msgspec.json.Decoder(Indexed).decode_lines(body)

    def source_requests(self) -> list[dict[str, Any]]:
        """The pages that were asked for, oldest first."""
        return self._requests(self.source_url)

    def glean_requests(self) -> list[dict[str, Any]]:
        """The indexing requests, oldest first, those that a fault befell too."""
        return self._requests(self.glean_url)

    def clear_faults(self) -> None:
        for url in (self.source_url, self.glean_url):
            self._http.delete(f"{url}/control/faults").raise_for_status()

    def _requests(self, url: str) -> list[dict[str, Any]]:
        response = self._http.get(f"{url}/control/requests").raise_for_status()
        requests: list[dict[str, Any]] = response.json()
        return requests

    def control_source(self, command: str, **fields: Any) -> Any:
        url = f"{self.source_url}/control/{command}"
        return self._http.post(url, json=fields).raise_for_status().json()

    def control_glean(self, command: str, **fields: Any) -> Any:
        url = f"{self.glean_url}/control/{command}"
        return self._http.post(url, json=fields).raise_for_status().json()

    def _add_datasource(self) -> None:
        kinds = ("module", "class", "function")
        definition = {
            "name": DATASOURCE,
            "displayName": "Python documentation",
            "datasourceCategory": "PUBLISHED_CONTENT",
            "urlRegex": r"^https://docs\.python\.org/3/library/.*",
            "objectDefinitions": [
                {"name": kind, "docCategory": "PUBLISHED_CONTENT"} for kind in kinds
            ],
        }
        headers = {"authorization": f"Bearer {GLEAN_TOKEN}"}
        url = f"{self.glean_url}/api/index/v1/adddatasource"
        self._http.post(url, json=definition, headers=headers).raise_for_status()


def main() -> int:
    folder = ROOT / ".cache" / "dev"
    folder.mkdir(parents=True, exist_ok=True)
    with Stack(folder, is_reloading=True) as stack:
        print(f"Worker       {stack.worker_url}   (token: {TRIGGER_TOKEN})")
        print(f"local Glean  {stack.glean_url}   (what is indexed, with a search)")
        print(f"source       {stack.source_url}/entries")
        print()
        print(f'Start a sync: curl {stack.worker_url}/trigger -d \'{{"mode": "FULL"}}\' \\')
        print(f"  -H 'Authorization: Bearer {TRIGGER_TOKEN}'")
        print("Stop with Ctrl+C.", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
