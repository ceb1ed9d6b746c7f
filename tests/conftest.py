from pathlib import Path

import pytest

from dev import prometheus


HERE = Path(__file__).parent
# What takes longest begins first, so that no process is left with it at the end.
LONGEST = (
    HERE / "simulation/test_mutants.py",
    HERE / "workerd",
    HERE / "simulation/test_readings.py",
    HERE / "simulation/test_every_crash.py",
)


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # else xdist begins with the files of the most tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: (item.get_closest_marker("last") is not None, _rank(item)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.getreports("skipped")
    if any(prometheus.MISSING in str(report.longrepr) for report in skipped):
        line = f"THE TESTS ON PROMETHEUS DID NOT RUN: {prometheus.MISSING}"
        terminalreporter.write_line(line, red=True, bold=True)


def _rank(item: pytest.Item) -> int:
    ranks = [rank for rank, path in enumerate(LONGEST) if item.path.is_relative_to(path)]
    return ranks[0] if ranks else len(LONGEST)
