"""Bugs planted one at a time, each to be caught by the simulation: `make mutants`.

A survivor means that a property is missing. With a folder's worth of tests each mutant costs
seconds; `tests/simulation/test_mutants.py` runs for each only the tests that it names.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from msgspec import Struct

from tests.simulation.planted import MUTANTS, Mutant


ROOT = Path(__file__).parent.parent.parent
COPIED = ("connectors", "dev", "durable", "tests", "worker")
SIMULATION = "tests/simulation"
SECONDS_MAX = 600
WORLDS = "60"  # for Hypothesis; what only thousands of worlds would find, is found too rarely


class Verdict(Struct, frozen=True):
    """What became of a mutant."""

    mutant: Mutant
    is_caught: bool
    output: str


class Nursery:
    """A copy of the project that mutants are planted in, one at a time. Use it with `with`."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="mutants-"))
        for name in COPIED:
            ignored = shutil.ignore_patterns("__pycache__", "mutants.py", "test_mutants.py")
            shutil.copytree(ROOT / name, self._folder / name, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder)

    def verdict(self, mutant: Mutant, tests: Sequence[str]) -> Verdict:
        """Plant it, run the tests, and take it out again.

        Raises:
            ValueError: the code that it changes is not there, once.
        """
        file = self._folder / mutant.file
        whole = file.read_text(encoding="utf-8")
        if whole.count(mutant.before) != 1:
            raise ValueError(f"{mutant.name}: {mutant.file} has not once\n{mutant.before}")
        file.write_text(whole.replace(mutant.before, mutant.after), encoding="utf-8")
        try:
            ended = self._run(tests)
        finally:
            file.write_text(whole, encoding="utf-8")
        # 1: tests failed. Anything else is no verdict: a syntax error, no test, a broken copy.
        if ended.returncode not in {0, 1}:
            raise ValueError(f"{mutant.name}: pytest ended with {ended.returncode}\n{ended.stdout}")
        return Verdict(mutant, ended.returncode == 1, ended.stdout)

    def _run(self, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "--no-header",
            "-p",
            "no:cacheprovider",
        ]
        environment = {
            **os.environ,
            "CI": "1",  # the same worlds each time
            "WORLDS": WORLDS,
            "PYTHONDONTWRITEBYTECODE": "1",  # the next mutant's file may be of the same second
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # Schemathesis takes longer than most tests here
        }
        return subprocess.run(
            [*command, *tests],
            cwd=self._folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )


def verdicts(mutants: Sequence[Mutant], *, is_whole: bool) -> list[Verdict]:
    """Of the mutants, in their order.

    Args:
        mutants: to plant.
        is_whole: run the whole simulation against each that the tests it names do not catch.
    """
    worker_count = os.cpu_count() or 1
    # After those that are named: what they let through, all others get to see.
    rest = (SIMULATION,) if is_whole else ()

    def share(first: int) -> list[Verdict]:
        with Nursery() as nursery:
            return [
                nursery.verdict(mutant, (*mutant.tests, *rest))
                for mutant in mutants[first::worker_count]
            ]

    with ThreadPoolExecutor(worker_count) as pool:
        shares = list(pool.map(share, range(worker_count)))
    found = {verdict.mutant.name: verdict for verdicts in shares for verdict in verdicts}
    return [found[mutant.name] for mutant in mutants]


def main() -> int:
    found = verdicts(MUTANTS, is_whole="--named" not in sys.argv)
    for verdict in found:
        mark = "caught  " if verdict.is_caught else "SURVIVED"
        sys.stdout.write(f"{mark} {verdict.mutant.name}\n")
    caught = sum(verdict.is_caught for verdict in found)
    sys.stdout.write(f"mutants: {caught} of {len(found)} caught\n")
    return 0 if caught == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
