"""The local Glean of a module's tests, empty at the beginning of each."""

from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.local_glean import serving_glean


@pytest.fixture(scope="module")
def served_glean() -> Iterator[httpx.Client]:
    with serving_glean() as client:
        yield client


@pytest.fixture
def empty_glean(served_glean: httpx.Client) -> httpx.Client:
    served_glean.post("/control/reset").raise_for_status()
    return served_glean
