from pathlib import Path

import pytest


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


def _rank(item: pytest.Item) -> int:
    ranks = [rank for rank, path in enumerate(LONGEST) if item.path.is_relative_to(path)]
    return ranks[0] if ranks else len(LONGEST)
