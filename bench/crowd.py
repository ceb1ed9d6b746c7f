"""Many connectors in one isolate, at once, also where it dies of what it holds.

Each is the bench's own under another name, and has a datasource of its own.
"""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct
from msgspec.structs import replace

from bench.ends import Ends
from bench.ours import (
    ENTRY,
    JOB_SECONDS_MAX,
    PACKAGES,
    POLL_SECONDS,
    REPLACING,
    RUNNING,
    variables,
)
from bench.shape import Shape
from bench.trace import Trace
from dev.ensemble import Ensemble
from dev.patience import wait_until
from dev.runtime import Runtime
from dev.snapshot import Image


HEAP_POLL_SECONDS = 0.1
MODULE = """\
from msgspec.structs import replace

from connectors.synthetic import connector as synthetic
from durable.glean import Datasource


connector = replace(synthetic, name="{name}", datasource=Datasource("{name}"))
"""


class AtOnce(Struct, frozen=True, kw_only=True):
    """Jobs of all connectors, begun together.

    Attributes:
        trace: of all of them, as the ends saw it.
        heap_bytes: of the WebAssembly memory, the most up to now.
        turns: that all jobs took.
    """

    trace: Trace
    heap_bytes: int
    turns: int


class Outlived(Struct, frozen=True, kw_only=True):
    """Jobs of all connectors, begun together, that all have succeeded."""

    kills: int
    total_ms: float  # the runtime's starts included


class Tenants(Ensemble):
    """The Worker with so many connectors, started. Use it as a context manager.

    Args:
        folder: for its storage, its log and its connectors.
        ends: what they all sync.
        count: of the connectors.
        limits: of the jobs, where they differ from the defaults.
    """

    def __init__(
        self, folder: Path, ends: Ends, count: int, limits: Mapping[str, float] | None = None
    ) -> None:
        super().__init__()
        self._ends = ends
        self._names = [f"crowd{number:02}" for number in range(count)]
        connectors = folder / "connectors"
        shutil.copytree(PACKAGES["connectors"], connectors)
        for name in self._names:
            (connectors / f"{name}.py").write_text(MODULE.format(name=name), encoding="utf-8")
        self._runtime = Runtime(
            folder / "runtime",
            variables(ends, limits or {}),
            packages={**PACKAGES, "connectors": connectors},
            entry=ENTRY,
            image=Image.NONE,
        )

    def _start(self) -> None:
        self._closing.enter_context(self._runtime)
        self._http = self._closing.enter_context(
            httpx.Client(base_url=self._runtime.url, timeout=60, trust_env=False)
        )

    def alone(self, shape: Shape) -> Trace:
        """Sync with one connector, as those before and after it would be if they took turns."""
        self._ends.reshape(shape)
        self._end(self._begin(self._names[0]))
        return self._ends.trace(shape)

    def at_once(self, shape: Shape) -> AtOnce:
        """Sync with all connectors. Raises RuntimeError where a job does not succeed."""
        self._ends.reshape(shape)
        jobs = [self._begin(name) for name in self._names]
        turns = [self._end(job_id) for job_id in jobs]
        whole = replace(shape, pages=shape.pages * len(jobs))
        return AtOnce(
            trace=self._ends.trace(whole),
            heap_bytes=self.heap_bytes(),
            turns=sum(turns),
        )

    def outlived(self, shape: Shape, heap_bytes_max: int) -> Outlived:
        """The same with the runtime killed whenever its heap has grown to so much.

        As the platform would end an isolate that has too much. Raises RuntimeError as above.
        """
        self._ends.reshape(shape)
        began, kills = time.monotonic(), 0
        jobs = [self._begin(name) for name in self._names]
        while jobs:
            time.sleep(HEAP_POLL_SECONDS)
            if self.heap_bytes() >= heap_bytes_max:
                self._runtime.kill()
                kills += 1
                print(f"kill {kills} after {time.monotonic() - began:.0f} s", flush=True)
                self._runtime.start()
            elif self._is_over(jobs[0]):
                del jobs[0]
            if time.monotonic() - began > JOB_SECONDS_MAX:
                raise RuntimeError(f"{jobs} have not ended")
        return Outlived(kills=kills, total_ms=(time.monotonic() - began) * 1_000)

    def heap_bytes(self) -> int:
        measured: dict[str, int] = self._asked("GET", "/measured")
        return measured["heap_bytes"]

    def _is_over(self, job_id: str) -> bool:
        """Raises RuntimeError where it is, and has not succeeded."""
        job = self._asked("GET", f"/status/{job_id}")
        if job["state"] not in {*RUNNING, "succeeded"}:
            raise RuntimeError(f"{job_id} is {job['state']}: {job['last_error']}")
        return job["state"] not in RUNNING

    def _begin(self, name: str) -> str:
        job = self._asked("POST", "/trigger", json={**REPLACING, "connector": name})
        return str(job["id"])

    def _end(self, job_id: str) -> int:
        """Wait for its success. Returns how many turns it took."""
        wait_until(
            lambda: self._is_over(job_id),
            seconds_max=JOB_SECONDS_MAX,
            pause_seconds_max=POLL_SECONDS,
        )
        return int(self._asked("GET", f"/status/{job_id}")["turns"])

    def _asked(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = (
            self._http.request(method, path, **options).raise_for_status().json()
        )
        return answer
