import msgspec
import pytest

from durable.documents import Content, Document, GroupIntersection, Permissions, Property, User


USER = User(email="ada@notes.example")
TEXT = Content(mime_type="text/plain", text_content="a text")
# As Glean's OpenAPI description spells them.
WIRE_NAMES = {
    "id": "id",
    "view_url": "viewURL",
    "object_type": "objectType",
    "permissions": "permissions",
    "title": "title",
    "filename": "filename",
    "body": "body",
    "summary": "summary",
    "author": "author",
    "owner": "owner",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    "updated_by": "updatedBy",
    "tags": "tags",
    "status": "status",
    "container": "container",
    "custom_properties": "customProperties",
}


def test_the_fields_have_gleans_names() -> None:
    fields = msgspec.structs.fields(Document)

    assert {field.name: field.encode_name for field in fields} == WIRE_NAMES


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
    ("part", "wire"),
    [
        (TEXT, {"mimeType": "text/plain", "textContent": "a text"}),
        (
            Content(mime_type="application/pdf", binary_content="AAA="),
            {"mimeType": "application/pdf", "binaryContent": "AAA="},
        ),
        (User(datasource_user_id="7", name="Ada"), {"datasourceUserId": "7", "name": "Ada"}),
        (
            Permissions(
                allowed_users=[USER],
                allowed_groups=["staff"],
                allowed_group_intersections=[GroupIntersection(required_groups=["a", "b"])],
                allow_anonymous_access=False,
                allow_all_datasource_users_access=True,
            ),
            {
                "allowedUsers": [{"email": "ada@notes.example"}],
                "allowedGroups": ["staff"],
                "allowedGroupIntersections": [{"requiredGroups": ["a", "b"]}],
                "allowAnonymousAccess": False,
                "allowAllDatasourceUsersAccess": True,
            },
        ),
        (Property(name="size", value=3), {"name": "size", "value": 3}),
    ],
    ids=["text", "file", "user", "permissions", "property"],
)
def test_a_part_of_a_document_has_gleans_names(
    part: msgspec.Struct, wire: dict[str, object]
) -> None:
    assert msgspec.to_builtins(part) == wire
