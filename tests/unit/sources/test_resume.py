"""A list that is read on from its last record, once its cursor has expired."""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.environment import Secret
from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.http.auth import Bearer
from durable.http.error_rules import Action, Rule
from durable.machine.job import Mode
from durable.machine.states import State
from durable.sources.http import HttpSource
from durable.sources.nested import Nested
from durable.sources.newest_first import NewestFirst
from durable.sources.paging.cursors import BodyCursor, HeaderCursor, NextUrl
from durable.sources.paging.graphql import GraphQLConnection
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.link_header import LinkHeader
from durable.sources.paging.mediawiki import MediaWikiPaging
from durable.sources.paging.odata import OData
from durable.sources.paging.offset import OffsetPaging, PageNumber
from durable.sources.paging.one_page import OnePage
from durable.sources.paging.param_location import ParamLocation
from durable.sources.resume import Resume, ResumePosition, position_of
from durable.sources.since import Since
from durable.sources.source import CURSOR_CHARACTERS_MAX, Records
from durable.sources.sub_list import SubList
from tests.fakes.answers import BULK, LIST, STATUS, a_history, a_note, a_page_of, ok
from tests.fakes.bench import SET, Bench
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.paged import URL, items, whole
from tests.fakes.source import page_of


EXPIRED = (Rule(status=410, then=Action.RESTART),)
COUNT, SIZE = 10, 3
ALL = items(COUNT)


def asked(request: httpx.Request) -> dict[str, str]:
    """The parameters of a request, wherever they are."""
    body = msgspec.json.decode(request.content) if request.content else {"variables": {}}
    return {**request.url.params, **body["variables"]}


class Page(Struct, frozen=True):
    """One of a list that may begin after an id."""

    records: list[dict[str, Any]]
    start: int
    total: int  # of that list
    after: str

    @property
    def next_at(self) -> int | None:
        stop = self.start + len(self.records)
        return stop if stop < self.total else None

    @property
    def link(self) -> str | None:
        """As real sources do it, it holds all that the first page was asked with."""
        return None if self.next_at is None else f"?at={self.next_at}&after_id={self.after}"


def a_page(request: httpx.Request, at: int, *, is_inclusive: bool = False) -> Page:
    after = asked(request).get("after_id", "")
    rest = [one for one in ALL if one["id"] > after or (is_inclusive and one["id"] == after)]
    return Page(rest[at : at + SIZE], at, len(rest), after)


def by_cursor(page: Page) -> httpx.Response:
    cursor = None if page.next_at is None else str(page.next_at)
    told = {"next_cursor": cursor, "more": cursor is not None, "total": page.total}
    return httpx.Response(200, json={"items": page.records, **told})


def by_header(page: Page) -> httpx.Response:
    headers = {} if page.next_at is None else {"x-next": str(page.next_at)}
    return httpx.Response(200, json={"items": page.records}, headers=headers)


def by_link(page: Page) -> httpx.Response:
    header = '<?at=0>; rel="first"' + (f', <{page.link}>; rel="next"' if page.link else "")
    return httpx.Response(200, json=page.records, headers={"link": header})


def by_url(page: Page) -> httpx.Response:
    body = {"items": page.records, "next": page.link}
    return httpx.Response(200, json={**body, "@odata.nextLink": page.link or ""})


def by_odata(page: Page) -> httpx.Response:
    link = {"@odata.nextLink": page.link} if page.link else {}
    return httpx.Response(200, json={"value": page.records, **link})


def by_count(page: Page) -> httpx.Response:
    pages = -(-page.total // SIZE)
    return httpx.Response(200, json={"items": page.records, "total": page.total, "pages": pages})


def by_graphql(page: Page) -> httpx.Response:
    cursor = None if page.next_at is None else str(page.next_at)
    info = {"hasNextPage": cursor is not None, "endCursor": cursor}
    return httpx.Response(200, json={"data": {"notes": {"nodes": page.records, "pageInfo": info}}})


def by_wiki(page: Page) -> httpx.Response:
    further = {} if page.next_at is None else {"continue": {"at": page.next_at}}
    return httpx.Response(200, json={"batchcomplete": True, "query": page.records, **further})


def a_source(**fields: Any) -> HttpSource:
    return HttpSource(
        **{
            "records": "items",
            "url": URL,
            "rules": EXPIRED,
            "resume": Resume(param="after_id", path="id"),
            **fields,
        }
    )


Answer = Callable[[Page], httpx.Response]
BY_CURSOR = a_source(paging=BodyCursor(param="at"))
IN_BODY = a_source(
    records="data/notes/nodes",
    body={"query": "query ($at: String, $after_id: ID) {...}", "variables": {}},
    paging=GraphQLConnection(connection="data/notes", after="at"),
    resume=Resume(path="id", param="variables/after_id", location=ParamLocation.BODY),
)
KINDS: dict[str, tuple[HttpSource, Answer]] = {
    "cursor": (BY_CURSOR, by_cursor),
    "cursor, total": (replace(BY_CURSOR, total="total", has_more="more"), by_cursor),
    "header": (a_source(paging=HeaderCursor(header="x-next", param="at")), by_header),
    "link": (a_source(records="", paging=LinkHeader()), by_link),
    "url": (a_source(paging=NextUrl()), by_url),
    "odata": (a_source(records="value", paging=OData()), by_odata),
    "offset": (a_source(paging=OffsetPaging(param="at")), by_count),
    "offset, total": (
        a_source(paging=OffsetPaging(param="at", size=SIZE), total="total"),
        by_count,
    ),
    "page": (a_source(paging=PageNumber()), by_count),
    "page, total": (a_source(paging=PageNumber(size=SIZE), total="total"), by_count),
    "page, pages": (a_source(paging=PageNumber(size=SIZE, total_pages="pages")), by_count),
    "graphql": (IN_BODY, by_graphql),
    "wiki": (a_source(records="query", paging=MediaWikiPaging()), by_wiki),
}


class Served:
    """A list whose cursors expire.

    Args:
        answer: says how the next page is told.
        expires: whether they do at the request of this number, from 1, for a page that is not
            the first of its list.
    """

    def __init__(self, answer: Answer, expires: Callable[[int], bool]) -> None:
        self._answer = answer
        self._expires = expires
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        params = asked(request)
        self.asked.append(params)
        at = int(params.get("at", 0)) or SIZE * (int(params.get("page", 1)) - 1)
        if at and self._expires(len(self.asked)):
            return httpx.Response(410, text="cursor expired")
        return self._answer(a_page(request, at))


# From the last record on


@pytest.mark.parametrize("kind", KINDS)
def test_whichever_cursor_expires_the_list_is_read_on_and_no_record_comes_twice(kind: str) -> None:
    source, answer = KINDS[kind]
    calm = Served(answer, lambda _: False)
    assert whole(source, calm)[0] == ALL

    for expired in range(2, len(calm.asked) + 1):
        server = Served(answer, {expired}.__contains__)

        assert whole(source, server)[0] == ALL
        assert len(server.asked) == len(calm.asked) + 1
        last_id = ALL[SIZE * (expired - 1) - 1]["id"] if expired <= 4 else ALL[-1]["id"]
        assert all(params["after_id"] == last_id for params in server.asked[expired:])


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_whose_cursors_expire_at_once_is_read_page_by_page(kind: str) -> None:
    source, answer = KINDS[kind]
    server = Served(answer, lambda _: True)

    assert whole(source, server)[0] == ALL
    assert len(server.asked) <= 2 * (COUNT // SIZE + 2)


@pytest.mark.parametrize("kind", KINDS)
def test_from_every_cursor_of_a_list_that_was_read_on_the_rest_is_the_same(kind: str) -> None:
    source, answer = KINDS[kind]
    _, cursors = whole(source, Served(answer, lambda number: number == 3))

    for number, cursor in enumerate(cursors, start=1):
        rest, _ = whole(source, Served(answer, lambda _: False), cursor)

        assert rest == ALL[SIZE * number :]


def test_changes_are_asked_for_from_the_last_record_on_too() -> None:
    source = replace(BY_CURSOR, since=Since(param="updated_since"))
    server = Served(by_cursor, lambda number: number == 3)

    assert whole(source, server, since_ms=0)[0] == ALL
    assert all("updated_since" in params for params in server.asked)


def test_a_source_that_answers_from_the_record_on_gives_it_once_more() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        at = int(asked(request).get("at", 0))
        if at and "after_id" not in asked(request):
            return httpx.Response(410)
        return by_cursor(a_page(request, at, is_inclusive=True))

    assert whole(BY_CURSOR, answer)[0] == [*ALL[:SIZE], *ALL[SIZE - 1 :]]


def test_an_error_of_a_wiki_that_its_cursor_has_expired_needs_no_rule() -> None:
    expired = httpx.Response(200, json={"error": {"code": "badcontinue"}})
    source = replace(KINDS["wiki"][0], rules=())
    at = ResumePosition(listed='{"at":3}', key="n0003").cursor()

    page = page_of(source, Network(expired, by_wiki(Page(ALL[3:], 0, 7, "n0003"))), at)

    assert len(page.records) == 7


EMPTY = {"items": [], "next_cursor": "c"}


def test_past_a_page_without_records_the_last_record_is_still_the_last() -> None:
    first = page_of(BY_CURSOR, Network(a_page_of(ALL[:2], "b")))
    second = page_of(BY_CURSOR, Network(httpx.Response(200, json=EMPTY)), first.next_cursor)
    network = Network(httpx.Response(410), a_page_of(ALL[2:]))

    page_of(BY_CURSOR, network, second.next_cursor)

    assert asked(network.requests[-1]) == {"after_id": "n0002"}


def test_a_page_that_was_read_on_says_so_and_counts_both_requests() -> None:
    cursor = ResumePosition(listed="b", key="n0002").cursor()

    page = page_of(BY_CURSOR, Network(httpx.Response(410, text="gone"), a_page_of([])), cursor)

    assert "n0002" in page.note
    assert page.request_count == 2


# Where that is of no use


def refused(source: HttpSource, cursor: str | None, *answers: httpx.Response) -> Network:
    """The network, after the crawl was told to begin anew."""
    network = Network(*answers)
    with pytest.raises(UpstreamError) as error:
        page_of(source, network, cursor)
    assert error.value.recourse is Recourse.RESTART
    return network


def test_without_a_record_before_it_an_expired_cursor_begins_the_crawl_anew() -> None:
    first = page_of(BY_CURSOR, Network(httpx.Response(200, json=EMPTY)))

    for cursor in (None, first.next_cursor):
        assert len(refused(BY_CURSOR, cursor, httpx.Response(410)).requests) == 1


def test_a_list_that_cannot_be_read_from_a_record_on_begins_the_crawl_anew() -> None:
    cursor = ResumePosition(listed="b", key="n0002").cursor()

    network = refused(BY_CURSOR, cursor, httpx.Response(410), httpx.Response(410))

    assert [asked(request) for request in network.requests] == [{"at": "b"}, {"after_id": "n0002"}]


def test_a_source_that_passes_over_the_parameter_is_not_read_in_a_circle() -> None:
    """It gives the first page each time."""
    cursor = page_of(BY_CURSOR, Network(a_page_of(ALL[:2], "b"))).next_cursor

    refused(BY_CURSOR, cursor, httpx.Response(410), a_page_of(ALL[:2], "b"))


def test_an_error_that_may_pass_is_waited_for_at_the_same_cursor() -> None:
    cursor = ResumePosition(listed="b", key="n0002").cursor()

    with pytest.raises(UpstreamError) as error:
        page_of(BY_CURSOR, Network(httpx.Response(410), httpx.Response(503)), cursor)

    assert error.value.is_transient
    assert error.value.recourse is None


# What the crawl is guarded by


TOLD = replace(BY_CURSOR, total="total")


def test_the_total_of_the_rest_is_told_as_that_of_the_whole() -> None:
    server = Served(by_cursor, lambda number: number == 3)
    totals, cursor = [], None
    for _ in range(4):
        page = page_of(TOLD, httpx.MockTransport(server), cursor)
        totals.append(page.total_count)
        cursor = page.next_cursor

    assert (totals, cursor) == ([COUNT] * 4, None)


def test_a_rest_that_comes_to_its_end_too_early_is_found() -> None:
    """Of seven more records three came, and the source named no next page."""
    connector = replace(NOTES, documents=replace(NOTES.documents, source=TOLD))
    short = httpx.Response(200, json={"items": ALL[3:6], "next_cursor": None, "total": 7})
    bench = Bench(connector=connector)
    bench.network.on(BULK, *(ok() for _ in range(9)))
    bench.network.on(LIST, by_cursor(Page(ALL[:3], 0, 10, "")), httpx.Response(410), short)
    bench.begun(Mode.FULL)

    job = bench.left()

    assert job.state is State.FAILED
    assert job.error_code == "source-bad-count"


def test_a_circle_of_cursors_leads_to_a_cursor_that_was_there_before() -> None:
    at = page_of(BY_CURSOR, Network(a_page_of(ALL[:2], "b"))).next_cursor
    over = page_of(BY_CURSOR, Network(a_page_of(ALL[2:4], "c")), at).next_cursor
    again = page_of(BY_CURSOR, Network(a_page_of(ALL[:2], "b")), over).next_cursor

    assert again == at


def test_a_cursor_that_is_too_long_with_the_record_is_refused() -> None:
    network = Network(a_page_of(ALL[:1], "x" * CURSOR_CHARACTERS_MAX))

    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_CURSOR)):
        page_of(BY_CURSOR, network)


def test_a_record_without_the_field_is_an_error_that_names_it() -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_KEY)):
        page_of(BY_CURSOR, Network(a_page_of([{"name": "x"}], "b")))


def test_the_last_page_needs_no_record_to_go_on_from() -> None:
    assert page_of(BY_CURSOR, Network(a_page_of([{"name": "x"}]))).next_cursor is None


@pytest.mark.parametrize("cursor", ["b", "7", '{"at":"x"}', "[1]", "null", '{"listed":7}', ""])
def test_a_cursor_from_before_there_was_a_resume_is_the_pagings_own(cursor: str) -> None:
    assert position_of(cursor) == ResumePosition(listed=cursor)


# In a job, and in lists within lists


def a_bench(*listed: httpx.Response, connector: AnyConnector) -> Bench:
    bench = Bench(connector=connector, environment=an_environment(NOTES_TOKEN="t0psecret", **SET))
    bench.network.on(BULK, *(ok() for _ in range(9)))
    upload_id = "notes-20251124T160000123Z-000000-1"
    bench.network.on(STATUS, *(a_history((upload_id, is_as)) for is_as in ("ACTIVE", "SUCCESSFUL")))
    bench.network.on(LIST, *listed)
    return bench


def test_a_job_goes_on_and_its_events_say_so_without_a_secret() -> None:
    connector = replace(
        NOTES,
        documents=replace(
            NOTES.documents, source=replace(BY_CURSOR, auth=Bearer(Secret("NOTES_TOKEN")))
        ),
    )
    expired = httpx.Response(410, text="not t0psecret again")
    pages = a_page_of([a_note("a")], "b"), expired, a_page_of([a_note("b")])
    bench = a_bench(*pages, connector=connector)
    bench.begun(Mode.FULL)

    job = bench.left()

    assert (job.state, job.crawl.page_count, job.crawl.document_count) == (State.SUCCEEDED, 2, 2)
    assert (job.crawl_count, job.rewind_count) == (1, 0)
    told = [note.text for note in job.notes]
    assert "goes on after id a: the source answered 410: not *** again" in told
    shown = bench.views.show(job)
    assert [event for event in shown.events if event.what.startswith("goes on after id a")]


def fetched_ids(page: Records) -> list[str]:
    return [msgspec.json.decode(raw)["id"] for raw in page.records]


FOLDERS = a_source(url=f"{URL}/folders", paging=BodyCursor(param="at"))
CHILDREN = a_source(url=f"{URL}/${{folder/id}}", paging=BodyCursor(param="at"))


@pytest.mark.parametrize("is_of_parents", [True, False], ids=["parents", "children"])
def test_lists_within_lists_go_on_from_their_own_last_record(*, is_of_parents: bool) -> None:
    """Three folders, in pages of two, with three records each, in pages of two."""
    nested = Nested(parents=FOLDERS, children=CHILDREN, name="folder", lists_max=1)
    folders = ["f1", "f2", "f3"]
    expired: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        name, params = request.url.path.rsplit("/", 1)[-1], request.url.params
        names = folders if name == "folders" else [f"{name}-{number}" for number in (1, 2, 3)]
        left = [one for one in names if one > params.get("after_id", "")]
        at = int(params.get("at", 0))
        if at and (name == "folders") is is_of_parents:
            expired.append(name)
            return httpx.Response(410)
        records = [{"id": one} for one in left[at : at + 2]]
        return a_page_of(records, str(at + 2) if at + 2 < len(left) else None)

    records, cursor, notes = [], None, []
    for _ in range(20):
        page = page_of(nested, httpx.MockTransport(answer), cursor)
        records += fetched_ids(page)
        notes.append(page.note)
        cursor = page.next_cursor
        if cursor is None:
            break

    assert records == [f"{folder}-{number}" for folder in folders for number in (1, 2, 3)]
    assert expired
    assert [note for note in notes if note.startswith("goes on after id f")]


def test_a_list_of_a_record_goes_on_from_its_own_last_record() -> None:
    sub_list = SubList(
        source=a_source(url=f"{URL}/${{id}}", paging=BodyCursor(param="at")), into="in"
    )
    source = HttpSource(records="items", url=URL, paging=BodyCursor(), sub_lists=(sub_list,))
    network = Network(a_page_of([{"id": "a"}]))
    network.add(a_page_of(ALL[:2], "2"), httpx.Response(410), a_page_of(ALL[2:3]))

    page = page_of(source, network)

    (record,) = [msgspec.json.decode(raw) for raw in page.records]
    assert record["in"] == ALL[:3]
    assert "n0002" in page.note


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_list_of_a_record_whose_cursor_has_expired_is_read_anew_once(status: int) -> None:
    members = HttpSource(records="items", url=f"{URL}/${{id}}", paging=BodyCursor())
    sub_list = SubList(source=members, into="members")
    source = HttpSource(records="items", url=URL, paging=BodyCursor(), sub_lists=(sub_list,))

    def first() -> httpx.Response:
        return a_page_of([1], "b")

    def gone() -> httpx.Response:
        return httpx.Response(status)

    def read(*answers: httpx.Response) -> Records:
        return page_of(source, Network(a_page_of([{"id": "a"}]), *answers))

    page = read(first(), gone(), first(), a_page_of([2]))
    assert msgspec.json.decode(page.records[0])["members"] == [1, 2]
    assert read(first(), gone(), httpx.Response(404)).faults.keys() == {1}
    with pytest.raises(UpstreamError):
        read(first(), gone(), first(), gone())


# Declarations that are not right


def graphql(**fields: Any) -> HttpSource:
    return replace(IN_BODY, **fields)


@pytest.mark.parametrize(
    ("declare", "fault"),
    [
        (lambda: Resume(param="after_id", path=""), "Resume: path=''"),
        (lambda: Resume(path="id", param=""), "Resume: param=''"),
        (
            lambda: a_source(paging=Keyset(param="after_id", path="id")),
            "paging=Keyset has no cursor.*leave out resume",
        ),
        (lambda: a_source(paging=OnePage()), "paging=OnePage has no cursor.*leave out resume"),
        (
            lambda: replace(BY_CURSOR, since=NewestFirst(path="at", params={})),
            "since=NewestFirst has the list in another order than that of path='id'",
        ),
        (
            lambda: a_source(
                paging=OffsetPaging(), rules=(), resume=Resume(param="after_id", path="id")
            ),
            "no rule says.*then=Action.RESTART",
        ),
        (lambda: replace(BY_CURSOR, params={"after_id": "1"}), "'after_id' is in the source's par"),
        (
            lambda: replace(
                BY_CURSOR, resume=Resume(param="after_id", path="id", location=ParamLocation.BODY)
            ),
            "the source has none",
        ),
        (
            lambda: replace(BY_CURSOR, resume=Resume(path="id", param="at")),
            "param='at'.*the source's paging",
        ),
        (
            lambda: a_source(paging=BodyCursor(size=5), resume=Resume(path="id", param="limit")),
            "param='limit'.*the source's paging",
        ),
        (
            lambda: a_source(paging=OffsetPaging(), resume=Resume(path="id", param="offset")),
            "param='offset'.*the source's paging",
        ),
        (
            lambda: a_source(paging=LinkHeader(size=5), resume=Resume(path="id", param="per_page")),
            "param='per_page'.*the source's paging",
        ),
        (
            lambda: graphql(
                resume=Resume(path="id", param="variables/at", location=ParamLocation.BODY)
            ),
            "param='variables/at'.*the source's paging",
        ),
        (
            lambda: replace(BY_CURSOR, since=Since(param="after_id")),
            "param='after_id'.*the source's since",
        ),
        (
            lambda: graphql(since=Since(param="variables/after_id", location=ParamLocation.BODY)),
            "param='variables/after_id'.*the source's since",
        ),
    ],
)
def test_a_declaration_that_is_not_right_is_refused(
    declare: Callable[[], object], fault: str
) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        declare()
