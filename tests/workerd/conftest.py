from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.stack import Stack


HERE = Path(__file__).parent
# Small turns, so that a sync of a few pages takes several alarms.
LIMITS = {"turn_pages_max": 4, "backoff_ms_min": 100}
RECORDS = 1_500


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The source, the local Glean and the Worker, started once for all tests that share them."""
    arguments = ("--limit-records", str(RECORDS))
    with Stack(tmp_path_factory.mktemp("stack"), LIMITS, arguments) as started:
        yield started


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that runs here goes first: it waits more than it computes."""
    items.sort(key=lambda item: (not _is_here(item), item.get_closest_marker("last") is not None))


def _is_here(item: pytest.Item) -> bool:
    return item.path.is_relative_to(HERE)
