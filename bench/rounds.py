"""Runs a plan: every contender in its turn, again and again, so that none has the quiet minute."""

import os
import platform
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.contender import Command, Contender, Run
from bench.ends import Ends
from bench.ours import Ours
from bench.plan import LOOP, OURS, PROXY, SDK, Plan
from bench.results import Growth, Latency, Memory, Results, Throughput
from bench.shape import Shape
from bench.stock import Stock
from dev.lock import LOCKS
from dev.package import package
from dev.staging import ROOT
from dev.truncation.readers import SDK_VENV
from dev.wrangler import NODE


SOURCE_MS, SINK_MS = 50, 150
SMALL_BYTES = 2_500  # a document; a page is 250 KB
LARGE_BYTES = 83_000  # a page is just below the largest that is taken by default


def results(plan: Plan, folder: Path) -> Results:
    """All of it.

    Args:
        plan: how much.
        folder: for what the runtimes write.

    Raises:
        RuntimeError: a sync failed.
    """
    with ExitStack() as stack:
        ends = stack.enter_context(Ends())
        ours = stack.enter_context(Ours(folder / "ours", ends))
        # First, while nothing else has grown it.
        memory = [_memory(ours, pages, SMALL_BYTES) for pages in plan.memory_pages]
        contenders = [*_commands(ends), ours, stack.enter_context(Stock(folder / "stock", ends))]
        throughput, overheads_ms = _throughput(plan, contenders)
        latency = _latency(plan, contenders)
        growth = [_growth(ours, *size) for size in plan.growth_rounds.items()]
    with Ends() as ends, Ours(folder / "large", ends) as ours:
        large = _memory(ours, plan.large_pages, LARGE_BYTES)
        cold = ours.cold
    with tempfile.TemporaryDirectory() as made:
        package_bytes = package(Path(made)).gzip_bytes
    return Results(
        rounds=plan.rounds,
        machine=_machine(),
        throughput=throughput,
        latency=latency,
        memory=memory,
        large=large,
        growth=growth,
        turn_overheads_ms=overheads_ms,
        cold=cold,
        package_bytes=package_bytes,
    )


def _commands(ends: Ends) -> list[Contender]:
    sdk = ROOT / SDK_VENV.target / "bin/python"
    return [
        Command(PROXY, [NODE, ROOT / "bench/proxy.mjs"], ends),
        Command(LOOP, [sys.executable, "-m", "bench.loop"], ends),
        Command(SDK, [sdk, "-I", ROOT / "bench/sdk.py"], ends),
    ]


def _throughput(
    plan: Plan, contenders: Sequence[Contender]
) -> tuple[dict[str, Throughput], list[float]]:
    runs = _rounds(
        contenders, plan.rounds, {name: Shape(pages=n) for name, n in plan.pages.items()}
    )
    throughput = {
        name: Throughput(
            documents_per_second=[run.trace.documents_per_second for run in of_one],
            peak_bytes=max(run.peak_bytes for run in of_one),
        )
        for name, of_one in runs.items()
    }
    overheads_ms = [run.turn_overhead_ms for run in runs[OURS]]
    return throughput, [overhead_ms for overhead_ms in overheads_ms if overhead_ms is not None]


def _latency(plan: Plan, contenders: Sequence[Contender]) -> dict[str, Latency]:
    shapes = {
        name: Shape(pages=pages, source_ms=SOURCE_MS, sink_ms=SINK_MS)
        for name, pages in plan.latency_pages.items()
    }
    runs = _rounds(contenders, plan.latency_rounds, shapes)
    return {
        name: Latency(
            pages=shapes[name].pages,
            shares_of_ideal=[run.trace.total_ms / shapes[name].ideal_ms for run in of_one],
        )
        for name, of_one in runs.items()
    }


def _rounds(
    contenders: Sequence[Contender], count: int, shapes: Mapping[str, Shape]
) -> dict[str, list[Run]]:
    """Each contender's runs, a run in each round, of those that a shape is named for."""
    runs: dict[str, list[Run]] = defaultdict(list)
    taking_part = [contender for contender in contenders if contender.name in shapes]
    for number in range(1, count + 1):
        for contender in taking_part:
            run = contender.run(shapes[contender.name])
            _tell(f"round {number}: {contender.name}", run)
            runs[contender.name].append(run)
    return runs


def _memory(ours: Ours, pages: int, document_bytes: int) -> Memory:
    shape = Shape(pages=pages, document_bytes=document_bytes)
    run = ours.run(shape)
    page_bytes = shape.documents * document_bytes
    _tell(f"memory: {pages:,} pages of {page_bytes:,} bytes", run)
    return Memory(pages=pages, page_bytes=page_bytes, heap_bytes=run.peak_bytes)


def _growth(ours: Ours, pages: int, rounds: int) -> Growth:
    shape = Shape(pages=pages)
    runs = [ours.run(shape) for _ in range(rounds)]
    _tell(f"growth: {shape.document_count:,} documents", runs[-1])
    return Growth(
        documents=shape.document_count,
        us_per_document=[run.trace.total_ms * 1_000 / shape.document_count for run in runs],
        rows=runs[-1].rows,
        pages=pages,
    )


def _tell(what: str, run: Run) -> None:
    trace, mib = run.trace, run.peak_bytes / 2**20
    rate = f"{trace.documents_per_second:,.0f} documents/s"
    print(f"{what}: {trace.total_ms / 1_000:.2f} s, {rate}, {mib:.0f} MiB", flush=True)


def _machine() -> dict[str, str | int]:
    return {
        "cores": os.cpu_count() or 0,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "sdk": _locked("sdk.txt", "glean-indexing-sdk"),
        "httpx": _locked("host.txt", "httpx"),
        "msgspec": _locked("host.txt", "msgspec"),
    }


def _locked(lock: str, package: str) -> str:
    text = (LOCKS / lock).read_text(encoding="utf-8")
    (version,) = re.findall(rf"^{package}==(\S+)", text, re.MULTILINE)
    return str(version)
