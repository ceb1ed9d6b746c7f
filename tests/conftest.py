from pathlib import Path

import pytest

from dev import chromium, prometheus


HERE = Path(__file__).parent
BROWSER = HERE / "browser"
# What takes longest begins first, so that no process is left with it at the end.
LONGEST = (
    HERE / "simulation/test_mutants.py",
    HERE / "workerd",
    BROWSER,
    HERE / "simulation/test_readings.py",
    HERE / "simulation/test_every_crash.py",
)


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # else xdist begins with the files of the most tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: (item.get_closest_marker("last") is not None, _rank(item)))
    if chromium.found() is None:
        for item in items:
            if item.path.is_relative_to(BROWSER):
                item.add_marker(pytest.mark.skip(chromium.MISSING))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [str(report.longrepr) for report in terminalreporter.getreports("skipped")]
    for name, missing in (("BROWSER", chromium.MISSING), ("REAL PROMETHEUS", prometheus.MISSING)):
        if any(missing in reason for reason in reasons):
            line = f"THE TESTS WITH A {name} DID NOT RUN: {missing}"
            terminalreporter.write_line(line, red=True, bold=True)


def _rank(item: pytest.Item) -> int:
    ranks = [rank for rank, path in enumerate(LONGEST) if item.path.is_relative_to(path)]
    return ranks[0] if ranks else len(LONGEST)
