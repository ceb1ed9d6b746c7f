"""People's commands to a job while the object lives on: what is stored, and when it wakes."""

import httpx
import pytest
from msgspec.structs import replace

from durable.machine.commands import LEGAL, Instruction, Refusal
from durable.machine.gone import Gone
from durable.machine.job import Job, Mode, Pacing, TurnUsage, Upload
from durable.machine.ledger import Kind
from durable.machine.pacing import ALARM_MS_MIN
from durable.machine.remedies import RemedyCode
from durable.machine.states import PENDING, Command, State
from tests.fakes.answers import (
    BULK,
    LIST,
    STATUS,
    a_history,
    a_note,
    a_page,
    a_page_of,
    ok,
)
from tests.fakes.bench import NOW_MS, Bench
from tests.fakes.jobs import alter


SOON_MS = NOW_MS + ALARM_MS_MIN
LEASE_MS = NOW_MS + 40_000
RETRY_MS = NOW_MS + 300_000
FULL = Job(
    id="notes-2",
    connector="notes",
    mode=Mode.FULL,
    created_at_ms=NOW_MS,
    started_at_ms=NOW_MS,
    upload_count=1,
    pacing=Pacing(progress_at_ms=NOW_MS),
    upload=Upload(id="notes-2-1"),
)
LISTED = "5d41402abc4b2a76"  # the digest of the held job's list
HELD = alter(
    FULL,
    state=State.HELD,
    has_end=True,
    known_count=100,
    document_count=40,
    begun_at_ms=NOW_MS,
    gone=Gone(60, 60, is_whole=True, digest=LISTED),
)
OTHER = alter(FULL, id="notes-1", mode=Mode.INCREMENTAL, upload_id="", upload_count=0)
WORKING = replace(
    OTHER, state=State.SENDING, alarm_at_ms=LEASE_MS, turn=TurnUsage(started_at_ms=NOW_MS)
)
WAITING = alter(OTHER, state=State.SENDING, alarm_at_ms=RETRY_MS, retry_at_ms=RETRY_MS)
SENDING = replace(FULL, state=State.SENDING, alarm_at_ms=LEASE_MS)
FAILED = replace(FULL, state=State.FAILED)


@pytest.mark.parametrize(
    ("job", "command", "others", "before_ms", "after_ms"),
    [
        (FULL, Command.CANCEL, (), SOON_MS, None),
        (FULL, Command.CANCEL, (WORKING,), LEASE_MS, LEASE_MS),
        (FULL, Command.CANCEL, (WAITING,), RETRY_MS, RETRY_MS),
        (SENDING, Command.CANCEL, (), LEASE_MS, None),
        (SENDING, Command.CANCEL, (OTHER,), LEASE_MS, SOON_MS),
        (SENDING, Command.CANCEL, (replace(OTHER, state=State.HELD),), LEASE_MS, None),
        (HELD, Command.CANCEL, (), None, None),
        (HELD, Command.CANCEL, (WORKING,), LEASE_MS, LEASE_MS),
        (HELD, Command.CANCEL, (OTHER,), SOON_MS, SOON_MS),
        (HELD, Command.APPROVE, (), None, SOON_MS),
        (HELD, Command.APPROVE, (WORKING,), LEASE_MS, LEASE_MS),
        (HELD, Command.APPROVE, (WAITING,), RETRY_MS, RETRY_MS),
        (FAILED, Command.RETRY, (), None, SOON_MS),
        (FAILED, Command.RETRY, (WORKING,), LEASE_MS, LEASE_MS),
        (FAILED, Command.RETRY, (WAITING,), RETRY_MS, RETRY_MS),
        (FAILED, Command.RETRY, (OTHER,), SOON_MS, SOON_MS),
        (FAILED, Command.RETRY, (replace(HELD, id="notes-1"),), None, SOON_MS),
    ],
    ids=[
        "the only queued one cancelled",
        "cancelled behind one that works",
        "cancelled behind one that waits",
        "the working one cancelled",
        "the working one cancelled before a queued one",
        "the working one cancelled beside a held one",
        "a held one cancelled",
        "a held one cancelled beside one that works",
        "a held one cancelled beside a queued one",
        "approved",
        "approved behind one that works",
        "approved behind one that waits",
        "retried",
        "retried behind one that works",
        "retried behind one that waits",
        "retried behind a queued one",
        "retried beside a held one",
    ],
)
def test_after_a_command_the_alarm_is_that_of_the_job_which_is_next(
    job: Job, command: Command, others: tuple[Job, ...], before_ms: int | None, after_ms: int | None
) -> None:
    bench = Bench()
    bench.put(job, *others, alarm_at_ms=before_ms)

    after = bench.commanded(job, command, list_digest=LISTED)

    assert bench.store.load(job.id) == after
    assert bench.storage.alarm_at_ms == after_ms
    assert (after.state in PENDING) == (command is not Command.CANCEL)
    assert (bench.storage.alarm_at_ms is None) == (not bench.store.pending())


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("command", Command)
def test_a_command_that_the_state_does_not_take_changes_nothing(
    state: State, command: Command
) -> None:
    bench = Bench()
    job = replace(HELD, state=state)
    bench.put(job, alarm_at_ms=LEASE_MS)
    bench.storage.commit()

    after = bench.obeyed(job, command, list_digest=LISTED)

    if command in LEGAL[state]:
        assert isinstance(after, Job)
        return
    assert isinstance(after, Refusal)
    assert after.legal == LEGAL[state]
    assert (bench.store.load(job.id), bench.storage.alarm_at_ms) == (job, LEASE_MS)
    assert not bench.storage.has_uncommitted


@pytest.mark.parametrize("command", Command)
def test_a_command_to_a_job_that_nobody_began_is_told_apart_from_a_refusal(
    command: Command,
) -> None:
    assert Bench().obeyed(FULL, command) is None


@pytest.mark.parametrize(("job", "command"), [(HELD, Command.APPROVE), (FAILED, Command.RETRY)])
def test_one_pending_job_of_a_mode_is_enough(job: Job, command: Command) -> None:
    bench = Bench()
    pending = replace(FULL, id="notes-3")
    bench.put(job, pending, alarm_at_ms=SOON_MS)

    refusal = bench.obeyed(job, command, list_digest=LISTED)

    assert isinstance(refusal, Refusal)
    assert pending.id in refusal.reason
    assert bench.store.load(job.id) == job


@pytest.mark.parametrize("limits", [{}, {"jobs_kept_max": 0}], ids=["right", "not right"])
def test_a_command_is_obeyed_also_where_the_limits_are_not_right(limits: dict[str, float]) -> None:
    bench = Bench(limits=limits)
    bench.put(SENDING, alarm_at_ms=LEASE_MS)

    assert bench.commanded(SENDING, Command.CANCEL).state is State.CANCELLED


def test_nothing_is_sent_after_a_cancellation_and_the_late_answer_changes_nothing() -> None:
    bench = Bench()
    bench.network.on(BULK, ok(), ok())
    bench.network.on(LIST, a_page("a", next_cursor="2"), a_page("b", next_cursor="3"), a_page("c"))
    job = bench.begun(Mode.FULL)

    async def cancel() -> None:
        after = await bench.processor.obey(job.id, Instruction(Command.CANCEL))
        assert isinstance(after, Job)

    bench.network.meanwhile(4, cancel)
    left = bench.left()

    assert bench.network.lines == [BULK, LIST, LIST, BULK, LIST]
    assert (left.state, left.crawl.page_count, left.crawl.document_count) == (State.CANCELLED, 0, 0)
    assert left.crawl.flights == ()
    assert bench.storage.alarm_at_ms is None


@pytest.mark.parametrize("failure", [ok(), httpx.Response(503), httpx.Response(413)], ids=str)
def test_a_job_that_was_cancelled_and_retried_does_not_hear_its_old_turns_answer(
    failure: httpx.Response,
) -> None:
    bench = Bench()
    bench.network.on(BULK, ok(), failure, ok())
    bench.network.on(LIST, a_page("a", next_cursor="2"), a_page("b"))
    job = bench.begun(Mode.FULL)

    async def cancel_and_retry() -> None:
        for command in (Command.CANCEL, Command.RETRY):
            assert isinstance(await bench.processor.obey(job.id, Instruction(command)), Job)

    bench.network.meanwhile(4, cancel_and_retry)
    left = bench.left()

    assert bench.network.lines == [BULK, LIST, LIST, BULK, BULK]
    assert (left.state, left.crawl.page_count, left.error) == (State.QUEUED, 0, "")
    assert (left.pacing.attempt, left.pacing.death_count, left.turn) == (0, 0, None)
    assert bench.storage.alarm_at_ms == SOON_MS

    upload = job.id + "-1"
    bench.network.on(STATUS, a_history((upload, "ACTIVE")), a_history((upload, "ACTIVE")))
    bench.network.on(LIST, a_page("a", next_cursor="2"), a_page("b"))
    bench.network.on(BULK, ok(), ok(), ok())
    bench.network.on(STATUS, a_history((upload, "SUCCESSFUL")))
    left = bench.left()

    assert (left.state, left.crawl.document_count, left.upload.id) == (State.SUCCEEDED, 2, upload)


def test_a_turn_that_begins_while_an_old_one_waits_is_the_only_one_that_counts() -> None:
    """The platform runs one alarm at a time; nothing here depends on it."""
    bench = Bench(ok(), a_page("a"), ok())
    job = bench.begun(Mode.FULL)

    async def cancel_retry_and_turn() -> None:
        for command in (Command.CANCEL, Command.RETRY):
            assert isinstance(await bench.processor.obey(job.id, Instruction(command)), Job)
        bench.storage.fire()
        await bench.processor.turn()

    bench.network.meanwhile(3, cancel_retry_and_turn)
    bench.network.add(a_history((job.id + "-1", "ACTIVE")), httpx.Response(503))
    left = bench.left()

    assert bench.network.lines == [BULK, LIST, BULK, STATUS, LIST]
    assert (left.state, left.crawl.page_count, left.pacing.attempt) == (State.SENDING, 0, 1)
    assert left.pacing.retry_at_ms is not None
    assert left.turn_count == 2


def failed_at_the_second_page() -> tuple[Bench, Job]:
    """The first one is in Glean."""
    bench = Bench()
    bench.network.on(BULK, ok(), ok(), httpx.Response(401))
    bench.network.on(LIST, a_page("a", next_cursor="2"), a_page("b"))
    bench.begun(Mode.FULL)
    left = bench.left()
    assert (left.state, left.crawl.page_count, left.crawl.cursor) == (State.FAILED, 1, "2")
    assert bench.network.lines == [BULK, LIST, LIST, BULK, BULK]
    return bench, left


def test_a_retry_goes_on_from_the_stored_cursor_in_the_same_upload() -> None:
    bench, job = failed_at_the_second_page()

    bench.commanded(job, Command.RETRY)
    upload_id = job.id + "-1"
    bench.network.on(STATUS, a_history((upload_id, "ACTIVE")), a_history((upload_id, "ACTIVE")))
    bench.network.on(STATUS, a_history((upload_id, "SUCCESSFUL")))
    bench.network.on(LIST, a_page("b"))
    bench.network.on(BULK, ok(), ok())
    left = bench.left()

    assert bench.network.lines[5:] == [STATUS, LIST, BULK, STATUS, BULK, STATUS]
    assert bench.network.requests[6].url.params["cursor"] == "2"
    assert (left.state, left.crawl.document_count, left.upload_count) == (State.SUCCEEDED, 2, 1)


def test_a_retry_begins_anew_where_glean_no_longer_has_the_upload() -> None:
    bench, job = failed_at_the_second_page()

    bench.commanded(job, Command.RETRY)
    bench.network.on(STATUS, a_history((job.id + "-1", "ACTIVE"), ("another", "ACTIVE")))
    bench.network.on(BULK, ok())
    bench.network.on(LIST, httpx.Response(503))
    left = bench.left()

    assert bench.network.lines[5:] == [STATUS, BULK, LIST]
    assert "cursor" not in bench.network.requests[7].url.params
    assert (left.upload.id, left.crawl.page_count, left.crawl_count) == (job.id + "-2", 0, 2)


KNOWN = [f"known-{number}" for number in range(100)]


def held(*kept: str) -> tuple[Bench, Job]:
    """A FULL job that has read no more than these of a hundred documents."""
    bench = Bench()
    bench.knows(*KNOWN)
    answer(bench, *kept)
    bench.begun(Mode.FULL)
    job = bench.left()
    assert job.state is State.HELD
    return bench, job


def answer(bench: Bench, *kept: str) -> None:
    """The source has these, and Glean takes an upload."""
    bench.network.on(BULK, ok(), ok())
    bench.network.on(LIST, a_page(*kept))


def closed(bench: Bench, upload_id: str) -> None:
    """Glean takes the close, and tells so."""
    bench.network.on(BULK, ok())
    bench.network.on(STATUS, a_history((upload_id, "ACTIVE")), a_history((upload_id, "SUCCESSFUL")))


def test_an_approved_job_reads_the_source_again_and_deletes_what_was_listed() -> None:
    bench, job = held("known-0")
    refusal = bench.obeyed(job, Command.APPROVE, list_digest=LISTED)
    assert isinstance(refusal, Refusal)

    bench.commanded(job, Command.APPROVE, list_digest=job.crawl.gone.digest)
    answer(bench, "known-0", "known-1")
    closed(bench, job.id + "-2")
    left = bench.left()

    assert left.state is State.SUCCEEDED
    assert set(bench.store.ledger.look_up(Kind.DOCUMENT, KNOWN)) == {"known-0", "known-1"}


def test_an_approved_job_that_has_lost_many_more_is_held_again() -> None:
    bench, job = held(*KNOWN[:40])
    bench.commanded(job, Command.APPROVE, list_digest=job.crawl.gone.digest)
    answer(bench, "known-0")

    left = bench.left()

    assert (left.state, left.crawl.gone.count, left.crawl.gone.new_count) == (State.HELD, 99, 39)


def test_a_held_job_that_is_approved_after_another_has_worked_still_has_its_list() -> None:
    bench, job = held("known-0")
    bench.begun(Mode.INCREMENTAL)
    bench.network.on(LIST, a_page())
    assert bench.left().state is State.SUCCEEDED
    assert bench.job(job.id).state is State.HELD

    bench.commanded(job, Command.APPROVE, list_digest=job.crawl.gone.digest)
    answer(bench, "known-0")
    closed(bench, job.id + "-2")

    assert bench.left().state is State.SUCCEEDED
    assert bench.store.ledger.count(Kind.DOCUMENT) == 1


def test_a_held_job_ends_where_another_one_has_read_the_source_since() -> None:
    bench, job = held("known-0")
    second = bench.begun(Mode.FULL)
    answer(bench, *KNOWN)
    closed(bench, second.id + "-1")
    assert bench.left().state is State.SUCCEEDED

    ended = bench.job(job.id)
    assert (ended.state, ended.finished_at_ms) == (State.CANCELLED, NOW_MS)
    assert second.id in ended.error
    assert bench.store.ledger.count(Kind.DOCUMENT) == len(KNOWN)


def test_a_held_job_stays_where_the_other_one_fails() -> None:
    bench, job = held("known-0")
    bench.begun(Mode.FULL)
    bench.network.on(BULK, httpx.Response(403))

    assert bench.left().state is State.FAILED

    assert bench.job(job.id).state is State.HELD


def test_a_held_job_stays_where_the_other_one_reads_changes_alone() -> None:
    bench = Bench(a_page())
    bench.put(HELD)
    bench.begun(Mode.INCREMENTAL)

    assert bench.left().state is State.SUCCEEDED

    assert bench.views.job(HELD.id) == HELD


def test_a_late_answer_to_a_cancelled_job_that_is_no_longer_kept_does_no_harm() -> None:
    bench = Bench(a_page("a"), ok())
    job = replace(OTHER, alarm_at_ms=SOON_MS)
    bench.put(job, alarm_at_ms=SOON_MS)

    async def cancel() -> None:
        assert isinstance(await bench.processor.obey(job.id, Instruction(Command.CANCEL)), Job)
        bench.storage.exec("DELETE FROM job")

    bench.network.meanwhile(2, cancel)

    assert bench.turned() is None


def test_a_retry_helps_where_the_source_was_mended_as_the_error_says() -> None:
    broken = [a_note(f"n{n}", text=None) for n in range(20)]
    bench = Bench(a_page_of(broken), a_page(), ok())
    job = bench.begun(Mode.INCREMENTAL)
    failed = bench.left()
    assert failed.remedy == RemedyCode.CORRECT_RECORDS

    bench.commanded(job, Command.RETRY)
    bench.network.add(a_page(*(f"n{n}" for n in range(20))), ok())

    assert bench.left().state is State.SUCCEEDED


def test_an_approval_that_was_taken_back_is_asked_for_again() -> None:
    bench, job = held("known-0")
    bench.commanded(job, Command.APPROVE, list_digest=job.crawl.gone.digest)
    bench.commanded(job, Command.CANCEL)

    bench.commanded(job, Command.RETRY)
    bench.network.on(STATUS, a_history((job.upload.id, "ACTIVE")))

    assert bench.left().state is State.HELD


def test_an_approval_that_is_taken_back_while_the_upload_is_closed_is_asked_for_again() -> None:
    """What was weighed by the approval, is weighed without it."""
    bench, job = held("known-0")
    bench.commanded(job, Command.APPROVE, list_digest=job.crawl.gone.digest)
    answer(bench, "known-0")
    bench.network.on(STATUS, httpx.Response(503))
    assert bench.left().state is State.CLOSING
    bench.commanded(job, Command.CANCEL)

    bench.commanded(job, Command.RETRY)
    bench.network.on(STATUS, a_history((job.id + "-2", "ACTIVE")))

    assert bench.left().state is State.HELD
