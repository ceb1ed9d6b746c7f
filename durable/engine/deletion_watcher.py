"""Asks Glean whether the deletions of the latest uploads are paused, and tells people of it."""

from collections.abc import Mapping, Sequence

from durable.connector.definition import AnyConnector
from durable.engine.alert_sender import find_targets
from durable.engine.clients import glean_client
from durable.engine.platform import RunnerContext
from durable.engine.redaction import clean_reason
from durable.errors import ConfigurationError, UpstreamError
from durable.http.retry_after import wait_ms
from durable.limits import Limits
from durable.machine.alerts import AlertKind, make_alert, remind, settle
from durable.machine.deletion_watch import (
    DeletionWatch,
    next_upload,
    paused_reason,
    paused_remedy,
    record_answer,
    record_silence,
    watch_upload,
)
from durable.machine.index_status import Deletions
from durable.machine.job import Job, Stage
from durable.machine.job_events import JobEvent
from durable.machine.notes import EventKind
from durable.machine.pacing import asked_wait_ms
from durable.store.store import Store


TOLD = "paused deletions"  # among what people were told


def watch_uploads(  # noqa: PLR0913 - a job's change, and all that it is a part of
    before: Job,
    job: Job,
    connector: AnyConnector,
    store: Store,
    *,
    alert_targets: Sequence[str],
    limits: Limits,
) -> None:
    """Watch the uploads that a job has closed between two states; written along with it."""
    closed = job.closed[len(before.closed) :]
    if not closed:
        return
    watch = known = store.verifications.watch()
    for upload in closed:
        watch = watch_upload(watch, connector.datasource.name, job.id, upload, limits)
    store.verifications.put_watch(watch)
    _tell(
        known,
        watch,
        connector.name,
        store,
        alert_targets=alert_targets,
        now_ms=closed[-1].at_ms,
    )


class DeletionWatcher:
    """Watches the uploads of one connector."""

    def __init__(self, context: RunnerContext) -> None:
        self._connector, self._environment = context.connector, context.environment
        self._store, self._host = context.store, context.host
        self._limits = self._environment.usable_limits()

    async def turn(self) -> None:
        """Ask Glean, if it is time. This takes one request at most.

        The caller arms the alarm: its lease before this, and what comes next after it.
        """
        verifications, now_ms = self._store.verifications, self._host.now_ms()
        watch, ask_at_ms = verifications.watch(), verifications.watch_at_ms()
        if ask_at_ms is None or now_ms < ask_at_ms or self._store.pending():
            return
        # Before anything that may fail or kill, as for a job.
        begun = next_upload(watch, now_ms, self._limits)
        self._put(watch, begun, now_ms)
        if begun.ask_at_ms is None:
            return
        after = await self._query_deletions(begun)
        if verifications.watch() == begun:  # else another upload was closed while we waited
            self._put(begun, after, self._host.now_ms())

    def heard(self, found: Mapping[str, Deletions]) -> None:
        """Record what Glean said of its uploads in the answer to another question."""
        now_ms, watch = self._host.now_ms(), self._store.verifications.watch()
        self._put(watch, record_answer(watch, found, now_ms, self._limits), now_ms)

    async def _query_deletions(self, watch: DeletionWatch) -> DeletionWatch:
        try:
            glean = glean_client(watch.datasource, self._environment, self._host)(Stage.DOCUMENTS)
            found = await glean.deletions()
        except ConfigurationError as error:
            return record_silence(watch, clean_reason(str(error), self._environment), 0)
        except UpstreamError as error:
            now_ms = self._host.now_ms()
            told_ms = asked_wait_ms(wait_ms(error.retry_after, now_ms), self._limits)
            return record_silence(
                watch, clean_reason(str(error), self._environment), now_ms + told_ms
            )
        return record_answer(watch, found, self._host.now_ms(), self._limits)

    def _put(self, before: DeletionWatch, after: DeletionWatch, now_ms: int) -> None:
        self._store.verifications.put_watch(after)
        for stage, upload in after.uploads.items():
            known = before.uploads[stage]
            if (known.deletions, known.is_told) != (upload.deletions, upload.is_told):
                text = f"the deletion of {stage} after the upload {upload.upload_id} is "
                text += f"{upload.deletions}; {after.error}" if after.error else upload.deletions
                happening = JobEvent(now_ms, EventKind.DELETIONS.value, text)
                self._store.chronicle.add(upload.job_id, happening, self._limits)
        alert_targets = find_targets(self._environment)
        name, store = self._connector.name, self._store
        _tell(before, after, name, store, alert_targets=alert_targets, now_ms=now_ms)


def _tell(  # noqa: PLR0913 - what was, what is, and who is to know
    before: DeletionWatch,
    after: DeletionWatch,
    connector: str,
    store: Store,
    *,
    alert_targets: Sequence[str],
    now_ms: int,
) -> None:
    """People are told of what is paused, each day for as long as it lasts, and of its end."""
    outbox, reason = store.outbox, paused_reason(after)
    if not alert_targets or (reason is None and not before.paused):
        return
    known = outbox.told()
    if reason is not None:
        job_id = next(iter(after.paused.values())).job_id
        after_telling, is_due = remind(known, TOLD, now_ms)
        alert = make_alert(
            AlertKind.PAUSED, connector, reason, now_ms, job_id, remedy=paused_remedy(after)
        )
        found = alert if is_due else None
    else:
        after_telling, was_told = settle(known, {TOLD})
        unknown = Deletions.UNKNOWN.value
        is_known = all(upload.deletions != unknown for upload in after.uploads.values())
        text = (
            "Glean has deleted what it had paused"
            if is_known
            else ("nobody can tell any more whether Glean has deleted what it had paused")
        )
        found = make_alert(AlertKind.RECOVERED, connector, text, now_ms) if was_told else None
    if after_telling != known:
        outbox.put_told(after_telling)
    if found is not None:
        outbox.add(found, alert_targets)
