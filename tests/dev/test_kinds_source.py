"""Every kind of paging gives the same records; and how each tells its end."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

import pytest
from httpx import Client

from dev.kinds_source.app import create_app
from tests.fakes.in_process import client_of


Records = list[dict[str, Any]]
Walk = Callable[[Client, str, Mapping[str, str]], Iterator[Records]]
TOMORROW_MS = 1_900_000_000_000
TOMORROW = "2030-03-17T17:46:40Z"
NEXT = re.compile(r'<([^>]*)>;[^,<]*rel="[^"]*\bnext"', re.IGNORECASE)


@pytest.fixture
def client() -> Client:
    return client_of(create_app())


def by_cursor(
    field: str = "next_cursor", at: str = "items"
) -> Callable[[Client, str, Mapping[str, str]], Iterator[Records]]:
    def walk(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Records]:
        cursor = ""
        while True:
            body = client.get(path, params={**params, "cursor": cursor}).raise_for_status().json()
            yield found(body, at)
            cursor = found(body, field) if body.get("has_more", True) else ""
            if not cursor:
                return

    return walk


def by_header(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Records]:
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(path, params={**params, "cursor": cursor})
        yield answer.raise_for_status().json()
        cursor = answer.headers.get("x-next-cursor")


def by_link(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Records]:
    answer = client.get(path, params={"per_page": params["limit"], **without_limit(params)})
    while True:
        yield answer.raise_for_status().json()
        match = NEXT.search(answer.headers["link"])
        if match is None:
            return
        answer = client.get(urljoin(str(answer.url), match[1]))


def by_url(
    field: str, at: str, hint: str = "per_page"
) -> Callable[[Client, str, Mapping[str, str]], Iterator[Records]]:
    def walk(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Records]:
        url: str | None = path
        query: dict[str, str] | None = {hint: params["limit"], **without_limit(params)}
        while url is not None:
            answer = client.get(url, params=query)
            body = answer.raise_for_status().json()
            yield body[at]
            query, url = None, body.get(field)
            url = url and urljoin(str(answer.url), url)

    return walk


def by_offset(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Records]:
    offset = 0
    while True:
        answer = client.get(path, params={**params, "offset": str(offset)})
        if answer.status_code == 400 and offset:
            return
        body = answer.raise_for_status().json()
        offset += len(body["items"])
        yield body["items"]
        if not body["items"] or offset == body.get("total"):
            return


def by_page(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Records]:
    query = {"per_page": params["limit"], **without_limit(params)}
    number = first = 0 if path.endswith("zero") else 1
    count = 0
    while True:
        body = client.get(path, params={**query, "page": str(number)}).raise_for_status().json()
        yield body["items"]
        number, count = number + 1, count + len(body["items"])
        is_last = number - first == body.get("total_pages") or count == body.get("total")
        if is_last or not body["items"]:
            return


def by_id(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Records]:
    after = ""
    while True:
        answer = client.get(path, params={**params, "after_id": after})
        items = answer.raise_for_status().json()["items"]
        yield items
        if not items:
            return
        after = items[-1]["id"]


def by_graphql(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Records]:
    after = None
    while True:
        variables = {"first": int(params["limit"]), "after": after, "since": params.get("since")}
        body = {"query": "query($first: Int) { records(first: $first) }", "variables": variables}
        connection = client.post(path, json=body).raise_for_status().json()["data"]["records"]
        yield connection["nodes"]
        if not connection["pageInfo"]["hasNextPage"]:
            return
        after = connection["pageInfo"]["endCursor"]


def by_continue(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Records]:
    query = {"action": "query", "generator": "allpages", "gaplimit": params["limit"]}
    query |= {"gapsince": params["since"]} if "since" in params else {}
    more: dict[str, str] | None = {}
    while more is not None:
        body = client.get(path, params={**query, **more}).raise_for_status().json()
        yield list(body["query"]["pages"].values()) if "query" in body else []
        more = body.get("continue")


def by_odata(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Records]:
    query = {"limit": params["limit"]}
    query |= {"$filter": f"updated_at ge {params['since']}"} if "since" in params else {}
    return by_url("@odata.nextLink", "value", "$top")(client, path, query)


def at_once(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Records]:
    yield client.get(path, params=params).raise_for_status().json()


def by_line(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Records]:
    lines = client.get(path, params=params).raise_for_status().text
    assert lines == "" or lines.endswith("\n")
    yield [json.loads(line) for line in lines.splitlines()]


WALKS: dict[str, Walk] = {
    "cursor": by_cursor(),
    "cursor-absent": by_cursor(),
    "cursor-empty": by_cursor(),
    "cursor-flag": by_cursor(),
    "cursor-header": by_header,
    "nested": by_cursor("meta/next", "data/result/items"),
    "tombstones": by_cursor(),
    "summaries": by_cursor(),
    "link": by_link,
    "link-relative": by_link,
    "next-url": by_url("next", "results"),
    "next-url-relative": by_url("next", "results"),
    "offset": by_offset,
    "offset-plain": by_offset,
    "offset-strict": by_offset,
    "page": by_page,
    "page-zero": by_page,
    "page-total": by_page,
    "page-plain": by_page,
    "keyset": by_id,
    "odata": by_odata,
    "graphql": by_graphql,
    "mediawiki": by_continue,
    "list": at_once,
    "lines": by_line,
    "lines-no-range": by_line,
}
UNPAGED = {"list", "lines", "lines-no-range"}


def walked(client: Client, kind: str, limit: int, since: str | None = None) -> list[Records]:
    params = {"limit": str(limit)} | ({} if since is None else {"since": since})
    return list(WALKS[kind](client, f"/kinds/{kind}", params))


def found(body: Any, path: str) -> Any:
    for name in path.split("/"):
        body = body.get(name, "")
    return body


def without_limit(params: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in params.items() if name != "limit"}


def ids(pages: list[Records]) -> list[str]:
    return [record["id"] for page in pages for record in page]


def live(client: Client) -> list[str]:
    return re.findall(r'"id":"(\w+)"', client.get("/control/records").text)


@pytest.mark.parametrize("kind", WALKS)
@pytest.mark.parametrize("limit", [50, 99])
def test_every_kind_gives_every_record_once(client: Client, kind: str, limit: int) -> None:
    pages = walked(client, kind, limit)

    assert ids(pages) == live(client)
    assert len(ids(pages)) == 250
    # Whoever divides evenly finds out about the end in another way than whoever does not.
    full = 1 if kind in UNPAGED else 250 // limit
    assert len([page for page in pages if page]) == full + (kind not in UNPAGED and limit == 99)


@pytest.mark.parametrize("kind", WALKS)
def test_every_kind_gives_what_changed_since(client: Client, kind: str) -> None:
    assert ids(walked(client, kind, 2, TOMORROW)) == []
    change = {"change": 3, "remove": 2, "add": 1, "seed": 7, "at_ms": TOMORROW_MS}
    changes = client.post("/control/change", json=change).json()
    client.post("/control/change", json={"change": 1, "seed": 1, "at_ms": TOMORROW_MS - 1})

    pages = walked(client, kind, 2, TOMORROW)

    gone = changes["removed"] if kind == "tombstones" else []
    assert set(ids(pages)) == {*changes["changed"], *changes["added"], *gone}
    assert {one["id"] for page in pages for one in page if one["deleted"]} == set(gone)
    assert not set(changes["removed"]) & set(ids(walked(client, kind, 100)))


@pytest.mark.parametrize("kind", sorted(WALKS.keys() - UNPAGED - {"odata", "graphql"}))
def test_a_page_is_never_longer_than_a_hundred(client: Client, kind: str) -> None:
    assert [len(page) for page in walked(client, kind, 500) if page] == [100, 100, 50]


def test_a_record_has_its_time_in_two_forms(client: Client) -> None:
    items = client.get("/kinds/cursor").json()["items"]

    assert items[4] == {
        "id": "r00005",
        "title": "Contracts: how to share, part 5",
        "text": "Contracts: how to share, part 5. Version 1 of what to know about it.",
        "updated_at": "2024-01-01T00:01:00.001Z",
        "updated": 1_704_067_260,
        "deleted": False,
    }
    assert len({item["updated_at"] for item in items[:4]}) == 1
    assert len(items) == 25


@pytest.mark.parametrize(
    ("since", "first"),
    [
        ({"updated_since": "2024-01-01T00:01:00.001Z"}, "r00005"),
        ({"updated_since": "2024-01-01T01:01:00.001+01:00"}, "r00005"),
        ({"updated_since": "2024-01-01T00:01:00.001001Z"}, "r00009"),
        ({"since": "1704067260"}, "r00005"),
        ({"since": "1704067261"}, "r00009"),
        ({"since_ms": "1704067260001"}, "r00005"),
        ({"since_ms": "1704067260002"}, "r00009"),
    ],
    ids=str,
)
def test_since_takes_every_form_and_includes_that_time(
    client: Client, since: dict[str, str], first: str
) -> None:
    assert client.get("/kinds/cursor", params=since).json()["items"][0]["id"] == first


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cursor?updated_since=1704067260", "RFC 3339"),
        ("cursor?since_ms=2024-01-01T00:00:00Z", "milliseconds"),
        ("cursor?since=1&since_ms=1000", "two ways"),
        ("cursor?limit=0", "limit is a whole number from 1"),
        ("cursor?cursor=nonsense", "none of ours"),
        ("cursor?sort=title", "sort"),
        ("page?page=0", "page is a whole number from 1"),
        ("odata?$top=101", "at most 100"),
        ("odata?$filter=title eq 'x'", "filter"),
        ("offset-strict?offset=250", "past the end"),
    ],
)
def test_a_bad_query_is_refused_with_what_is_wrong(client: Client, path: str, text: str) -> None:
    answer = client.get(f"/kinds/{path}")

    assert answer.status_code == 400
    assert text in answer.json()["error"]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("cursor", {"next_cursor": None, "has_more": False}),
        ("cursor-absent", {}),
        ("cursor-empty", {"next_cursor": ""}),
    ],
)
def test_the_end_is_told_in_three_ways(client: Client, kind: str, fields: dict[str, Any]) -> None:
    newest = {"updated_since": "2024-01-01T01:02:00Z"}

    body = client.get(f"/kinds/{kind}", params=newest).json()

    assert {name: value for name, value in body.items() if name != "items"} == fields


def test_a_flag_tells_the_end_where_the_cursor_stays(client: Client) -> None:
    newest = {"updated_since": "2024-01-01T01:02:00Z"}

    body = client.get("/kinds/cursor-flag", params=newest).json()

    assert body["items"]
    assert body["has_more"] is False
    assert body["next_cursor"]


def test_a_link_header_has_several_relations_and_parameters(client: Client) -> None:
    header = client.get("/kinds/link-relative", params={"per_page": "9"}).headers["link"]
    absolute = client.get("/kinds/link", params={"per_page": "9"}).headers["link"]

    assert header.startswith("</kinds/link-relative?per_page=9&cursor=>; rel=first; title=")
    assert '; type="application/json"; REL="prefetch Next"; hreflang=en, <' in header
    assert absolute.startswith("<http://testserver/kinds/link?per_page=9&cursor=>; rel=first")


def test_newest_first_begins_with_what_changed_last(client: Client) -> None:
    client.post("/control/change", json={"change": 2, "seed": 3})

    pages = list(by_cursor()(client, "/kinds/cursor", {"limit": "60", "sort": "-updated_at"}))

    times = [record["updated_at"] for page in pages for record in page]
    assert times == sorted(times, reverse=True)
    assert len(set(ids(pages))) == 250


def test_keyset_by_time_gives_ties_again(client: Client) -> None:
    first = client.get("/kinds/keyset-time", params={"limit": "6"}).json()["items"]
    last_at = first[-1]["updated_at"]

    second = client.get("/kinds/keyset-time", params={"limit": "6", "updated_from": last_at})

    assert [item["id"] for item in first][4:] == ["r00005", "r00006"]
    assert [item["id"] for item in second.json()["items"]][:4] == [
        f"r0000{number}" for number in (5, 6, 7, 8)
    ]
    seconds = {"limit": "1", "updated_from": "1704067260"}
    items = client.get("/kinds/keyset-time", params=seconds).json()["items"]
    assert items[0]["id"] == "r00005"


def test_odata_counts_only_when_asked(client: Client) -> None:
    assert client.get("/kinds/odata?$count=true").json()["@odata.count"] == 250
    assert "@odata.count" not in client.get("/kinds/odata").json()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{ records }", "variables": {"first": 101}}, "BAD_REQUEST"),
        ({"query": "{ records }", "variables": {"after": "nonsense"}}, "BAD_CURSOR"),
        ({"query": "{ others }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{ records }", "variables": {"first": "many"}}, "GRAPHQL_VALIDATION_FAILED"),
    ],
    ids=str,
)
def test_graphql_tells_errors_with_status_200(
    client: Client, body: dict[str, Any], code: str
) -> None:
    answer = client.post("/kinds/graphql", json=body)

    assert answer.status_code == 200
    assert answer.json()["data"] is None
    assert answer.json()["errors"][0]["extensions"] == {"code": code}


def test_mediawiki_wants_all_of_continue(client: Client) -> None:
    query = {"action": "query", "generator": "allpages", "gaplimit": "5"}
    more = client.get("/kinds/mediawiki", params=query).json()["continue"]
    part = {"gapcontinue": more["gapcontinue"]}

    answer = client.get("/kinds/mediawiki", params={**query, **part})

    assert more["continue"] == "gapcontinue||"
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == "badcontinue"
    assert answer.headers["mediawiki-api-error"] == "badcontinue"


def test_mediawiki_without_pages_has_no_query(client: Client) -> None:
    query = {"action": "query", "generator": "allpages", "gapsince": TOMORROW}

    assert client.get("/kinds/mediawiki", params=query).json() == {"batchcomplete": ""}


def test_lines_go_on_from_any_byte(client: Client) -> None:
    whole = client.get("/kinds/lines")
    headers = {"range": "bytes=5000-", "if-range": whole.headers["etag"]}

    rest = client.get("/kinds/lines", headers=headers)

    size = len(whole.content)
    assert rest.status_code == 206
    assert rest.content == whole.content[5_000:]
    assert rest.headers["content-range"] == f"bytes 5000-{size - 1}/{size}"
    some = client.get("/kinds/lines", headers={"range": "bytes=10-19"})
    assert some.content == whole.content[10:20]


def test_lines_that_changed_begin_again(client: Client) -> None:
    tag = client.get("/kinds/lines").headers["etag"]
    client.post("/control/change", json={"change": 1})

    answer = client.get("/kinds/lines", headers={"range": "bytes=5000-", "if-range": tag})

    assert answer.status_code == 200
    assert answer.headers["etag"] != tag
    assert len(answer.text.splitlines()) == 250


def test_a_range_past_the_end_is_refused(client: Client) -> None:
    size = len(client.get("/kinds/lines").content)

    answer = client.get("/kinds/lines", headers={"range": f"bytes={size}-"})

    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{size}"


def test_a_server_may_ignore_ranges(client: Client) -> None:
    answer = client.get("/kinds/lines-no-range", headers={"range": "bytes=5000-"})

    assert answer.status_code == 200
    assert answer.content == client.get("/kinds/lines").content
    assert "etag" not in answer.headers
