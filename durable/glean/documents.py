"""Documents, and their deletion, as Glean's indexing API takes them.

Fields are those of Glean's `DocumentDefinition`, in snake case; the datasource
is added when they are sent. What Glean asks for beyond the types is said at
the field, and looked at in `durable.glean.validation`.
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Self

from msgspec import UNSET, Struct, UnsetType, field


class Wire(
    Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    omit_defaults=True,
    # So that a dict in place of one of these must have its names right too.
    forbid_unknown_fields=True,
):
    """A struct that is sent as JSON, with Glean's names, without fields that are not set."""


class Content(Wire, frozen=True, kw_only=True):
    """A text, or base64 of a file, with its MIME type: exactly one of the two.

    Glean takes no JSON, XML, CSS, archives, images, audio or video.
    """

    mime_type: str
    text_content: str | UnsetType = UNSET
    binary_content: str | UnsetType = UNSET

    @classmethod
    def text(cls, text: str) -> Self:
        """Plain text."""
        return cls(mime_type="text/plain", text_content=text)

    @classmethod
    def html(cls, text: str) -> Self:
        """HTML, of which Glean removes the markup."""
        return cls(mime_type="text/html", text_content=text)

    @classmethod
    def markdown(cls, text: str) -> Self:
        return cls(mime_type="text/markdown", text_content=text)

    @classmethod
    def file(cls, data: bytes, mime_type: str) -> Self:
        """A file such as a PDF, of which Glean reads the text."""
        return cls(mime_type=mime_type, binary_content=b64encode(data).decode())


class User(Wire, frozen=True, kw_only=True):
    """A person, by mail address or by the source's own id, as the datasource is set up."""

    email: str | UnsetType = UNSET
    datasource_user_id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET


class GroupIntersection(Wire, frozen=True, kw_only=True):
    """Those who are in all of these groups."""

    required_groups: list[str]


class Permissions(Wire, frozen=True, kw_only=True):
    """Who may find the document: whoever one of the fields names. Nobody, if nothing is set.

    Users and groups must be in Glean before a document names them.
    """

    allowed_users: list[User] | UnsetType = UNSET
    allowed_groups: list[str] | UnsetType = UNSET
    allowed_group_intersections: list[GroupIntersection] | UnsetType = UNSET
    allow_anonymous_access: bool | UnsetType = UNSET  # everybody who uses Glean
    allow_all_datasource_users_access: bool | UnsetType = UNSET

    @classmethod
    def everyone(cls) -> Self:
        """Everybody who uses Glean."""
        return cls(allow_anonymous_access=True)

    @classmethod
    def datasource_users(cls) -> Self:
        """All users of the datasource."""
        return cls(allow_all_datasource_users_access=True)

    @classmethod
    def of(cls, *, groups: Sequence[str] = (), users: Sequence[User] = ()) -> Self:
        """These groups' members and these users; nobody, if there are none."""
        return cls(
            allowed_users=list(users) if users else UNSET,
            allowed_groups=list(groups) if groups else UNSET,
        )


class Property(Wire, frozen=True, kw_only=True):
    """A custom property, declared in the datasource's object type. A DATE is in Unix seconds."""

    name: str
    value: str | int | float | list[str]


class Interactions(Wire, frozen=True, kw_only=True):
    """How often the document was seen, liked and commented on: a signal for the ranking."""

    num_views: int | UnsetType = UNSET
    num_likes: int | UnsetType = UNSET
    num_comments: int | UnsetType = UNSET


class Comment(Wire, frozen=True, kw_only=True):
    """A comment on the document. Its times are Unix seconds, see `unix_seconds`."""

    id: str  # at most 200 characters, one of its kind in the document
    author: User | UnsetType = UNSET
    content: Content | UnsetType = UNSET
    created_at: int | UnsetType = UNSET
    updated_at: int | UnsetType = UNSET
    updated_by: User | UnsetType = UNSET


class Document(Wire, frozen=True, kw_only=True):
    """One document. Its times are Unix seconds, see `unix_seconds`."""

    id: str  # at most 200 characters, the same for ever, upper and lower case are one
    object_type: str  # declared in the datasource; without spaces or underscores
    permissions: Permissions
    # It must match the datasource's urlRegex; only a datasource of entities can do without.
    view_url: str | UnsetType = field(default=UNSET, name="viewURL")
    title: str | UnsetType = UNSET  # plain text; without one, Glean looks into the body
    filename: str | UnsetType = UNSET  # the title where there is none
    body: Content | UnsetType = UNSET
    summary: Content | UnsetType = UNSET
    author: User | UnsetType = UNSET
    owner: User | UnsetType = UNSET  # if it is not the author
    created_at: int | UnsetType = UNSET
    updated_at: int | UnsetType = UNSET
    updated_by: User | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    status: str | UnsetType = UNSET
    container: str | UnsetType = UNSET  # the name of the folder, project or channel
    container_datasource_id: str | UnsetType = UNSET  # its id in the source
    container_object_type: str | UnsetType = UNSET  # without spaces or underscores
    additional_urls: list[str] | UnsetType = UNSET  # others that lead to the same document
    native_app_url: str | UnsetType = UNSET  # such as slack://channel/message
    interactions: Interactions | UnsetType = UNSET
    comments: list[Comment] | UnsetType = UNSET
    custom_properties: list[Property] | UnsetType = UNSET


class EncodedDocument(Struct, frozen=True):
    """A document as it is sent: its text is in memory once."""

    id: str
    content: bytes  # JSON


class Deletion(Struct, frozen=True, kw_only=True):
    """The deletion of a document that the source no longer has.

    An INCREMENTAL job deletes it; a FULL one leaves it out of the upload.
    """

    id: str
    object_type: str


class PermissionsUpdate(Struct, frozen=True):
    """A document of which only those who may see it are others than before."""

    object_type: str
    permissions: Permissions
    whole: EncodedDocument  # to be sent in its place, where Glean refuses it

    @property
    def id(self) -> str:
        return self.whole.id


Change = Document | Deletion
