"""The main job on real input: Python's own documentation into a local Glean.

A FULL sync, changes at the source, an INCREMENTAL sync, more changes, and a
second FULL sync; at the end the local Glean's index is compared with the
source, record by record. With CRASH=N, the runtime is killed N times on the way.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from dev.comparison import differences
from dev.gathering import gather
from dev.site import DOCS
from dev.stack import RESTING, Stack
from durable.errors import ConfigurationError


CONNECTOR = "python-docs"
POLL_SECONDS = 0.05
SYNC_SECONDS_MAX = 600
LATENCY_MS = 40  # of the source, for each page
CHANGES: dict[str, Any] = {"change": 600, "remove": 60, "add": 40}


class Synced(Struct, frozen=True):
    """One sync, as the summary shows it."""

    name: str
    status: dict[str, Any]
    seconds: float
    kill_count: int


class Demo:
    """Runs syncs on the stack and shows them.

    Args:
        stack: started and set up.
        console: where all is shown.
        generator: draws the moments at which the runtime is killed.
    """

    def __init__(self, stack: Stack, console: Console, generator: random.Random) -> None:
        self._stack = stack
        self._console = console
        self._generator = generator

    def sync(self, name: str, mode: str, expected: int, kill_count: int) -> Synced:
        """Trigger a job and follow it to its end.

        Args:
            name: for the summary.
            mode: FULL or INCREMENTAL.
            expected: documents and deletions, for the bar.
            kill_count: how often the runtime is killed while the job works.
        """
        moments = sorted(self._generator.uniform(0, 0.95) for _ in range(kill_count))
        started, job = time.monotonic(), self._stack.trigger(mode)
        with self._bar() as progress:
            task = progress.add_task(name, total=expected, rest="")
            while job["state"] not in RESTING:
                if time.monotonic() - started > SYNC_SECONDS_MAX:
                    raise TimeoutError(f"{job['id']} is still {job['state']}: {job}")
                time.sleep(POLL_SECONDS)
                job = self._stack.status(job["id"])
                done = job["documents"] + job["deleted"]
                rate = done / (time.monotonic() - started)
                rest = f"{job['pages']} pages · {job['turns']} turns · {rate:,.0f}/s"
                progress.update(task, completed=done, rest=rest)
                if moments and done >= moments[0] * expected and job["state"] not in RESTING:
                    moments.pop(0)
                    progress.update(task, rest="killed (SIGKILL); starting the runtime again")
                    self._stack.crash()
        seconds = time.monotonic() - started
        if job["state"] != "succeeded":
            raise RuntimeError(f"{job['id']} {job['state']}: {job['last_error']}")
        return Synced(name, job, seconds, kill_count - len(moments))

    def _bar(self) -> Progress:
        columns = ("{task.description:18}", BarColumn(bar_width=12), MofNCompleteColumn())
        texts = (TextColumn("{task.fields[rest]}"), TimeElapsedColumn())
        return Progress(*columns, *texts, console=self._console)

    def show(self, syncs: Sequence[Synced]) -> None:
        table = Table("sync", "pages", "documents", "deleted", "turns", "kills", "seconds", "per s")
        for sync in syncs:
            status = sync.status
            done = status["documents"] + status["deleted"]
            counts = [status[name] for name in ("pages", "documents", "deleted", "turns")]
            times = [f"{sync.seconds:.1f}", f"{done / sync.seconds:,.0f}"]
            table.add_row(sync.name, *map(str, counts), str(sync.kill_count), *times)
        self._console.print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crash", type=int, default=0, help="kill the runtime so many times")
    parser.add_argument("--seed", type=int, default=None, help="draws the moments of the kills")
    arguments = parser.parse_args()
    seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed
    console = Console()
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        try:
            return _run(Path(folder), console, arguments.crash, random.Random(seed))
        except ConfigurationError as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1


def _run(folder: Path, console: Console, kill_count: int, generator: random.Random) -> int:
    # The INCREMENTAL sync is short: it gets one kill of three or more.
    of_incremental = 1 if kill_count >= 3 else 0
    of_first = generator.randint(0, kill_count - of_incremental)
    of_second = kill_count - of_incremental - of_first
    # Its own connector alone, however many stand beside it.
    gather(folder / "connectors", CONNECTOR)
    with Stack(folder, site=replace(DOCS, connectors=folder / "connectors")) as stack:
        source, glean, worker = stack.source_url, stack.glean_url, stack.worker_url
        console.print(
            f"source {source} · local Glean {glean} · Worker {worker}",
            highlight=False,
            soft_wrap=True,
        )
        stack.control_source("latency", ms=LATENCY_MS)
        demo = Demo(stack, console, generator)
        count = len(stack.source_records())
        syncs = [demo.sync("FULL", "FULL", count, of_first)]
        stack.control_source("change", **CHANGES, seed=1)
        changed = sum(CHANGES.values())
        syncs.append(demo.sync("INCREMENTAL", "INCREMENTAL", changed, of_incremental))
        after_incremental = differences(stack.source_records(), stack.glean_documents())
        stack.control_source("change", **CHANGES, seed=2)
        records = stack.source_records()
        syncs.append(demo.sync("FULL again", "FULL", len(records), of_second))
        demo.show(syncs)
        documents = stack.glean_documents()
        after_full = differences(records, documents)
    for difference in (*after_incremental, *after_full)[:20]:
        console.print(difference, highlight=False)
    if after_incremental:
        console.print(f"after the INCREMENTAL sync {len(after_incremental)} differ")
    different = {difference.id for difference in after_full}
    same = sum(1 for record in records if record.id not in different)
    print(f"demo: {same} of {len(records)} documents indexed, {len(after_full)} differ")
    return 1 if after_incremental or after_full else 0


if __name__ == "__main__":
    sys.exit(main())
