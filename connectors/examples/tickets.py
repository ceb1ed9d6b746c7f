"""A ticket system: a cursor in the body, changes since a time, tombstones, a bearer token.

    GET ${TICKETS_URL}/api/v1/tickets?limit=100&cursor=abc&updated_since=2026-11-24T02:00:00.000Z
    {"tickets": [...], "meta": {"next_cursor": "def" or null, "total": 1234}}

A ticket that was deleted is told among the changes, with `"state": "deleted"`.

    npx wrangler secret put TICKETS_TOKEN
"""

from datetime import datetime

from msgspec import Struct

from durable import (
    Bearer,
    BodyCursor,
    Connector,
    Context,
    HttpSource,
    Mode,
    Secret,
    Since,
    Stream,
    unix_seconds,
)
from durable.glean import (
    Category,
    Comment,
    Content,
    Datasource,
    Deletion,
    Document,
    ObjectType,
    Permissions,
    Property,
    PropertyDefinition,
    PropertyType,
    User,
)


class Person(Struct, frozen=True):
    name: str
    email: str


class Remark(Struct, frozen=True):
    id: str
    author: Person
    body: str
    created_at: datetime


class Field(Struct, frozen=True):
    """As people set it up: what is not filled in has no value."""

    name: str
    value: str | int | list[str] | None


class Ticket(Struct, frozen=True):
    """Of a deleted one nothing is left but its id, state and time."""

    id: str
    state: str
    updated_at: datetime
    subject: str = ""
    description: str = ""
    priority: str = ""
    requester: Person | None = None
    tags: list[str] = []
    custom_fields: list[Field] = []
    comments: list[Remark] = []
    created_at: datetime | None = None


def document(ticket: Ticket, context: Context) -> Document | Deletion:
    if ticket.state == "deleted" or ticket.requester is None or ticket.created_at is None:
        return Deletion(id=ticket.id, object_type="Ticket")
    return Document(
        id=ticket.id,
        object_type="Ticket",
        title=ticket.subject,
        view_url=f"{context.variable('TICKETS_URL')}/tickets/{ticket.id}",
        body=Content.text(ticket.description),
        author=User(email=ticket.requester.email, name=ticket.requester.name),
        status=ticket.state,
        tags=ticket.tags,
        custom_properties=[
            Property(name="priority", value=ticket.priority),
            *(
                Property(name=field.name, value=field.value)
                for field in ticket.custom_fields
                if field.value is not None
            ),
        ],
        comments=[
            Comment(
                id=remark.id,
                author=User(email=remark.author.email, name=remark.author.name),
                content=Content.text(remark.body),
                created_at=unix_seconds(remark.created_at),
            )
            for remark in ticket.comments
        ],
        created_at=unix_seconds(ticket.created_at),
        updated_at=unix_seconds(ticket.updated_at),
        # Whoever has an account there. They are users of the datasource, and have to be in Glean.
        permissions=Permissions.datasource_users(),
    )


connector = Connector(
    name="tickets",
    datasource=Datasource(
        "exampletickets",
        display_name="Tickets",
        category=Category.TICKETS,
        url_regex=r"https?://[^/]+/tickets/.*",
        is_user_referenced_by_email=True,
        object_types=(
            ObjectType(
                "Ticket",
                category=Category.TICKETS,
                properties=(
                    PropertyDefinition("priority", type=PropertyType.PICKLIST),
                    PropertyDefinition("product", type=PropertyType.PICKLIST),
                    PropertyDefinition("floor", type=PropertyType.INT),
                    PropertyDefinition("sites", type=PropertyType.TEXTLIST),
                ),
            ),
        ),
    ),
    documents=Stream(
        source=HttpSource(
            url="${TICKETS_URL}/api/v1/tickets",
            records="tickets",
            paging=BodyCursor(path="meta/next_cursor", param="cursor", size=100),
            total="meta/total",
            since=Since(param="updated_since", path="updated_at"),
            auth=Bearer(Secret("TICKETS_TOKEN")),
        ),
        key="id",
        record=Ticket,
        map=document,
    ),
    schedule={"0 2 * * *": Mode.FULL, "0 * * * *": Mode.INCREMENTAL},
)
