"""How a source is asked for what has changed. Pure."""

from typing import Protocol

from msgspec import Struct

from durable.job import Crawl
from durable.paging.placing import Place, check_names, check_placed, placed, wrong
from durable.paging.protocol import Ask
from durable.sources import times
from durable.sources.clock import Clock
from durable.sources.source import Records
from durable.sources.times import TimeFormat


class Changes(Protocol):
    """One way of reading only what has changed at a time or later."""

    @property
    def kept_ms(self) -> int | None:
        """For so long the source can tell what has changed; None: for ever."""

    @property
    def clock(self) -> Clock | None:
        """How its records tell when they changed; None: they do not."""

    def check(self, ask: Ask) -> None:
        """Raises ConfigurationError where the source's request does not fit it."""

    def asked(self, ask: Ask, since_ms: int) -> Ask:
        """The request of changes since a time, made of that of the source."""

    def recent(self, page: Records, since_ms: int) -> Records:
        """The page without what is older. Raises UpstreamError where that cannot be told."""


class Since(Struct, frozen=True, kw_only=True):
    """A parameter takes the watermark, and the answer has what changed at that time or later.

        GET {url}?updated_since=2026-11-24T02:00:00.000Z

    Attributes:
        param: its name. What the source's params or body have for it, is for a FULL job.
        format: a `TimeFormat`, or a text for `strftime`; in UTC, and never rounded up.
        template: a text with `{}` in the time's place: `updated_at ge {}`.
        overlap_ms: so much earlier is asked for: for a source whose changes show late, or
            that takes the time for that of another zone.
        place: where the parameter goes.
        kept_ms: for so long the source can tell what has changed. A job whose watermark is
            older reads all of it. None: for ever.
        field: the path of the time of the last change in a record, in the same format. With it,
            the watermark is one of the source's own clock, which may be up to an hour behind,
            and documents that are read again unchanged are not sent again. Empty: there is none.

    Raises:
        ConfigurationError: one of them is not right.
    """

    param: str = "updated_since"
    format: str = TimeFormat.RFC3339
    template: str = "{}"
    overlap_ms: int = 0
    place: Place = Place.QUERY
    kept_ms: int | None = None
    field: str = ""

    def __post_init__(self) -> None:
        check_names(self, "param")
        fault_of = times.reading_fault if self.field else times.fault
        if (fault := fault_of(self.format)) is not None:
            raise wrong(self, "format", fault)
        if self.template.count("{}") != 1:
            raise wrong(self, "template", "it has {} once, in the time's place")
        check_spans(self)

    @property
    def clock(self) -> Clock | None:
        return Clock(self.field, self.format) if self.field else None

    def check(self, ask: Ask) -> None:
        if self.place is Place.BODY:
            check_placed(self, ask, self.place, self.param)

    def asked(self, ask: Ask, since_ms: int) -> Ask:
        value = times.written(self.format, max(0, since_ms - self.overlap_ms))
        if self.template != "{}":
            value = self.template.replace("{}", str(value))
        return placed(ask, self.place, self.param, value)

    def recent(self, page: Records, _since_ms: int) -> Records:
        return page


def asked(changes: Changes | None, ask: Ask, crawl: Crawl) -> Ask:
    """The source's request as a crawl makes it."""
    if changes is None or crawl.since_ms is None:
        return ask
    return changes.asked(ask, crawl.since_ms)


def recent(changes: Changes | None, page: Records, crawl: Crawl) -> Records:
    """What of the page is the crawl's. Raises UpstreamError where that cannot be told."""
    if changes is None or crawl.since_ms is None:
        return page
    return changes.recent(page, crawl.since_ms)


class _Spans(Protocol):
    @property
    def overlap_ms(self) -> int: ...
    @property
    def kept_ms(self) -> int | None: ...


def check_spans(declared: _Spans) -> None:
    """Raises ConfigurationError where a time is none."""
    if type(declared.overlap_ms) is not int or declared.overlap_ms < 0:
        raise wrong(declared, "overlap_ms", "it is a whole number of milliseconds from 0")
    if declared.kept_ms is not None and (type(declared.kept_ms) is not int or declared.kept_ms < 1):
        raise wrong(declared, "kept_ms", "it is a whole number of milliseconds, or None")
