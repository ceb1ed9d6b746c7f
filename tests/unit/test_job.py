import msgspec
import pytest
from msgspec.structs import asdict, replace

from durable.limits import Limits
from durable.machine.commands import Command, Instruction, obeyed
from durable.machine.effects import Ask, Asked, Close, Fetch, Woke
from durable.machine.job import (
    ENDED,
    PENDING,
    WORKING,
    Flight,
    Job,
    Mode,
    Page,
    Plan,
    Stage,
    Standing,
    State,
    Usage,
)
from durable.machine.notes import Note
from tests.fakes import earlier
from tests.fakes.jobs import at


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
    cursor="a",
    flights=(Flight(PAGE, 1, 2, 3),),
    turn=Usage(2, 3, 4, 5),
    notes=(Note(1, "a note"),),
    landmark_cursor="a",
    batch_bytes_max=6,
    resumes=True,
    is_close_answered=True,
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


@pytest.mark.parametrize("struct", [Job, Flight, Usage])
def test_all_but_the_first_fields_have_defaults(struct: type[msgspec.Struct]) -> None:
    required = [field.name for field in msgspec.structs.fields(struct) if field.required]

    assert (
        required
        == {
            Job: ["id", "connector", "mode", "created_at_ms"],
            Flight: ["page"],
            Usage: ["started_at_ms"],
        }[struct]
    )


def test_a_body_of_earlier_code_loads_with_its_flight() -> None:
    job = msgspec.json.decode(earlier.BODY, type=Job)

    assert (job.state, job.cursor, job.document_count) == (State.SENDING, "c", 18)
    assert job.flights == (
        Flight(
            Page(
                next_cursor="d", batch_count=2, document_count=9, deletion_count=0, byte_count=100
            ),
            sent_count=1,
        ),
    )
    assert job.turn == Usage(1_764_000_000_300, page_count=1, byte_count=100)


def test_what_earlier_code_stored_is_stored_again_as_it_was() -> None:
    stored = msgspec.json.decode(earlier.BODY)
    again = msgspec.json.decode(msgspec.json.encode(msgspec.json.decode(earlier.BODY, type=Job)))
    (flight,), (flight_again,) = stored.pop("flights"), again.pop("flights")

    assert {name: again[name] for name in stored if name != "turn"} == {
        name: value for name, value in stored.items() if name != "turn"
    }
    assert flight_again["page"].items() >= flight["page"].items()
    assert again["turn"].items() >= stored["turn"].items()


def test_a_job_of_earlier_code_goes_on_where_it_was() -> None:
    job = msgspec.json.decode(earlier.BODY, type=Job)

    job, effects = at(job, Woke(full_counts={Stage.DOCUMENTS: 50}, plan=Plan(fingerprint="f")))

    assert effects == (Fetch(2, "c"),)
    assert (job.document_count, job.death_count, job.fingerprint) == (18, 2, "f")


def test_a_close_of_earlier_code_is_settled() -> None:
    body = msgspec.json.decode(earlier.BODY) | {
        "state": "closing",
        "cursor": None,
        "flights": [],
        "turn": None,
    }
    job, asked = at(msgspec.convert(body, Job), Woke(plan=Plan(fingerprint="f")))

    _, effects = at(job, Asked(Standing.OPEN), job.progress_at_ms)

    assert asked == (Ask(job.upload_id),)
    assert effects == (Close(job.upload_id),)


@pytest.mark.parametrize("state", sorted(earlier.State))
def test_a_job_written_now_is_read_by_earlier_code(state: earlier.State) -> None:
    body = msgspec.json.encode(replace(JOB, state=State(state)))

    job = msgspec.json.decode(body, type=earlier.Job)

    assert (job.id, job.state, job.cursor, job.turn) == (
        "notes-1",
        state,
        "a",
        earlier.Usage(2, 3, 4),
    )
    assert job.flights == (
        earlier.Flight(
            earlier.Page(
                next_cursor="b", batch_count=2, document_count=3, deletion_count=1, byte_count=99
            ),
            sent_count=1,
        ),
    )


def test_earlier_code_does_not_know_two_of_the_states() -> None:
    """The store passes over such jobs after a rollback."""
    assert set(State) - {State(state) for state in earlier.State} == {State.HELD, State.CANCELLED}


def test_a_job_queued_again_is_safe_with_earlier_code() -> None:
    failed = replace(JOB, state=State.FAILED, cursor="a", page_count=1)
    queued = obeyed(failed, Instruction(Command.RETRY), None, 9, Limits())
    assert isinstance(queued, Job)
    assert queued.queued_cursor == "a"

    job = msgspec.json.decode(msgspec.json.encode(queued), type=earlier.Job)

    assert job.cursor is None


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
