"""Shows a connector's jobs. It changes nothing, and shows no secret."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.environment import GLEAN_TOKEN, Environment
from durable.limits import Limits
from durable.machine.job import Job, Mode
from durable.machine.ledger import Kind
from durable.machine.open_rejects import outdated_count
from durable.machine.rejects import Reject
from durable.machine.staleness import Heartbeat
from durable.machine.states import PENDING, State
from durable.store.event_log import Event
from durable.store.ledger_rows import GoneRow
from durable.store.store import Store
from durable.views.connector_findings import FindingCode, foreign, slowed, unstable
from durable.views.findings import show_deletions
from durable.views.job_summary import JobSummary, missing_list, summarize
from durable.views.overview import ConnectorMetrics, Known, Overview, connector_metrics, overview
from durable.views.status import Status, status
from durable.views.steps import Phrase
from durable.views.texts import to_messages


LAST_ID = "\x7f"  # after every job's id
JOBS_SHOWN = 30  # of a connector at a glance
LOOK_MS = 250  # between two looks at a job that somebody waits for


class Timer(Protocol):
    """The time, and how to wait."""

    @property
    def now_ms(self) -> Callable[[], int]: ...
    @property
    def wait(self) -> Callable[[int], Awaitable[object]]: ...


class MissingItem(Struct, frozen=True):
    """One of what a FULL job would delete."""

    place: tuple[int, int]  # in the list: `after` of those that follow
    row: GoneRow


class Views:
    """Shows the jobs of one connector.

    Args:
        connector: whose jobs these are.
        environment: variables and secrets.
        store: the object's memory.
        timer: the clock.
    """

    def __init__(
        self, connector: AnyConnector, environment: Environment, store: Store, timer: Timer
    ) -> None:
        self._connector = connector
        self._environment = environment
        self._store = store
        self._timer = timer

    @property
    def connector_name(self) -> str:
        return self._connector.name

    def job(self, job_id: str) -> Job | None:
        return self._store.load(job_id)

    async def wait_for_change(self, job_id: str, wait_ms: int) -> Job | None:
        """The job, once its state has changed or the time is over."""
        until_ms = self._timer.now_ms() + wait_ms
        before = job = self._store.load(job_id)
        while (
            before is not None
            and job is not None
            and job.state is before.state
            and job.state in PENDING
            and self._timer.now_ms() < until_ms
        ):
            await self._timer.wait(LOOK_MS)
            job = self._store.load(job_id)
        return job

    def show(self, job: Job) -> Status:
        """A job's status, without secrets, even if the source put one into its cursor."""
        clean, verification = self._clean(), self._store.verifications.load(job.id)
        if verification is not None:
            verification = replace(verification, error=clean(verification.error))
        limits, now_ms = self._limits(), self._timer.now_ms()
        watch = self._store.verifications.watch()
        watch = replace(watch, error=clean(watch.error))
        shown = status(job, self.ahead_of(job), limits, verification, now_ms)
        return replace(
            shown,
            waits_because=shown.waits_because and clean(shown.waits_because),
            last_error=shown.last_error and clean(shown.last_error),
            cursor=shown.cursor and clean(shown.cursor),
            deletions=show_deletions(watch, job.id),
            findings=to_messages(self._findings_of_job(job)),
            events=tuple(replace(event, what=clean(event.what)) for event in shown.events),
        )

    def rejects(self, job_id: str, after: tuple[int, int], count: int) -> list[tuple[int, Reject]]:
        """So many rejects with their pages, in order, that come after a page and `Reject.order`."""
        return self._store.rejects(job_id, after, count)

    def missing(self, job: Job, after: tuple[int, int], count: int) -> list[MissingItem]:
        """So many of what a FULL job would delete, in order, after a place; without secrets.

        Its list is kept for as long as the job may need it.
        """
        listed, clean = missing_list(job), self._clean()
        if listed is None:
            return []
        found: list[MissingItem] = []
        (number, index), crawl_at_ms = after, listed[0]
        # The part in which the page before has ended is read again.
        while len(found) < count and (
            parts := self._store.ledger.gone.parts(crawl_at_ms, number - 1, 1)
        ):
            ((number, rows),) = parts
            found += [
                MissingItem((number, place), row)
                for place, row in enumerate(rows, 1)
                if place > index
            ]
            number, index = number + 1, 0
        return [replace(item, row=_clean_row(item.row, clean)) for item in found[:count]]

    def events(self, job_id: str, after: int, count: int) -> list[Event]:
        """So many events of a job, in order, that come after a number; without secrets."""
        clean = self._clean()
        return [
            replace(event, happening=replace(event.happening, text=clean(event.happening.text)))
            for event in self._store.chronicle.events(job_id, after, count)
        ]

    def event_count(self, job_id: str) -> int:
        """The number of all events, including those that are no longer kept."""
        return self._store.chronicle.count(job_id)

    def lines(self, before_id: str, states: Iterable[State], count: int) -> list[JobSummary]:
        """So many jobs that come before an id, the newest first."""
        jobs, now_ms = self._store.archive.jobs(before_id, states, count), self._timer.now_ms()
        clean = self._clean()
        return [summarize(job, clean, now_ms) for job in jobs]

    def overview(self) -> Overview:
        """The connector at a glance."""
        store = self._store
        known = self._known()
        jobs = store.archive.jobs(LAST_ID, State, JOBS_SHOWN)
        current = next(iter([*store.held(), *store.pending()]), None)
        known = replace(
            known, jobs=jobs, current=current, findings=self._findings([*jobs, *known.ended])
        )
        return overview(self._connector, known, self._clean(), self._timer.now_ms())

    def measures(self) -> ConnectorMetrics:
        """The inputs of the metrics."""
        return connector_metrics(self._known(), self._store.archive.counts())

    def pulse(self) -> Heartbeat:
        """When a job, and when a FULL job, succeeded last."""
        tally = self._store.chronicle.tally()
        return Heartbeat(tally.succeeded_at_ms, tally.full_succeeded_at_ms)

    def ahead_of(self, job: Job) -> Job | None:
        """The pending job that a queued one waits for."""
        pending = self._store.pending()
        return pending[0] if pending and pending[0].id != job.id else None

    def _known(self) -> Known:
        """What is remembered of the connector as a whole, without most of its jobs."""
        store = self._store
        return Known(
            ticked_at_ms=store.archive.ticked_at_ms(),
            ticks=store.archive.ticks(),
            tally=store.chronicle.tally(),
            watermark_ms=store.successes.watermark_ms(),
            ended=[job for mode in Mode if (job := store.archive.last_end(mode)) is not None],
            document_count=store.observations.document_count(),
            unconfirmed_count=store.ledger.unconfirmed_count(Kind.DOCUMENT),
            let_go_count=outdated_count(
                store.successes.rejects(), self._timer.now_ms(), self._limits()
            ),
            foreign_upload_count=store.observations.foreign_uploads().count,
            watch=store.verifications.watch(),
        )

    def _findings(self, jobs: Sequence[Job]) -> list[Phrase]:
        """Of the connector, whose latest jobs these are; or of one job, where it is of that."""
        observations, now_ms = self._store.observations, self._timer.now_ms()
        latest_ids = [job.id for job in jobs if job.mode is Mode.FULL and not job.repeats]
        found = [
            slowed(jobs, self._limits().documents_per_minute_max, now_ms),
            unstable(observations.steadiness()),
            foreign(observations.foreign_uploads(), max(latest_ids, default=None)),
        ]
        return [one for one in found if one is not None]

    def _findings_of_job(self, job: Job) -> list[Phrase]:
        """Those of the connector that are of one job."""
        steadiness = self._store.observations.steadiness()
        is_of = {
            FindingCode.SLOWED: job.state in PENDING,
            FindingCode.UNSTABLE: steadiness.job_id == job.id,
        }
        return [one for one in self._findings([job]) if is_of.get(FindingCode(one.code), True)]

    def _limits(self) -> Limits:
        return self._connector.limits.within(self._environment.usable_limits())

    def _clean(self) -> Callable[[str], str]:
        """Takes secrets out of a text."""
        # Only a turn reads them otherwise, and this may be an isolate that had none yet.
        self._environment.hide(GLEAN_TOKEN, *self._connector.secrets())
        return self._environment.redacted


def _clean_row(row: GoneRow, clean: Callable[[str], str]) -> GoneRow:
    title, url = row.title and clean(row.title), row.url and clean(row.url)
    return replace(row, id=clean(row.id), title=title, url=url)
