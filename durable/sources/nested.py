"""Lists within lists: for each record of one source, all pages of another."""

import re

from msgspec import Raw, Struct
from msgspec.structs import replace

from durable.environment import Environment
from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.http.context import SourceContext
from durable.json_paths import shape_of
from durable.machine.job import ReadContext
from durable.machine.rate import Rate
from durable.sources.belonging import GONE, Fault, Missing, resolve_missing
from durable.sources.clock import Clock
from durable.sources.filling import Filling
from durable.sources.nested_position import AGAIN_MAX, ListPosition, Parents, keys_of, place_of
from durable.sources.source import (
    Reader,
    Records,
    ScopedSource,
    Source,
    close_all,
    cursor_fault,
    total_fault,
)
from durable.sources.splice import select_fields


NAME = re.compile(r"[A-Za-z_]\w*")


class Nested(Struct, frozen=True, kw_only=True):
    """The children of all parents: the pages of all spaces, for example.

        Nested(
            parents=HttpSource(url="${WIKI_URL}/spaces", ...),
            children=HttpSource(url="${WIKI_URL}/spaces/${space/id}/pages", ...),
            name="space",
        )

    A record is a child, with its parent in the field `name`: a Struct with `space: Space` takes
    it. The parents may be `Nested` themselves; of those, `${page/space/id}` is a field.

    Attributes:
        parents: any source.
        children: a list for each of them; in its URL (percent-encoded), its parameters and its
            body, `${space/id}` is the parent's field `id`.
        name: of the field that takes the parent, and of the placeholders.
        key: the parent's field, or the path of it, that no two parents share. By it, a crawl
            finds the parent again after a crash.
        keep: those of the parent's fields that are put into each child; empty: all of them. A
            large parent beside each of many children would fill the memory.
        missing: what becomes of a parent whose list is not there (status 404 or 410). Rejected,
            nobody knows which documents its list would have, so that a FULL job deletes none;
            left out, what its list had is deleted.
        since_parents: whether an INCREMENTAL job asks for changed parents only. A new child
            does not always touch its parent, so by default it asks for all of them.
        lists_max: lists with few children are read together as one page, up to so many. Each
            takes a request.

    Raises:
        ConfigurationError: the name is not one, or a field is not right.
    """

    parents: Source
    children: ScopedSource
    name: str
    key: str = "id"
    keep: tuple[str, ...] = ()
    missing: Missing = Missing.REJECT
    since_parents: bool = False
    lists_max: int = 16

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"the name {self.name!r} of a Nested source is not right: it names a field of each "
                "record, in letters, digits and _"
            )
        if self.missing is Missing.KEEP:
            raise ConfigurationError(
                f"the Nested source of each {self.name} cannot say missing=Missing.KEEP: a list "
                "that is not there has nothing to go on with. REJECT keeps what it had in Glean, "
                "LEAVE_OUT deletes it"
            )

    @property
    def rate(self) -> Rate | None:
        """The stricter one, since each page asks for both."""
        rates = [source.rate for source in (self.parents, self.children)]
        return min(filter(None, rates), key=lambda rate: rate.requests / rate.per_ms, default=None)

    @property
    def kept_ms(self) -> int | None:
        asked = [self.children, *([self.parents] if self.since_parents else [])]
        return min((source.kept_ms for source in asked if source.kept_ms), default=None)

    @property
    def tells_changes(self) -> bool:
        return self.children.tells_changes

    @property
    def clock(self) -> Clock | None:
        return self.children.clock

    @property
    def has_moving_pages(self) -> bool:
        return self.parents.has_moving_pages or self.children.has_moving_pages

    def reader(self, context: SourceContext) -> "NestedReader":
        return NestedReader(self, context)

    def secrets(self) -> frozenset[str]:
        return self.parents.secrets() | self.children.secrets()

    def locate(self, environment: Environment) -> str:
        return f"{self.parents.locate(environment)} {self.children.locate(environment)}"


class NestedReader(Reader):
    """Reads a `Nested` source."""

    def __init__(self, source: Nested, context: SourceContext) -> None:
        self._source = source
        self._parents = source.parents.reader(context)
        self._children = source.children.reader(context, frozenset({source.name}))
        self._shape = shape_of((source.key, str | int))
        self._bytes_max = context.page_bytes_max
        self._latest: tuple[str | None, Parents] | None = None  # with the cursor of their page

    async def fetch(self, cursor: str | None, crawl: ReadContext) -> Records:
        begun = place_of(cursor)
        place: ListPosition | None = begun
        filling = Filling(self._bytes_max)
        while place is not None and filling.has_room(self._source.lists_max):
            try:
                place = await self._step(place, crawl, filling)
                filling.list_count += 1
            except UpstreamError:
                if place == begun:
                    raise
                break  # what there is, is kept: a source that allows little is read all the same
        next_cursor = None if place is None else place.cursor()
        if next_cursor is not None and (fault := cursor_fault(next_cursor, cursor)):
            raise UpstreamError(
                f"the cursor of nested lists {fault}", cause=Cause.BAD_CURSOR, is_transient=False
            )
        return filling.page(next_cursor)

    async def close(self) -> None:
        await close_all([self._parents, self._children])

    async def _step(
        self, place: ListPosition, crawl: ReadContext, filling: Filling
    ) -> ListPosition | None:
        """Read one page of children, or find that there are none. Gives where to go on."""
        parents = await self._parents_at(place.parents, crawl, filling)
        is_begun = place.slices > 0
        if place.again >= AGAIN_MAX:
            raise UpstreamError(
                f"the list of a {self._source.name} does not come to its end: {place.again} pages "
                "have the very records of an earlier one, so it seems to pass over the cursor",
                cause=Cause.ENDLESS,
                is_transient=False,
            )
        place = place if is_begun else replace(place, slices=parents.slices)
        mark = parents.mark_at(place)
        if mark is None:
            following = parents.after(place)
        else:
            if mark != place.at:
                place = replace(place, at=mark, children=None, read=0)
            following = await self._children_at(place, parents[mark], crawl, filling)
            filling.is_bounded |= not following.at
        if not is_begun:
            for raw, reason in parents.rejects:
                filling.reject(raw, reason)
        return following

    async def _parents_at(
        self, cursor: str | None, crawl: ReadContext, filling: Filling
    ) -> Parents:
        if self._latest is not None and self._latest[0] == cursor:
            return self._latest[1]
        self._latest = None  # or there would be two pages in memory
        source = self._source
        if not source.since_parents:
            crawl = replace(crawl, since_ms=None)
        page = await self._parents.fetch(cursor, crawl)
        filling.count(page)
        keys = keys_of(page, self._shape, source.key, source.name)
        self._latest = cursor, Parents(page, keys, source.name)
        return self._latest[1]

    async def _children_at(
        self, place: ListPosition, parent: Raw, crawl: ReadContext, filling: Filling
    ) -> ListPosition:
        name = self._source.name
        done = replace(place, done=place.done + place.at, at="", children=None, read=0)
        try:
            page = await self._children.fetch(place.children, crawl, {name: parent})
        except UpstreamError as error:
            is_lost = error.recourse is Recourse.RESTART or error.status in GONE
            if place.children is not None and is_lost:
                return replace(place, children=None, read=0)  # the cursor, or all of the list
            kept = resolve_missing(error, self._source.missing, parent)
            if isinstance(kept, Fault) and kept.reason is not None:
                filling.reject(parent, kept.reason)
            return done
        filling.count(page)
        read_count = place.read + len(page.records)
        if fault := total_fault(page, read_count):
            raise UpstreamError(
                f"the list of a {name}: {fault}", cause=Cause.BAD_COUNT, is_transient=False
            )
        kept_fields = self._source.keep
        filling.add(page, name, select_fields(parent, kept_fields) if kept_fields else parent)
        if page.next_cursor is None:
            return done
        # Counted only if need be: a cursor that differs each time hides a circle.
        read_count = 0 if page.total_count is None else read_count
        return replace(place, children=page.next_cursor, read=read_count)
