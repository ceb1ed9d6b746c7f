"""Many connectors in one isolate, at once: `python -m bench.crowd --help`.

Each is the bench's own under another name, and has a datasource of its own.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bench.ends import Ends
from bench.ours import ENTRY, JOB_SECONDS_MAX, PACKAGES, POLL_SECONDS, RUNNING, variables
from bench.shape import Shape
from bench.trace import Trace
from dev.ensemble import Ensemble
from dev.runtime import Runtime
from dev.snapshot import Image


MODULE = """\
from msgspec.structs import replace

from connectors.synthetic import connector as synthetic
from durable import Datasource


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


class Crowd(Ensemble):
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
        ended = [self._end(job_id) for job_id in jobs]
        whole = replace(shape, pages=shape.pages * len(jobs))
        return AtOnce(
            trace=self._ends.trace(whole),
            heap_bytes=self.heap_bytes(),
            turns=sum(job["turns"] for job in ended),
        )

    def heap_bytes(self) -> int:
        measured: dict[str, int] = self._asked("GET", "/measured")
        return measured["heap_bytes"]

    def _begin(self, name: str) -> str:
        job = self._asked("POST", "/trigger", json={"mode": "FULL", "connector": name})
        return str(job["id"])

    def _end(self, job_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + JOB_SECONDS_MAX
        while time.monotonic() < deadline:
            job = self._asked("GET", f"/status/{job_id}")
            if job["state"] not in RUNNING:
                if job["state"] != "succeeded":
                    raise RuntimeError(f"{job_id} is {job['state']}: {job['last_error']}")
                return job
            time.sleep(POLL_SECONDS)
        raise RuntimeError(f"{job_id} has not ended")

    def _asked(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = (
            self._http.request(method, path, **options).raise_for_status().json()
        )
        return answer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in Shape.__struct_fields__:
        default = getattr(Shape(), name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    parser.add_argument("--connectors", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--limits", type=msgspec.json.decode, default={}, help="as in LIMITS")
    arguments = vars(parser.parse_args())
    count, rounds, limits = (arguments.pop(name) for name in ("connectors", "rounds", "limits"))
    shape = Shape(**arguments)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Ends() as ends,
        Crowd(Path(folder), ends, count, limits) as crowd,
    ):
        for _ in range(rounds):
            alone = crowd.alone(shape)
            all_ = crowd.at_once(shape)
            share = all_.trace.documents_per_second / alone.documents_per_second
            print(
                f"{count} x {shape.pages} pages of {shape.page_bytes / 1e6:.2f} MB: "
                f"heap {all_.heap_bytes / 2**20:.1f} MiB, alone {alone.total_ms:,.0f} ms, at once "
                f"{all_.trace.total_ms:,.0f} ms, {share:.2f} of its rate, {all_.turns} turns",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
