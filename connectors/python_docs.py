"""The documentation of Python's standard library, from the demo's source."""

from datetime import datetime, timedelta

from msgspec import Struct

from durable import (
    BodyCursor,
    Connector,
    HttpSource,
    Mode,
    Since,
    Stream,
)
from durable.glean import (
    Content,
    Datasource,
    Deletion,
    Document,
    Permissions,
)


class Entry(Struct, frozen=True):
    """A record of the source, as far as it is used here."""

    id: str
    kind: str
    name: str
    url: str
    text: str
    updated_at: datetime
    deleted: bool


def document(entry: Entry) -> Document | Deletion:
    if entry.deleted:
        return Deletion(id=entry.id, object_type=entry.kind)
    return Document(
        id=entry.id,
        object_type=entry.kind,
        title=entry.name,
        view_url=entry.url,
        body=Content(mime_type="text/plain", text_content=entry.text),
        updated_at=int(entry.updated_at.timestamp()),
        # The author's word: it is public, so everybody who uses Glean may find it.
        permissions=Permissions.everyone(),
    )


connector = Connector(
    name="python-docs",
    datasource=Datasource("pythondocs"),
    documents=Stream(
        source=HttpSource(
            url="${DOCS_API_URL}/entries",
            params={"limit": "100"},
            records="items",
            paging=BodyCursor(path="next_cursor", param="cursor"),
            since=Since(param="updated_since", path="updated_at"),
        ),
        key="id",
        record=Entry,
        map=document,
    ),
    schedule={"0 2 * * *": Mode.FULL, "0 * * * *": Mode.INCREMENTAL},
    stale_after=timedelta(hours=3),
)
