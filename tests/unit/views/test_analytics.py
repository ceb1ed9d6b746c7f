"""What the Analytics Engine is told of turns and jobs."""

from collections.abc import Mapping
from typing import Any

import httpx
from msgspec.structs import replace

from durable.connector.definition import NAME_CHARACTERS_MAX
from durable.errors import Cause
from durable.machine.job import Mode, Stage, TurnUsage
from durable.machine.job_events import Transition
from durable.machine.notes import EventKind, Note
from durable.machine.states import Command, State
from durable.views.analytics import Analytics, points
from tests.fakes.answers import BULK, LIST, STATUS, a_history, a_page, ok
from tests.fakes.bench import NOW_MS, Bench
from tests.fakes.jobs import a_job, alter


class FakeDataset:
    """A binding that keeps what it takes; a broken one takes nothing."""

    def __init__(self, *, is_broken: bool = False) -> None:
        self._is_broken = is_broken
        self.taken: list[Mapping[str, Any]] = []
        self.asked_count = 0

    def writeDataPoint(self, point: Mapping[str, Any]) -> None:  # noqa: N802 - the platform's name
        self.asked_count += 1
        if self._is_broken:
            raise TypeError("is not a dataset")
        self.taken.append(point)


def a_slow_sync(bench: Bench) -> str:
    """Two pages, one of them after the source was busy; returns the job's id."""
    job = bench.begun(Mode.FULL)
    upload = f"{job.id}-1"
    bench.network.on(LIST, a_page("a", next_cursor="2"), httpx.Response(429), a_page("b"))
    bench.network.on(BULK, ok(), ok(), ok(), ok())
    bench.network.on(STATUS, a_history((upload, "ACTIVE")), a_history((upload, "SUCCESSFUL")))
    bench.now_ms = bench.left().pacing.retry_at_ms or 0
    assert bench.left().state is State.SUCCEEDED
    return job.id


def test_each_turn_is_told_and_the_job_that_it_ends() -> None:
    bench, dataset = Bench(), FakeDataset()

    job_id = a_slow_sync(bench)

    assert Analytics(dataset, bench.store.chronicle.taken).tell() is None
    busy, last, job = dataset.taken
    assert {point["indexes"][0] for point in dataset.taken} == {"notes"}
    assert busy["blobs"] == ["turn", job_id, "FULL", "sending", "documents", "source-throttled"]
    assert last["blobs"] == ["turn", job_id, "FULL", "succeeded", "documents", ""]
    assert job["blobs"] == ["job", job_id, "FULL", "succeeded", "documents", ""]
    bytes_read = busy["doubles"][4], last["doubles"][4]
    assert min(bytes_read) > 0
    for turn, byte_count in zip((busy, last), bytes_read, strict=True):
        assert turn["doubles"] == [1, 1, 0, 0, byte_count, 0.0, 1, 0]
    seconds = (bench.now_ms - NOW_MS) / 1_000
    assert job["doubles"] == [2, 2, 0, 0, sum(bytes_read), seconds, 2]


def test_what_was_told_is_not_told_again() -> None:
    bench, dataset = Bench(), FakeDataset()
    analytics = Analytics(dataset, bench.store.chronicle.taken)
    a_slow_sync(bench)

    analytics.tell()
    analytics.tell()

    assert len(dataset.taken) == 3


def test_a_turn_that_a_kill_has_ended_is_told_with_what_it_had_done() -> None:
    used = TurnUsage(NOW_MS, page_count=3, byte_count=40, document_count=30, reject_count=1)
    before = replace(a_job(State.SENDING), turn=used)
    after = alter(before, turn=TurnUsage(NOW_MS + 60_000), turn_count=2, death_count=1)

    (point,) = points(Transition(before, after, NOW_MS + 60_000))

    assert point.blobs[0] == "turn"
    assert point.doubles == (3, 30, 0, 1, 40, 0.0, 1, 1)


def test_a_turn_is_told_with_the_mode_and_stage_it_was_of() -> None:
    stages = (Stage.USERS, Stage.DOCUMENTS)
    before = replace(a_job(State.CLOSING), stages=stages, turn=TurnUsage(NOW_MS, page_count=1))
    after = replace(before, stage_index=1, turn=None, ended_turn=before.turn)

    (point,) = points(Transition(before, after, NOW_MS + 1_500))

    assert point.blobs[4] == "users"
    assert point.doubles == (1, 0, 0, 0, 0, 1.5, 1, 0)


def test_a_job_that_has_ended_is_told_once_whatever_is_noted_of_it_later() -> None:
    job = a_job(State.FAILED)
    noted = replace(job, notes=(Note(NOW_MS, "an alert was not sent"),))

    assert list(points(Transition(job, noted, NOW_MS))) == []


def test_a_job_that_never_began_is_told_as_it_is_cancelled() -> None:
    bench, dataset = Bench(), FakeDataset()
    job = bench.begun(Mode.FULL)

    bench.commanded(job, Command.CANCEL)
    Analytics(dataset, bench.store.chronicle.taken).tell()

    (point,) = dataset.taken
    assert point["blobs"][:4] == ["job", job.id, "FULL", "cancelled"]
    assert set(point["doubles"]) == {0}


def test_a_retry_before_the_turn_is_not_the_turns() -> None:
    notes = (Note(NOW_MS - 1, "busy", EventKind.RETRY.value, "glean-late"),)
    before = replace(a_job(State.SENDING), turn=TurnUsage(NOW_MS, page_count=1), notes=notes)

    (point,) = points(
        Transition(before, replace(before, turn=None, ended_turn=before.turn), NOW_MS)
    )

    assert point.blobs[5] == ""


def test_without_a_binding_nothing_is_kept() -> None:
    bench = Bench()
    a_slow_sync(bench)

    assert Analytics(None, bench.store.chronicle.taken).tell() is None

    assert bench.store.chronicle.taken() == []


def test_a_binding_that_fails_is_told_of_once_and_disturbs_nothing() -> None:
    bench, dataset = Bench(), FakeDataset(is_broken=True)
    analytics = Analytics(dataset, bench.store.chronicle.taken)

    a_slow_sync(bench)
    first = analytics.tell()
    bench.commanded(bench.begun(Mode.FULL), Command.CANCEL)
    second = analytics.tell()

    assert (first, second) == ("TypeError: is not a dataset", None)
    assert dataset.asked_count == 2


def test_the_largest_point_is_within_the_platforms_limits() -> None:
    name = "n" * NAME_CHARACTERS_MAX
    causes = [f"{end}_{cause}" for end in ("source", "glean") for cause in Cause]
    notes = tuple(Note(NOW_MS, cause, EventKind.RETRY.value, cause) for cause in causes)
    before = replace(
        a_job(State.SENDING),
        id=f"{name}-20261125T020000123Z-0a1b2c",
        connector=name,
        turn=TurnUsage(NOW_MS),
        stages=(Stage.MEMBERSHIPS,),
    )
    after = replace(before, state=State.CANCELLED, turn=None, ended_turn=before.turn, notes=notes)

    told = list(points(Transition(before, after, NOW_MS)))

    assert [point.blobs[0] for point in told] == ["turn", "job"]
    assert told[0].blobs[5].split() == sorted(causes)
    for point in told:
        assert len(point.index.encode()) <= 96
        assert len(point.blobs) <= 20
        assert len(point.doubles) <= 20
        assert len("".join(point.blobs).encode()) <= 5_120  # 16 KB by now
