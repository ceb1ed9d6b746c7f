"""The connector that the simulated processor serves, and its deployment."""

from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from durable import Bearer, BodyCursor, Connector, HttpSource, Mode, Secret, Since, Stream, glean
from durable.glean import Datasource
from durable.limits import Limits


DATASOURCE = "notes"
SOURCE_HOST = "source.example"
SOURCE_TOKEN = "the-source's-token"
GLEAN_HOST = "glean.example"
GLEAN_TOKEN = "glean's-token"

# Small, so that a few notes meet every bound; the lease is the platform side's own.
LIMITS = Limits(
    turn_pages_max=2, batch_documents_max=2, stall_ms_max=3_600_000, settle_ms_max=60_000
)


PUBLIC = glean.Permissions(allow_anonymous_access=True)
INTERNAL = glean.Permissions(allow_all_datasource_users_access=True)


class Note(Struct, frozen=True):
    id: str
    text: str | None  # None: deleted
    updated_at: datetime
    type: str = "Note"
    is_public: bool = True


def document(note: Note) -> glean.Document | glean.Deletion:
    if note.text is None:
        return glean.Deletion(id=note.id, object_type=note.type)
    return glean.Document(
        id=note.id,
        title=note.text,
        view_url=f"https://{SOURCE_HOST}/notes/{note.id}",
        object_type=note.type,
        permissions=PUBLIC if note.is_public else INTERNAL,
    )


LISTED = HttpSource(
    url="${NOTES_URL}/notes",
    records="notes",
    paging=BodyCursor(path="next", param="after"),
    since=Since(param="changed_since"),
    params={"shape": "flat"},
    auth=Bearer(Secret("NOTES_TOKEN")),
)
NOTES = Connector(
    name="notes",
    datasource=Datasource(DATASOURCE),
    documents=Stream(source=LISTED, key="id", record=Note, map=document),
    schedule={"0 2 * * *": Mode.FULL, "0 * * * *": Mode.INCREMENTAL},
)
# The same, of which each record tells when it changed.
TIMED = replace(
    NOTES,
    documents=replace(
        NOTES.documents,
        source=replace(LISTED, since=Since(param="changed_since", path="updated_at")),
    ),
)


def deployed(limits: Limits) -> dict[str, str]:
    """The variables and secrets."""
    return {
        "GLEAN_INDEXING_API_TOKEN": GLEAN_TOKEN,
        "GLEAN_SERVER_URL": f"https://{GLEAN_HOST}",
        "LIMITS": msgspec.json.encode(limits).decode(),
        "NOTES_TOKEN": SOURCE_TOKEN,
        "NOTES_URL": f"https://{SOURCE_HOST}",
    }
