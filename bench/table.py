"""Results as Markdown, for the terminal and for docs/performance.md. Pure."""

from collections.abc import Iterable, Sequence

from bench.figures import Spread, ratio, spread
from bench.plan import OURS, PROXY
from bench.results import Results
from bench.targets import MIB, verdicts


def tables(results: Results) -> str:
    """All of them, one below the other."""
    makers = (_heading, _throughput, _latency, _memory, _growth, _cold, _targets)
    parts = (make(results) for make in makers)
    return "\n\n".join(parts)


def _heading(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {machine[name]}" for name in ("python", "httpx", "msgspec"))
    where = f"{machine['cores']} cores, {machine['system']}"
    return f"{where}; {versions}, glean-indexing-sdk {machine['sdk']}; {results.rounds} rounds."


def _throughput(results: Results) -> str:
    proxy, ours = (results.throughput[name].documents_per_second for name in (PROXY, OURS))
    rows = []
    for name, measured in results.throughput.items():
        rates = measured.documents_per_second
        rows.append(
            (
                name,
                _shown(spread(rates), ",.0f"),
                _shown(ratio(rates, proxy), ".3f"),
                _shown(ratio(rates, ours), ".2f"),
                f"{measured.peak_bytes / MIB:.0f}",
            )
        )
    return table(("contender", "documents/s", "by the proxy", "by this project", "peak MiB"), rows)


def _latency(results: Results) -> str:
    rows = [
        (name, f"{measured.pages:,}", _shown(spread(measured.shares_of_ideal), ".3f"))
        for name, measured in results.latency.items()
    ]
    return table(("slow ends", "pages", "total by the ideal"), rows)


def _memory(results: Results) -> str:
    rows = [
        (f"{one.page_bytes / 1_000:,.0f} KB", f"{one.pages:,}", f"{one.heap_bytes / MIB:.1f}")
        for one in (*results.memory, results.large)
    ]
    return table(("this project's heap, a page of", "after pages", "MiB"), rows)


def _growth(results: Results) -> str:
    rows = [
        (
            f"{size.documents:,}",
            _shown(spread(size.us_per_document), ".1f"),
            f"{size.rows / size.documents:.4f}",
            f"{size.rows / size.pages:.2f}",
        )
        for size in results.growth
    ]
    return table(("documents", "µs a document", "rows a document", "rows a page"), rows)


def _cold(results: Results) -> str:
    first_ms = results.cold.first_ms
    rows = [
        ("process begun to first answer", "unknown" if first_ms is None else f"{first_ms:,.0f}"),
        ("request to a warm one", f"{results.cold.warm_ms:,.0f}"),
    ]
    return table(("this project's start", "ms"), rows)


def _targets(results: Results) -> str:
    rows = [
        (one.what, one.target, one.measured, "met" if one.is_met else "**missed**")
        for one in verdicts(results)
    ]
    return table(("measured", "target", "is", ""), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they need be, the first to the left."""
    lines = [tuple(head), *map(tuple, rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    first, *others = widths
    rule = f"|{'-' * (first + 2)}|{'|'.join('-' * (width + 1) + ':' for width in others)}|"
    return "\n".join([_row(lines[0], widths), rule, *(_row(line, widths) for line in lines[1:])])


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    others = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return f"| {' | '.join((first, *others))} |"


def _shown(figures: Spread, form: str) -> str:
    middle, low, high = (format(one, form) for one in (figures.middle, figures.low, figures.high))
    return middle if low == high else f"{middle} ({low} to {high})"
