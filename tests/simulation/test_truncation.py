"""A source that looks finished when it is not: no such FULL job closes its upload."""

import pytest
from msgspec.structs import replace

from dev.truncation.case import (
    IDS,
    PAGE_BYTES_MAX,
    SOURCE,
    Case,
    Verdict,
    content,
    page,
)
from dev.truncation.cases import CASES
from durable.machine.job import Job, Mode
from durable.machine.states import State
from durable.store.store import Store
from tests.simulation.connector import LIMITS
from tests.simulation.truncation import Bystander, Prepared, connector
from tests.simulation.world import StandIn, World


OLD_INDEX = {"a": "an old text", "e": "what is on page 3", "gone": "deleted long ago"}
ALL = [case for case in CASES if case.since_ms is None]
BAD = [pytest.param(case, id=case.name) for case in ALL if case.verdict is not Verdict.GOES_ON]
CHANGES = [pytest.param(case, id=case.name) for case in CASES if case.since_ms is not None]


class Ended:
    """A FULL job that has ended, over an index that held older documents."""

    def __init__(self, case: Case) -> None:
        source = Prepared(case)
        self.asked = source.asked
        self.world = World(
            [IDS[:2], IDS[2:4], IDS[4:]],
            # All of it in one turn, so that pages are read ahead.
            limits=replace(LIMITS, page_bytes_max=PAGE_BYTES_MAX, turn_pages_max=9),
            stand_in=StandIn(connector(case), source.answer, Bystander),
        )
        self.world.glean.index = dict(OLD_INDEX)
        self.world.begin(Mode.FULL)
        self.world.run()

    @property
    def job(self) -> Job:
        return self.world.oracle.latest


def watermark(world: World) -> int | None:
    """Where the next INCREMENTAL job would read from."""
    return Store(world.storage).successes.watermark_ms()


@pytest.mark.parametrize("case", BAD)
def test_no_upload_is_closed_and_the_error_says_what_was_wrong(case: Case) -> None:
    ended = Ended(case)

    assert ended.world.glean.closed == []
    assert ended.world.glean.index == OLD_INDEX
    assert ended.job.state is not State.SUCCEEDED
    assert case.says in ended.job.error


@pytest.mark.parametrize("case", CHANGES)
def test_a_list_of_changes_that_cannot_be_believed_moves_no_watermark(case: Case) -> None:
    source = Prepared(replace(case, answers={}))
    world = World([IDS], stand_in=StandIn(connector(case), source.answer, Bystander))
    world.begin(Mode.FULL)
    world.run()
    watermark_ms = watermark(world)
    assert watermark_ms is not None

    source.case = case
    world.begin(Mode.INCREMENTAL)
    world.run()

    job = world.oracle.latest
    assert (job.mode, job.state) == (Mode.INCREMENTAL, State.FAILED)
    assert case.says in job.error
    assert source.asked[-2:] == ["", "two"]
    assert watermark(world) == watermark_ms


@pytest.mark.parametrize(
    "case",
    [case for case in ALL if case.verdict is Verdict.WAITS],
    ids=lambda case: case.name,
)
def test_what_may_pass_is_asked_for_again(case: Case) -> None:
    assert Ended(case).asked.count("two") > 1


@pytest.mark.parametrize(
    "case",
    # The fault of some shows only at a later page.
    [case for case in ALL if case.verdict is Verdict.FAILS and case.answers.keys() == {"two"}],
    ids=lambda case: case.name,
)
def test_what_will_not_pass_is_asked_for_once(case: Case) -> None:
    assert Ended(case).asked == ["", "two"]


@pytest.mark.parametrize(
    "case",
    [case for case in ALL if case.verdict is Verdict.RESTARTS],
    ids=lambda case: case.name,
)
def test_a_cursor_that_has_expired_is_tried_again_from_the_start_of_the_list(case: Case) -> None:
    assert Ended(case).asked == ["", "two"] * 4


@pytest.mark.parametrize(
    "case",
    [case for case in ALL if case.verdict is Verdict.GOES_ON],
    ids=lambda case: case.name,
)
def test_what_is_no_fault_is_read_to_the_end(case: Case) -> None:
    ended = Ended(case)

    assert ended.job.state is State.SUCCEEDED
    assert ended.world.glean.index == ended.world.source.live


def test_a_total_that_is_right_is_no_fault_at_the_end_of_what_was_read_ahead() -> None:
    pages = [("", "ab", "two"), ("two", "cd", "three"), ("three", "ef", None)]
    answers = {at: page({**content(ids, after), "total": 6}) for at, ids, after in pages}
    source = replace(SOURCE, total="total")
    ended = Ended(Case(name="whole", answers=answers, verdict=Verdict.GOES_ON, source=source))

    assert ended.job.state is State.SUCCEEDED, ended.job.error


def test_the_source_without_a_fault_is_read_to_the_end() -> None:
    ended = Ended(Case(name="whole", answers={}, verdict=Verdict.GOES_ON))

    assert ended.job.state is State.SUCCEEDED
    assert ended.world.glean.index == ended.world.source.live
