"""Paging by the last record's own value. Pure."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, ClassVar

from msgspec import Raw, Struct

from durable.errors import Cause, UpstreamError
from durable.sources.paging.param_location import (
    ParamLocation,
    check_names,
    check_placed,
    check_size,
    place_cursor,
    place_size,
    size_param,
    wrong,
)
from durable.sources.paging.protocol import Ask, Told
from durable.sources.record_fields import key_of


class Keyset(Struct, frozen=True, kw_only=True):
    """A page begins after the last record of the page before it, in the source's order.

        GET {url}?after_id=n0100&limit=100&sort=id

    Nothing is passed over where records come and go meanwhile. The order is the author's
    matter: the source's params ask for it, and it has to be that of `path`. The first
    page is asked for without the parameter, or with what the source's url has for it.

    The source's `has_more` tells the end. Where it has none, a page without records is the
    last one, and with `short_page_ends` one with fewer records than `size`.

    No two records may share a value, or one of them may be left out between two pages: where two on
    a page do, that is an error.

    A source may answer from the value on, with it. Then the last records come again, and
    the last page is one that is short and has nothing beyond them. If more records share
    one value than a page holds, the list cannot be read so, and that is an error.

    Attributes:
        path: the path of the value in a record, a text or a number; where it goes into a
            body, also a list or an object.
        param: what takes it, in a body as it was.
        is_inclusive: the source answers from the value on, and not after it.
        size: of a page, if it is to be asked for.
        size_param: what takes the size.
        short_page_ends: a page with fewer records than `size` is the last one.
        location: where the parameters go.

    Raises:
        ConfigurationError: a name is empty, the size is none, or that of a short page is
            not told.
    """

    path: str
    param: str
    is_inclusive: bool = False
    size: int | None = None
    size_param: str = "limit"
    short_page_ends: bool = False
    location: ParamLocation = ParamLocation.QUERY

    is_linked: ClassVar[bool] = False
    is_given: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_names(self, "path", "param")
        check_size(self)
        if self.short_page_ends and self.size is None:
            raise wrong(self, "short_page_ends", "declare the size that a page is short of")

    @property
    def name(self) -> str:
        return f"last {self.path}"

    def check(self, ask: Ask, tells: Collection[str]) -> None:
        told = set(tells)
        if self.short_page_ends and told & {"has_more", "is_last", "hides_rows"}:
            raise wrong(self, "short_page_ends", "has_more tells the end: leave one out")
        if self.is_inclusive and self.size is None and not told & {"has_more", "is_last"}:
            raise wrong(self, "is_inclusive", "declare the size that the last page is short of")
        check_placed(self, ask, self.location, self.param, size_param(self))

    def paths(self) -> Mapping[str, Any]:
        return {}

    def prepare(self, ask: Ask, cursor: str | None) -> Ask:
        return place_cursor(place_size(ask, self.location, self), self.location, self.param, cursor)

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        if told.has_more is False or (not told.records and told.has_more is None):
            return None
        if not told.records:
            raise _failure(
                "the source's page is empty, and it says that there is more", Cause.BAD_END
            )
        value = key_of(told.records[-1], self.path, is_typed=self.location is ParamLocation.BODY)
        is_short = self.size is not None and len(told.records) < self.size
        is_short &= told.has_more is None
        if self.is_inclusive and value == cursor:
            if not is_short:
                raise _failure(
                    f"more of the source's records have the {self.path} {value!r:.200} than a "
                    "page holds: ask for larger pages, or page by another field"
                )
            return None
        following = None if is_short and self.short_page_ends else value
        if not self.is_inclusive and (cursor is not None or following is not None):
            self._check_unique(told.records)
        return following

    def _check_unique(self, records: Sequence[Raw]) -> None:
        """Raises UpstreamError where two share a value: after one of them, others are left out."""
        keys = [self._key(record) for record in records]
        for (key, record), (other, its) in pairwise(zip(keys, records, strict=True)):
            if key is not None and key == other and bytes(record) != bytes(its):
                raise _failure(
                    f"several of the source's records have the {self.path} {key!r:.200}, and a "
                    "page that begins after it may leave out some: page by a field that no two "
                    "share, or declare is_inclusive=True where the source answers from the value on"
                )

    def _key(self, record: Raw) -> str | None:
        with suppress(UpstreamError):
            return key_of(record, self.path, is_typed=self.location is ParamLocation.BODY)
        return None  # it is rejected


def _failure(reason: str, cause: Cause = Cause.BAD_KEY) -> UpstreamError:
    return UpstreamError(reason, cause=cause)
