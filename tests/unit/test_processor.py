import asyncio
from itertools import count

import httpx
import pytest
from msgspec import Struct

from durable.environment import Environment
from durable.job import Job, Limits, Mode, State
from durable.machine import ALARM_MS_MIN
from durable.processor import Processor, connector_name
from durable.store import Store
from durable.turn import Host
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.network import Network
from tests.fakes.storage import Storage


NOW_MS = 1_764_000_000_123
ENVIRONMENT = an_environment(GLEAN_INSTANCE="acme", GLEAN_INDEXING_API_TOKEN="t0ken")
TICK = "cron 2025-11-24T16:00:00.000Z"
LAST_PAGE: dict[str, object] = {"items": [], "next_cursor": None}


class Bench(Struct, frozen=True):
    """A processor, with what it stands on."""

    processor: Processor
    storage: Storage
    network: Network

    def begun(self, mode: Mode, trigger_key: str | None = None) -> Job:
        return asyncio.run(self.processor.begin(mode, trigger_key)).job

    def turned(self) -> Job | None:
        self.storage.fire()
        return asyncio.run(self.processor.turn())


def a_bench(*answers: httpx.Response, environment: Environment = ENVIRONMENT) -> Bench:
    storage = Storage()
    network = Network(*answers)
    nonces = count()
    host = Host(now_ms=lambda: NOW_MS, nonce=lambda: f"{next(nonces):06x}", transport=network)
    return Bench(Processor(NOTES, environment, Store(storage), host), storage, network)


def test_a_new_job_is_queued_and_its_alarm_armed() -> None:
    bench = a_bench()

    begun = asyncio.run(bench.processor.begin(Mode.FULL, None))

    assert begun.is_new
    assert begun.job == Job(
        id="notes-20251124T160000123Z-000000",
        connector="notes",
        mode=Mode.FULL,
        created_at_ms=NOW_MS,
    )
    assert bench.processor.job(begun.job.id) == begun.job
    assert bench.storage.alarm_at_ms == NOW_MS + ALARM_MS_MIN


@pytest.mark.parametrize("trigger_key", [None, TICK], ids=["by hand", "by cron"])
def test_asking_again_for_a_queued_mode_gives_the_same_job(trigger_key: str | None) -> None:
    bench = a_bench()
    first = bench.begun(Mode.FULL)

    again = asyncio.run(bench.processor.begin(Mode.FULL, trigger_key))

    assert (again.job, again.is_new) == (first, False)


def test_a_tick_that_fires_twice_begins_one_job_even_if_the_first_has_ended() -> None:
    bench = a_bench(httpx.Response(200, json=LAST_PAGE))
    first = bench.begun(Mode.INCREMENTAL, TICK)
    ended = bench.turned()
    assert ended is not None

    again = asyncio.run(bench.processor.begin(Mode.INCREMENTAL, TICK))

    assert (again.job.id, again.job.state, again.is_new) == (first.id, State.SUCCEEDED, False)


def test_the_next_tick_begins_a_new_job() -> None:
    bench = a_bench(httpx.Response(200, json=LAST_PAGE))
    first = bench.begun(Mode.INCREMENTAL, TICK)
    bench.turned()

    assert bench.begun(Mode.INCREMENTAL, "cron 2025-11-24T17:00:00.000Z").id != first.id


def test_a_job_of_the_other_mode_waits_and_leaves_the_alarm_alone() -> None:
    bench = a_bench(httpx.Response(503))
    bench.begun(Mode.FULL)
    waiting = bench.turned()
    assert waiting is not None

    other = bench.begun(Mode.INCREMENTAL)

    assert other.state is State.QUEUED
    assert bench.storage.alarm_at_ms == waiting.retry_at_ms


def test_a_turn_carries_the_working_job_before_the_queued() -> None:
    bench = a_bench(httpx.Response(503), httpx.Response(503))
    full = bench.begun(Mode.FULL)
    bench.turned()
    bench.begun(Mode.INCREMENTAL)

    carried = bench.turned()

    assert carried is not None
    assert carried.id == full.id


def test_the_end_of_a_job_wakes_the_next() -> None:
    bench = a_bench(httpx.Response(200, json=LAST_PAGE), httpx.Response(503))
    first = bench.begun(Mode.INCREMENTAL)
    second = bench.begun(Mode.FULL)

    ended = bench.turned()
    assert ended is not None
    assert (ended.id, ended.state) == (first.id, State.SUCCEEDED)
    assert bench.storage.alarm_at_ms == NOW_MS + ALARM_MS_MIN

    carried = bench.turned()
    assert carried is not None
    assert (carried.id, carried.state) == (second.id, State.OPENING)


def test_the_end_of_the_last_job_leaves_no_alarm() -> None:
    bench = a_bench(httpx.Response(200, json=LAST_PAGE))
    bench.begun(Mode.INCREMENTAL)

    bench.turned()

    assert bench.storage.alarm_at_ms is None


def test_a_waking_for_nothing_does_nothing() -> None:
    bench = a_bench()

    assert bench.turned() is None
    assert bench.storage.alarm_at_ms is None


def test_a_turn_that_a_bug_of_ours_ends_leaves_the_lease_armed() -> None:
    bench = a_bench()  # the network is prepared for nothing, and says so by an assertion
    job = bench.begun(Mode.FULL)

    for attempt in (1, 2):
        with pytest.raises(AssertionError, match="no answer is prepared"):
            bench.turned()

        assert bench.storage.alarm_at_ms == NOW_MS + Limits().lease_ms
        left = bench.processor.job(job.id)
        assert left is not None
        assert (left.state, left.attempt) == (State.OPENING, attempt)


def test_the_lease_is_armed_before_anything_else_can_go_wrong() -> None:
    def broken(_name: str) -> object:
        raise RuntimeError("the platform is ill")

    bench = a_bench(environment=Environment(broken))
    bench.begun(Mode.FULL)

    with pytest.raises(RuntimeError, match="ill"):
        bench.turned()

    assert bench.storage.alarm_at_ms == NOW_MS + Limits().lease_ms


def test_a_job_nobody_began_is_not_found() -> None:
    assert a_bench().processor.job("notes-20251124T160000123Z-000000") is None


@pytest.mark.parametrize(
    ("job_id", "name"),
    [
        ("notes-20251124T160000123Z-0a1b2c", "notes"),
        ("notes-of-2026-20251124T160000123Z-0a1b2c", "notes-of-2026"),
        ("20251124T160000123Z-0a1b2c", None),
        ("notes-20251124T160000123Z-", None),
        ("notes-20251124T160000123Z-0A1B2C", None),
        ("notes-20251124T160000Z-0a1b2c", None),
        ("Notes-20251124T160000123Z-0a1b2c", None),
        ("notes-20251124T160000123Z-0a1b2c/..", None),
        ("x" * 41 + "-20251124T160000123Z-0a1b2c", None),
        ("", None),
    ],
)
def test_a_jobs_id_names_its_connector(job_id: str, name: str | None) -> None:
    assert connector_name(job_id) == name
