"""A wiki: the pages of all spaces with their comments, and who may read them.

    GET ${WIKI_URL}/api/spaces                    {key, name, permissions: {anonymous, groups}}
    GET ${WIKI_URL}/api/spaces/{key}/pages        {id, title, body, author, ...}
    GET ${WIKI_URL}/api/pages/{id}/comments       {id, author, body, created_at}
    GET ${WIKI_URL}/api/trash?updated_since=TIME  {id} of removed pages
    GET ${WIKI_URL}/api/users, /api/groups, /api/groups/{name}/members

Each is a list, `{"results": [...], "_links": {"next": "..."}}`, whose last page has no `next`.
Users, groups and memberships go to Glean before the pages, whose permissions name groups.

    npx wrangler secret put WIKI_TOKEN           (WIKI_USER stands in [vars])
"""

from datetime import datetime
from typing import Any

from msgspec import Struct

from durable import (
    Basic,
    Connector,
    Context,
    HttpSource,
    LastPage,
    Missing,
    Mode,
    Nested,
    NextUrl,
    Secret,
    Since,
    Stream,
    SubList,
    Variable,
    unix_seconds,
)
from durable.glean import (
    Category,
    Comment,
    Content,
    Datasource,
    DatasourceUser,
    Deletion,
    Document,
    Group,
    Members,
    ObjectType,
    Permissions,
    User,
)


class Person(Struct, frozen=True):
    name: str
    email: str
    active: bool = True


class Sharing(Struct, frozen=True):
    anonymous: bool
    groups: list[str]


class Space(Struct, frozen=True):
    key: str
    name: str
    permissions: Sharing


class Storage(Struct, frozen=True):
    value: str


class Body(Struct, frozen=True):
    storage: Storage


class Remark(Struct, frozen=True):
    id: str
    author: Person
    body: Body
    created_at: datetime


class Page(Struct, frozen=True):
    """With what people say about it."""

    id: str
    title: str
    author: Person
    labels: list[str]
    body: Body
    created_at: datetime
    updated_at: datetime
    web_url: str
    comments: list[Remark]


class Team(Struct, frozen=True):
    """A group, with who is in it where that is asked for."""

    name: str
    members: list[Person] = []


class Removed(Struct, frozen=True):
    id: str


def document(page: Page, context: Context) -> Document:
    space = context.parent("space", Space)
    sharing = space.permissions
    return Document(
        id=page.id,
        object_type="Page",
        title=page.title,
        view_url=page.web_url,
        container=space.name,
        body=Content.html(page.body.storage.value),
        author=User(email=page.author.email, name=page.author.name),
        tags=page.labels,
        comments=[
            Comment(
                id=remark.id,
                author=User(email=remark.author.email, name=remark.author.name),
                content=Content.html(remark.body.storage.value),
                created_at=unix_seconds(remark.created_at),
            )
            for remark in page.comments
        ],
        created_at=unix_seconds(page.created_at),
        updated_at=unix_seconds(page.updated_at),
        # A space that is open to anonymous readers there, is to everybody here.
        permissions=Permissions.everyone()
        if sharing.anonymous
        else Permissions.of(groups=sharing.groups),
    )


def user(person: Person) -> DatasourceUser:
    return DatasourceUser(email=person.email, name=person.name, is_active=person.active)


def group(team: Team) -> Group:
    return Group(name=team.name)


def members(team: Team) -> Members:
    return Members(group=team.name, user_ids=[person.email for person in team.members])


def deletion(page: Removed) -> Deletion:
    return Deletion(id=page.id, object_type="Page")


def listed(path: str, **fields: Any) -> HttpSource:
    """All its lists are alike."""
    return HttpSource(
        url=f"${{WIKI_URL}}/api/{path}",
        records="results",
        paging=NextUrl(path="_links/next", last_page=LastPage.ABSENT, size=25, size_param="limit"),
        auth=Basic(Variable("WIKI_USER"), Secret("WIKI_TOKEN")),
        **fields,
    )


connector = Connector(
    name="wiki",
    datasource=Datasource(
        "examplewiki",
        display_name="Wiki",
        category=Category.KNOWLEDGE_HUB,
        url_regex=r"https://wiki\.example\.com/.*",
        is_user_referenced_by_email=True,
        object_types=(ObjectType("Page", category=Category.KNOWLEDGE_HUB),),
    ),
    users=Stream(source=listed("users"), key="email", record=Person, map=user),
    groups=Stream(source=listed("groups"), key="name", record=Team, map=group),
    memberships=Stream(
        source=listed(
            "groups", sub_lists=(SubList(source=listed("groups/${name}/members"), into="members"),)
        ),
        key="name",
        record=Team,
        map=members,
    ),
    documents=Stream(
        source=Nested(
            parents=listed("spaces"),
            children=listed(
                "spaces/${space/key}/pages",
                since=Since(param="updated_since", path="updated_at"),
                sub_lists=(
                    SubList(
                        source=listed("pages/${id}/comments"),
                        into="comments",
                        missing=Missing.LEAVE_OUT,
                    ),
                ),
            ),
            name="space",
            key="key",
        ),
        key="id",
        record=Page,
        map=document,
    ),
    deletions=Stream(
        source=listed("trash", since=Since(param="updated_since")),
        key="id",
        record=Removed,
        map=deletion,
    ),
    schedule={"0 2 * * *": Mode.FULL, "0 * * * *": Mode.INCREMENTAL},
)
