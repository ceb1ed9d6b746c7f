import msgspec
import pytest
from msgspec.structs import asdict

from durable.limits import Limits
from durable.machine.job import Crawl, Job, Mode, TurnUsage, Upload
from durable.machine.notes import Note
from durable.machine.pages import InFlightPage, Page
from durable.machine.states import ENDED, PENDING, WORKING, State


PAGE = Page(
    next_cursor="b",
    batch_count=2,
    document_count=3,
    deletion_count=1,
    byte_count=99,
    record_count=5,
    reject_count=1,
    total_count=7,
)
JOB = Job(
    id="notes-1",
    connector="notes",
    mode=Mode.FULL,
    created_at_ms=1,
    state=State.SENDING,
    turn=TurnUsage(2, 3, 4, 5),
    notes=(Note(1, "a note"),),
    batch_bytes_max=6,
    resumes=True,
    crawl=Crawl(cursor="a", flights=(InFlightPage(PAGE, 1, 2, 3),), landmark_cursor="a"),
    upload=Upload(is_close_answered=True),
)
# Where nought is a choice, and where a share is.
COUNTS = {
    "restarts_max",
    "redefinitions_max",
    "resends_max",
    "rejects_max",
    "rejects_share_count",
    "shrink_count",
    "rejects_kept_max",
    "rejects_retried_ms",
}
SHARES = {"rejects_share_max", "shrink_max"}
CONNECTIONS_MAX = 6  # the platform's, of one invocation at a time
POSITIVES = set(Limits.__struct_fields__) - COUNTS - SHARES


def test_a_job_survives_being_written_and_read() -> None:
    assert msgspec.json.decode(msgspec.json.encode(JOB), type=Job) == JOB


def test_a_body_of_the_first_fields_loads() -> None:
    body = b'{"id":"notes-1","connector":"notes","mode":"FULL","created_at_ms":1}'

    job = msgspec.json.decode(body, type=Job)

    assert job == Job(id="notes-1", connector="notes", mode=Mode.FULL, created_at_ms=1)
    assert job.state is State.QUEUED


@pytest.mark.parametrize("struct", [Job, InFlightPage, TurnUsage])
def test_all_but_the_first_fields_have_defaults(struct: type[msgspec.Struct]) -> None:
    required = [field.name for field in msgspec.structs.fields(struct) if field.required]

    assert (
        required
        == {
            Job: ["id", "connector", "mode", "created_at_ms"],
            InFlightPage: ["page"],
            TurnUsage: ["started_at_ms"],
        }[struct]
    )


def test_a_body_with_fields_of_newer_code_loads_after_a_rollback() -> None:
    body = msgspec.json.encode(msgspec.to_builtins(JOB) | {"yet_unknown": [1]})

    assert msgspec.json.decode(body, type=Job) == JOB


def test_a_job_is_pending_held_or_ended() -> None:
    assert PENDING | {State.HELD} | ENDED == set(State)
    assert WORKING | {State.QUEUED} == PENDING
    assert not PENDING & ENDED


@pytest.mark.parametrize("name", sorted(POSITIVES))
def test_a_limit_is_at_least_one(name: str) -> None:
    assert asdict(Limits())[name] >= 1
    assert asdict(msgspec.convert({name: 1}, Limits))[name] == 1
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert({name: 0}, Limits)


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_a_count_may_be_nought_and_no_less(name: str) -> None:
    assert asdict(msgspec.convert({name: 0}, Limits))[name] == 0
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert({name: -1}, Limits)


@pytest.mark.parametrize("name", sorted(SHARES))
def test_a_share_is_between_nought_and_one(name: str) -> None:
    for share in (0, 0.5, 1):
        assert asdict(msgspec.convert({name: share}, Limits))[name] == share
    for share in (-0.01, 1.01, 20):
        with pytest.raises(msgspec.ValidationError, match=name):
            msgspec.convert({name: share}, Limits)


def test_the_default_limits_fit_into_each_other() -> None:
    limits = Limits()

    assert limits.batch_bytes_max <= limits.page_bytes_max <= limits.turn_bytes_max
    assert limits.backoff_ms_min <= limits.backoff_ms_max <= limits.stall_ms_max
    assert limits.retry_after_ms_max + limits.backoff_ms_max < limits.stall_ms_max
    assert limits.settle_ms_max < limits.stall_ms_max
    assert limits.turn_ms_max < limits.lease_ms
    assert limits.held_bytes_max <= limits.page_bytes_max
    assert limits.sends_max + 1 == CONNECTIONS_MAX


def test_the_default_deaths_reach_the_smallest_turn() -> None:
    limits = Limits()

    assert limits.turn_pages_max >> (limits.deaths_max - 1) == 1
