"""What is done once a FULL job has succeeded: Glean is asked what it holds of it. Pure.

The job is over by then, and whatever comes of this changes nothing of it. Nothing is asked
while another job is pending: it goes first, and Glean is in the middle of a change.

Known and found are compared as counts, for Glean lists no documents. INCREMENTAL jobs go on
meanwhile, and Glean's index may be behind: any count is right that the ledger has had since then.
A mismatch has all documents replaced once. If that does not help, it is shown and nothing more.
"""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.index_status import PAUSED, Holdings
from durable.machine.job import Job, Mode
from durable.machine.notes import EventKind, Note
from durable.machine.pacing import asked_wait_ms, not_before, verify_pause_ms


LATE_MS = 3 * 60 * 60 * 1_000  # counts of this age are not from before the close
PROCESSING_MS = 3 * 60 * 60 * 1_000  # in which Glean takes one call for a datasource
NOTES_MAX = 10
PROCESSING = "to have all documents processed at once"


class Verdict(StrEnum):
    """Whether Glean holds what was sent."""

    PENDING = "pending"
    VERIFIED = "verified"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"  # until the deadline, Glean did not say, or only what may be old
    SUPERSEDED = "superseded"  # what it is to hold has changed since then, and cannot be told


class VerificationQuestion(StrEnum):
    """What Glean is asked."""

    PROCESS = PROCESSING
    COUNT = "what it holds"


class KnownDocuments(Struct, frozen=True):
    """What the ledger has."""

    count: int
    unsure_count: int = 0  # of these, that Glean may have or not


class Aims(Struct, frozen=True):
    """What a connector declares of it."""

    datasource: str
    verifies: bool
    processes: bool


class Trouble(Struct, frozen=True):
    """A question that was not answered."""

    reason: str
    is_transient: bool = False  # trying again may help
    may_be_taken: bool = False  # only the answer may be lost
    is_too_often: bool = False
    retry_after_ms: int = 0  # asked for by Glean
    jitter: float = 1.0  # how much of a pause's second half is waited, drawn from 0 to 1

    @property
    def is_counted(self) -> bool:
        """Whether Glean may take no other call for the time being."""
        return self.may_be_taken or self.is_too_often


class Verification(Struct, frozen=True, kw_only=True):
    """Of one FULL job. Persisted: add fields with defaults, never rename."""

    job_id: str
    datasource: str
    upload_id: str
    closed_at_ms: int
    until_ms: int  # the answer to the first question after this decides
    verdict: Verdict | None = None  # None: only the processing is asked for
    sent_count: int = 0  # documents that the ledger had at the job's end
    least_count: int = 0  # this and the next: that Glean is to have, by what the ledger had since
    most_count: int = 0
    found_count: int | None = None  # that people can find; None: Glean has not told yet
    uploaded_count: int | None = None  # that Glean has taken
    upload_state: str = ""  # in Glean's words
    ask_count: int = 0  # counted as they begin, as all here
    asked_at_ms: int | None = None
    ask_at_ms: int | None = None  # the next time; None: no more
    processes: bool = False
    process_count: int = 0
    processed_at_ms: int | None = None  # when the processing was asked for
    process_at_ms: int | None = None  # when it will be; None: no more
    error: str = ""  # of the latest question
    notes: tuple[Note, ...] = ()

    @property
    def due_at_ms(self) -> int | None:
        """When there is something to do; None: never again."""
        times = [at_ms for at_ms in (self.ask_at_ms, self.process_at_ms) if at_ms is not None]
        return min(times, default=None)


def begin_verification(
    job: Job, aims: Aims, called_at_ms: int | None, known: KnownDocuments, limits: Limits
) -> Verification | None:
    """What is to be done after this job; None if nothing.

    Args:
        job: has succeeded.
        aims: of its connector.
        called_at_ms: when Glean was asked last to process all of the datasource's documents.
        known: documents.
        limits: of the deployment.
    """
    verifies = aims.verifies and not job.is_delegated
    if job.mode is not Mode.FULL or not (verifies or aims.processes):
        return None
    assert job.finished_at_ms is not None, "a job that succeeded is finished"
    closed_at_ms = job.finished_at_ms
    free_at_ms = 0 if called_at_ms is None else called_at_ms + PROCESSING_MS
    return Verification(
        job_id=job.id,
        datasource=aims.datasource,
        upload_id=job.upload.id,
        closed_at_ms=closed_at_ms,
        until_ms=closed_at_ms + limits.verify_ms_max,
        verdict=Verdict.PENDING if verifies else None,
        sent_count=known.count if verifies else 0,
        least_count=known.count - known.unsure_count if verifies else 0,
        most_count=known.count if verifies else 0,
        ask_at_ms=closed_at_ms + limits.verify_pause_ms_min if verifies else None,
        processes=aims.processes,
        process_at_ms=not_before(free_at_ms, closed_at_ms) if aims.processes else None,
    )


def wake_verification(
    verification: Verification, known: KnownDocuments | None, now_ms: int, limits: Limits
) -> tuple[Verification, VerificationQuestion | None]:
    """What Glean is asked now, if anything is due.

    The next time is set along with it, so that a death costs the answer and no more.

    Args:
        verification: of which something may be due.
        known: documents; None: an upload may have been closed, and nobody knows all of it.
        now_ms: the time.
        limits: of the deployment.
    """
    if known is not None:
        verification = replace(
            verification,
            least_count=min(verification.least_count, known.count - known.unsure_count),
            most_count=max(verification.most_count, known.count),
        )
    elif verification.ask_at_ms is not None:
        reason = "a job may have closed an upload of its own"
        return supersede_verification(verification, reason, now_ms), None
    is_over = now_ms >= verification.until_ms
    if verification.process_at_ms is not None and now_ms >= verification.process_at_ms:
        if is_over:
            verification = replace(verification, process_at_ms=None)
            return event_of_verification(
                verification, f"Glean could not be asked {PROCESSING}", now_ms
            ), None
        verification = replace(
            verification,
            process_count=verification.process_count + 1,
            processed_at_ms=now_ms,
            process_at_ms=now_ms + PROCESSING_MS,
        )
        return verification, VerificationQuestion.PROCESS
    if verification.ask_at_ms is None or now_ms < verification.ask_at_ms:
        return verification, None
    if _is_last(verification):
        return _undecided(verification, now_ms), None  # the answer never came
    at_ms = now_ms + verify_pause_ms(verification.ask_count + 1, limits)
    verification = replace(
        verification,
        ask_count=verification.ask_count + 1,
        asked_at_ms=now_ms,
        ask_at_ms=not_before(at_ms if is_over else min(at_ms, verification.until_ms), now_ms),
    )
    return verification, VerificationQuestion.COUNT


def record_counts(verification: Verification, holdings: Holdings, now_ms: int) -> Verification:
    """Glean has said what it holds."""
    was_paused = verification.upload_state == PAUSED
    verification = replace(
        verification,
        found_count=holdings.found_count,
        uploaded_count=holdings.uploaded_count,
        upload_state=holdings.upload_state,
        error="",
    )
    if _agrees(verification) and _is_current(verification, holdings, now_ms):
        return _settled(verification, Verdict.VERIFIED, now_ms)
    if _is_last(verification):
        return _undecided(verification, now_ms)
    if holdings.is_paused and not was_paused:
        text = "Glean has paused the deletion of what the upload no longer had"
        return event_of_verification(verification, text, now_ms)
    return verification


def record_failed_count(
    verification: Verification, trouble: Trouble, now_ms: int, limits: Limits
) -> Verification:
    """Glean has not said what it holds."""
    verification = replace(verification, error=trouble.reason)
    if _is_last(verification):
        return _undecided(verification, now_ms)
    at_ms = now_ms + backoff_ms(verification.ask_count, trouble, limits)
    # No later than the deadline, but for Glean's own wish.
    asked_ms = asked_wait_ms(trouble.retry_after_ms, limits)
    at_ms = max(min(at_ms, verification.until_ms), now_ms + asked_ms)
    return replace(verification, ask_at_ms=not_before(at_ms, now_ms))


def supersede_verification(
    verification: Verification, reason: str, now_ms: int, *, is_replaced: bool = False
) -> Verification:
    """Nobody can tell any more what Glean is to hold.

    Args:
        verification: so far.
        reason: says what has happened.
        now_ms: the time.
        is_replaced: a later one asks for the processing, where that is still to be done.
    """
    is_unasked = verification.process_count == 0 and not is_replaced
    verification = replace(
        verification,
        verdict=verification.verdict and Verdict.SUPERSEDED,
        ask_at_ms=None,
        process_at_ms=verification.process_at_ms if is_unasked else None,
    )
    return event_of_verification(verification, f"superseded: {reason}", now_ms)


def backoff_ms(count: int, trouble: Trouble, limits: Limits) -> int:
    half_ms = verify_pause_ms(count, limits) / 2
    return round(half_ms + half_ms * trouble.jitter)


def event_of_verification(verification: Verification, text: str, now_ms: int) -> Verification:
    """With a note of what happened; the same once more takes the place of the latest."""
    notes = verification.notes
    if notes and notes[-1].text == text:
        notes = notes[:-1]
    return replace(
        verification, notes=(*notes, Note(now_ms, text, EventKind.VERIFICATION.value))[-NOTES_MAX:]
    )


def _agrees(verification: Verification) -> bool:
    """Whether Glean holds what was sent, as far as counts tell."""
    found_count = verification.found_count
    if found_count is None:
        return False
    if verification.upload_state == PAUSED:
        # What is more, may be what was to be deleted.
        return found_count == verification.sent_count
    return verification.least_count <= found_count <= verification.most_count


def _is_current(verification: Verification, holdings: Holdings, now_ms: int) -> bool:
    """Whether the counts are not by chance those of before the close."""
    is_indexed = holdings.is_indexed and holdings.indexed_count is not None
    return is_indexed or now_ms - verification.closed_at_ms >= LATE_MS


def _is_last(verification: Verification) -> bool:
    """Whether the latest question was asked after the deadline."""
    asked_at_ms = verification.asked_at_ms
    return asked_at_ms is not None and asked_at_ms >= verification.until_ms


def _undecided(verification: Verification, now_ms: int) -> Verification:
    is_unknown = verification.found_count is None or _agrees(verification)  # by chance, maybe
    return _settled(verification, Verdict.UNKNOWN if is_unknown else Verdict.MISMATCH, now_ms)


def _settled(verification: Verification, verdict: Verdict, now_ms: int) -> Verification:
    text = f"{verdict}: {verification.sent_count} documents were sent"
    if verification.least_count < verification.most_count:
        text += f", since then {verification.least_count} to {verification.most_count} are right"
    if verification.found_count is not None:
        text += f", Glean has {verification.found_count}"
    verification = replace(verification, verdict=verdict, ask_at_ms=None, process_at_ms=None)
    return event_of_verification(verification, text, now_ms)
