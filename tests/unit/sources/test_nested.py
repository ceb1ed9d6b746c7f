import asyncio

import httpx
import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from durable.environment import Environment
from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.http.context import SourceContext
from durable.machine.job import ReadContext
from durable.sources.belonging import Missing
from durable.sources.http import HttpSource
from durable.sources.nested import Nested
from durable.sources.nested_position import AGAIN_MAX, SLICE_PARENTS
from durable.sources.paging.offset import OffsetPaging
from durable.sources.source import (
    CURSOR_CHARACTERS_MAX,
    NO_NAMES,
    NO_SCOPE,
    Reader,
    Records,
    Scope,
    ScopedReader,
    ScopedSource,
)
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.source import a_crawl, context, page_of
from tests.fakes.wiki import (
    COMMENTS,
    PAGES,
    SPACES,
    URL,
    Wiki,
    decoded,
    ids,
    pages_of,
    reader_of,
)


ONE_BY_ONE = Nested(parents=SPACES, children=PAGES, name="space", lists_max=1)
TOGETHER = replace(ONE_BY_ONE, lists_max=16)
DEEP = Nested(parents=ONE_BY_ONE, children=COMMENTS, name="page", lists_max=1)


def a_wiki(size: int = 2) -> Wiki:
    """Of five spaces, one without a page, and pages with up to three comments."""
    spaces = {
        name: {
            f"{name}{page}": [f"{name}{page}{comment}" for comment in range(page % 4)]
            for page in range(count)
        }
        for name, count in (("a", 3), ("b", 0), ("c", 1), ("d", 4), ("e", 2))
    }
    return Wiki(spaces, size)


def children(wiki: Wiki) -> list[str]:
    return [page for pages in wiki.spaces.values() for page in pages]


def comments(wiki: Wiki) -> list[str]:
    every = [page for pages in wiki.spaces.values() for page in pages.values()]
    return [comment for page in every for comment in page]


def test_each_child_comes_once_with_its_parent_in_it() -> None:
    class Space(Struct):
        id: str
        name: str

    class Page(Struct):
        id: str
        space: Space

    wiki = a_wiki()

    records = [raw for page in pages_of(TOGETHER, wiki) for raw in page.records]

    pages = msgspec.json.decode(b"[" + b",".join(map(bytes, records)) + b"]", type=list[Page])
    assert [page.id for page in pages] == children(wiki)
    assert {(page.id[0], page.space.name) for page in pages} == {
        (name, f"The {name}") for name in "acde"
    }


@pytest.mark.parametrize("source", [ONE_BY_ONE, TOGETHER], ids=["one by one", "together"])
@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_the_rest_is_the_same_from_every_cursor(source: Nested, size: int) -> None:
    wiki = a_wiki(size)
    one = reader_of(source, wiki)
    pages = [*pages_of(source, wiki, reader=one)]

    for index, page in enumerate(pages[:-1], start=1):
        rest = pages_of(source, wiki, page.next_cursor)

        assert ids(rest) == ids(iter(pages[index:]))
    assert ids(iter(pages)) == children(wiki)


@pytest.mark.parametrize("size", [1, 2, 10])
def test_parents_may_be_nested_themselves(size: int) -> None:
    wiki = a_wiki(size)

    pages = [*pages_of(DEEP, wiki, reader=reader_of(DEEP, wiki))]

    assert ids(iter(pages)) == comments(wiki)
    for index, page in enumerate(pages[:-1], start=1):
        assert ids(pages_of(DEEP, wiki, page.next_cursor)) == ids(iter(pages[index:]))
    first = decoded(next(page for page in pages if page.records))[0]
    assert first == {
        "id": "a10",
        "page": {"id": "a1", "space": {"id": "a", "name": "The a"}},
    }


def test_a_field_of_a_parents_parent_may_be_asked_with() -> None:
    listing = HttpSource(
        records="items", url=f"{URL}/x/${{page/space/id}}/${{page/id}}", paging=COMMENTS.paging
    )
    source = replace(DEEP, children=listing, missing=Missing.LEAVE_OUT)
    wiki = a_wiki()

    assert ids(pages_of(source, wiki)) == []
    assert {"/x/a/a0", "/x/e/e1"} <= set(wiki.paths)


# What changes while it is read


def cursors(source: Nested, wiki: Wiki) -> list[str]:
    pages = pages_of(source, wiki, reader=reader_of(source, wiki))
    return [page.next_cursor for page in pages if page.next_cursor is not None]


@pytest.mark.parametrize("source", [ONE_BY_ONE, TOGETHER], ids=["one by one", "together"])
@pytest.mark.parametrize("size", [1, 3, 10])
def test_a_parent_that_is_added_in_between_makes_nothing_lost(source: Nested, size: int) -> None:
    for index in range(len(cursors(source, a_wiki(size)))):
        wiki = a_wiki(size)
        pages = pages_of(source, wiki)
        read = [name for _ in range(index + 1) for name in ids(iter([next(pages)]))]
        wiki.spaces = {"new": {"new0": []}, **wiki.spaces}

        rest = ids(pages)

        # Pages of a list with an offset shift by one, so what was on their border comes again.
        assert set(read) | set(rest) >= {*children(wiki)} - {"new0"}


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("gone", ["a", "c", "d", "e"])
def test_a_parent_that_is_gone_loses_none_of_the_others_on_its_page(size: int, gone: str) -> None:
    def at_first() -> Wiki:
        wiki = a_wiki(size)
        wiki.spaces_size = 10
        return wiki

    for index in range(len(cursors(ONE_BY_ONE, at_first()))):
        wiki = at_first()
        pages = pages_of(ONE_BY_ONE, wiki)
        read = [name for _ in range(index + 1) for name in ids(iter([next(pages)]))]
        del wiki.spaces[gone]

        rest = ids(pages)

        others = [name for name in [*read, *rest] if name[0] != gone]
        assert sorted(others) == sorted(children(wiki))  # nor is one read twice


@pytest.mark.parametrize("source", [ONE_BY_ONE, TOGETHER], ids=["one by one", "together"])
def test_parents_in_another_order_are_each_read_once(source: Nested) -> None:
    for index in range(len(cursors(source, a_wiki(10)))):
        wiki = a_wiki(10)
        pages = pages_of(source, wiki)
        read = [name for _ in range(index + 1) for name in ids(iter([next(pages)]))]
        wiki.order = lambda names: names[::-1]

        assert sorted([*read, *ids(pages)]) == sorted(children(wiki))


def test_many_parents_on_a_page_are_read_with_a_cursor_that_stays_short() -> None:
    count = SLICE_PARENTS * 20
    wiki = Wiki({f"s{number}": {f"p{number}": []} for number in range(count)}, size=count)
    source = replace(TOGETHER, lists_max=100)

    pages = [*pages_of(source, wiki, reader=reader_of(source, wiki))]

    assert sorted(ids(iter(pages))) == sorted(children(wiki))
    assert max(len(page.next_cursor or "") for page in pages) < CURSOR_CHARACTERS_MAX / 4
    later = pages[len(pages) // 2]
    rest = ids(pages_of(source, wiki, later.next_cursor, reader=reader_of(source, wiki)))
    assert rest == ids(iter(pages[len(pages) // 2 + 1 :]))


# What is asked


def test_the_parents_of_a_page_are_asked_for_once_a_turn() -> None:
    wiki = a_wiki(10)

    [*pages_of(ONE_BY_ONE, wiki, reader=reader_of(ONE_BY_ONE, wiki))]

    assert wiki.paths.count("/spaces") == 1


def test_lists_without_children_make_no_page_of_their_own() -> None:
    wiki = Wiki({f"s{number}": {} for number in range(20)}, size=4)

    pages = [*pages_of(TOGETHER, wiki, reader=reader_of(TOGETHER, wiki))]

    assert [len(page.records) for page in pages] == [0, 0]
    assert [page.is_bounded for page in pages] == [True, True]
    assert len(wiki.requests) == 25


def test_an_empty_page_of_parents_is_passed() -> None:
    wiki = a_wiki()
    answer = httpx.Response(200, json={"items": [], "next_cursor": "0"})
    wiki.refusals["/spaces"] = [answer]

    page = page_of(TOGETHER, wiki)

    assert [record["id"] for record in decoded(page)] == children(wiki)
    assert page.next_cursor is None


def test_empty_pages_of_parents_lead_no_nearer_to_an_end() -> None:
    wiki = a_wiki()
    wiki.refusals["/spaces"] = [httpx.Response(200, json={"items": [], "next_cursor": "0"})]

    assert not page_of(ONE_BY_ONE, wiki).is_bounded


@pytest.mark.parametrize("period", [1, 2, 3, 7])
@pytest.mark.parametrize("is_first_apart", [False, True])
def test_parents_that_come_again_and_again_under_new_cursors_come_to_an_end(
    period: int, *, is_first_apart: bool
) -> None:
    wiki = a_wiki()
    some = [[{"id": f"gone {index}"}] for index in range(period)]
    turns = [[{"id": "a"}]] * is_first_apart + some * (2 * AGAIN_MAX)
    wiki.refusals["/spaces"] = [
        httpx.Response(200, json={"items": page, "next_cursor": str(number)})
        for number, page in enumerate(turns)
    ]

    with pytest.raises(UpstreamError, check=caused_by(Cause.ENDLESS)) as error:
        list(pages_of(ONE_BY_ONE, wiki, reader=reader_of(ONE_BY_ONE, wiki)))

    assert not error.value.is_transient


def test_no_parents_at_all_are_an_end() -> None:
    page = page_of(TOGETHER, Wiki({}))

    assert (page.records, page.next_cursor, page.total_count) == ([], None, None)


def test_requests_are_told_those_for_parents_too() -> None:
    wiki = a_wiki()

    pages = [*pages_of(TOGETHER, wiki)]

    assert sum(page.request_count for page in pages) == len(wiki.requests)


def test_a_full_page_is_not_filled_further() -> None:
    spaces = {name: {f"{name}{n}": list[str]() for n in range(100)} for name in "ab"}

    pages = [*pages_of(TOGETHER, Wiki(spaces, size=100))]

    assert [len(page.records) for page in pages] == [100, 100, 0]


def test_changes_are_asked_of_the_children_and_not_of_the_parents() -> None:
    wiki = a_wiki()

    [*pages_of(ONE_BY_ONE, wiki, since_ms=0)]

    asked = {request.url.path: request.url.params.get("updated_since") for request in wiki.requests}
    assert asked["/spaces"] is None
    assert asked["/spaces/a/pages"] == "1970-01-01T00:00:00.000Z"


def test_changes_are_asked_of_the_parents_too_if_that_is_declared() -> None:
    wiki = a_wiki()

    [*pages_of(replace(ONE_BY_ONE, since_parents=True), wiki, since_ms=0)]

    asked = {request.url.path: request.url.params.get("updated_since") for request in wiki.requests}
    assert asked["/spaces"] == "1970-01-01T00:00:00.000Z"


def test_no_more_of_a_parent_is_kept_than_is_declared() -> None:
    wiki = a_wiki()
    wiki.fields = {"text": "x" * 500}

    page = page_of(replace(TOGETHER, keep=("name", "other")), wiki)

    assert decoded(page)[0] == {"id": "a0", "space": {"name": "The a"}}


class Slow(Struct, frozen=True):
    """A source that asks for a pause after each page."""

    source: ScopedSource

    def reader(self, context: SourceContext, names: frozenset[str] = NO_NAMES) -> "SlowReader":
        return SlowReader(self.source.reader(context, names))

    def secrets(self) -> frozenset[str]:
        return self.source.secrets()

    def locate(self, environment: Environment) -> str:
        return self.source.locate(environment)


class SlowReader(Reader):
    def __init__(self, reader: ScopedReader) -> None:
        self._reader = reader

    async def fetch(
        self, cursor: str | None, crawl: ReadContext, scope: Scope = NO_SCOPE
    ) -> Records:
        page = await self._reader.fetch(cursor, crawl, scope)
        return replace(page, wait_ms=5_000, wait_reason="slow")


def test_a_pause_that_children_ask_for_ends_the_page() -> None:
    pages = pages_of(replace(TOGETHER, children=Slow(PAGES)), a_wiki(10))

    assert [(len(page.records), page.wait_ms) for page in pages] == [
        (count, 5_000) for count in (3, 0, 1, 4, 2)
    ] + [(0, 0)]


def test_a_pause_that_parents_ask_for_comes_after_some_children() -> None:
    pages = [*pages_of(replace(TOGETHER, parents=Slow(SPACES)), a_wiki(10))]

    # Before them, it would come again and again: the parents are read anew after each pause.
    assert ids(iter(pages)) == children(a_wiki())
    assert (pages[0].wait_ms, pages[0].wait_reason) == (5_000, "slow")


# What goes wrong


def fault(
    source: Nested, wiki: httpx.AsyncBaseTransport, page_bytes_max: int = 100_000
) -> UpstreamError:
    reader = source.reader(context(wiki, page_bytes_max=page_bytes_max))
    with pytest.raises(UpstreamError) as error:
        asyncio.run(reader.fetch(None, a_crawl()))
    return error.value


def test_a_page_that_parents_make_too_large_says_what_helps() -> None:
    wiki = Wiki({"a": {f"a{n}": [] for n in range(40)}}, size=40)
    wiki.fields = {"text": "x" * 500}

    error = fault(TOGETHER, wiki, page_bytes_max=10_000)

    assert (error.cause, error.is_transient) == (Cause.TOO_LARGE, False)
    assert "`keep`" in str(error)


def test_a_parent_without_a_key_is_named() -> None:
    wiki = Network(httpx.Response(200, json={"items": [{"name": "a"}], "next_cursor": None}))

    error = fault(TOGETHER, wiki)

    assert (error.cause, error.is_transient) == (Cause.BAD_KEY, False)
    assert "'id'" in str(error)


@pytest.mark.parametrize("key", ["id", "meta/id"])
def test_a_key_may_be_a_number_and_deep(key: str) -> None:
    wiki = a_wiki()
    wiki.answers["/spaces"] = {
        "items": [{"id": 7, "meta": {"id": "x"}}, {"id": 8, "meta": {"id": "y"}}],
        "next_cursor": None,
    }
    wiki.spaces = {"7": {"p": []}, "8": {"q": []}}

    assert ids(pages_of(replace(ONE_BY_ONE, key=key), wiki)) == ["p", "q"]


def test_two_parents_with_one_key_are_refused() -> None:
    wiki = a_wiki()
    wiki.fields = {"kind": "space"}

    error = fault(replace(TOGETHER, key="kind"), wiki)

    assert error.cause is Cause.BAD_KEY


def test_a_parent_that_comes_twice_is_read_once() -> None:
    wiki = a_wiki(10)
    wiki.order = lambda names: [names[0], *names]

    assert ids(pages_of(ONE_BY_ONE, wiki)) == children(wiki)


def test_a_field_that_a_parent_lacks_is_named() -> None:
    source = replace(TOGETHER, children=replace(PAGES, url=f"{URL}/${{space/slug}}"))

    error = fault(source, a_wiki())

    assert "${space/slug}" in str(error)
    assert not error.is_transient


COUNTED = replace(ONE_BY_ONE, children=replace(PAGES, total="total"))


def test_the_total_of_each_list_is_checked() -> None:
    wiki = a_wiki(2)
    wiki.extra = {"total": 4}

    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_COUNT)) as error:
        [*pages_of(COUNTED, wiki)]

    assert not error.value.is_transient
    wiki.extra = {}
    assert ids(pages_of(COUNTED, wiki)) == children(wiki)


def test_a_list_that_leads_in_a_circle_is_found_by_its_total() -> None:
    wiki = Wiki({"a": {}})
    circle = [
        httpx.Response(200, json={"items": [{"id": "x"}] * 50, "next_cursor": at, "total": 40})
        for at in "123123"
    ]
    wiki.refusals["/spaces/a/pages"] = [*circle]

    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_COUNT)):
        [*pages_of(COUNTED, wiki)]


def test_a_cursor_does_not_count_on_where_no_total_is_told() -> None:
    wiki = Wiki({"a": {}})
    circle = [
        httpx.Response(200, json={"items": [{"id": "x"}], "next_cursor": at}) for at in "123123"
    ]
    wiki.refusals["/spaces/a/pages"] = [*circle]
    pages = pages_of(ONE_BY_ONE, wiki)

    cursors = [next(pages).next_cursor for _ in circle]

    assert cursors[:3] == cursors[3:]  # by which the machine sees the circle


@pytest.mark.parametrize(
    ("missing", "rejected"),
    [(Missing.REJECT, ["a"]), (Missing.LEAVE_OUT, [])],
)
def test_a_list_that_is_gone_is_as_declared(missing: Missing, rejected: list[str]) -> None:
    wiki = a_wiki()
    wiki.refusals["/spaces/a/pages"] = httpx.Response(404)

    page = page_of(replace(TOGETHER, missing=missing), wiki)

    records = decoded(page)
    assert page.request_count == len(wiki.requests)
    assert [records[place - 1]["id"] for place in page.faults] == rejected
    assert [record["id"] for record in records if record["id"] not in rejected] == [
        name for name in children(wiki) if name[0] != "a"
    ]


def test_a_list_that_is_gone_cannot_be_kept() -> None:
    with pytest.raises(ConfigurationError, match="LEAVE_OUT"):
        replace(TOGETHER, missing=Missing.KEEP)


def test_a_list_that_is_gone_may_fail_the_job() -> None:
    wiki = a_wiki()
    wiki.refusals["/spaces/a/pages"] = httpx.Response(410)

    assert fault(replace(TOGETHER, missing=Missing.FAIL), wiki).status == 410


def test_a_list_whose_cursor_has_expired_begins_anew() -> None:
    wiki = a_wiki()
    wiki.refusals["/spaces/d/pages"] = [httpx.Response(410)]
    pages = [page for page in pages_of(ONE_BY_ONE, a_wiki()) if ids(iter([page])) == ["d0", "d1"]]

    assert ids(pages_of(ONE_BY_ONE, wiki, pages[0].next_cursor)) == [
        "d0",
        "d1",
        "d2",
        "d3",
        "e0",
        "e1",
    ]


def test_a_list_whose_cursor_expires_each_time_comes_to_an_end() -> None:
    wiki = Wiki({"a": {f"a{n}": [] for n in range(4)}})
    first = httpx.Response(200, json={"items": [{"id": "a0"}], "next_cursor": "2"})
    wiki.refusals["/spaces/a/pages"] = [first, *[httpx.Response(410), first] * 40]

    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_CURSOR)):
        [*pages_of(TOGETHER, wiki)]


def test_what_came_before_an_error_is_kept() -> None:
    wiki = a_wiki(10)
    wiki.refusals["/spaces/c/pages"] = [httpx.Response(429), httpx.Response(429)]
    reader = reader_of(TOGETHER, wiki)

    page = asyncio.run(reader.fetch(None, a_crawl()))

    assert [record["id"] for record in decoded(page)] == ["a0", "a1", "a2"]
    with pytest.raises(UpstreamError) as error:
        asyncio.run(reader.fetch(page.next_cursor, a_crawl()))
    assert error.value.status == 429
    assert ids(pages_of(TOGETHER, wiki, page.next_cursor)) == [
        "c0",
        "d0",
        "d1",
        "d2",
        "d3",
        "e0",
        "e1",
    ]


def test_a_child_that_is_no_object_is_rejected() -> None:
    wiki = a_wiki()
    wiki.answers["/spaces/d/pages"] = {"items": [{"id": "x"}, 7], "next_cursor": None}

    page = page_of(TOGETHER, wiki)

    assert [bytes(page.records[place - 1]) for place in page.faults] == [b"7"]
    assert all("no JSON object" in str(reason) for reason in page.faults.values())


def test_a_cursor_of_another_source_begins_anew() -> None:
    with pytest.raises(UpstreamError) as error:
        page_of(TOGETHER, a_wiki(), cursor="17")

    assert error.value.recourse == "restart"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"{URL}/spaces/${{spce/id}}/pages", r"is none: write \$\{space/field"),
        ("https://${space/host}/pages", "would choose the server"),
        ("https://wiki.${space/host}/pages", "would choose the server"),
    ],
)
def test_a_placeholder_that_is_not_right_is_found_at_once(url: str, message: str) -> None:
    source = replace(TOGETHER, children=replace(PAGES, url=url))

    with pytest.raises(ConfigurationError, match=message):
        source.reader(context(a_wiki()))


@pytest.mark.parametrize("name", ["", "a b", "a.b", "7"])
def test_a_name_is_that_of_a_field(name: str) -> None:
    with pytest.raises(ConfigurationError, match="names a field"):
        replace(TOGETHER, name=name)


@pytest.mark.parametrize("moving", ["parents", "children"])
def test_lists_within_lists_that_are_read_by_position_may_miss_what_moves(moving: str) -> None:
    """A parent that moves to a page which was read, is missed with all of its children."""
    assert not TOGETHER.has_moving_pages
    counted = replace(SPACES if moving == "parents" else PAGES, paging=OffsetPaging(size=2))

    assert replace(TOGETHER, **{moving: counted}).has_moving_pages
