"""Runs the bench, prints its tables and writes down what it found: `python -m bench [--quick]`.

A quick run's figures are too few for the document: they stay in `.cache/bench/`. It fails where
the project has become much slower.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import msgspec

from bench import cost, isolate, nightly, plan, rounds
from bench.results import Results
from bench.stock import MODULES
from bench.table import tables
from bench.targets import loss
from dev import step
from dev.setup import SetupError, venv
from dev.staging import ROOT
from dev.truncation.document import insert_table
from dev.truncation.readers import SDK_VENV


DOCUMENT = ROOT / "docs/performance.md"
PLOT = ROOT / "docs/performance.png"
RESULTS = ROOT / "bench/results.json"
QUICK = ROOT / ".cache/bench"
PLOT_VENV = venv("what draws the plot", ".cache/plot", Path("dev/locks/plot.txt"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="under a minute")
    length.add_argument("--long", action="store_true", help="up to a million documents")
    arguments = parser.parse_args()
    chosen = plan.QUICK if arguments.quick else plan.LONG if arguments.long else plan.NORMAL
    try:
        step.run(ROOT, (SDK_VENV, MODULES, PLOT_VENV))
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            found = rounds.results(chosen, Path(folder))
        shared = isolate.measured(chosen.isolate)
        nights = nightly.measured(chosen.nightly)
    except (SetupError, RuntimeError, httpx.HTTPError) as error:
        print(f"bench: {error}".rstrip("."), file=sys.stderr)
        return 1
    text = tables(found)
    print(f"\n{text}\n\n{isolate.tables(shared)}\n\n{nightly.text(nights)}")
    if arguments.quick:
        print("\nThat is to see that it works: too little of it to be held against the targets.")
        QUICK.mkdir(exist_ok=True)
        keep(found, QUICK / RESULTS.name, QUICK / PLOT.name)
        kept = msgspec.json.decode(RESULTS.read_bytes(), type=Results)
        if (lost := loss(found, kept)) is not None:
            print(f"bench: {lost}", file=sys.stderr)
            return 1
    else:
        keep(found, RESULTS, PLOT)
        between = f"{text}\n\n![The same as a plot]({PLOT.name})"
        before = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(insert_table(before, between, DOCUMENT.name), encoding="utf-8")
        cost.write(found)
        isolate.write(shared)
        nightly.write(nights)
    return 0


def keep(found: Results, results: Path, plot: Path) -> None:
    """Write the figures and draw them."""
    results.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    python = ROOT / PLOT_VENV.target / "bin/python"
    subprocess.run([python, "-I", ROOT / "bench/plot.py", results, plot], check=True)
    for file in (results, plot):
        print(f"bench: {file.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
