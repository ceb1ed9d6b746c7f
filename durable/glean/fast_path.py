"""A fast check that passes most documents; all others go through the full validation."""

from msgspec import UNSET, UnsetType

from durable.glean.datasource import Datasource
from durable.glean.documents import Content, Document, Permissions, User
from durable.glean.identity_validation import EMAIL, GROUP
from durable.glean.object_types import OBJECT_TYPE


ID_CHARACTERS_MAX = 200
EPOCH_SECONDS_MAX = 100_000_000_000  # the year 5138; today's milliseconds are above it
TEXTS = frozenset({"text/plain", "text/html", "text/markdown"})
FLAGS = (bool, UnsetType)


def is_plain(document: Document, datasource: Datasource) -> bool:
    """Whether a document certainly has no fault. False does not mean that it has one."""
    # Types come first: a mapping can put anything into a field.
    identifier, kind, url = document.id, document.object_type, document.view_url
    names, pattern = datasource.object_type_names, datasource.url_pattern
    title, body = document.title, document.body
    created_at, updated_at = document.created_at, document.updated_at
    return (
        type(identifier) is str
        and 0 < len(identifier) <= ID_CHARACTERS_MAX
        and type(kind) is str
        and (kind in names if names else OBJECT_TYPE.fullmatch(kind) is not None)
        and type(url) is str
        and url != ""
        and (pattern is None or pattern.fullmatch(url) is not None)
        and (title is UNSET or type(title) is str)
        and (
            body is UNSET
            or (
                type(body) is Content
                and type(body.text_content) is str
                and body.binary_content is UNSET
                and type(body.mime_type) is str
                and body.mime_type in TEXTS
            )
        )
        and (
            created_at is UNSET
            or (type(created_at) is int and -EPOCH_SECONDS_MAX < created_at < EPOCH_SECONDS_MAX)
        )
        and (
            updated_at is UNSET
            or (type(updated_at) is int and -EPOCH_SECONDS_MAX < updated_at < EPOCH_SECONDS_MAX)
        )
        and (document.author is UNSET or _is_plain_user(document.author))
        and (document.owner is UNSET or _is_plain_user(document.owner))
        and _are_plain_permissions(document.permissions, datasource)
        and document.filename is UNSET
        and document.summary is UNSET
        and document.updated_by is UNSET
        and document.tags is UNSET
        and document.status is UNSET
        and document.container is UNSET
        and document.container_datasource_id is UNSET
        and document.container_object_type is UNSET
        and document.additional_urls is UNSET
        and document.native_app_url is UNSET
        and document.interactions is UNSET
        and document.comments is UNSET
        and document.custom_properties is UNSET
    )


def _is_plain_user(user: object) -> bool:
    """One who is known by a mail address."""
    return (
        type(user) is User
        and type(user.email) is str
        and EMAIL.fullmatch(user.email) is not None
        and user.datasource_user_id is UNSET
        and (user.name is UNSET or type(user.name) is str)
    )


def _are_plain_permissions(permissions: object, datasource: Datasource) -> bool:
    """Whether they name groups, and users by their mail addresses, at most."""
    if (
        type(permissions) is not Permissions
        or permissions.allowed_group_intersections is not UNSET
        or type(permissions.allow_anonymous_access) not in FLAGS
        or type(permissions.allow_all_datasource_users_access) not in FLAGS
    ):
        return False
    groups: object = permissions.allowed_groups
    users: object = permissions.allowed_users
    return (
        groups is UNSET
        or (
            type(groups) is list
            and all(type(name) is str and GROUP.fullmatch(name) for name in groups)
        )
    ) and (
        users is UNSET
        or (
            type(users) is list
            and datasource.refers_by_email is not False
            and all(map(_is_plain_user, users))
        )
    )
