"""Draws the plot of docs/performance.md: `python plot.py RESULTS.json PLOT.png`.

Run by a virtual environment of its own, which has nothing of this project in it.
"""

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.figure import Figure  # type: ignore[import-not-found]


OURS = "this project"
OUR_COLOR, OTHER_COLOR, LIMIT_COLOR = "#d9480f", "#adb5bd", "#212529"
MIB = 2**20
HEAP_TARGETS_MIB = (64, 96)
ISOLATE_MIB = 128  # all that there is
LATENCY_TARGET = 1.1


def bars(axes: Any, title: str, figures: dict[str, list[float]]) -> None:
    """A bar a contender up to the median, with a line over what it was spread."""
    names = list(figures)
    middles = [median(of_one) for of_one in figures.values()]
    spans = [
        [middle - min(of_one) for middle, of_one in zip(middles, figures.values(), strict=True)],
        [max(of_one) - middle for middle, of_one in zip(middles, figures.values(), strict=True)],
    ]
    colors = [OUR_COLOR if name == OURS else OTHER_COLOR for name in names]
    axes.barh(names, middles, xerr=spans, color=colors, ecolor=LIMIT_COLOR, capsize=3)
    axes.invert_yaxis()
    axes.locator_params(axis="x", nbins=6)
    axes.xaxis.set_major_formatter("{x:,.6g}")
    axes.set_title(title)


def heap(axes: Any, memory: list[dict[str, int]]) -> None:
    names = [f"{one['pages']:,} x {one['page_bytes'] / 1_000:,.0f} KB" for one in memory]
    axes.barh(names, [one["heap_bytes"] / MIB for one in memory], color=OUR_COLOR)
    axes.invert_yaxis()
    for target in HEAP_TARGETS_MIB:
        axes.axvline(target, color=LIMIT_COLOR, linestyle=":")
    axes.set_xlim(0, ISOLATE_MIB)
    axes.set_title("heap after so many pages, MiB")


def growth(axes: Any, sizes: list[dict[str, Any]]) -> None:
    names = [f"{size['documents']:,} documents" for size in sizes]
    axes.barh(names, [median(size["us_per_document"]) for size in sizes], color=OUR_COLOR)
    axes.invert_yaxis()
    axes.set_title("time a document, µs")


def main() -> None:
    results = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    figure = Figure(figsize=(12, 7))
    (rates, shares), (memory, sizes) = figure.subplots(2, 2)
    throughput = {name: one["documents_per_second"] for name, one in results["throughput"].items()}
    bars(rates, "documents/s between ends that cost nothing", throughput)
    latency = {name: one["shares_of_ideal"] for name, one in results["latency"].items()}
    bars(shares, "total by the ideal: 50 ms a page, 150 ms a batch", latency)
    shares.axvline(LATENCY_TARGET, color=LIMIT_COLOR, linestyle=":")
    heap(memory, [*results["memory"], results["large"]])
    growth(sizes, results["growth"])
    figure.suptitle("dotted: targets")
    figure.tight_layout()
    figure.savefig(sys.argv[2], dpi=110)


if __name__ == "__main__":
    main()
