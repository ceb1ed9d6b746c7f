"""Documents as Glean's indexing API takes them, and their removal.

Fields are those of Glean's `DocumentDefinition`, in snake case; the datasource
is added when they are sent. What Glean asks for beyond the types is said at
the field.
"""

from msgspec import UNSET, Struct, UnsetType, field


class Content(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A text, or base64 of a file, with its MIME type."""

    mime_type: str
    text_content: str | UnsetType = UNSET
    binary_content: str | UnsetType = UNSET


class User(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A person, by mail address or by the source's own id, as the datasource is set up."""

    email: str | UnsetType = UNSET
    datasource_user_id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET


class GroupIntersection(Struct, frozen=True, kw_only=True, rename="camel"):
    """Those who are in all of these groups."""

    required_groups: list[str]


class Permissions(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Who may find the document. Nobody, if nothing is set."""

    allowed_users: list[User] | UnsetType = UNSET
    allowed_groups: list[str] | UnsetType = UNSET
    allowed_group_intersections: list[GroupIntersection] | UnsetType = UNSET
    allow_anonymous_access: bool | UnsetType = UNSET  # everybody who uses Glean
    allow_all_datasource_users_access: bool | UnsetType = UNSET


class Property(Struct, frozen=True, kw_only=True):
    """A custom property, declared in the datasource's object definition."""

    name: str
    value: str | int | float | list[str]


class Document(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One document. `updated_at` and `created_at` are Unix seconds."""

    id: str  # at most 200 characters, the same for ever, upper and lower case are one
    view_url: str = field(name="viewURL")  # must match the datasource's urlRegex
    object_type: str  # declared in the datasource; without spaces or underscores
    permissions: Permissions
    title: str | UnsetType = UNSET
    filename: str | UnsetType = UNSET
    body: Content | UnsetType = UNSET
    summary: Content | UnsetType = UNSET
    author: User | UnsetType = UNSET
    owner: User | UnsetType = UNSET
    created_at: int | UnsetType = UNSET
    updated_at: int | UnsetType = UNSET
    updated_by: User | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    status: str | UnsetType = UNSET
    container: str | UnsetType = UNSET
    custom_properties: list[Property] | UnsetType = UNSET


class Deletion(Struct, frozen=True, kw_only=True):
    """A document that the source no longer has.

    An INCREMENTAL job deletes it; a FULL one leaves it out of the upload.
    """

    id: str
    object_type: str


Change = Document | Deletion
