"""The main job on real input: Python's own documentation into a local Glean.

A FULL sync, an INCREMENTAL one, a FULL one that sends the differences alone, and one that sends
all documents anew, with changes at the source before each; after each, the local Glean's index is
compared with the source, record by record. With CRASH=N, the runtime is killed N times on the way.
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

from dev.comparison import Difference, differences
from dev.gathering import gather
from dev.site import DOCS
from dev.stack import RESTING, Stack
from durable.errors import ConfigurationError


CONNECTOR = "python-docs"
POLL_SECONDS = 0.05
SYNC_SECONDS_MAX = 600
LATENCY_MS = 40  # of the source, for each page
CHANGED = {"added": "added", "changed": "changed", "deleted": "deleted", "unchanged": "same"}
CHANGES: dict[str, Any] = {"change": 600, "remove": 60, "add": 40}


class Plan(Struct, frozen=True):
    """A sync, as it is asked for."""

    name: str
    mode: str
    way: str | None  # of the FULL ones
    kill_count: int


class Synced(Struct, frozen=True):
    """One sync, as the summary shows it."""

    name: str
    status: dict[str, Any]
    seconds: float
    kill_count: int
    differences: Sequence[Difference]  # of Glean's index, after it


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

    def sync(self, plan: Plan, expected: int) -> Synced:
        """Trigger a job and follow it to its end.

        Args:
            plan: of the sync.
            expected: documents and deletions, for the bar.
        """
        moments = sorted(self._generator.uniform(0, 0.95) for _ in range(plan.kill_count))
        is_replacing = plan.way == "replace"
        started, job = time.monotonic(), self._stack.trigger(plan.mode, replace=is_replacing)
        with self._bar() as progress:
            task = progress.add_task(plan.name, total=expected, rest="")
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
        if job["way"] != plan.way:
            raise RuntimeError(f"{job['id']} was to {plan.way}, and did {job['way']}")
        found = differences(self._stack.source_records(), self._stack.glean_documents())
        return Synced(plan.name, job, seconds, plan.kill_count - len(moments), found)

    def _bar(self) -> Progress:
        columns = ("{task.description:18}", BarColumn(bar_width=12), MofNCompleteColumn())
        texts = (TextColumn("{task.fields[rest]}"), TimeElapsedColumn())
        return Progress(*columns, *texts, console=self._console)

    def show(self, syncs: Sequence[Synced]) -> None:
        columns = ("sync", "sent", *CHANGED.values(), "kills", "s", "differ")
        table = Table(*columns, pad_edge=False)  # it fits into 80 characters
        for sync in syncs:
            status = sync.status
            changed = [status["changes"][name] for name in CHANGED]
            counts = [status["documents"], *changed]
            ended = [sync.kill_count, f"{sync.seconds:.1f}", len(sync.differences)]
            table.add_row(sync.name, *map(str, (*counts, *ended)))
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
    plans = _plan(kill_count, generator)
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
        syncs = []
        for number, plan in enumerate(plans):
            if number:
                stack.control_source("change", **CHANGES, seed=number)
            records = stack.source_records()
            is_all_sent = plan.way == "replace"
            expected = len(records) if is_all_sent else sum(CHANGES.values())
            syncs.append(demo.sync(plan, expected))
        demo.show(syncs)
    different = [(sync.name, one) for sync in syncs for one in sync.differences]
    for name, difference in different[:20]:
        console.print(f"after {name}: {difference}", highlight=False)
    last = {difference.id for difference in syncs[-1].differences}
    same = sum(1 for record in records if record.id not in last)
    print(f"demo: {same} of {len(records)} documents indexed, {len(different)} differ")
    return 1 if different else 0


def _plan(kill_count: int, generator: random.Random) -> list[Plan]:
    """The syncs, and how often each is killed."""
    # Those that send the differences alone are short: each gets one kill of four or more.
    of_short = 1 if kill_count >= 4 else 0
    of_first = generator.randint(0, kill_count - 2 * of_short)
    of_last = kill_count - 2 * of_short - of_first
    return [
        Plan("FULL", "FULL", "replace", of_first),
        Plan("INCREMENTAL", "INCREMENTAL", None, of_short),
        Plan("reconciles", "FULL", "reconcile", of_short),
        Plan("replaces", "FULL", "replace", of_last),
    ]


if __name__ == "__main__":
    sys.exit(main())
