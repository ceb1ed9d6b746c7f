"""A file store: the header Link, OAuth 2, one more request for a file's content.

    GET ${FILES_URL}/files?per_page=100&modified_since=2026-11-24T02:00:00.000Z
    Link: </files?cursor=abc>; rel="next"
    [{"id": ..., "permissions": {"anyone": false, "readers": ["ada@example.com"]}, ...}, ...]
    GET ${FILES_URL}/files/{id}/content
    {"mime_type": ..., "encoding": "text" or "base64", "content": ...}

A file that was removed is on no list: the next FULL sync finds out. Its readers are known by
mail address, and are users of the wiki's datasource, which has to be there first.

    npx wrangler secret put FILES_CLIENT_SECRET      (FILES_CLIENT_ID stands in [vars])
"""

from base64 import b64decode
from datetime import datetime

from msgspec import Struct

from durable import (
    ClientCredentials,
    Connector,
    Detail,
    HttpSource,
    LinkHeader,
    Missing,
    Mode,
    Secret,
    Since,
    Stream,
    Variable,
    unix_seconds,
)
from durable.glean import Category, Content, Datasource, Document, ObjectType, Permissions, User


READABLE = {"text/plain", "text/html", "text/markdown", "application/pdf"}


class Person(Struct, frozen=True):
    name: str
    email: str


class Sharing(Struct, frozen=True):
    anyone: bool
    readers: list[str]


class Blob(Struct, frozen=True):
    mime_type: str
    encoding: str
    content: str


class File(Struct, frozen=True):
    """Of the list, with what it holds."""

    id: str
    name: str
    mime_type: str
    owner: Person
    permissions: Sharing
    web_url: str
    created_at: datetime
    modified_at: datetime
    blob: Blob


def document(file: File) -> Document | None:
    if file.mime_type not in READABLE:
        return None
    blob = file.blob
    if blob.encoding == "base64":
        body = Content.file(b64decode(blob.content), blob.mime_type)
    else:
        body = Content(mime_type=blob.mime_type, text_content=blob.content)
    readers = [file.owner.email, *file.permissions.readers]
    return Document(
        id=file.id,
        object_type="File",
        title=file.name,
        view_url=file.web_url,
        body=body,
        owner=User(email=file.owner.email, name=file.owner.name),
        created_at=unix_seconds(file.created_at),
        updated_at=unix_seconds(file.modified_at),
        # A file that anyone may read there, everybody may here.
        permissions=Permissions.everyone()
        if file.permissions.anyone
        else Permissions.of(users=[User(email=email) for email in readers]),
    )


connector = Connector(
    name="files",
    datasource=Datasource(
        "examplefiles",
        display_name="Files",
        category=Category.KNOWLEDGE_HUB,
        url_regex=r"https://files\.example\.com/.*",
        is_user_referenced_by_email=True,
        identity_datasource="examplewiki",
        object_types=(ObjectType("File", category=Category.KNOWLEDGE_HUB),),
    ),
    documents=Stream(
        source=HttpSource(
            url="${FILES_URL}/files",
            records="",
            paging=LinkHeader(size=50),
            since=Since(param="modified_since", path="modified_at"),
            detail=Detail(
                url="${FILES_URL}/files/${id}/content", into="blob", missing=Missing.LEAVE_OUT
            ),
            auth=ClientCredentials(
                endpoint="${FILES_URL}/oauth/token",
                client_id=Variable("FILES_CLIENT_ID"),
                client_secret=Secret("FILES_CLIENT_SECRET"),
            ),
        ),
        key="id",
        record=File,
        map=document,
    ),
    schedule={"0 2 * * *": Mode.FULL, "0 * * * *": Mode.INCREMENTAL},
)
