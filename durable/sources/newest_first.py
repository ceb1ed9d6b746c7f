"""Reads the changes of a source that can sort by them, and has no parameter for them. Pure."""

from collections.abc import Mapping
from itertools import pairwise

from msgspec.structs import replace

from durable.errors import Cause, UpstreamError
from durable.sources import times
from durable.sources.clock import Clock
from durable.sources.paging.param_location import check_names, wrong
from durable.sources.paging.protocol import Ask
from durable.sources.since import DeclaredSpans, begin_ms, check_spans
from durable.sources.source import Records
from durable.sources.times import TimeFormat


class NewestFirst(DeclaredSpans, frozen=True, kw_only=True):
    """Reads from the latest change back to the first one that is older than the watermark.

        NewestFirst(path="updated_at", params={"sort": "-updated_at"})

    The watermark is one of the source's own clock, which may be up to an hour behind. What
    changed at the very watermark, or some minutes before it, is read again, and sent if it is not
    as it was. A page that is in another order is an error, since what comes after an older record
    may be a newer one. Of an id that is there twice, the newest record is sent.

    Attributes:
        path: the path of the time of the last change in a record.
        format: of that time: a `TimeFormat`, or a text for `strptime`; in UTC, if it tells
            no zone.
        params: what the source is asked with for this order, in the place of its own.
        overlap: so much earlier is read to, since changes show late.
        kept: for so long the source can tell what has changed. A job whose watermark is
            older reads all of it. None: for ever.

    Raises:
        ConfigurationError: one of them is not right.
    """

    path: str
    params: Mapping[str, str]
    format: str = TimeFormat.RFC3339

    def __post_init__(self) -> None:
        check_names(self, "path")
        if (fault := times.reading_fault(self.format)) is not None:
            raise wrong(self, "format", fault)
        check_spans(self)

    @property
    def clock(self) -> Clock:
        return Clock(self.path, self.format, is_newest_first=True)

    def check(self, ask: Ask) -> None:
        """Nothing to check: its params may replace those of the source."""

    def prepare(self, ask: Ask, _since_ms: int) -> Ask:
        return replace(ask, params={**ask.params, **self.params})

    def keep_recent(self, page: Records, since_ms: int) -> Records:
        clock = self.clock
        oldest_ms = begin_ms(self, since_ms, clock)
        changed = _change_times(clock, page)
        for (_, later_ms), (place, at_ms) in pairwise(changed):
            if at_ms > later_ms:
                raise UpstreamError(
                    f"the source's page is not sorted by {self.path}, newest first: record "
                    f"{place} changed after the one before it; the params {dict(self.params)!r} "
                    "were to ask for that",
                    cause=Cause.BAD_TIME,
                )
        older = next((place for place, at_ms in changed if at_ms < oldest_ms), None)
        # The total is that of the whole list, which is not read to its end.
        page = replace(page, total_count=None)
        if older is None:
            return page
        return replace(page, records=page.records[: older - 1], next_cursor=None)


def _change_times(clock: Clock, page: Records) -> list[tuple[int, int]]:
    """Of each record that tells when it changed, its place from 1 and that time.

    One that does not is where the order has put it, and is read. Raises UpstreamError where none
    does.
    """
    told: list[tuple[int, int]] = []
    failure: UpstreamError | None = None
    for place, record in enumerate(page.records, start=1):
        if place in page.faults:
            continue  # it is rejected, and may have nothing in it
        try:
            told.append((place, clock.read(record)))
        except UpstreamError as error:
            failure = error
    if failure is not None and not told:
        raise failure
    return told
