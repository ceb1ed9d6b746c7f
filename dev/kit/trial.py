"""A connector's jobs, run without a network and with a crash before each page."""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx
from msgspec import Struct

from dev.kit.answers import Answers, UnansweredError
from dev.kit.crawl import Made, Offline, PageRead, Reading, place
from dev.kit.crawl_checks import (
    clock_findings,
    paging_findings,
    resume_finding,
    unique_findings,
)
from dev.kit.environment import MadeUpEnvironment
from dev.kit.findings import Finding
from dev.kit.page_checks import key_findings, page_findings, reject_finding
from dev.kit.reference_checks import deletion_findings, reference_findings
from durable.connector.definition import AnyConnector
from durable.environment import GLEAN_TOKEN
from durable.errors import ConfigurationError, UpstreamError
from durable.machine.job import Mode, Stage
from durable.sources.python import PythonSource


class _StoppedError(Exception):
    """A page could not be read; the finding says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.fault)
        self.finding = finding


class _Read(Struct, frozen=True):
    """What was read of a stream."""

    pages: Sequence[PageRead]
    is_whole: bool
    stopped: Finding | None = None  # why it did not go on


class Trial:
    """Of one connector. Where a stream fails, it goes on to the next one.

    Args:
        connector: as it is deployed.
        offline: reads its streams.
        answers: that these get.
        environment: that these read.
        pages_max: that a stream may have.
    """

    def __init__(
        self,
        connector: AnyConnector,
        offline: Offline,
        answers: Answers,
        environment: MadeUpEnvironment,
        pages_max: int,
    ) -> None:
        self.findings: list[Finding] = []
        self.pages: list[PageRead] = []  # of the uninterrupted jobs, as are the requests
        self.requests: list[httpx.Request] = []
        self._asked: dict[Mode, list[tuple[str, httpx.URL, bytes]]] = {}  # for documents
        self.cause: Exception | None = None  # of the author's own code
        self._connector = connector
        self._offline = offline
        self._answers = answers
        self._environment = environment
        self._pages_max = pages_max

    async def run(self, rejects: Mapping[Mode, int]) -> None:
        """Find all that is wrong.

        Args:
            rejects: how many records are rejected, in each mode.
        """
        try:
            self._offline.ends()
        except ConfigurationError as error:
            remedy = "give it a value with `environment`"
            self.findings.append(Finding("configuration", "", str(error), remedy))
            return
        for mode in Mode:
            pages: list[PageRead] = []
            for stage in self._connector.streams(mode):
                pages += await self._feed(mode, stage)
            self.findings += self._rejects(pages, rejects.get(mode, 0), mode)
            self.pages += pages
        self.findings += self._unheeded_findings()
        if not self.findings:  # else what is named may only not have been read
            self.findings += reference_findings(self._connector, self.pages)
            self.findings += deletion_findings(self._connector, self.pages)
        self.findings += self._unnamed_secrets()

    def _unheeded_findings(self) -> Iterator[Finding]:
        """Of the declared sources, each sends `since`, or stops where nothing is new."""
        source = self._connector.streams(Mode.FULL)[Stage.DOCUMENTS].source
        if not (isinstance(source, PythonSource) and source.tells_changes):
            return
        full, incremental = (self._asked.get(mode) for mode in (Mode.FULL, Mode.INCREMENTAL))
        if full and full == incremental:
            yield Finding(
                "changes",
                "the INCREMENTAL job",
                f"its {len(full)} requests are those of the FULL job: nothing heeds `since`",
                "ask the source for what has changed since then, or leave `tells_changes` out",
            )

    def _unnamed_secrets(self) -> Iterator[Finding]:
        for name in sorted(self._environment.secrets_asked - self._connector.secrets()):
            if name != GLEAN_TOKEN:
                yield Finding(
                    "secrets",
                    "",
                    f"a source takes the secret {name}, and its secrets() does not name it",
                    "name it there, so that it is hidden from whatever is stored and shown",
                )

    async def _feed(self, mode: Mode, stage: Stage) -> Sequence[PageRead]:
        before = len(self._answers.requests)
        read = await self._read(mode, stage)
        requests = self._answers.requests[before:]
        self.requests += requests
        if stage is Stage.DOCUMENTS:
            self._asked[mode] = [(each.method, each.url, each.content) for each in requests]
        found = [] if read.stopped is None else [read.stopped]
        if read.pages:
            found += paging_findings(read.pages)
            found += self._page_findings(read.pages)
        if stage is Stage.DOCUMENTS:
            found += clock_findings(read.pages, self._connector.streams(mode)[stage].source.clock)
        if mode is Mode.FULL:
            found += unique_findings(read.pages)
            is_delegated = self._connector.is_delegated and stage is Stage.DOCUMENTS
            found += _nothing(read, is_delegated=is_delegated)
        if read.is_whole and (lost := await self._resume_finding(read.pages)) is not None:
            found.append(lost)
        if not read.is_whole and not found:
            fault = f"the source has not come to its end in {len(read.pages)} pages"
            remedy = (
                "let the last page say that it is the last; or, where there are more, raise "
                "pages_max"
            )
            found.append(Finding("paging", str(read.pages[-1]), fault, remedy))
        self.findings += found
        return read.pages

    def _page_findings(self, pages: Sequence[PageRead]) -> Iterator[Finding]:
        limits = self._environment.limits()
        for page in pages:
            again = self._offline.mapped(page, limits)
            yield from page_findings(page, again, limits, self._environment)
            yield from key_findings(page, self._connector.streams(page.mode)[page.stage])

    def _rejects(self, pages: Sequence[PageRead], count: int, mode: Mode) -> Iterator[Finding]:
        found = [
            reject_finding(page, reject, self._connector.streams(mode)[page.stage])
            for page in pages
            for reject in page.rejects
        ]
        if len(found) == count:
            return
        yield from found
        if count:
            fault = f"{len(found)} records are rejected, and not {count} as `rejects` says"
            yield Finding("records", f"the {mode} job", fault)

    async def _resume_finding(self, pages: Sequence[PageRead]) -> Finding | None:
        """The first page at which a crash changes what a job brings."""
        for index, page in enumerate(pages):
            rest = _all_made(pages[index:])
            read = await self._read(page.mode, page.stage, page.cursor, page.number)
            if (stopped := read.stopped) is not None:
                fault = f"after a crash, it cannot be read from here: {stopped.fault}"
                return Finding("resume", stopped.where, fault, stopped.remedy)
            lost = resume_finding(page, rest, _all_made(read.pages))
            if lost is not None:
                return lost
        return None

    async def _read(
        self, mode: Mode, stage: Stage, cursor: str | None = None, number: int = 1
    ) -> _Read:
        """All pages from a cursor on, with readers that know of none before."""
        pages: list[PageRead] = []
        seen: set[str | None] = set()
        async with self._offline.reading(mode, stage) as reading:
            while len(pages) < self._pages_max:
                where = place(mode, stage, number + len(pages), cursor)
                try:
                    page = await self._page(reading, cursor, number + len(pages), where)
                except _StoppedError as error:
                    return _Read(pages, is_whole=False, stopped=error.finding)
                pages.append(page)
                seen.add(cursor)
                following: object = page.records.next_cursor
                if following is None:
                    return _Read(pages, is_whole=True)
                if not isinstance(following, str) or following in seen:
                    break
                cursor = following
        return _Read(pages, is_whole=False)

    async def _page(
        self, reading: Reading, cursor: str | None, number: int, where: str
    ) -> PageRead:
        try:
            return await reading.page(cursor, number)
        except UnansweredError as error:
            remedy = "add it to the responses; or, if it should not be asked for, mend the source"
            raise _StoppedError(Finding("responses", where, str(error), remedy)) from error
        except UpstreamError as error:
            raise _StoppedError(Finding("paging", where, str(error))) from error
        except Exception as error:
            self.cause = error
            fault = f"the source raised {type(error).__name__}: {error}{_line(error)}"
            remedy = "raise UpstreamError for what the source does wrong"
            raise _StoppedError(Finding("paging", where, fault, remedy)) from error


def _nothing(read: _Read, *, is_delegated: bool) -> Iterator[Finding]:
    """Without a record, the kit would be content with whatever the mapping is."""
    is_empty = not any(page.records.records for page in read.pages)
    if read.is_whole and is_empty and not is_delegated:
        fault = "no page has a record, so that nothing is known of the mapping"
        remedy = "answer with some records; or look whether `records` names their place"
        yield Finding("responses", str(read.pages[0]), fault, remedy)


def _all_made(pages: Sequence[PageRead]) -> list[Made]:
    return [made for page in pages for made in page.made]


def _line(error: Exception) -> str:
    (*_, frame) = traceback.extract_tb(error.__traceback__)
    return f", at {Path(frame.filename).name}:{frame.lineno}"
