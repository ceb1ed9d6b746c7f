"""Makes pages of a list's answers: records, and the next cursor. Pure."""

from collections.abc import Callable
from functools import cache
from typing import TypeGuard

from msgspec import Struct

from durable.errors import Cause, UpstreamError
from durable.http.client import Answer
from durable.http.retry_after import wait_ms
from durable.sources.body import PageBody
from durable.sources.ending import Ending
from durable.sources.paging.jump import is_cut, jump_fault
from durable.sources.paging.mediawiki import MediaWikiPaging
from durable.sources.paging.protocol import Ask, Faulting, Paging, Partial, Told
from durable.sources.portions import Part
from durable.sources.source import Records, cursor_fault


class ListRequest(Struct, frozen=True, kw_only=True):
    """The request of one page."""

    paging: Paging  # as it was asked for with
    ask: Ask
    cursor: str | None


class Listing:
    """Makes pages of one list.

    Args:
        body: reads them.
        ending: what the source says of its end.
        follow: makes a link what is kept of it: absolute, without the proof of who asks.
    """

    def __init__(self, body: PageBody, ending: Ending, follow: Callable[[str, str], str]) -> None:
        self._body = body
        self._ending = ending
        self._follow = follow

    def part(self, answer: Answer, request: ListRequest, now_ms: int) -> Part:
        """One page. Raises UpstreamError if the answer is none, or contradicts itself."""
        ending, paging = self._ending, request.paging
        contents = self._body.read(answer, request.cursor)
        told = Told(
            url=request.ask.url,
            headers=answer.headers,
            values=contents.values,
            records=contents.records,
            total_count=ending.total_count(contents.values, answer.headers),
            has_more=ending.more(contents.values, answer.headers),
            hides_rows=ending.hides_rows,
        )
        next_cursor = paging.next_cursor(told, request.cursor)
        faults = paging.faults(told) if _tells_faults(paging) else {}
        if next_cursor and paging.is_linked:
            next_cursor = self._follow(next_cursor, request.ask.url)
        if next_cursor is not None:
            self._check(next_cursor, request, len(told.records))
        elif not ending.tells_end:
            self._body.check_ended(contents)
            self._check_whole(request, told)
        ending.check(has_more=told.has_more, name=paging.name, next_cursor=next_cursor)
        wish = answer.wish
        page = Records(
            records=contents.records,
            faults={**contents.faults, **faults},
            next_cursor=next_cursor,
            byte_count=len(answer.body),
            total_count=None if ending.hides_rows else told.total_count,
            wait_ms=wait_ms(wish.when, now_ms) if wish.when else 0,
            wait_reason=wish.reason("the source"),
        )
        return Part(page, is_partial=_tells_parts(paging) and paging.is_partial(told))

    def _check_whole(self, request: ListRequest, told: Told) -> None:
        count = len(told.records)
        if request.cursor is not None or not is_cut(request.paging, request.ask, count):
            return
        raise UpstreamError(
            f"the source's list ends after {count} records, as many as were asked for, and nothing "
            "tells that there are no more: declare its total, has_more or is_last, or ask for more "
            "than there are",
            cause=Cause.INCOMPLETE,
        )

    def _check(self, next_cursor: str, request: ListRequest, record_count: int) -> None:
        paging = request.paging
        fault = cursor_fault(next_cursor, request.cursor) if next_cursor else "is empty"
        # A wiki's search goes on by the size over pages that are gone.
        may_jump = self._ending.hides_rows or isinstance(paging, MediaWikiPaging)
        if fault is None and paging.is_given and not may_jump:
            following = paging.prepare(request.ask, next_cursor)
            size: int | None = getattr(paging, "size", None)
            fault = jump_fault(request.ask, following, size, record_count)
        if fault is not None:
            raise UpstreamError(f"the source's {paging.name} {fault}", cause=Cause.BAD_CURSOR)


def _tells_faults(paging: Paging) -> TypeGuard[Faulting]:
    return _is_a(type(paging), Faulting)


def _tells_parts(paging: Paging) -> TypeGuard[Partial]:
    return _is_a(type(paging), Partial)


@cache
def _is_a(kind: type[Paging], protocol: type) -> bool:
    """Once for each kind: of an object Python looks at each member of a protocol, each time."""
    return issubclass(kind, protocol)
