"""What many connectors at once take of one isolate's memory: `python -m bench.isolate`.

Writes bench/isolate.json and the table of docs/performance.md; `make bench` does so too.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bench.crowd import Tenants
from bench.ends import Ends
from bench.figures import spread
from bench.plan import ISOLATE, IsolatePlan
from bench.shape import Shape
from bench.table import table
from bench.targets import MIB
from dev.staging import ROOT
from dev.truncation.document import insert_table


DOCUMENT = ROOT / "docs/performance.md"
RESULTS = ROOT / "bench/isolate.json"
MARK = "isolate"
HEAP_MIB_MAX = 96
SHARE_MIN = 0.8  # of the throughput of one after the other
KILLS_MIN = 5
TIMES_MAX = 3


class Cell(Struct, frozen=True, kw_only=True):
    """Connectors that sync the same pages at once.

    Attributes:
        connectors: how many.
        pages: of each.
        page_bytes: of each page.
        heap_bytes: the most of the WebAssembly memory.
        shares: their throughput together by that of one alone, round by round.
    """

    connectors: int
    pages: int
    page_bytes: int
    heap_bytes: int
    shares: list[float]

    @property
    def is_met(self) -> bool:
        share = spread(self.shares).middle
        return self.heap_bytes <= HEAP_MIB_MAX * MIB and share >= SHARE_MIN


class Killed(Struct, frozen=True, kw_only=True):
    """Connectors in an isolate that dies whenever its memory has grown to its peak without kills.

    Attributes:
        connectors: how many.
        pages: of each.
        page_bytes: of each page.
        heap_bytes: that peak.
        calm_ms: that they take without kills.
        total_ms: that they take with them.
        kills: how many.
    """

    connectors: int
    pages: int
    page_bytes: int
    heap_bytes: int
    calm_ms: float
    total_ms: float
    kills: int

    @property
    def is_met(self) -> bool:
        return self.kills >= KILLS_MIN and self.total_ms <= TIMES_MAX * self.calm_ms


class IsolateResults(Struct, frozen=True, kw_only=True):
    """All of it."""

    cells: list[Cell]
    killed: Killed


def cell(connectors: int, shape: Shape, rounds: int) -> Cell:
    """A runtime of its own, since memory never shrinks. Raises RuntimeError where a job fails."""
    shares = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Ends() as ends,
        Tenants(Path(folder), ends, connectors) as crowd,
    ):
        for _ in range(rounds):
            alone = crowd.alone(shape)
            all_ = crowd.at_once(shape)
            shares.append(all_.trace.documents_per_second / alone.documents_per_second)
            print(
                f"isolate: {connectors} x {shape.pages} pages of {shape.page_bytes / 1e6:.2f} MB: "
                f"{all_.trace.total_ms / 1_000:.1f} s, {shares[-1]:.2f} of the rate of one, "
                f"{all_.turns} turns, {all_.heap_bytes / MIB:.1f} MiB",
                flush=True,
            )
    return Cell(
        connectors=connectors,
        pages=shape.pages,
        page_bytes=shape.page_bytes,
        heap_bytes=all_.heap_bytes,
        shares=shares,
    )


def killed(connectors: int, shape: Shape) -> Killed:
    """The same jobs without kills, and then with. Raises RuntimeError where one fails."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Ends() as ends:
        with Tenants(Path(folder) / "calm", ends, connectors) as crowd:
            calm = crowd.at_once(shape)
        heap_bytes = calm.heap_bytes
        print(
            f"isolate: without kills {calm.trace.total_ms / 1_000:.1f} s, "
            f"{heap_bytes / MIB:.1f} MiB",
            flush=True,
        )
        with Tenants(Path(folder) / "killed", ends, connectors) as crowd:
            outlived = crowd.outlived(shape, heap_bytes)
    print(f"isolate: {outlived.kills} kills, {outlived.total_ms / 1_000:.1f} s", flush=True)
    return Killed(
        connectors=connectors,
        pages=shape.pages,
        page_bytes=shape.page_bytes,
        heap_bytes=heap_bytes,
        calm_ms=calm.trace.total_ms,
        total_ms=outlived.total_ms,
        kills=outlived.kills,
    )


def measured(plan: IsolatePlan) -> IsolateResults:
    """All of it. Raises RuntimeError where a job fails."""
    cells = [cell(n, shape, plan.rounds) for shape in plan.shapes for n in plan.connectors]
    return IsolateResults(cells=cells, killed=killed(plan.killed, plan.killed_shape))


def tables(found: IsolateResults) -> str:
    """Markdown."""
    head = ("connectors at once, pages of", "pages each", "heap MiB", "rate by that of one", "")
    one = found.killed
    died = (
        "killed at its peak, connectors, pages of",
        "pages each",
        "at MiB",
        "kills",
        "time by that without",
        "",
    )
    row = (
        f"{one.connectors} of {one.page_bytes / 1e6:.2f} MB",
        f"{one.pages}",
        f"{one.heap_bytes / MIB:.1f}",
        f"{one.kills}",
        f"{one.total_ms / one.calm_ms:.2f}",
        _verdict(is_met=one.is_met),
    )
    return f"{table(head, _rows(found))}\n\n{table(died, [row])}"


def _rows(found: IsolateResults) -> Iterator[tuple[str, ...]]:
    for one in found.cells:
        shares = spread(one.shares)
        yield (
            f"{one.connectors} of {one.page_bytes / 1e6:.2f} MB",
            f"{one.pages}",
            f"{one.heap_bytes / MIB:.1f}",
            f"{shares.middle:.2f} ({shares.low:.2f} to {shares.high:.2f})",
            _verdict(is_met=one.is_met),
        )


def _verdict(*, is_met: bool) -> str:
    return "met" if is_met else "**missed**"


def write(found: IsolateResults) -> None:
    """The figures and the document's table."""
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    before = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(insert_table(before, tables(found), DOCUMENT.name, MARK), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ISOLATE.rounds, help="of each cell")
    try:
        found = measured(replace(ISOLATE, rounds=parser.parse_args().rounds))
    except (RuntimeError, httpx.HTTPError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(tables(found))
    write(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
