"""Every loop ends: a page lands within so many tries, or the job ends and says why."""

import random
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace

from durable import Rate
from durable.limits import Limits
from durable.machine.job import Job, Mode
from durable.machine.notes import ErrorCode
from durable.machine.states import State
from durable.store.store import Store
from tests.simulation.connector import LIMITS, LISTED, NOTES, Note
from tests.simulation.fates import Await, Choice, Fate, FatePlan, Kind, calm, where
from tests.simulation.questions import QuestionOracle
from tests.simulation.source import FEED_PAGE_ROWS, Order
from tests.simulation.world import StandIn, World


NAMES = tuple(f"note {number}" for number in range(20))
PER_MINUTE = 6  # a page of twenty takes four minutes of Glean's
PACED = replace(LIMITS, documents_per_minute_max=PER_MINUTE, batch_documents_max=50)
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


def changed(limits: Limits = PACED) -> World:
    """A page of twenty changes, more than Glean takes in a minute."""
    world = World([NAMES], limits=limits)
    world.begin(Mode.FULL)
    world.run()
    world.clock.now_ms += 1
    world.edit(*NAMES)
    return world


def ended(world: World, mode: Mode = Mode.INCREMENTAL) -> Job:
    world.begin(mode)
    world.run()
    return world.oracle.latest


def sends(world: World) -> int:
    return world.driver.delivered.count(Kind.SEND)


# A page that is larger than what Glean takes in a minute


@pytest.mark.parametrize("refused", [{"note 3"}, {"note 0", "note 19"}, set(NAMES)])
def test_a_page_larger_than_a_minute_lands_though_glean_refuses_some_of_it(
    refused: set[str],
) -> None:
    world = changed(replace(PACED, rejects_share_count=50))
    world.glean.unfit = refused
    before = sends(world)

    job = ended(world)

    assert job.state is State.SUCCEEDED, job.error
    assert sends(world) - before <= 2 * len(NAMES)
    assert job.crawl.reject_count == len(refused)
    assert job.crawl.document_count == len(NAMES) - len(refused)


def test_what_glean_refused_before_a_rest_is_named_with_gleans_reason() -> None:
    world = changed()
    world.glean.unfit = {"note 3"}

    job = ended(world)

    ((page, reject),) = Store(world.storage).rejects(job.id, (0, 0), 10)
    assert (page, reject.place, reject.key) == (1, 4, "note 3")
    assert "is not valid" in reject.reason


def test_what_glean_refused_before_a_rest_and_takes_after_it_is_no_reject() -> None:
    world = changed()
    world.glean.unfit, world.oracle.excused = {"note 3"}, {"note 3"}
    world.begin(Mode.INCREMENTAL)
    world.wake()
    world.glean.unfit = set()
    world.edit("note 3")

    world.run()

    job = world.oracle.latest
    assert (job.state, job.crawl.reject_count) == (State.SUCCEEDED, 0)
    assert Store(world.storage).rejects(job.id, (0, 0), 10) == []
    assert world.glean.index == world.source.live


def test_a_page_whose_bytes_change_at_each_read_lands_and_sends_nothing_twice() -> None:
    world = changed()
    world.source.counts_reads = True
    before = sends(world)

    job = ended(world)

    assert job.state is State.SUCCEEDED, job.error
    assert sends(world) - before == len(NAMES)
    assert world.glean.index == world.source.live


@pytest.mark.parametrize("resends_max", [0, 3, 1_000])
def test_a_page_whose_documents_change_at_each_read_lands(resends_max: int) -> None:
    world = changed(replace(PACED, resends_max=resends_max, changes_max=10**6))
    world.source.restless = world.oracle.excused = set(NAMES)
    before = sends(world)

    job = ended(world)

    assert job.state is State.SUCCEEDED, job.error
    assert sends(world) - before <= len(NAMES) + resends_max + PER_MINUTE
    assert world.glean.index.keys() == world.source.live.keys()
    assert job.crawl.document_count == len(NAMES)


def test_a_note_with_more_changes_on_a_page_than_a_minute_takes_lands() -> None:
    """Though it reads differently each time, so that no try goes on where another has stopped."""
    world = World([["a"]], Order.FEED, replace(PACED, documents_per_minute_max=2))
    world.begin(Mode.FULL)
    world.run()
    world.source.restless = world.oracle.excused = {"a"}
    for _ in range(FEED_PAGE_ROWS):
        world.edit("a")
    before = sends(world)

    assert ended(world).state is State.SUCCEEDED
    assert sends(world) - before == 1


def test_what_changes_between_two_tries_of_a_page_arrives_in_its_newer_version() -> None:
    world = changed()
    world.begin(Mode.INCREMENTAL)
    world.wake()
    world.edit("note 0", "note 7")
    world.wake()
    world.edit("note 0", "note 1")
    world.delete("note 2")

    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


def test_a_version_whose_answer_was_lost_does_not_stay() -> None:
    """A note is sent, changes, is sent again unheard, and is then what it was at first."""
    world = changed()
    world.begin(Mode.INCREMENTAL)
    world.wake()
    first, unheard = world.source.rows["note 0"], sends(world) + len(NAMES) - PER_MINUTE
    world.edit("note 0")
    world.driver.plan = lambda point: Choice(
        Fate.LOST if point.kind is Kind.SEND and sends(world) == unheard else Fate.OK
    )
    while world.glean.index["note 0"] == first.text:
        world.wake()
    assert world.oracle.head is not None
    world.source.rows["note 0"] = first

    world.run()

    last = world.oracle.latest
    assert last.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


@pytest.mark.parametrize("fate", [Fate.REFUSED, Fate.LOST, Fate.DIED_SENT])
def test_faults_within_a_page_do_not_begin_it_anew(fate: Fate) -> None:
    """Each request but the first of a turn comes to nothing."""
    world = changed(replace(PACED, documents_per_minute_max=10**6, batch_documents_max=1))
    turns: set[int] = set()

    def plan(point: Await) -> Choice:
        if point.kind is not Kind.SEND:
            return Choice()
        is_first = (turn := len(turns_seen())) not in turns
        turns.add(turn)
        return Choice() if is_first else Choice(fate)

    def turns_seen() -> list[str]:
        return [line for line in world.driver.log if "fetch" in line]

    world.driver.plan = plan

    job = ended(world)

    assert job.state is State.SUCCEEDED, job.error
    assert world.glean.index == world.source.live


# Bisecting


def unlucky(seed: int, share: float) -> FatePlan:
    draw = random.Random(seed)

    def plan(point: Await) -> Choice:
        is_fault = point.kind in {Kind.SEND, Kind.DELETE, Kind.ASK} and draw.random() < share
        return Choice(draw.choice([Fate.REFUSED, Fate.LOST])) if is_fault else Choice()

    return plan


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mode", list(Mode))
def test_bisecting_keeps_what_it_has_learnt_though_every_third_request_fails(
    mode: Mode, seed: int
) -> None:
    limits = replace(LIMITS, batch_documents_max=50, rejects_share_count=50, sends_max=5)
    world = World([NAMES, NAMES[:0], ("a", "b")], limits=limits, plan=unlucky(seed, 0.35))
    world.glean.unfit = {*NAMES[::2]}
    world.oracle.may_be_refused = True

    job = ended(world, mode)

    assert job.state is State.SUCCEEDED, job.error
    assert job.crawl.reject_count == len(NAMES) // 2
    kept = {name: text for name, text in world.source.live.items() if name not in NAMES[::2]}
    assert world.glean.index == kept


# Pages without an end


class Endless(QuestionOracle):
    """Of a source that does not tell the truth: that it ends is the matter of the test."""

    def check_index(self, since_ms: int) -> None:
        """Nothing."""

    def _check_counts(self, job: Job) -> None:
        """Nothing."""

    def _ended(self, job: Job) -> None:
        assert job.error or job.state is State.SUCCEEDED, "gave up without a word"


def endless(ids: list[str], *, is_timed: bool = False) -> World:
    """The same page under ever new cursors."""
    count = 0

    def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal count
        count += 1
        notes = [{"id": name, "text": "", "updated_at": "2025-12-31T23:00:00Z"} for name in ids]
        return httpx.Response(200, json={"notes": notes, "next": f"page {count}"})

    limits = replace(LIMITS, empty_pages_max=30, repeated_pages_max=20, turn_pages_max=9)
    connector = NOTES
    if is_timed:
        since = replace(LISTED.since, path="updated_at")  # type: ignore[type-var]
        connector = replace(
            NOTES, documents=replace(NOTES.documents, source=replace(LISTED, since=since))
        )
    return World(limits=limits, stand_in=StandIn(connector, answer, Endless))


@pytest.mark.parametrize("mode", list(Mode))
def test_empty_pages_under_ever_new_cursors_end_the_job(mode: Mode) -> None:
    world = endless([])

    job = ended(world, mode)

    assert job.state is State.FAILED
    assert job.error_code == "source-endless"
    assert world.driver.delivered.count(Kind.FETCH) == 31
    assert world.glean.closed == []


@pytest.mark.parametrize("is_timed", [False, True])
@pytest.mark.parametrize("mode", list(Mode))
def test_a_last_page_that_repeats_ends_the_job(mode: Mode, *, is_timed: bool) -> None:
    world = endless(["a", "b"], is_timed=is_timed)

    job = ended(world, mode)

    assert job.state is State.FAILED
    assert job.error_code == "source-endless"
    assert world.driver.delivered.count(Kind.FETCH) <= 22
    assert world.glean.closed == []


# Waiting


def declared(rate: Rate, plan: FatePlan = calm) -> World:
    connector = replace(
        NOTES, documents=replace(NOTES.documents, source=replace(LISTED, rate=rate))
    )
    return World(
        [("a",), ("b",), ("c",)],
        limits=replace(LIMITS, stall_ms_max=DAY_MS),
        plan=plan,
        stand_in=StandIn(connector, None),
    )


def test_a_source_that_may_be_asked_once_in_two_days_is_read_to_its_end_though_it_fails() -> None:
    failing = iter([False, True, False, True, False])

    def plan(point: Await) -> Choice:
        is_fault = point.kind is Kind.FETCH and next(failing, False)
        return Choice(Fate.REFUSED) if is_fault else Choice()

    world = declared(Rate(requests=1, per=timedelta(milliseconds=2 * DAY_MS)), plan)

    job = ended(world, Mode.FULL)

    assert job.state is State.SUCCEEDED, job.error
    assert world.glean.index == world.source.live


def test_pauses_of_a_rate_do_not_keep_a_job_alive_whose_source_fails_for_ever() -> None:
    world = declared(
        Rate(requests=1, per=timedelta(milliseconds=HOUR_MS)),
        where(Choice(Fate.REFUSED), Kind.FETCH),
    )

    job = ended(world, Mode.FULL)

    assert job.state is State.FAILED
    assert job.error_code == ErrorCode.STALLED
    assert world.driver.delivered.count(Kind.FETCH) == 0


@pytest.mark.parametrize("seconds", [1, 3_600, 10**6])
@pytest.mark.parametrize("kind", [Kind.FETCH, Kind.SEND, Kind.OPEN, Kind.ASK, Kind.CLOSE])
def test_a_429_for_ever_ends_the_job_whatever_it_asks_to_wait(kind: Kind, seconds: int) -> None:
    world = World(limits=replace(LIMITS, stall_ms_max=DAY_MS))
    world.driver.plan = where(Choice(Fate.REFUSED, retry_after=seconds), kind)

    job = ended(world, Mode.FULL)

    assert job.state is State.FAILED
    assert job.error_code == ErrorCode.STALLED
    assert job.finished_at_ms is not None
    assert job.finished_at_ms - job.created_at_ms <= 3 * DAY_MS


def test_a_connector_that_is_another_at_each_turn_ends_the_job() -> None:
    world = World([("a",), ("b",), ("c",)] * 3, limits=replace(LIMITS, turn_pages_max=1))
    world.begin(Mode.FULL)
    for number in range(100):
        if world.oracle.head is None:
            break
        world.redeploy(
            replace(
                NOTES, documents=replace(NOTES.documents, record=type(f"Note{number}", (Note,), {}))
            )
        )
        world.wake()

    assert world.oracle.latest.state is State.FAILED
    assert world.oracle.latest.error_code == ErrorCode.REDEFINED
