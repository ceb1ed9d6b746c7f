import msgspec
import pytest
from msgspec.structs import asdict

from durable.job import ENDED, WORKING, Flight, Job, Limits, Mode, Page, State, Usage


PAGE = Page(next_cursor="b", batch_count=2, document_count=3, deletion_count=1, byte_count=99)
JOB = Job(
    id="notes-1",
    connector="notes",
    mode=Mode.FULL,
    created_at_ms=1,
    state=State.SENDING,
    cursor="a",
    flights=(Flight(PAGE, sent_count=1),),
    turn=Usage(started_at_ms=2, page_count=3, byte_count=4),
)


def test_a_job_survives_being_written_and_read() -> None:
    assert msgspec.json.decode(msgspec.json.encode(JOB), type=Job) == JOB


def test_a_body_without_newer_fields_still_loads() -> None:
    body = b'{"id":"notes-1","connector":"notes","mode":"FULL","created_at_ms":1}'

    job = msgspec.json.decode(body, type=Job)

    assert job == Job(id="notes-1", connector="notes", mode=Mode.FULL, created_at_ms=1)
    assert job.state is State.QUEUED


def test_a_body_with_fields_of_newer_code_loads_after_a_rollback() -> None:
    body = msgspec.json.encode(msgspec.to_builtins(JOB) | {"yet_unknown": [1]})

    assert msgspec.json.decode(body, type=Job) == JOB


def test_a_job_is_queued_working_or_ended() -> None:
    assert {State.QUEUED} | WORKING | ENDED == set(State)
    assert not WORKING & ENDED


@pytest.mark.parametrize("name", Limits.__struct_fields__)
def test_a_limit_is_at_least_one(name: str) -> None:
    assert asdict(Limits())[name] >= 1
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert({name: 0}, Limits)


def test_the_default_limits_fit_into_each_other() -> None:
    limits = Limits()

    assert limits.batch_bytes_max <= limits.page_bytes_max <= limits.turn_bytes_max
    assert limits.backoff_ms_min <= limits.backoff_ms_max <= limits.stall_ms_max
    assert limits.turn_ms_max < limits.lease_ms
