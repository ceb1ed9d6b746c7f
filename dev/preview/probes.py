"""What a live source is asked besides, to find out what its pages alone do not show."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from msgspec.structs import replace

from dev.kit.crawl import Offline, PageRead
from dev.kit.findings import Finding
from durable.connector.connector import Connector
from durable.connector.definition import AnyConnector
from durable.errors import UpstreamError
from durable.machine.job import Mode, Stage
from durable.sources.http import HttpSource
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.offset import OffsetPaging, PageNumber


SINCE_MS_MIN = 60 * 60 * 1_000  # ago: what changed in the last minutes is asked for each time
OfflineOf = Callable[[AnyConnector, int], Offline]


class Probes:
    """Of a connector's documents, after they were read.

    Args:
        connector: whose they are.
        offline: reads a connector's changes since a time.
    """

    def __init__(self, connector: AnyConnector, offline: OfflineOf) -> None:
        self._connector = connector
        self._source = connector.streams(Mode.FULL)[Stage.DOCUMENTS].source
        self._offline = offline

    async def findings(
        self, mode: Mode, pages: Sequence[PageRead], since_ms: int, now_ms: int
    ) -> list[Finding]:
        """What is wrong with the source. A probe that the source refuses tells nothing.

        Args:
            mode: of the job that was looked into.
            pages: of it.
            since_ms: of an INCREMENTAL job.
            now_ms: the time; nothing has changed since.
        """
        probes: list[Coroutine[object, object, Finding | None]] = []
        if mode is Mode.FULL:
            probes += [self._order(pages[0], since_ms), self._cap(pages, since_ms)]
        else:
            probes += [self._since(pages[0], since_ms, now_ms)]
        found: list[Finding] = []
        for probe in probes:
            try:
                finding = await probe
            except UpstreamError:
                continue
            found += [finding] if finding is not None else []
        return found

    async def _order(self, page: PageRead, since_ms: int) -> Finding | None:
        """Pages that are counted need an order: else records change their places between two."""
        source = self._source
        if not isinstance(source, HttpSource) or not _is_counted(source):
            return None
        again = await self._read(self._connector, page, since_ms)
        before, after = _keys(page), _keys(again)
        common = set(before) & set(after)
        if [key for key in before if key in common] == [key for key in after if key in common]:
            return None
        return Finding(
            "order",
            str(page),
            "read twice, the page has its records in another order: where pages are counted, "
            "records are read twice or never",
            "have the source sort them by what never changes, such as the id, with `params`",
        )

    async def _cap(self, pages: Sequence[PageRead], since_ms: int) -> Finding | None:
        """A page may be the last for its length, or for a total, and not be the last."""
        page, source = pages[-1], self._source
        if page.records.next_cursor is not None or not page.records.records:
            return None
        if not isinstance(source, HttpSource) or (unended := _without_ending(source)) is None:
            return None
        assert isinstance(self._connector, Connector), "a backend has no pages"
        connector = replace(
            self._connector, documents=replace(self._connector.documents, source=unended)
        )
        following = (await self._read(connector, page, since_ms)).records.next_cursor
        if following is None:
            return None
        later = replace(page, cursor=following, number=page.number + 1)
        known = {key for each in pages for key in _keys(each)}
        count = len(set(_keys(await self._read(connector, later, since_ms))) - known)
        if count == 0:
            return None
        return Finding(
            "capped pages",
            str(page),
            f"the crawl ended here, after a page of {len(page.records.records)} records, and the "
            f"source has {count} more: it gives no larger pages, or its total is not that of all",
            "take for `size` what the source gives at most, and leave out `short_page_ends` or the "
            "total",
        )

    async def _since(self, page: PageRead, since_ms: int, now_ms: int) -> Finding | None:
        """Whoever asks for what has changed since now, gets hardly anything."""
        keys = _keys(page)
        if not keys or now_ms - since_ms < SINCE_MS_MIN:
            return None
        if keys != _keys(await self._read(self._connector, page, now_ms)):
            return None
        return Finding(
            "changes",
            str(page),
            f"asked for changes of the last {(now_ms - since_ms) // 1_000} s and of now, the "
            f"source gives the same {len(keys)} records: it seems to pass over `since`",
            "look under which name, and in which format, the source takes the time",
        )

    async def _read(self, connector: AnyConnector, page: PageRead, since_ms: int) -> PageRead:
        async with self._offline(connector, since_ms).reading(page.mode, page.stage) as reading:
            return await reading.page(page.cursor, page.number)


def _is_counted(source: HttpSource) -> bool:
    return isinstance(source.paging, OffsetPaging | PageNumber)


def _without_ending(source: HttpSource) -> HttpSource | None:
    """The same source, which ends at an empty page alone; None where no page follows by itself."""
    paging = source.paging
    if not isinstance(paging, OffsetPaging | PageNumber | Keyset):
        return None
    without: dict[str, Any] = {"short_page_ends": False}
    if isinstance(paging, PageNumber):
        without["total_pages"] = ""
    paging = replace(paging, **without)
    return replace(source, paging=paging, total="", has_more="", is_last="", hides_rows=False)


def _keys(page: PageRead) -> list[str]:
    return [made.key for made in page.made]
