"""A connector of small notes."""

from msgspec import Struct

from durable import BodyCursor, Connector, HttpSource, Mode, Since, Stream
from durable.glean import Datasource, Deletion, Document, Permissions


class Note(Struct, frozen=True):
    id: str
    text: str
    is_deleted: bool = False


def document(note: Note) -> Document | Deletion:
    if note.is_deleted:
        return Deletion(id=note.id, object_type="note")
    return Document(
        id=note.id,
        object_type="note",
        title=note.text,
        view_url=f"https://notes.example/{note.id}",
        permissions=Permissions(allow_anonymous_access=True),
    )


NOTES = Connector(
    name="notes",
    datasource=Datasource("notes"),
    documents=Stream(
        source=HttpSource(
            records="items",
            url="https://notes.example/list",
            paging=BodyCursor(path="next_cursor", param="cursor"),
            since=Since(param="updated_since"),
        ),
        key="id",
        record=Note,
        map=document,
    ),
    schedule={"0 2 * * *": Mode.FULL, "0 * * * *": Mode.INCREMENTAL},
)
