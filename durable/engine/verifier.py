"""Asks Glean, after a FULL job's success, what it holds of it, and remembers the answers."""

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.engine.clients import glean_client
from durable.engine.deletion_watcher import DeletionWatcher
from durable.engine.platform import RunnerContext
from durable.engine.redaction import clean_reason
from durable.errors import ConfigurationError, UpstreamError
from durable.http.retry_after import wait_ms
from durable.limits import Limits
from durable.machine.index_status import Holdings
from durable.machine.job import Job, Mode, Stage
from durable.machine.job_events import event_of_note
from durable.machine.ledger import Kind
from durable.machine.mismatch import (
    calls_for_replacement,
    remember_right_count,
    remember_success,
)
from durable.machine.notes import Occasion
from durable.machine.processing import record_failed_processing, record_processing
from durable.machine.verification import (
    Aims,
    KnownDocuments,
    Trouble,
    Verdict,
    Verification,
    VerificationQuestion,
    begin_verification,
    event_of_verification,
    record_counts,
    record_failed_count,
    supersede_verification,
    wake_verification,
)
from durable.store.store import Store


def follow(job: Job, connector: AnyConnector, store: Store, limits: Limits) -> None:
    """A job has succeeded: what is to be done after it is written with its success."""
    if job.mode is not Mode.FULL:
        return
    verifications = store.verifications
    verifications.remember(remember_success(verifications.remembered(), job))
    if (before := verifications.due()) is not None:
        reason = f"{job.id} has closed an upload of its own"
        now_ms = job.finished_at_ms or 0
        verifications.put(supersede_verification(before, reason, now_ms, is_replaced=True))
    datasource = connector.datasource.name
    aims = Aims(datasource, connector.is_verified, connector.process_immediately)
    called_at_ms = verifications.called_at_ms(datasource)
    known = _known(store)
    if (verification := begin_verification(job, aims, called_at_ms, known, limits)) is not None:
        verifications.put(verification)


def _known(store: Store) -> KnownDocuments:
    ledger = store.ledger
    return KnownDocuments(ledger.count(Kind.DOCUMENT), ledger.unconfirmed_count(Kind.DOCUMENT))


class Verifier:
    """Carries the verification of one connector on, a question at a time.

    Args:
        context: of the connector.
        watcher: of the latest uploads' deletions, which the same answer tells.
        begin: queues a job, as the processor does; all that it writes, it writes before it waits
            for anything.
    """

    def __init__(
        self,
        context: RunnerContext,
        watcher: DeletionWatcher,
        begin: Callable[..., Awaitable[object]],
    ) -> None:
        self._begin = begin
        self._environment = context.environment
        self._store, self._host = context.store, context.host
        self._limits = context.connector.limits.within(self._environment.usable_limits())
        self._watcher = watcher

    async def turn(self) -> str | None:
        """Ask one question, if it is time; at most a request's time passes with it.

        Returns:
            The id of the job that is verified; None if there was nothing to do.
        """
        verifications, now_ms = self._store.verifications, self._host.now_ms()
        if (before := verifications.due()) is None:
            return None
        known = self._known()
        verification, question = wake_verification(before, known, now_ms, self._limits)
        if question is None:
            await self._save(verification, now_ms)
            return None if verification == before else verification.job_id
        called_at_ms = verifications.called_at_ms(verification.datasource)
        if question is VerificationQuestion.PROCESS:
            verifications.called(verification.datasource, now_ms)
        # The next question's alarm is set before this one is asked.
        await self._save(verification, now_ms)
        answer = await self._ask(question, verification)
        if verifications.load(verification.job_id) != verification:
            return None  # somebody went on while we waited
        now_ms = self._host.now_ms()
        if isinstance(answer, Holdings):
            self._watcher.heard(answer.deletions)
            verification = record_counts(verification, answer, now_ms)
        elif answer is None:
            verification = record_processing(verification, now_ms)
        elif question is VerificationQuestion.COUNT:
            verification = record_failed_count(verification, answer, now_ms, self._limits)
        else:
            verification = record_failed_processing(verification, answer, now_ms, self._limits)
            if not answer.is_counted:
                verifications.called(verification.datasource, called_at_ms)
        await self._save(verification, now_ms)
        return verification.job_id

    def _known(self) -> KnownDocuments | None:
        ledger = self._store.ledger
        is_lost = ledger.is_lost(Kind.DOCUMENT, self._limits.changes_max)
        is_whole = ledger.state(Kind.DOCUMENT).replaced_at_ms is not None
        return _known(self._store) if is_whole and not is_lost else None

    async def _save(self, verification: Verification, now_ms: int) -> None:
        verifications = self._store.verifications
        known, watch = verifications.load(verification.job_id), verifications.watch()
        remembered, is_paused = verifications.remembered(), Stage.DOCUMENTS in watch.paused
        is_called_for = calls_for_replacement(verification, remembered, is_paused=is_paused)
        if is_called_for:
            text = "a FULL job replaces all documents, since the counts differ"
            verification = event_of_verification(verification, text, now_ms)
        for note in verification.notes:
            if known is None or note not in known.notes:
                self._store.chronicle.add(verification.job_id, event_of_note(note), self._limits)
        verifications.put(verification)
        if is_called_for:
            verifications.remember(replace(remembered, is_asked=True))
            # With the verdict: no life may know of the one alone.
            by = Occasion.VERIFICATION
            await self._begin(Mode.FULL, None, by, is_replace_asked=True)
        elif verification.verdict is Verdict.VERIFIED:
            job = self._store.load(verification.job_id)
            verifications.remember(remember_right_count(remembered, job))
        if not self._store.pending():  # else the alarm is theirs
            await self._store.arm(self._store.wake_at_ms(now_ms))

    async def _ask(
        self, question: VerificationQuestion, verification: Verification
    ) -> Holdings | Trouble | None:
        """What Glean says; None: it has nothing to say, and does it."""
        environment = self._environment
        try:
            glean = glean_client(verification.datasource, environment, self._host)(Stage.DOCUMENTS)
            if question is VerificationQuestion.COUNT:
                return await glean.holdings(verification.upload_id)
            await glean.process()
        except ConfigurationError as error:
            return Trouble(clean_reason(str(error), environment))
        except UpstreamError as error:
            return Trouble(
                clean_reason(str(error), environment),
                is_transient=error.is_transient,
                may_be_taken=error.may_be_done,
                is_too_often=error.status == 429,
                retry_after_ms=wait_ms(error.retry_after, self._host.now_ms()),
                jitter=self._host.draw(),
            )
        return None
