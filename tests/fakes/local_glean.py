"""The local Glean on a connection, and what its refusals look like."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from dev.local_glean.app import create_app
from dev.local_glean.database import Database
from dev.local_glean.readings import DEFAULTS, Readings
from dev.loopback import serving


@contextmanager
def serving_glean(path: str = ":memory:", readings: Readings = DEFAULTS) -> Iterator[httpx.Client]:
    """A client that it lets in.

    Args:
        path: of its database.
        readings: in force at the start.
    """
    headers = {"authorization": "Bearer token"}
    with (
        Database(path) as database,
        serving(create_app(database, "token", readings)) as url,
        httpx.Client(base_url=url, headers=headers) as client,
    ):
        yield client


def assert_refused(answer: httpx.Response, status: int, text: str) -> None:
    assert answer.status_code == status, answer.text
    assert text in answer.text
    assert answer.headers["content-type"].startswith("text/plain")
