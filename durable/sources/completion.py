"""Completes each record of a page by further requests, a few at a time."""

import asyncio
from collections.abc import Sequence

from msgspec import Raw

from durable.errors import UpstreamError
from durable.machine.job import ReadContext
from durable.sources.belonging import Fault, RequestTally
from durable.sources.detail import DetailReader
from durable.sources.source import Records, Scope, close_all
from durable.sources.sub_list import SubListReader


REQUESTS_AT_ONCE = 4  # of the six connections that there are, and Glean has some


class Completion:
    """Completes the pages of one list.

    Args:
        detail: of each record, asked for before what is gathered.
        sub_lists: in this order.
        bytes_max: of a page with all that belongs to its records.
    """

    def __init__(
        self, detail: DetailReader | None, sub_lists: Sequence[SubListReader], bytes_max: int
    ) -> None:
        self._detail = detail
        self._sub_lists = sub_lists
        self._bytes_max = bytes_max

    async def complete_page(self, page: Records, crawl: ReadContext, scope: Scope) -> Records:
        """The page with complete records. Raises UpstreamError if it cannot be completed."""
        if self._detail is None and not self._sub_lists:
            return page
        tally = RequestTally(page, self._bytes_max)
        waiting = iter([*enumerate(page.records, start=1)])
        failures: list[UpstreamError] = []

        async def work() -> None:
            for place, record in waiting:
                if place in page.faults:
                    continue
                try:
                    tally.put(place, await self._complete_record(record, crawl, scope, tally))
                except UpstreamError as error:
                    failures.append(error)
                if failures:
                    return

        async with asyncio.TaskGroup() as group:
            for _ in range(min(REQUESTS_AT_ONCE, len(page.records))):
                group.create_task(work())
        if failures:
            raise failures[0]
        return tally.page()

    async def close(self) -> None:
        await close_all(sub_list.reader for sub_list in self._sub_lists)

    async def _complete_record(
        self, record: Raw, crawl: ReadContext, scope: Scope, tally: RequestTally
    ) -> Raw | Fault:
        whole: Raw | Fault = record
        if self._detail is not None:
            whole = await self._detail.complete({**scope, "": record}, tally)
        for sub_list in self._sub_lists:
            if isinstance(whole, Fault):
                break
            whole = await sub_list.complete({**scope, "": whole}, crawl, tally)
        return whole
