"""The real Worker on the real runtime, over the bench's ends: `python -m bench.ours --help`."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from bench import cold
from bench.contender import Run
from bench.ends import Ends
from bench.plan import OURS
from bench.results import Cold
from bench.shape import Shape
from dev.ensemble import Ensemble
from dev.patience import wait_until
from dev.runtime import Runtime
from dev.snapshot import Image
from dev.staging import ROOT


ENTRY = "bench/entry.py"
PACKAGES = {"connectors": ROOT / "bench/connectors", "bench": ROOT / "bench/worker"}
# All rounds of a bench are jobs of one connector, and it may find less than the one before.
LIMITS = {"shrink_max": 1}
# Each round is to send all, whatever Glean has of the round before.
REPLACING = {"mode": "FULL", "replace": True}
RUNNING = frozenset({"queued", "opening", "sending", "closing"})
TURN_ENDED = '{"event":"turn ended"'
POLL_SECONDS = 0.2  # seldom, as each answer takes time from the job
JOB_SECONDS_MAX = 3_600


class Measured(Struct, frozen=True, kw_only=True):
    """What the Worker tells of its isolate, and of its object's life.

    Attributes:
        heap_bytes: of the WebAssembly memory, which never shrinks.
        rows: written, an alarm that was set is one.
        read_rows: by the SQL.
    """

    heap_bytes: int
    rows: int
    read_rows: int


class Ours(Ensemble):
    """The Worker, started. Use it as a context manager.

    Args:
        folder: for its storage and its log.
        ends: what it syncs.
        limits: of the jobs, where they differ from the defaults.
        is_profiled: `profile` tells where the time went; all takes twice as long.
    """

    name = OURS

    def __init__(
        self,
        folder: Path,
        ends: Ends,
        limits: Mapping[str, float] | None = None,
        *,
        is_profiled: bool = False,
    ) -> None:
        super().__init__()
        self._ends = ends
        self._runtime = Runtime(
            folder,
            variables(ends, limits or {}, is_profiled=is_profiled),
            packages=PACKAGES,
            entry=ENTRY,
            image=Image.NONE,
        )

    def _start(self) -> None:
        self._closing.enter_context(self._runtime)
        first_ms = cold.age_ms()  # it has just given its first answer
        self._http = self._closing.enter_context(
            httpx.Client(base_url=self._runtime.url, timeout=60, trust_env=False)
        )
        began = time.perf_counter()
        self._asked("GET", "/health")
        warm_ms = (time.perf_counter() - began) * 1_000
        self.cold = Cold(first_ms=first_ms, warm_ms=warm_ms)

    def run(self, shape: Shape) -> Run:
        """Sync all of it with a FULL job.

        Raises:
            RuntimeError: the job did not succeed, or a turn of it broke off.
        """
        self._ends.reshape(shape)
        before = self.measured()
        job = self.sync(REPLACING)
        log = self._runtime.log.read_text(encoding="utf-8", errors="replace").splitlines()
        broken_off = [event["what"] for event in job["events"] if "killed" in event["what"]]
        if broken_off:
            reasons = [line for line in log if "broke off" in line]
            raise RuntimeError("\n".join([*broken_off, *reasons]))
        after = self.measured()
        if after.rows == before.rows:
            raise RuntimeError("no rows were counted: the object writes past bench/worker/entry.py")
        trace = self._ends.trace(shape)
        return Run(
            trace=trace,
            peak_bytes=after.heap_bytes,
            rows=after.rows - before.rows,
            turn_ends=tuple(_turn_ends(log, job["id"])),
        )

    def sync(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Have a job done. Raises RuntimeError where it does not succeed."""
        job = self._ended(self._asked("POST", "/trigger", json=order)["id"])
        if job["state"] != "succeeded":
            raise RuntimeError(f"the job is {job['state']}: {job['last_error']}")
        return job

    def measured(self) -> Measured:
        return msgspec.convert(self._asked("GET", "/measured"), Measured)

    def profile(self) -> str:
        """The functions in which all turns up to now have spent the most time."""
        return self._http.get("/profile").raise_for_status().text

    def _ended(self, job_id: str) -> dict[str, Any]:
        return wait_until(
            lambda: self._asked("GET", f"/status/{job_id}"),
            lambda job: job["state"] not in RUNNING or job["last_error"],
            seconds_max=JOB_SECONDS_MAX,
            pause_seconds_max=POLL_SECONDS,
        )

    def _asked(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = (
            self._http.request(method, path, **options).raise_for_status().json()
        )
        return answer


def variables(
    ends: Ends, limits: Mapping[str, float], *, is_profiled: bool = False
) -> dict[str, str]:
    """Of the Worker, which has no token: the server is on 127.0.0.1."""
    return {
        "BENCH_SOURCE_URL": ends.source_url,
        "GLEAN_SERVER_URL": ends.sink_url,
        "GLEAN_INDEXING_API_TOKEN": "bench",
        "ALLOW_UNAUTHENTICATED_FOR_LOCAL_USE": "true",
        "BENCH_PROFILE": "true" if is_profiled else "false",
        "LIMITS": msgspec.json.encode({**LIMITS, **limits}).decode(),
    }


def _turn_ends(log: Iterable[str], job_id: str) -> Iterator[int]:
    """The pages that a job had sent at the end of each turn but the last, as the Worker logs it."""
    for line in log:
        if line.startswith(TURN_ENDED):
            turn = json.loads(line)
            if turn["job"] == job_id and turn["state"] in RUNNING:
                yield turn["pages"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in Shape.__struct_fields__:
        default = getattr(Shape(), name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    parser.add_argument("--rounds", type=int, default=3, help="syncs, one after the other")
    parser.add_argument("--limits", type=msgspec.json.decode, default={}, help="as in LIMITS")
    parser.add_argument("--profile", action="store_true", help="print where the time went")
    arguments = vars(parser.parse_args())
    rounds, limits, profile = (arguments.pop(name) for name in ("rounds", "limits", "profile"))
    shape = Shape(**arguments)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as folder,
            Ends() as ends,
            Ours(Path(folder), ends, limits, is_profiled=profile) as ours,
        ):
            for _ in range(rounds):
                run = ours.run(shape)
                print(_line(run, shape), flush=True)
            if profile:
                print(ours.profile())
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


def _line(run: Run, shape: Shape) -> str:
    parts = [
        f"{run.trace.documents_per_second:,.0f} documents/s",
        f"{run.trace.total_ms:,.0f} ms",
        f"heap {run.peak_bytes / 2**20:.1f} MiB",
        f"{run.rows / shape.pages:.2f} rows a page",
    ]
    if shape.ideal_ms:
        parts.append(f"{run.trace.total_ms / shape.ideal_ms:.3f} of the ideal")
    if run.turn_overhead_ms is not None:
        parts.append(f"a turn's end {run.turn_overhead_ms:.1f} ms ({len(run.turn_ends)})")
    return ", ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
