"""Runs the bench, prints its tables and writes down what it found: `python -m bench [--quick]`.

A quick run says that all of it works; its figures are too few to be kept.
"""

import argparse
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import msgspec

from bench import plan, rounds
from bench.results import Results
from bench.stock import MODULES
from bench.table import tables
from dev import step
from dev.setup import SetupError, make_venv
from dev.staging import ROOT
from dev.step import Step
from dev.truncation.document import written
from dev.truncation.readers import SDK_VENV


DOCUMENT = ROOT / "docs/performance.md"
PLOT = ROOT / "docs/performance.png"
RESULTS = ROOT / "bench/results.json"
LOCK = Path("dev/locks/plot.txt")
PLOT_VENV = Step(
    "what draws the plot",
    ".cache/plot",
    # A virtual environment's commands hold its path: a moved project needs another.
    (LOCK, str(ROOT)),
    "bin/python",
    partial(make_venv, LOCK),
    is_movable=False,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="under a minute, nothing is kept")
    length.add_argument("--long", action="store_true", help="up to a million documents")
    arguments = parser.parse_args()
    chosen = plan.QUICK if arguments.quick else plan.LONG if arguments.long else plan.NORMAL
    try:
        step.run(ROOT, (SDK_VENV, MODULES, *([] if arguments.quick else [PLOT_VENV])))
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            found = rounds.results(chosen, Path(folder))
    except (SetupError, RuntimeError) as error:
        print(f"bench: {error}".rstrip("."), file=sys.stderr)
        return 1
    text = tables(found)
    print(f"\n{text}")
    if not arguments.quick:
        keep(found, text)
    return 0


def keep(results: Results, text: str) -> None:
    """Write the figures, the plot and the document's tables."""
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    python = ROOT / PLOT_VENV.target / "bin/python"
    subprocess.run([python, "-I", ROOT / "bench/plot.py", RESULTS, PLOT], check=True)
    before = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(written(before, text), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
