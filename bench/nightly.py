"""What a nightly FULL job takes beside one that replaces all: `python -m bench.nightly`.

Writes bench/nightly.json and the table of docs/performance.md; `make bench` does so too.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bench import cold, cost
from bench.ends import Ends
from bench.ours import REPLACING, Ours
from bench.plan import NIGHTLY
from bench.shape import Shape
from bench.table import table
from bench.targets import MIB
from dev.staging import ROOT
from dev.truncation.document import insert_table


DOCUMENT = ROOT / "docs/performance.md"
RESULTS = ROOT / "bench/nightly.json"
MARK = "nightly"
FULL = {"mode": "FULL"}
MONTH_DAYS = 30
HEAP_MIB_MAX = 64
REQUESTS_SPARE = 1.1
ROWS_SPARE = 1.01  # beside two a page, and one for each difference
ROWS_OF_JOB = 60  # that a job of one page writes


class Night(Struct, frozen=True, kw_only=True):
    """One FULL job.

    Attributes:
        what: it is.
        way: that it took, as its status says.
        documents: of the source as it was first.
        pages: likewise.
        differences: documents that have changed since the job before, or are gone.
        seconds: from its first request to its last.
        cpu_seconds: of the runtime; None where the system does not tell.
        requests: to Glean that write.
        rows: written.
        read_rows: likewise.
        heap_bytes: of the WebAssembly memory, up to now.
        stored_bytes: by the object, after it.
    """

    what: str
    way: str
    documents: int
    pages: int
    differences: int
    seconds: float
    cpu_seconds: float | None
    requests: int
    rows: int
    read_rows: int
    heap_bytes: int
    stored_bytes: int = 0

    @property
    def usd(self) -> float:
        """A month of such nights, at list price, what is included not taken off."""
        nightly = (
            self.rows * cost.USD_PER_ROW
            + self.read_rows * cost.USD_PER_READ_ROW
            + self.seconds * cost.OBJECT_GB * cost.USD_PER_GB_SECOND
        )
        return MONTH_DAYS * nightly + self.stored_bytes / 1e9 * cost.USD_PER_STORED_GB

    @property
    def is_met(self) -> bool:
        rows_max = (2 * self.pages + self.differences) * ROWS_SPARE + ROWS_OF_JOB
        is_small = self.heap_bytes <= HEAP_MIB_MAX * MIB and self.rows <= rows_max
        return is_small and self.requests <= REQUESTS_SPARE * self.differences


def nights(pages: int) -> list[Night]:
    """Of one size, in a runtime of its own. Raises RuntimeError where a job fails."""
    first = Shape(pages=pages)
    later = replace(first, night=1)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Ends() as ends,
        Ours(Path(folder), ends) as ours,
    ):
        jobs: Sequence[tuple[str, Shape, Mapping[str, Any]]] = (
            ("first", first, FULL),
            ("nightly", later, FULL),
            ("nightly, replacing", later, REPLACING),
        )
        return [
            replace(_night(ours, ends, *job), stored_bytes=_stored_bytes(Path(folder)))
            for job in jobs
        ]


def _stored_bytes(folder: Path) -> int:
    """By the largest object, the connector's own, with what is not in its place yet."""
    files = [file for file in folder.rglob("*.sqlite*") if not file.name.endswith("-shm")]
    sizes: Counter[str] = Counter()
    for file in files:
        sizes[file.name.partition(".")[0]] += file.stat().st_size
    return max(sizes.values(), default=0)


def _night(ours: Ours, ends: Ends, what: str, shape: Shape, order: Mapping[str, Any]) -> Night:
    ends.reshape(shape)
    before, worked_ms, began = ours.measured(), cold.worked_ms(), time.monotonic()
    job = ours.sync(order)
    seconds, now_ms = time.monotonic() - began, cold.worked_ms()
    after, trace = ours.measured(), ends.requests()
    kinds = ("documents", "boundary", "deletion")
    night = Night(
        what=what,
        way=job["way"],
        documents=shape.document_count,
        pages=shape.pages,
        differences=shape.changed_count + shape.gone_count,
        seconds=seconds,
        cpu_seconds=None if now_ms is None or worked_ms is None else (now_ms - worked_ms) / 1_000,
        requests=sum(request.kind in kinds for request in trace.requests),
        rows=after.rows - before.rows,
        read_rows=after.read_rows - before.read_rows,
        heap_bytes=after.heap_bytes,
    )
    print("nightly:", *_cells(night), flush=True)
    return night


def measured(sizes: Sequence[int]) -> list[Night]:
    """All of them. Raises RuntimeError where a job fails."""
    return [night for pages in sizes for night in nights(pages)]


def text(found: Sequence[Night]) -> str:
    """Markdown."""
    head = (
        "FULL job, documents",
        "way",
        "s",
        "CPU s",
        "requests to Glean",
        "rows written",
        "rows read",
        "heap MiB",
        "stored MB",
        "USD a month",
        "",
    )
    return table(head, _rows(found))


def _rows(found: Sequence[Night]) -> Iterator[tuple[str, ...]]:
    for one in found:
        is_held = one.way == "reconcile"
        yield (*_cells(one), ("met" if one.is_met else "**missed**") if is_held else "")


def _cells(one: Night) -> tuple[str, ...]:
    return (
        f"{one.what}, {one.documents:,}",
        one.way,
        f"{one.seconds:.1f}",
        "unknown" if one.cpu_seconds is None else f"{one.cpu_seconds:.1f}",
        f"{one.requests:,}",
        f"{one.rows:,}",
        f"{one.read_rows:,}",
        f"{one.heap_bytes / MIB:.1f}",
        f"{one.stored_bytes / 1e6:.1f}",
        f"{one.usd:.3f}",
    )


def write(found: Sequence[Night]) -> None:
    """The figures and the document's table."""
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    before = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(insert_table(before, text(found), DOCUMENT.name, MARK), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, nargs="+", default=NIGHTLY, help="of 100 documents")
    parser.add_argument("--dry", action="store_true", help="write nothing down")
    arguments = parser.parse_args()
    try:
        found = measured(arguments.pages)
    except (RuntimeError, httpx.HTTPError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(text(found))
    if not arguments.dry:
        write(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
