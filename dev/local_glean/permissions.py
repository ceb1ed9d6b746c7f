"""Who is named in a document's permissions, and whether they are indexed."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from glean.api_client.models import DocumentPermissionsDefinition, UserReferenceDefinition
from msgspec import Struct

from dev.local_glean.datasources import Datasource
from dev.local_glean.errors import RefusedError
from dev.local_glean.records import Records


class Named(Struct, frozen=True):
    """Users as their datasource refers to them, groups by their names."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    is_anybody: bool = False  # also without a name: everybody, for example


def named(
    permissions: DocumentPermissionsDefinition | None, document: str, datasource: Datasource
) -> Named:
    """Who is named. Raises RefusedError.

    Args:
        permissions: the document's.
        document: its name, for an error.
        datasource: says how users are referred to.
    """
    if permissions is None:
        return Named()
    return Named(
        users=tuple(
            _reference(user, f"{document} has in permissions.allowedUsers[{index}]", datasource)
            for index, user in enumerate(permissions.allowed_users or [])
        ),
        groups=(*(permissions.allowed_groups or []), *_intersected(permissions)),
        is_anybody=any(
            (
                permissions.allowed_users,
                permissions.allowed_groups,
                permissions.allowed_group_intersections,
                permissions.allow_anonymous_access,
                permissions.allow_all_datasource_users_access,
            )
        ),
    )


def check_named(everybody: Sequence[Named], datasource: Datasource, records: Records) -> None:
    """Raise RefusedError if one who is named is not indexed."""
    users = {user for one in everybody for user in one.users}
    groups = {group for one in everybody for group in one.groups}
    check_indexed(users, groups, datasource, records, before="permissions")


def check_indexed(
    users: AbstractSet[str],
    groups: AbstractSet[str],
    datasource: Datasource,
    records: Records,
    *,
    before: str,
) -> Mapping[str, str]:
    """The users' emails, if all of them are indexed, and the groups too. Raises RefusedError.

    Args:
        users: as the datasource refers to them.
        groups: by their names.
        datasource: whose identities may be those of another.
        records: all that are indexed.
        before: what the refused request would have added.
    """
    # Most documents name nobody: they do not wait for the database.
    emails = (
        records.emails(datasource.identities, users, by_email=datasource.refers_by_email)
        if users
        else {}
    )
    known = records.groups(datasource.identities, groups) if groups else set()
    for kind, missing in (("user", users - emails.keys()), ("group", groups - known)):
        if missing:
            raise RefusedError(
                400,
                f"{kind.capitalize()} {min(missing)} not found for datasource "
                f"{datasource.glean_name}, please index the {kind} before adding {before}",
            )
    return emails


def _reference(user: UserReferenceDefinition, fault: str, datasource: Datasource) -> str:
    field, reference = "datasourceUserId", user.datasource_user_id
    if datasource.refers_by_email:
        field, reference = "email", user.email
    if not reference:
        is_not = "" if datasource.refers_by_email else "not "
        raise RefusedError(
            400,
            f"{fault} no {field}, and isUserReferencedByEmail is {is_not}set for "
            f"datasource {datasource.name}",
        )
    return reference


def _intersected(permissions: DocumentPermissionsDefinition) -> Iterator[str]:
    for intersection in permissions.allowed_group_intersections or []:
        yield from intersection.required_groups or []
