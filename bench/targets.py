"""What the project wants of itself, and whether it gets it. Pure."""

from collections.abc import Iterator

from msgspec import Struct

from bench.figures import growth, ratio, spread
from bench.plan import LOOP, OURS, PROXY, SDK, STOCK
from bench.results import Results


MIB = 2**20
CONSTANT_MAX = 1.1  # a tenth is this machine's noise
LOSS_MAX = 0.25  # a short run's noise is less


class Verdict(Struct, frozen=True, kw_only=True):
    """A target, and what was measured.

    Attributes:
        what: is measured.
        target: in words.
        measured: likewise.
        is_met: whether the one fits the other.
    """

    what: str
    target: str
    measured: str
    is_met: bool


def verdicts(results: Results) -> list[Verdict]:
    """All targets, in the order of the document."""
    return [*_times(results), *_memory(results), *_growth(results), *_package(results)]


def loss(found: Results, kept: Results) -> str | None:
    """What has become slower than it may, if anything has.

    Machines differ, so the project is held against the loop in CPython of the same run.

    Args:
        found: by this run.
        kept: the figures of docs/performance.md.
    """
    now, before = (
        ratio(
            results.throughput[OURS].documents_per_second,
            results.throughput[LOOP].documents_per_second,
        ).middle
        for results in (found, kept)
    )
    if now >= (1 - LOSS_MAX) * before:
        return None
    return (
        f"throughput by that of the {LOOP} is {now:.2f}x, and was {before:.2f}x by "
        f"docs/performance.md: a loss of more than {LOSS_MAX:.0%}"
    )


def _times(results: Results) -> Iterator[Verdict]:
    share = spread(results.latency[OURS].shares_of_ideal).middle
    yield _at_most("time of a sync whose source is slow, by the ideal", share, 1.10, "x")
    ours = results.throughput[OURS].documents_per_second
    for other, least in ((PROXY, 0.35), (SDK, 4), (STOCK, 10)):
        times = ratio(ours, results.throughput[other].documents_per_second).middle
        yield Verdict(
            what=f"throughput by that of: {other}",
            target=f"≥ {least:g}x",
            measured=f"{times:.2f}x",
            is_met=times >= least,
        )


def _memory(results: Results) -> Iterator[Verdict]:
    first, last = results.memory[0], results.memory[-1]
    name = f"{last.page_bytes / 1_000:.0f} KB"
    yield _at_most(f"heap with pages of {name}", last.heap_bytes / MIB, 64, " MiB")
    grown = (last.heap_bytes - first.heap_bytes) / MIB
    yield _at_most(
        f"heap more after {last.pages:,} pages than after {first.pages:,}", grown, 0, " MiB"
    )
    name = f"{results.large.page_bytes / 1_000_000:.0f} MB"
    yield _at_most(f"heap with pages of {name}", results.large.heap_bytes / MIB, 96, " MiB")


def _growth(results: Results) -> Iterator[Verdict]:
    sizes = results.growth
    most = f"{sizes[-1].documents:,} documents"
    times = growth([spread(size.us_per_document).middle for size in sizes])
    yield _at_most(f"time a document with {most}, by the least with fewer", times, CONSTANT_MAX)
    rows = growth([size.rows / size.documents for size in sizes])
    yield _at_most(f"rows a document with {most}, by the least with fewer", rows, CONSTANT_MAX)
    yield _at_most("rows written a page", sizes[-1].rows / sizes[-1].pages, 3, "")
    if results.turn_overheads_ms:  # else no job took more than one turn
        overhead_ms = spread(results.turn_overheads_ms).middle
        yield _at_most("a turn's end and the next one's start", overhead_ms, 20, " ms")


def _package(results: Results) -> Iterator[Verdict]:
    yield _at_most("deployed, with gzip", results.package_bytes / MIB, 1, " MiB")


def _at_most(what: str, measured: float, most: float, unit: str = "x") -> Verdict:
    return Verdict(
        what=what,
        target=f"≤ {most:g}{unit}",
        measured=f"{measured:.2f}{unit}",
        is_met=measured <= most,
    )
