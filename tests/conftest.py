from pathlib import Path

import pytest

from dev import chromium


HERE = Path(__file__).parent
BROWSER = HERE / "browser"
# What takes longest begins first, so that no process is left with it at the end.
LONGEST = (HERE / "simulation/test_mutants.py", HERE / "workerd")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: (_rank(item), item.get_closest_marker("last") is not None))
    if chromium.found() is None:
        for item in items:
            if item.path.is_relative_to(BROWSER):
                item.add_marker(pytest.mark.skip(chromium.MISSING))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.getreports("skipped")
    if any(chromium.MISSING in str(report.longrepr) for report in skipped):
        line = f"THE BROWSER TESTS DID NOT RUN: {chromium.MISSING}"
        terminalreporter.write_line(line, red=True, bold=True)


def _rank(item: pytest.Item) -> int:
    ranks = [rank for rank, path in enumerate(LONGEST) if item.path.is_relative_to(path)]
    return ranks[0] if ranks else len(LONGEST)
