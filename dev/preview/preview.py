"""One connector's preview: its sources are read as by a job, and stopped early."""

import traceback
from pathlib import Path

import httpx
from msgspec import Struct

from dev.kit.crawl import Clock, Offline, PageRead, offline_host, place
from dev.kit.crawl_checks import clock_findings, unique_findings
from dev.kit.environment import WatchedEnvironment
from dev.kit.findings import Finding, report
from dev.kit.page_checks import key_findings, page_findings, reject_finding
from dev.kit.recording import Recording
from dev.preview.glean import NOT_ASKED, GleanLeftAlone
from dev.preview.paper import Paper
from dev.preview.probes import Probes
from durable.connector.definition import AnyConnector
from durable.connector.stream import AnyStream
from durable.engine.checks import CheckOutcome, Checks
from durable.errors import UpstreamError
from durable.machine.job import Mode, Stage


EMPTY_PAGES_MAX = 20  # one after the other: so many without a document are enough
STYLES = {CheckOutcome.PASSED: "green", CheckOutcome.FAILED: "red", CheckOutcome.SKIPPED: "dim"}
REJECT_REMEDY = "mend the record's Struct or the mapping; a job sets such records aside"


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be seen.

    Attributes:
        mode: of the job that is looked into.
        limit: documents, and as many of each other kind of thing.
        since_ms: the watermark of an INCREMENTAL job, which reads the overlap before it, too.
        now_ms: for the readers.
        record: the file that takes the source's answers, for the test kit.
    """

    mode: Mode
    limit: int
    since_ms: int
    now_ms: int
    record: Path | None = None


class Preview:
    """Of one connector.

    Args:
        connector: whose it is.
        environment: variables and secrets, or what takes their place.
        transport: to the source, and to Glean.
        paper: where all is printed.
        wanted: how much.
    """

    def __init__(
        self,
        connector: AnyConnector,
        environment: WatchedEnvironment,
        transport: httpx.AsyncBaseTransport,
        paper: Paper,
        wanted: Wanted,
    ) -> None:
        self._connector = connector
        self._environment = environment
        self._transport = GleanLeftAlone(transport)
        self._recording = Recording(self._transport, environment)
        self._clock = Clock(wanted.now_ms)
        self._offline = self._offline_of(connector, wanted.since_ms, self._recording)
        self._probes = Probes(connector, self._offline_of)
        self._paper = paper
        self._wanted = wanted
        self._findings: list[Finding] = []

    async def run(self) -> bool:
        """Print it; whether all was right.

        Raises:
            ConfigurationError: a variable or a secret is not right.
        """
        for stage, stream in self._connector.streams(self._wanted.mode).items():
            if self._connector.is_delegated and stage is Stage.DOCUMENTS:
                self._paper.line(f"{stage}: a backend brings them to Glean, and is not asked here")
            else:
                await self._stage(stage, stream)
        is_failed = await self._check()
        if self._findings:
            self._paper.line()
            self._paper.line(report(self._connector.name, self._findings), "red")
        if self._wanted.record is not None:
            self._recording.save(self._wanted.record)
            self._paper.line(f"The answers are in {self._wanted.record}: look through them")
        self._paper.line()
        self._paper.line("Nothing was sent to Glean.")
        return not self._findings and not is_failed

    def _offline_of(
        self,
        connector: AnyConnector,
        since_ms: int,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> Offline:
        transport = self._transport if transport is None else transport
        return Offline(
            connector, self._environment, transport, self._clock, since_ms, attempts_max=1
        )

    async def _stage(self, stage: Stage, stream: AnyStream) -> None:
        pages = await self._read(stage)
        records = sum(len(page.records.records) for page in pages)
        changes = [placed for page in pages for placed in page.changes]
        shown = changes[: self._wanted.limit]
        for number, placed in enumerate(shown, start=1):
            self._paper.change(number, placed)
        rejects = [(page, reject) for page in pages for reject in page.rejects]
        self._paper.line(
            f"{stage} of the {self._wanted.mode} job: {len(shown)} shown; pages read: "
            f"{len(pages)}, with records: {records}, of which came: {len(changes)}, rejected: "
            f"{len(rejects)}",
            "bold",
        )
        if self._wanted.record is not None and pages and pages[-1].records.next_cursor is not None:
            self._paper.line(
                "The kit reads to the end: raise LIMIT, or end the last answer by hand"
            )
        for page, reject in rejects:
            self._findings.append(reject_finding(page, reject, stream, REJECT_REMEDY))
        limits = self._environment.limits()
        for page in pages:
            again = self._offline.mapped(page, limits)
            self._findings += page_findings(page, again, limits, self._environment)
            self._findings += key_findings(page, stream)
        if stage is Stage.DOCUMENTS:
            self._findings += clock_findings(pages, stream.source.clock)
        if self._wanted.mode is Mode.FULL:
            self._findings += unique_findings(pages)
        if stage is Stage.DOCUMENTS and pages and not self._findings:
            wanted = self._wanted
            self._findings += await self._probes.findings(
                wanted.mode, pages, wanted.since_ms, wanted.now_ms
            )

    async def _read(self, stage: Stage) -> list[PageRead]:
        """As many pages as the documents need, and some that have none."""
        mode, pages = self._wanted.mode, list[PageRead]()
        cursor: str | None = None
        count = empty_count = 0
        async with self._offline.reading(mode, stage) as reading:
            while count < self._wanted.limit and empty_count < EMPTY_PAGES_MAX:
                number = len(pages) + 1
                where = place(mode, stage, number, cursor)
                try:
                    page = await reading.page(cursor, number)
                except UpstreamError as error:
                    self._findings.append(Finding("source", where, str(error)))
                    break
                except Exception as error:  # noqa: BLE001 - a source in Python may raise anything
                    told = "".join(traceback.format_exception(error, limit=-2)).rstrip()
                    self._findings.append(Finding("source", where, told))
                    break
                pages.append(page)
                count += len(page.changes)
                empty_count = 0 if page.changes else empty_count + 1
                following: object = page.records.next_cursor
                if not isinstance(following, str):
                    break
                cursor = following
        return pages

    async def _check(self) -> bool:
        """The checks that the Worker makes on request; whether one of them failed."""
        host = offline_host(self._transport, self._clock)
        is_failed, not_asked = False, ""
        self._paper.line()
        try:
            checks = await Checks(self._connector, self._environment, host).run()
        except Exception as error:  # noqa: BLE001 - a source in Python may raise anything
            self._paper.line(f"FAILED   the source raised {type(error).__name__}: {error}", "red")
            return True
        for check in checks:
            outcome, detail = check.outcome, check.detail
            if NOT_ASKED in detail:
                not_asked = detail[detail.index(NOT_ASKED) :]
            if not_asked:  # and what rests on it
                outcome, detail = CheckOutcome.SKIPPED, not_asked
            is_failed = is_failed or outcome is CheckOutcome.FAILED
            text = f"{outcome.upper():8} {check.name}{': ' if detail else ''}{detail}"
            self._paper.line(text, STYLES[outcome])
        return is_failed
