"""The bench's source: as much mapping as a real connector does."""

from datetime import datetime

from msgspec import Struct

from durable import BodyCursor, Connector, HttpSource, Stream
from durable.glean import Content, Datasource, Document, Permissions


class Entry(Struct, frozen=True):
    """A record of the source."""

    id: str
    title: str
    url: str
    updated_at: datetime
    text: str


def document(entry: Entry) -> Document:
    return Document(
        id=entry.id,
        object_type="entry",
        title=entry.title,
        view_url=entry.url,
        body=Content(mime_type="text/plain", text_content=entry.text),
        updated_at=int(entry.updated_at.timestamp()),
        permissions=Permissions(allow_anonymous_access=True),
    )


connector = Connector(
    name="synthetic",
    datasource=Datasource("synthetic"),
    documents=Stream(
        source=HttpSource(
            records="items",
            url="${BENCH_SOURCE_URL}/pages",
            paging=BodyCursor(path="next_cursor", param="cursor"),
        ),
        key="id",
        record=Entry,
        map=document,
    ),
    schedule={},
)
