"""Who may see a document, sent without the rest of it. Pure.

Glean documents neither what becomes of a field that is left out of such a request, nor what no
permissions at all mean there. So all fields are sent, and nobody's document goes whole.
"""

from collections.abc import Mapping

from msgspec import Struct

from durable.decoding import decode
from durable.glean.documents import EncodedDocument, Permissions, PermissionsUpdate


class _Part(Struct, frozen=True, rename="camel"):
    """What is needed of a document that was encoded."""

    object_type: str
    permissions: Permissions


def access_of(whole: EncodedDocument) -> PermissionsUpdate | None:
    """What has Glean show the document to others than before; None: that takes all of it."""
    part = decode(whole.content, _Part)
    if not any(explicit(part.permissions).values()):
        return None
    return PermissionsUpdate(part.object_type, part.permissions, whole)


def explicit(permissions: Permissions) -> Mapping[str, object]:
    """All of Glean's fields, by their names there: those that are not set grant nothing."""
    return {
        "allowedUsers": permissions.allowed_users or [],
        "allowedGroups": permissions.allowed_groups or [],
        "allowedGroupIntersections": permissions.allowed_group_intersections or [],
        "allowAnonymousAccess": permissions.allow_anonymous_access or False,
        "allowAllDatasourceUsersAccess": permissions.allow_all_datasource_users_access or False,
    }
