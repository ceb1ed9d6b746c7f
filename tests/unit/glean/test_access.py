"""Who may see a document, sent alone."""

import msgspec
import pytest

from durable.glean.access import access_of, explicit
from durable.glean.documents import (
    Document,
    EncodedDocument,
    GroupIntersection,
    Permissions,
    User,
)


def encoded(permissions: Permissions) -> EncodedDocument:
    document = Document(id="a", object_type="note", title="about a", permissions=permissions)
    return EncodedDocument("a", msgspec.json.encode(document))


@pytest.mark.parametrize(
    "permissions",
    [
        Permissions(allowed_users=[User(email="ada@x.example")]),
        Permissions(allowed_groups=["staff"]),
        Permissions(allowed_group_intersections=[GroupIntersection(required_groups=["a", "b"])]),
        Permissions.everyone(),
        Permissions.datasource_users(),
    ],
)
def test_a_document_for_somebody_needs_no_more_than_its_permissions(
    permissions: Permissions,
) -> None:
    whole = encoded(permissions)

    update = access_of(whole)

    assert update is not None
    assert (update.id, update.object_type, update.whole) == ("a", "note", whole)
    assert update.permissions == permissions


@pytest.mark.parametrize(
    "permissions",
    [
        Permissions(),
        Permissions(allowed_users=[], allowed_groups=[], allow_anonymous_access=False),
    ],
)
def test_a_document_for_nobody_goes_whole(permissions: Permissions) -> None:
    """What Glean makes of no permissions alone, is not documented."""
    assert access_of(encoded(permissions)) is None


def test_what_is_not_set_is_told_to_grant_nothing() -> None:
    """So that Glean cannot leave it as it was."""
    fields = explicit(Permissions(allowed_groups=["staff"]))

    names = msgspec.json.decode(
        msgspec.json.encode(
            Permissions(
                allowed_users=[],
                allowed_groups=[],
                allowed_group_intersections=[],
                allow_anonymous_access=False,
                allow_all_datasource_users_access=False,
            )
        )
    )
    assert fields.keys() == names.keys()
    assert [name for name, granted in fields.items() if granted] == ["allowedGroups"]
