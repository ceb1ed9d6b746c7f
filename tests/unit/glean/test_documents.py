import base64

import msgspec
import pytest
from glean.api_client import models

from durable.glean.documents import (
    Comment,
    Content,
    Document,
    GroupIntersection,
    Interactions,
    Permissions,
    Property,
    User,
)
from tests.official import Pair, each_of


USER = User(email="ada@notes.example", datasource_user_id="7", name="Ada")
TEXT = Content.text("a text")
FILE = Content.file(b"\0\1\2", "application/pdf")
COMMENT = Comment(
    id="1", author=USER, content=TEXT, created_at=1_764_000_000, updated_at=1, updated_by=USER
)
PERMISSIONS = Permissions(
    allowed_users=[USER],
    allowed_groups=["staff"],
    allowed_group_intersections=[GroupIntersection(required_groups=["a", "b"])],
    allow_anonymous_access=False,
    allow_all_datasource_users_access=True,
)
WHOLE = Document(
    id="a",
    view_url="https://notes.example/a",
    object_type="note",
    permissions=PERMISSIONS,
    title="A",
    filename="a.txt",
    body=TEXT,
    summary=FILE,
    author=USER,
    owner=USER,
    created_at=1_764_000_000,
    updated_at=1_764_000_001,
    updated_by=USER,
    tags=["x"],
    status="open",
    container="folder",
    container_datasource_id="f1",
    container_object_type="folder",
    additional_urls=["https://notes.example/b"],
    native_app_url="notes://a",
    interactions=Interactions(num_views=3, num_likes=2, num_comments=1),
    comments=[COMMENT],
    custom_properties=[
        Property(name="size", value=3),
        Property(name="weight", value=0.5),
        Property(name="kind", value="short"),
        Property(name="words", value=["a", "b"]),
    ],
)


PAIRS = [
    Pair(WHOLE, models.DocumentDefinition),
    Pair(PERMISSIONS, models.DocumentPermissionsDefinition),
    Pair(GroupIntersection(required_groups=["a"]), models.PermissionsGroupIntersectionDefinition),
    Pair(USER, models.UserReferenceDefinition),
    Pair(
        Content(mime_type="text/plain", text_content="", binary_content=""),
        models.ContentDefinition,
    ),
    Pair(
        Interactions(num_views=1, num_likes=2, num_comments=3),
        models.DocumentInteractionsDefinition,
    ),
    Pair(COMMENT, models.CommentDefinition),
    Pair(Property(name="size", value=3), models.CustomProperty),
]
each_pair = each_of(PAIRS)


@each_pair
def test_a_part_has_all_fields_of_gleans_and_no_others(pair: Pair) -> None:
    # A datasource stands at a document only once it is sent.
    assert pair.our_names == pair.official_names - {"datasource"}


@each_pair
def test_gleans_own_model_reads_every_field_as_it_was_sent(pair: Pair) -> None:
    added = {"datasource": "notes"} if pair.model is models.DocumentDefinition else {}

    assert not pair.unset_fields
    assert pair.as_glean_reads_it(**added) == msgspec.to_builtins(pair.part)


def test_what_is_not_set_is_not_sent() -> None:
    document = Document(
        id="a", view_url="https://notes.example/a", object_type="note", permissions=Permissions()
    )

    assert msgspec.to_builtins(document) == {
        "id": "a",
        "viewURL": "https://notes.example/a",
        "objectType": "note",
        "permissions": {},
    }


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (Content.text("a & b"), {"mimeType": "text/plain", "textContent": "a & b"}),
        (Content.html("<p>a</p>"), {"mimeType": "text/html", "textContent": "<p>a</p>"}),
        (Content.markdown("# a"), {"mimeType": "text/markdown", "textContent": "# a"}),
        (Content.text(""), {"mimeType": "text/plain", "textContent": ""}),
    ],
    ids=["text", "html", "markdown", "an empty text"],
)
def test_a_text_says_what_kind_it_is(content: Content, wire: dict[str, str]) -> None:
    assert msgspec.to_builtins(content) == wire


def test_a_file_is_sent_as_base64() -> None:
    data = bytes(range(256))

    content = Content.file(data, "application/pdf")

    assert content.mime_type == "application/pdf"
    assert isinstance(content.binary_content, str)
    assert base64.b64decode(content.binary_content, validate=True) == data


@pytest.mark.parametrize(
    ("permissions", "wire"),
    [
        (Permissions.everyone(), {"allowAnonymousAccess": True}),
        (Permissions.datasource_users(), {"allowAllDatasourceUsersAccess": True}),
        (Permissions.of(groups=("a", "b")), {"allowedGroups": ["a", "b"]}),
        (Permissions.of(users=[User(email="a@b.c")]), {"allowedUsers": [{"email": "a@b.c"}]}),
        (Permissions.of(), {}),
    ],
    ids=["everyone", "the datasource's users", "groups", "users", "nobody"],
)
def test_permissions_name_who_may_find_it_and_nobody_else(
    permissions: Permissions, wire: dict[str, object]
) -> None:
    assert msgspec.to_builtins(permissions) == wire
