"""The source that asks a backend, against the backend that crawls by itself."""

import asyncio

import httpx
import pytest

from dev.backend.app import create_app
from durable.environment import Secret
from durable.errors import UpstreamError
from durable.http.auth import Bearer
from durable.sources.backend import Backend
from tests.fakes.bench import NOW_MS
from tests.fakes.environment import an_environment
from tests.fakes.in_process import client_of
from tests.fakes.source import a_crawl, context


BACKEND = Backend(auth=Bearer(Secret("TOKEN")), signing_key=Secret("KEY"))
ENVIRONMENT = an_environment(
    CONNECTOR_API_URL="https://testserver", GLEAN_INSTANCE="acme", TOKEN="t0ken", KEY="k3y"
)


class World:
    """The backend, and readers of it, each with nothing but a cursor.

    Args:
        settings: of the backend's runs.
    """

    def __init__(self, **settings: object) -> None:
        app = create_app("t0ken", "k3y", clock=lambda: NOW_MS)
        self._transport = httpx.ASGITransport(app)
        self._client = client_of(app)
        self._client.put("/control/settings", json=settings).raise_for_status()

    def asked(self, cursor: str | None = None) -> str | None:
        reader = BACKEND.reader(context(self._transport, ENVIRONMENT))
        return asyncio.run(reader.fetch(cursor, a_crawl())).next_cursor

    def cancel(self, cursor: str) -> None:
        reader = BACKEND.reader(context(self._transport, ENVIRONMENT))
        asyncio.run(reader.cancel(cursor))

    @property
    def runs(self) -> list[str]:
        return [run["status"] for run in self._client.get("/control/runs").json()]


def test_a_run_that_is_waited_for_is_done() -> None:
    world = World()

    assert world.asked() is None
    assert world.runs == ["succeeded"]


@pytest.mark.parametrize("is_absolute", [False, True])
def test_a_run_is_followed_to_its_end(*, is_absolute: bool) -> None:
    world = World(is_asynchronous=True, polls=2, has_absolute_location=is_absolute)
    cursors = [world.asked()]

    while cursors[-1] is not None:
        cursors.append(world.asked(cursors[-1]))

    assert len(cursors) == 4
    assert world.runs == ["succeeded"]


def test_a_run_that_is_asked_for_again_after_a_crash_is_the_same() -> None:
    world = World(is_asynchronous=True)

    world.asked()
    world.asked()

    assert world.runs == ["running"]


@pytest.mark.parametrize("is_asynchronous", [False, True])
def test_a_run_that_fails_tells_why(*, is_asynchronous: bool) -> None:
    world = World(is_asynchronous=is_asynchronous, polls=0, error="no space left")

    with pytest.raises(UpstreamError, match="crawl failed: no space left") as error:
        world.asked(world.asked())

    assert not error.value.is_transient


def test_a_run_whose_job_is_cancelled_is_stopped() -> None:
    world = World(is_asynchronous=True)
    cursor = world.asked()
    assert cursor is not None

    world.cancel(cursor)

    assert world.runs == ["cancelled"]
