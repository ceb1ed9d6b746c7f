"""A connector for each kind of paging, proof, change and record, against dev/kinds_source.

Deployed in the place of the project's connectors: `test_kinds.py` writes a module for each.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from durable import (
    Action,
    ApiKey,
    Basic,
    Bearer,
    BodyCursor,
    ClientCredentials,
    Connector,
    Detail,
    FetchRequest,
    GraphQLConnection,
    HeaderCursor,
    HttpSource,
    Keyset,
    LastPage,
    LinkHeader,
    MediaWikiPaging,
    NdjsonSource,
    Nested,
    NewestFirst,
    NextUrl,
    OData,
    OffsetPaging,
    OnePage,
    PageNumber,
    ParamLocation,
    PythonSource,
    Rate,
    RefreshToken,
    Resume,
    Rule,
    Secret,
    Since,
    SourcePage,
    Stream,
    SubList,
    TimeFormat,
    Variable,
)
from durable.glean import (
    Datasource,
    Deletion,
    Document,
    Employee,
    Permissions,
    Team,
    TeamMember,
)


URL = "${KINDS_URL}/kinds"
SIZE = 25
RATE_MS = 500


class Entry(Struct, frozen=True):
    """A record of the source."""

    id: str
    title: str
    updated: int
    text: str = ""
    deleted: bool = False


class Gone(Struct, frozen=True):
    """Of the list of deletions."""

    id: str


def document(entry: Entry) -> Document | Deletion:
    if entry.deleted:
        return Deletion(id=entry.id, object_type="entry")
    return Document(
        id=entry.id,
        object_type="entry",
        title=f"{entry.title}: {entry.text}",
        view_url=f"https://kinds.example/{entry.id}",
        updated_at=entry.updated,
        permissions=Permissions(allow_anonymous_access=True),
    )


def document_of_some(entry: Entry) -> Document | Deletion | None:
    return document(entry) if is_gleans(entry.id) else None


def is_gleans(identifier: str) -> bool:
    """Every other record, of the connector that leaves out the rest."""
    return int(identifier.removeprefix("r")) % 2 == 0


class Folder(Struct, frozen=True):
    """Of the list of folders."""

    id: str
    name: str


def employee(entry: Entry) -> Employee:
    return Employee(email=f"{entry.id}@kinds.example", department="Reading")


def team(folder: Folder) -> Team:
    member = TeamMember(email="r00001@kinds.example")
    return Team(id=folder.id, name=folder.name, members=[member])


def deletion(gone: Gone) -> Deletion:
    return Deletion(id=gone.id, object_type="entry")


CURSOR = BodyCursor(path="next_cursor", param="cursor", size=SIZE)
SINCE = Since(param="updated_since")


def at(path: str, **fields: Any) -> HttpSource:
    return HttpSource(**{"records": "items", "url": f"{URL}/{path}", **fields})


def listed(path: str, **fields: Any) -> HttpSource:
    """By cursor, which most kinds of another matter are."""
    return at(path, paging=CURSOR, since=SINCE, **fields)


PAGINGS = {
    "cursor": listed("cursor", total="", has_more="has_more"),
    "cursor-absent": at(
        "cursor-absent", paging=replace(CURSOR, last_page=LastPage.ABSENT), since=SINCE
    ),
    "cursor-empty": at(
        "cursor-empty", paging=replace(CURSOR, last_page=LastPage.EMPTY), since=SINCE
    ),
    "cursor-header": at(
        "cursor-header",
        records="",
        paging=HeaderCursor(header="x-next-cursor", size=SIZE),
        since=SINCE,
    ),
    "nested-places": at(
        "nested",
        records="data/result/items",
        paging=BodyCursor(path="meta/next", param="cursor", size=SIZE),
        since=SINCE,
    ),
    "link": at("link", records="", paging=LinkHeader(size=SIZE), since=SINCE),
    "link-relative": at("link-relative", records="", paging=LinkHeader(size=SIZE), since=SINCE),
    "next-url": at(
        "next-url",
        records="results",
        paging=NextUrl(path="next", size=SIZE, size_param="per_page"),
        since=SINCE,
    ),
    "offset": at("offset", paging=OffsetPaging(size=SIZE), total="total", since=SINCE),
    "offset-plain": at("offset-plain", paging=OffsetPaging(size=SIZE), since=SINCE),
    "offset-strict": at(
        "offset-strict", paging=OffsetPaging(size=SIZE, short_page_ends=True), since=SINCE
    ),
    "page": at("page", paging=PageNumber(size=SIZE, total_pages="total_pages"), since=SINCE),
    "page-total": at("page-total", paging=PageNumber(size=SIZE), total="total", since=SINCE),
    "page-plain": at("page-plain", paging=PageNumber(size=SIZE), since=SINCE),
    "keyset": at("keyset", paging=Keyset(path="id", param="after_id", size=SIZE), since=SINCE),
    "keyset-time": at(
        "keyset-time",
        paging=Keyset(path="updated_at", param="updated_from", is_inclusive=True, size=SIZE),
    ),
    "odata": at(
        "odata",
        records="value",
        paging=OData(),
        params={"$top": str(SIZE)},
        since=Since(param="$filter", template="updated_at ge {}"),
    ),
    "graphql": at(
        "graphql",
        records="data/records/nodes",
        paging=GraphQLConnection(connection="data/records", size=SIZE),
        body={"query": "query ($first: Int, $after: String, $since: String) ${records}"},
        since=Since(param="variables/since", location=ParamLocation.BODY),
    ),
    "mediawiki": at(
        "mediawiki",
        records="query/pages",
        records_key="pageid",
        paging=MediaWikiPaging(size=SIZE, size_param="gaplimit"),
        params={"action": "query", "generator": "allpages", "format": "json"},
        since=Since(param="gapsince"),
    ),
    "list": at("list", records="", paging=OnePage(), since=SINCE),
    "lines": NdjsonSource(url=f"{URL}/lines", size=SIZE),
    "lines-no-range": NdjsonSource(url=f"{URL}/lines-no-range", size=SIZE),
}


def proven(proof: str, auth: Any) -> HttpSource:
    url = f"${{KINDS_URL}}/auth/{proof}/kinds/cursor"
    return HttpSource(records="items", url=url, paging=CURSOR, since=SINCE, auth=auth)


PROOFS = {
    "bearer": proven("bearer", Bearer(Secret("KINDS_TOKEN"))),
    "basic": proven("basic", Basic(Variable("KINDS_USER"), Secret("KINDS_PASSWORD"))),
    "api-key-header": proven("api-key-header", ApiKey(Secret("KINDS_TOKEN"), header="x-api-key")),
    "api-key-query": proven("api-key-query", ApiKey(Secret("KINDS_TOKEN"), param="api_key")),
    "client-credentials": proven(
        "oauth",
        ClientCredentials(
            endpoint="${KINDS_URL}/oauth/token",
            client_id=Variable("KINDS_CLIENT_ID"),
            client_secret=Secret("KINDS_CLIENT_SECRET"),
        ),
    ),
    "refresh-token": proven(
        "oauth",
        RefreshToken(
            endpoint="${KINDS_URL}/oauth/token",
            client_id=Variable("KINDS_CLIENT_ID"),
            client_secret=Secret("KINDS_CLIENT_SECRET"),
            refresh_token=Secret("KINDS_REFRESH_TOKEN"),
        ),
    ),
}
CHANGES = {
    "since-rfc3339": listed("cursor"),
    "since-seconds": at(
        "cursor", paging=CURSOR, since=Since(param="since", format=TimeFormat.EPOCH_SECONDS)
    ),
    "since-ms": at(
        "cursor", paging=CURSOR, since=Since(param="since_ms", format=TimeFormat.EPOCH_MS)
    ),
    "since-field": at(
        "cursor", paging=CURSOR, since=Since(param="updated_since", path="updated_at")
    ),
    "newest-first": at(
        "cursor",
        paging=CURSOR,
        since=NewestFirst(path="updated_at", params={"sort": "-updated_at"}),
    ),
    "tombstones": listed("tombstones"),
}
RECORDS = {
    "detail": listed(
        "summaries",
        detail=Detail(url=f"{URL}/detail/${{id}}"),
        rules=(Rule(status=403, then=Action.SKIP),),
    ),
    "children": Nested(
        parents=at("folders", paging=replace(CURSOR, size=2)),
        children=listed("folders/${folder/id}/items"),
        name="folder",
        lists_max=1,
    ),
    "gathered": listed(
        "cursor",
        sub_lists=(SubList(source=at("folders", paging=replace(CURSOR, size=2)), into="folders"),),
    ),
}


async def fetch(request: FetchRequest) -> SourcePage:
    """The list at /kinds/offset, by code."""
    params = {"limit": str(SIZE), "offset": str(request.cursor or 0)}
    if request.since is not None:
        params["updated_since"] = request.since.isoformat()
    page = (await request.client.get("/kinds/offset", params=params)).json()
    after = (request.cursor or 0) + len(page["items"])
    is_last = after >= page["total"]
    return SourcePage(page["items"], next_cursor=None if is_last else after)


async def pages(request: FetchRequest) -> AsyncIterator[SourcePage]:
    """The same, one after the other."""
    while True:
        page = await fetch(request)
        yield page
        if page.next_cursor is None:
            return
        request = replace(request, cursor=page.next_cursor)


CODE = {
    "python-fetch": PythonSource(url="${KINDS_URL}", fetch=fetch, tells_changes=True),
    "python-pages": PythonSource(url="${KINDS_URL}", pages=pages, tells_changes=True),
}
# What each of these means elsewhere: the end, no page, the end, and another try.
RULES = (
    Rule(status=404, then=Action.RETRY),
    Rule(
        status=200,
        path="error",
        value="busy",
        then=Action.WAIT,
        wait=timedelta(milliseconds=RATE_MS),
    ),
    Rule(status=403, body="quota", then=Action.WAIT, wait=timedelta(milliseconds=RATE_MS)),
    Rule(status=503, body="closed down", then=Action.FAIL),
)
TROUBLES = {
    "ruled": at(
        "cursor-flag",
        paging=replace(CURSOR, last_page=LastPage.HAS_MORE),
        has_more="has_more",
        since=SINCE,
        rules=RULES,
    ),
    "expiring": listed("cursor", rules=(Rule(status=410, then=Action.RESTART),)),
    "resuming": listed(
        "cursor",
        params={"sort": "id"},
        rules=(Rule(status=410, then=Action.RESTART),),
        resume=Resume(path="id", param="after_id"),
    ),
    "forgetting": listed("cursor", rules=(Rule(status=410, then=Action.FULL),)),
    "rated": listed("cursor", rate=Rate(requests=1, per=timedelta(milliseconds=RATE_MS))),
}


def connector(name: str, source: Any, map: Any = document, **fields: Any) -> Connector:  # noqa: A002
    return Connector(
        name=name,
        datasource=Datasource(name.replace("-", "")),
        documents=Stream(source=source, key="id", record=Entry, map=map),
        **fields,
    )


KINDS = {
    name: connector(name, source)
    for name, source in {**PAGINGS, **PROOFS, **CHANGES, **RECORDS, **CODE, **TROUBLES}.items()
}
KINDS["people"] = connector(
    "people",
    listed("cursor"),
    employees=Stream(source=at("cursor", paging=CURSOR), key="id", record=Entry, map=employee),
    teams=Stream(
        source=at("folders", paging=replace(CURSOR, size=2)), key="id", record=Folder, map=team
    ),
)
KINDS["deletions"] = connector(
    "deletions",
    listed("cursor"),
    deletions=Stream(
        source=at("deleted", paging=CURSOR, since=SINCE), key="id", record=Gone, map=deletion
    ),
)
KINDS["partial"] = connector("partial", listed("cursor"), map=document_of_some)
# Of a source with more records than Glean takes documents in a minute.
KINDS["paced"] = connector(
    "paced",
    HttpSource(
        records="items",
        url="${PLENTY_URL}/kinds/offset",
        paging=OffsetPaging(size=100),
        total="total",
        since=SINCE,
    ),
)
