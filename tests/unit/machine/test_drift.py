import pytest
from msgspec.structs import replace

from durable.machine.drift import Drift, drift
from durable.machine.job import FinishedStage, Job, Mode, Stage
from durable.machine.states import ENDED, State
from tests.fakes.jobs import alter


INCREMENTAL = Job(
    id="notes-2",
    connector="notes",
    mode=Mode.INCREMENTAL,
    created_at_ms=1,
    state=State.SUCCEEDED,
    started_at_ms=2,
    finished_at_ms=3,
)
FULL = replace(INCREMENTAL, mode=Mode.FULL)


def test_where_nothing_has_happened_nothing_has_changed() -> None:
    assert drift([]) == Drift(0, 0)


def test_upserts_and_deletions_add_up() -> None:
    jobs = [
        alter(INCREMENTAL, document_count=3, deletion_count=1),
        alter(INCREMENTAL, document_count=4, deletion_count=2),
    ]

    assert drift(jobs) == Drift(7, 3)


def test_of_a_jobs_stages_only_documents_are_counted_and_all_deletions() -> None:
    stages = (Stage.USERS, Stage.DOCUMENTS, Stage.DELETIONS)
    job = alter(
        INCREMENTAL,
        stages=stages,
        stage_index=2,
        done=(
            FinishedStage(Stage.USERS, 1, 100, 0, 0, 9),
            FinishedStage(Stage.DOCUMENTS, 1, 5, 2, 0, 9),
        ),
        deletion_count=6,
    )

    assert drift([job]) == Drift(5, 8)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("state", sorted(ENDED - {State.SUCCEEDED}))
def test_a_job_that_never_began_has_changed_nothing(state: State, mode: Mode) -> None:
    assert drift([replace(INCREMENTAL, mode=mode, state=state, started_at_ms=None)]) == Drift()


@pytest.mark.parametrize("state", sorted(ENDED - {State.SUCCEEDED}))
def test_what_a_job_has_sent_that_did_not_come_to_its_end_cannot_be_told(state: State) -> None:
    told = drift([replace(INCREMENTAL, state=state)])

    assert isinstance(told, str)
    assert f"notes-2 is {state}" in told


def test_a_later_full_job_has_replaced_all() -> None:
    assert drift([FULL]) == "notes-2 has closed an upload of its own"


def test_a_full_job_that_ended_before_the_end_of_its_source_has_closed_nothing() -> None:
    assert drift([replace(FULL, state=State.FAILED)]) == Drift()


def test_a_full_job_that_did_not_get_to_its_documents_has_closed_none() -> None:
    stages = (Stage.USERS, Stage.DOCUMENTS)

    assert drift([alter(FULL, state=State.FAILED, stages=stages, has_end=True)]) == Drift()


def test_a_full_job_that_may_have_closed_leaves_nothing_to_tell() -> None:
    told = drift([alter(FULL, state=State.CANCELLED, has_end=True)])

    assert told == "notes-2 is cancelled, and may have closed its upload"
