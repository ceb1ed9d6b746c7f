"""Soak the Worker on the real runtime: random faults, kills and people."""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from rich.console import Console

from dev.soak.judge import BrokenError
from dev.soak.plan import Round, rounds
from dev.soak.play import soak
from dev.soak.tally import Tally


MINUTES = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.soak", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help="so long; then its round ends"
    )
    parser.add_argument("--seed", type=int, default=None, help="draws everything")
    arguments = parser.parse_args()
    seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed
    console, tally = Console(), Tally()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    console.print(f"seed {seed} · {arguments.minutes:g} minutes · {folder}", highlight=False)
    planned = _until(time.monotonic() + 60 * arguments.minutes, rounds(random.Random(seed)))
    is_whole = _soak(folder, planned, tally, console)
    tally.show(console)
    console.print(f"seed {seed}", highlight=False)
    if is_whole:
        shutil.rmtree(folder)
    else:
        console.print(f"logs and databases: {folder}", highlight=False, soft_wrap=True)
    print(tally.verdict)
    return 0 if is_whole else 1


def _until(deadline: float, planned: Iterable[Round]) -> Iterator[Round]:
    for one in planned:
        if time.monotonic() > deadline:
            return
        yield one


def _soak(folder: Path, planned: Iterable[Round], tally: Tally, console: Console) -> bool:
    """Whether nothing was broken. What was, is shown."""
    with console.status("starts") as line:
        try:
            soak(folder, planned, tally, lambda text: line.update(f"{tally.line}\n  {text}"))
        except BrokenError as broken:
            text = f"round {tally.rounds + 1}: {broken}"
            console.print(text, markup=False, highlight=False, soft_wrap=True)
            if broken.job is not None:
                shown = msgspec.json.format(msgspec.json.encode(broken.job)).decode()
                console.print(shown, markup=False, highlight=False, soft_wrap=True)
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
