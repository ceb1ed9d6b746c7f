from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Raw, UnsetType
from msgspec.structs import replace

from durable.errors import ConfigurationError
from durable.json_paths import Lacking, Shape, shape_of
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor


def read(body: bytes, *paths: tuple[str, Any]) -> dict[str, Any]:
    return Shape(paths).read(body)


def test_places_at_any_depth_are_read_and_the_rest_is_skipped() -> None:
    body = b'{"data": {"list": [1, {"a": 2}], "x": 9}, "meta": {"page": {"next": "b"}}, "y": []}'

    values = read(body, ("data/list", list[Raw]), ("meta/page/next", str | None))

    assert [bytes(raw) for raw in values["data/list"]] == [b"1", b'{"a": 2}']
    assert values["meta/page/next"] == "b"


def test_the_empty_path_is_the_whole_answer() -> None:
    assert read(b"[1, 2]", ("", list[int])) == {"": [1, 2]}


def test_a_name_may_hold_dots_and_signs_and_an_escaped_slash() -> None:
    body = b'{"@odata.nextLink": "u", "a/b": {"c~d": 1}}'

    values = read(body, ("@odata.nextLink", str), ("a~1b/c~0d", int))

    assert values == {"@odata.nextLink": "u", "a~1b/c~0d": 1}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"data": {}}', "`list` - at `\\$.data`"),
        (b'{"data": null}', "got `null` - at `\\$.data`"),
        (b"{}", "`data`"),
        (b'{"data": {"list": {}}}', "\\$.data.list"),
        (b"[]", "object"),
    ],
)
def test_what_is_missing_or_of_another_type_is_named_by_its_place(body: bytes, named: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=named):
        read(body, ("data/list", list[Raw]))


@pytest.mark.parametrize("body", [b"{}", b'{"links": {}}', b'{"links": null}'])
def test_what_may_be_missing_is_unset(body: bytes) -> None:
    assert read(body, ("links/next", str | UnsetType)) == {"links/next": UNSET}


def test_what_may_be_missing_is_read_where_it_is() -> None:
    assert read(b'{"links": {"next": "u"}}', ("links/next", str | UnsetType)) == {"links/next": "u"}


def test_what_has_to_be_there_has_to_beside_what_may_be_missing() -> None:
    with pytest.raises(msgspec.ValidationError, match="`list`"):
        read(b'{"data": {}}', ("data/next", str | UnsetType), ("data/list", list[int]))


WHOLE_OR_NOTHING = (("query", Lacking.WHOLE), ("query/pages", list[int]), ("end", int))


def test_what_may_lack_as_a_whole_has_all_of_it_or_is_not_there() -> None:
    whole = read(b'{"query": {"pages": [1]}, "end": 2}', *WHOLE_OR_NOTHING)

    assert whole == {"query/pages": [1], "end": 2}
    assert read(b'{"end": 2}', *WHOLE_OR_NOTHING) == {"query/pages": UNSET, "end": 2}
    for body in (b'{"query": {}, "end": 2}', b'{"query": null, "end": 2}', b"{}"):
        with pytest.raises(msgspec.ValidationError):
            read(body, *WHOLE_OR_NOTHING)


@pytest.mark.parametrize(
    ("first", "second"), [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("", "a"), ("a", "")]
)
def test_two_paths_are_two_places(first: str, second: str) -> None:
    with pytest.raises(ConfigurationError, match="each names a place of its own"):
        Shape([(first, int), (second, int)])


def test_the_same_paths_are_made_into_a_shape_once() -> None:
    """A turn makes its sources' readers anew, and a type is dear."""
    source = HttpSource(
        url="https://a.example", records="items", paging=BodyCursor(path="next", param="after")
    )

    assert source.shape() is replace(source, rules=()).shape()
    assert source.shape() is not replace(source, records="data").shape()
    assert shape_of(("a", int)) is shape_of(("a", int))
    assert shape_of(("a", int)) is not shape_of(("a", bool))
