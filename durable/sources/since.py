"""How a source is asked for what has changed. Pure."""

from datetime import timedelta
from typing import Protocol

from msgspec import Struct

from durable.machine.job import ReadContext
from durable.sources import times
from durable.sources.clock import Clock
from durable.sources.paging.param_location import (
    ParamLocation,
    check_names,
    check_placed,
    place_param,
    wrong,
)
from durable.sources.paging.protocol import Ask
from durable.sources.source import Records
from durable.sources.times import TimeFormat
from durable.timestamps import MILLISECOND, is_span, milliseconds


OVERLAP_MS = 5 * 60 * 1_000  # lists are some seconds or minutes behind what was written
OVERLAP = timedelta(milliseconds=OVERLAP_MS)
SECOND_MS = 1_000  # many sources write no finer
YEAR_END_MS = 1_767_225_599_999  # of 2025


class Spans(Protocol):
    """How far back changes are asked for."""

    @property
    def overlap_ms(self) -> int:
        """So much before the watermark is read, too."""

    @property
    def kept_ms(self) -> int | None:
        """For so long the source can tell what has changed; None: for ever."""


class DeclaredSpans(Struct, frozen=True, kw_only=True):
    """`Spans` as their author declares them."""

    overlap: timedelta = OVERLAP
    kept: timedelta | None = None

    @property
    def overlap_ms(self) -> int:
        return milliseconds(self.overlap)

    @property
    def kept_ms(self) -> int | None:
        return None if self.kept is None else milliseconds(self.kept)


class Changes(Spans, Protocol):
    """One way of reading only what has changed at a time or later."""

    @property
    def clock(self) -> Clock | None:
        """How its records tell when they changed; None: they do not."""

    def check(self, ask: Ask) -> None:
        """Raises ConfigurationError where the source's request does not fit it."""

    def prepare(self, ask: Ask, since_ms: int) -> Ask:
        """The request of changes since a time, made of that of the source."""

    def keep_recent(self, page: Records, since_ms: int) -> Records:
        """The page without what is older. Raises UpstreamError where that cannot be told."""


class Since(DeclaredSpans, frozen=True, kw_only=True):
    """A parameter takes the watermark, and the answer has what changed at that time or later.

        GET {url}?updated_since=2026-11-24T02:00:00.000Z

    Attributes:
        param: its name. What the source's params or body have for it, is for a FULL job.
        format: a `TimeFormat`, or a text for `strftime`; in UTC, and never rounded up.
        template: a text with `{}` in the time's place: `updated_at ge {}`.
        overlap: so much earlier is asked for, in whole seconds: changes show late, and a
            filter may leave out what changed at that very second. More of it is for a source
            that takes the time for that of another zone, or is later still.
        location: where the parameter goes.
        kept: for so long the source can tell what has changed. A job whose watermark is
            older reads all of it. None: for ever.
        path: the path of the time of the last change in a record. With it, the watermark is one
            of the source's own clock, which may be up to an hour behind. Empty: there is none.
        path_format: of that time, where it is another; RFC 3339 is understood besides. A page
            on which no time can be read by it fails the job.

    Raises:
        ConfigurationError: one of them is not right.
    """

    param: str
    format: str = TimeFormat.RFC3339
    template: str = "{}"
    location: ParamLocation = ParamLocation.QUERY
    path: str = ""
    path_format: str = ""

    def __post_init__(self) -> None:
        check_names(self, "param")
        if (fault := times.fault(self.format)) is not None:
            raise wrong(self, "format", fault)
        if self.path_format and not self.path:
            raise wrong(self, "path_format", "it is that of a field: declare path=, too")
        if self.path and (fault := times.reading_fault(self._path_format)) is not None:
            raise wrong(self, "path_format" if self.path_format else "format", fault)
        if self.template.count("{}") != 1:
            raise wrong(self, "template", "it has {} once, in the time's place")
        check_spans(self)

    @property
    def clock(self) -> Clock | None:
        return Clock(self.path, self._path_format) if self.path else None

    @property
    def _path_format(self) -> str:
        return self.path_format or self.format

    def check(self, ask: Ask) -> None:
        if self.location is ParamLocation.BODY:
            check_placed(self, ask, self.location, self.param)

    def prepare(self, ask: Ask, since_ms: int) -> Ask:
        value = times.write(self.format, begin_ms(self, since_ms, self.clock))
        if self.template != "{}":
            value = self.template.replace("{}", str(value))
        return place_param(ask, self.location, self.param, value)

    def keep_recent(self, page: Records, _since_ms: int) -> Records:
        return page


class ChangingSource(Struct, frozen=True, kw_only=True):
    """A source that may be asked for its changes alone."""

    since: Changes | None = None

    @property
    def kept_ms(self) -> int | None:
        return kept_ms(self.since)

    @property
    def tells_changes(self) -> bool:
        return self.since is not None

    @property
    def clock(self) -> Clock | None:
        return None if self.since is None else self.since.clock

    @property
    def has_moving_pages(self) -> bool:
        return self.clock is not None and self.clock.is_newest_first


def prepare_changes(changes: Changes | None, ask: Ask, crawl: ReadContext) -> Ask:
    """The source's request as a crawl makes it."""
    if changes is None or crawl.since_ms is None:
        return ask
    return changes.prepare(ask, crawl.since_ms)


def keep_recent(changes: Changes | None, page: Records, crawl: ReadContext) -> Records:
    """The records of the page that the crawl wants. Raises UpstreamError if that cannot be told."""
    if changes is None:
        return page
    if changes.clock is not None:
        changes.clock.check(page.records)
    if crawl.since_ms is None:
        return page
    return changes.keep_recent(page, crawl.since_ms)


def begin_ms(changes: Spans, since_ms: int, clock: Clock | None) -> int:
    """The time to read changes from: the watermark, less the overlap, rounded as the clock is."""
    at_ms = subtract_overlap(since_ms, _overlap_ms(changes))
    return at_ms if clock is None else clock.floor_ms(at_ms)


def subtract_overlap(since_ms: int, overlap_ms: int) -> int:
    """So much before the watermark, in whole seconds."""
    return max(0, since_ms - overlap_ms) // SECOND_MS * SECOND_MS


def reaches_further(changes: Changes, others: Changes) -> bool:
    """Whether these changes are read from further back than the others."""
    return _earliest_ms(changes) < _earliest_ms(others)


def _earliest_ms(changes: Changes) -> int:
    """What is asked for with the latest watermark of a year."""
    at_ms = begin_ms(changes, YEAR_END_MS, changes.clock)
    if not isinstance(changes, Since):
        return at_ms
    return times.read(changes.format, str(times.write(changes.format, at_ms)))


def kept_ms(changes: Changes | None) -> int | None:
    """How old a watermark may be; None: any. The overlap is already taken off."""
    if changes is None or changes.kept_ms is None:
        return None
    return changes.kept_ms - _overlap_ms(changes)


def _overlap_ms(changes: Spans) -> int:
    """Not so much that the source has forgotten it after each job."""
    kept_ms = changes.kept_ms
    return changes.overlap_ms if kept_ms is None else min(changes.overlap_ms, kept_ms // 2)


def check_spans(declared: DeclaredSpans) -> None:
    """Check both spans. Raises ConfigurationError."""
    if not is_span(declared.overlap, timedelta(0)):
        raise wrong(declared, "overlap", "it is a timedelta from 0, as in timedelta(minutes=5)")
    if declared.kept is not None and not is_span(declared.kept, MILLISECOND):
        raise wrong(declared, "kept", "it is a timedelta, as in timedelta(days=30), or None")
