"""What the body of a page says: its records, and what tells of the pages after it. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct, UnsetType
from msgspec.structs import replace

from durable.decoding import UnboundedError
from durable.errors import Cause, UpstreamError
from durable.http.client import Answer
from durable.http.error_rules import Rules
from durable.json_paths import Shape
from durable.sources.absence import check_empty, is_none
from durable.sources.incompleteness import Signs
from durable.sources.json_mending import faults, mend_json
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.param_location import ParamLocation
from durable.sources.paging.protocol import Paging, Refused, Refusing
from durable.sources.record_fields import key_of
from durable.sources.source import not_json, snippet
from durable.sources.splice import Keyed, add_keys


class PageContents(Struct, frozen=True, kw_only=True):
    """The contents of one page."""

    values: Mapping[str, Any]  # by path
    records: list[Raw]
    faults: Mapping[int, str | None] = {}  # as in Records.faults


class PageBody:
    """Reads the pages of one list.

    Args:
        shape: of a page.
        paging: of the list.
        records: the path of the list of records.
        key: the field that takes a record's key, if the list is an object.
        omits_empty: a list without records is null, or absent.
        rules: which answers are pages all the same.
    """

    def __init__(  # noqa: PLR0913 - what a source declares of its answers
        self,
        shape: Shape,
        paging: Paging,
        records: str,
        key: str,
        *,
        omits_empty: bool,
        rules: Rules,
    ) -> None:
        self._shape = shape
        self._paging = paging
        self._records = records
        self._key = key
        self._omits_empty = omits_empty
        self._signs = Signs(paging.paths(), rules)

    def read(self, answer: Answer, cursor: str | None) -> PageContents:
        """Decode an answer. Raises UpstreamError if it is no page."""
        # Pages that came before had the shape, so this may be an error in a page's place.
        contents = self._contents(answer, cursor)
        if self._omits_empty and is_none(contents.values[self._records]):
            if (refusal := self._refusal(answer, cursor)) is not None:
                raise refusal
            check_empty(answer.body)
        self._signs.check_whole(contents.values)
        return contents

    def check_ended(self, contents: PageContents) -> None:
        """Check the last page. Raises UpstreamError if it says that there is more."""
        self._signs.check_ended(contents.values)

    def _leading(self, contents: PageContents) -> tuple[object, ...]:
        """What the next page is asked for by."""
        values, last = {**contents.values, self._records: None}, contents.records[-1:]
        key = None
        if last and isinstance(self._paging, Keyset):
            is_typed = self._paging.location is ParamLocation.BODY
            key = key_of(last[0], self._paging.path, is_typed=is_typed)
        return values, len(contents.records), key

    def _to_list(self, records: Any) -> list[Raw]:
        if is_none(records):
            return []  # the paging lets it be missing, and says when
        listed: list[Raw] = add_keys(records, self._key) if self._key else records
        return listed

    def _contents(self, answer: Answer, cursor: str | None) -> PageContents:
        try:
            return self._decode(answer.body)
        except UnboundedError as error:
            raise UpstreamError(
                f"the source's page is not read: {error}; it begins with {snippet(answer.body)}",
                cause=Cause.UNREADABLE,
            ) from error
        except msgspec.ValidationError as error:
            raise self._refusal(answer, cursor) or UpstreamError(
                f"the source's page is not of the declared shape: {error}; it begins with "
                f"{snippet(answer.body)}",
                cause=Cause.UNREADABLE,
                is_transient=cursor is not None,
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            name = "the source's page"
            raise not_json(name, error, answer.headers, answer.body) from error

    def _decode(self, body: bytes) -> PageContents:
        """Raises msgspec.DecodeError and UnicodeDecodeError."""
        try:
            values = self._shape.read(body)
            return PageContents(values=values, records=self._to_list(values[self._records]))
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, UnicodeDecodeError):
            if (both := mend_json(body)) is None:
                raise
            first, second = map(self._decode, both)
            if self._leading(first) != self._leading(second):
                raise  # it is at fault in what leads to the next page
        return replace(first, faults=faults(first.records, second.records))

    def _refusal(self, answer: Answer, cursor: str | None) -> UpstreamError | None:
        """What is said in the place of a page, if the paging knows of such answers."""
        if not isinstance(self._paging, Refusing):
            return None
        refused = Refused(body=answer.body, headers=answer.headers, cursor=cursor)
        return self._paging.refusal(refused)


def list_type(*, is_keyed: bool, omits_empty: bool) -> Any:
    """The type of the list of records."""
    kind: Any = Keyed if is_keyed else list[Raw]
    return kind | None | UnsetType if omits_empty else kind
