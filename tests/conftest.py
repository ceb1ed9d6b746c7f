"""The order of the tests, and how they are dealt out to processes.

The order is drawn anew each time, from a seed that is printed; `--randomly-seed=N` repeats it.
"""

import gc
import os
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import settings
from xdist.plugin import (  # type: ignore[import-untyped]
    pytest_xdist_auto_num_workers as core_count,
)
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from dev import chromium, prometheus


HERE = Path(__file__).parent
BROWSER = HERE / "browser"
SIMULATION = HERE / "simulation"
# What takes longest begins first, so that no process is left with it at the end.
LONGEST = (HERE / "workerd", BROWSER, HERE / "dev", SIMULATION)
PROCESSES_BESIDE = 8  # no more than so many, since each may have a runtime of its own
SHARES = 64  # of a file of the simulation
MUTANTS = "test_mutants.py"
PLANTED = f"{MUTANTS}::test_a_planted_bug_is_caught"
BUGS = 3  # one of so many is planted outside of CI

# Before any test is imported, since settings take what they leave open when they are made.
settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # else xdist begins with the shares of the most tests
    config.option.randomly_reset_seed = False  # what draws, has a generator of its own


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left = _left_to_ci(config, items)
    items[:] = [item for item in items if item.nodeid not in left]
    items.sort(key=lambda item: (item.get_closest_marker("last") is not None, _rank(item.path)))
    if chromium.find_program() is None:
        for item in items:
            if item.path.is_relative_to(BROWSER):
                item.add_marker(pytest.mark.skip(chromium.MISSING))


def pytest_collection_finish() -> None:
    """What was imported and collected stays: no garbage collection is to go through it again."""
    if gc.isenabled():
        gc.collect()
        gc.freeze()


class Dealer(LoadScopeScheduling):  # type: ignore[misc]
    """Gives whoever is free a whole file, whose tests share what it starts, or a file's share.

    The tests of the simulation share nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if not (HERE.parent / file).is_relative_to(SIMULATION):
            return file
        return f"{file} {crc32(nodeid.encode()) % SHARES}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """More than there are cores: whoever tests the runtime waits for it most of the time."""
    cores: int = core_count(config)
    return max(cores, min(2 * cores, PROCESSES_BESIDE))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Dealer:
    return Dealer(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [str(report.longrepr) for report in terminalreporter.getreports("skipped")]
    for name, missing in (("BROWSER", chromium.MISSING), ("REAL PROMETHEUS", prometheus.MISSING)):
        if any(missing in reason for reason in reasons):
            line = f"THE TESTS WITH A {name} DID NOT RUN: {missing}"
            terminalreporter.write_line(line, red=True, bold=True)


def _left_to_ci(config: pytest.Config, items: list[pytest.Item]) -> set[str]:
    """Bugs that are not planted where nobody asks for them."""
    is_asked = config.option.keyword or any(MUTANTS in word for word in config.args)
    if os.environ.get("CI") or is_asked:
        return set()
    planted = sorted(item.nodeid for item in items if PLANTED in item.nodeid)
    return {*planted} - {*planted[::BUGS]}


@cache
def _rank(file: Path) -> int:
    ranks = [rank for rank, path in enumerate(LONGEST) if file.is_relative_to(path)]
    return ranks[0] if ranks else len(LONGEST)
