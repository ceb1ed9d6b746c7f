"""What syncs cost at Cloudflare, by what the bench has measured.

`python -m bench.cost` writes the table of docs/operations.md.
"""

import math
import sys
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from bench.figures import spread
from bench.plan import OURS
from bench.results import Results
from bench.shape import Shape
from bench.table import table
from dev.staging import ROOT
from dev.truncation.document import insert_table
from durable.limits import Limits


DOCUMENT = ROOT / "docs/operations.md"
RESULTS = ROOT / "bench/results.json"
# Beyond what the Workers Paid plan includes, on 24 November 2026:
# https://developers.cloudflare.com/durable-objects/platform/pricing/
USD_PER_REQUEST = 0.15 / 1_000_000  # an alarm is one, and so is each call of an object
USD_PER_ROW = 1.00 / 1_000_000  # written; an alarm that is set is one
USD_PER_READ_ROW = 0.001 / 1_000_000
USD_PER_STORED_GB = 0.20  # a month
USD_PER_GB_SECOND = 12.50 / 1_000_000
OBJECT_GB = 0.128  # billed for an object, whatever it takes
MONTH_HOURS = 30 * 24
# Of a tick: the object is tended, the job begun, and its alarm fires.
REQUESTS_PER_TICK = 3

MILLION = 1_000_000
# A million documents, by the time that the source takes for a page, and by the page.
SHAPES = (
    Shape(pages=10_000, documents=100, source_ms=50),
    Shape(pages=10_000, documents=100, source_ms=500),
    Shape(pages=10_000, documents=100, source_ms=3_000),
    Shape(pages=1_000, documents=1_000, source_ms=3_000),
)


class Cost(Struct, frozen=True, kw_only=True):
    """What is billed."""

    requests: int
    rows: int
    gb_seconds: float

    @property
    def usd(self) -> float:
        return (
            self.requests * USD_PER_REQUEST
            + self.rows * USD_PER_ROW
            + self.gb_seconds * USD_PER_GB_SECOND
        )


def cost(results: Results, shape: Shape) -> Cost:
    """Of one FULL job, whose turns all take as much as they may."""
    limits, largest = Limits(), results.growth[-1]
    waited_ms = shape.source_ms * spread(results.latency[OURS].shares_of_ideal).middle
    worked_ms = shape.documents * spread(largest.us_per_document).middle / 1_000
    page_ms = max(waited_ms, worked_ms)
    pages_per_turn = min(
        limits.turn_pages_max,
        limits.turn_bytes_max // (shape.documents * shape.document_bytes),
        int(limits.turn_ms_max / page_ms),
    )
    turns = math.ceil(shape.pages / max(1, pages_per_turn))
    # A turn writes no more than the smallest job, which takes one.
    rows = shape.pages * largest.rows / largest.pages + turns * results.growth[0].rows
    return Cost(
        requests=turns,
        rows=math.ceil(rows),
        gb_seconds=shape.pages * page_ms / 1_000 * OBJECT_GB,
    )


def idle_month(results: Results) -> Cost:
    """Of a connector whose INCREMENTAL job finds nothing each hour, and takes a second."""
    return Cost(
        requests=MONTH_HOURS * REQUESTS_PER_TICK,
        rows=MONTH_HOURS * results.growth[0].rows,
        gb_seconds=MONTH_HOURS * OBJECT_GB,
    )


def costs(results: Results) -> str:
    """Markdown."""
    head = ("what", "alarms and calls", "rows written", "GB-s", "USD")
    return table(head, _rows(results))


def _rows(results: Results) -> Iterator[tuple[str, ...]]:
    for shape in SHAPES:
        documents = f"{shape.document_count // MILLION} million documents"
        page = f"{shape.documents:,} a page, {shape.source_ms:,} ms each"
        yield (f"{documents}, {page}", *_cells(cost(results, shape)))
    yield ("an hourly job that finds nothing, a month", *_cells(idle_month(results)))


def _cells(billed: Cost) -> tuple[str, ...]:
    counts = (billed.requests, billed.rows, round(billed.gb_seconds))
    return (*(f"{count:,}" for count in counts), f"{billed.usd:.3f}")


def write(results: Results) -> None:
    """The document's table."""
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(insert_table(text, costs(results), DOCUMENT.name), encoding="utf-8")


def main() -> int:
    write(msgspec.json.decode(RESULTS.read_bytes(), type=Results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
