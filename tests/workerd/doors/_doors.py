"""A connector for each door by which something comes in from a source.

Deployed in the place of the project's connectors: `site.py` writes a module for each.
"""

from datetime import timedelta
from typing import Any

from msgspec import Struct

from durable import (
    Action,
    Backend,
    BackendConnector,
    BodyCursor,
    ClientCredentials,
    Connector,
    Detail,
    FetchRequest,
    GraphQLConnection,
    HttpSource,
    MediaWikiPaging,
    Mode,
    NdjsonSource,
    Nested,
    OnePage,
    PythonSource,
    Resume,
    Rule,
    Secret,
    SourcePage,
    Stream,
    SubList,
    Variable,
)
from durable.glean import Datasource, Document, Permissions


URL = "${DOORS_URL}"
RULES = (
    Rule(status=410, then=Action.RESTART),
    Rule(status=(400, 200), path="error/code", value="gone", then=Action.FAIL),
)


class Record(Struct, frozen=True):
    id: str


def document(record: Record) -> Document:
    return Document(
        id=record.id,
        object_type="Note",
        title=record.id,
        view_url=f"https://doors.example/{record.id}",
        permissions=Permissions(allow_anonymous_access=True),
    )


async def fetch(request: FetchRequest) -> SourcePage:
    return SourcePage((await request.client.get("/python")).json()["items"])


def listed(path: str, **fields: object) -> HttpSource:
    declared: dict[str, Any] = {
        "records": "items",
        "url": URL + path,
        "paging": BodyCursor(),
        "rules": RULES,
    }
    return HttpSource(**{**declared, **fields})


PAGE = listed("/page")
TOKEN = ClientCredentials(
    endpoint=f"{URL}/token",
    client_id=Variable("DOORS_CLIENT"),
    client_secret=Secret("DOORS_SECRET"),
)
SOURCES: dict[str, Any] = {
    "good": listed("/good"),
    "page": PAGE,
    "later": listed("/later"),
    "resumed": listed("/later", resume=Resume(param="after_id", path="id")),
    "keyed": listed("/keyed", records_key="id"),
    "totalled": listed("/totalled", total="total"),
    "detailed": listed("/page", detail=Detail(url=f"{URL}/detail/${{id}}")),
    "gathered": listed(
        "/page", sub_lists=(SubList(source=listed("/members/${id}"), into="members"),)
    ),
    "nested": Nested(parents=listed("/parents"), children=listed("/of/${up/id}"), name="up"),
    "lines": NdjsonSource(url=f"{URL}/lines"),
    "graph": listed(
        "/graph",
        body={"query": "query ($after: String) ${x}"},
        records="data/x/nodes",
        paging=GraphQLConnection(connection="data/x"),
    ),
    "wiki": listed("/wiki", records="query/pages", paging=MediaWikiPaging()),
    "token": listed("/page", auth=TOKEN),
    "python": PythonSource(url=URL, fetch=fetch),
    "single": listed("/single", paging=OnePage()),
}


def made(name: str) -> Connector | BackendConnector:
    datasource, schedule = Datasource(f"doors{name}"), {"0 2 * * *": Mode.FULL}
    if name == "backend":
        backend = Backend(url=Secret("DOORS_BACKEND"), poll_every=timedelta(milliseconds=100))
        return BackendConnector(
            name=name, datasource=datasource, backend=backend, schedule=schedule
        )
    return Connector(
        name=name,
        datasource=datasource,
        documents=Stream(source=SOURCES[name], key="id", record=Record, map=document),
        schedule=schedule,
    )
