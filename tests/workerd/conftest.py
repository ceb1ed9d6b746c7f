from collections.abc import Iterator

import pytest

from dev.stack import Stack
from tests.fakes.deployed import deployed


# Small turns, so that a sync of a few pages takes several alarms.
LIMITS = {"turn_pages_max": 4, "backoff_ms_min": 100}
RECORDS = 1_500


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The source, the local Glean and the Worker, started once for all tests that share them."""
    with deployed(tmp_path_factory.mktemp("stack"), LIMITS, RECORDS) as started:
        yield started


@pytest.fixture
def quiet(stack: Stack) -> Stack:
    """The stack that the tests share, without what another has left."""
    stack.settle()
    return stack
