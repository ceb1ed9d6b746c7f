"""The frame of requests to Glean, around the documents that they bring. Pure.

Facts are from Glean's OpenAPI description 0.9.0.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Raw, Struct

from durable.glean.access import explicit
from durable.glean.documents import Deletion, EncodedDocument, PermissionsUpdate
from durable.machine.job import Stage


TAIL = b"]}"


class GleanEndpoint(StrEnum):
    """Where a request goes, below the root of Glean's indexing API."""

    BULK_DOCUMENTS = "/bulkindexdocuments"
    DOCUMENTS = "/indexdocuments"
    DELETION = "/deletedocument"
    PERMISSIONS = "/updatepermissions"
    BULK_USERS = "/bulkindexusers"
    USER = "/indexuser"
    BULK_GROUPS = "/bulkindexgroups"
    GROUP = "/indexgroup"
    BULK_MEMBERSHIPS = "/bulkindexmemberships"
    EMPLOYEE = "/indexemployee"
    BULK_TEAMS = "/bulkindexteams"
    TEAM = "/indexteam"


class RequestShape(Struct, frozen=True):
    """How things of one kind are sent."""

    name: str  # of one thing
    endpoint: GleanEndpoint
    field: str  # that holds the thing, or the list of them
    is_list: bool
    has_datasource: bool = True
    unchecked: str = ""  # flag of a last page, after which Glean deletes however much is left over


DATA_UNCHECKED = "disableStaleDataDeletionCheck"
# As pages of an upload, and by themselves.
UPLOADS: Mapping[Stage, RequestShape] = {
    Stage.USERS: RequestShape(
        "user", GleanEndpoint.BULK_USERS, "users", is_list=True, unchecked=DATA_UNCHECKED
    ),
    Stage.GROUPS: RequestShape(
        "group", GleanEndpoint.BULK_GROUPS, "groups", is_list=True, unchecked=DATA_UNCHECKED
    ),
    Stage.TEAMS: RequestShape(
        "team", GleanEndpoint.BULK_TEAMS, "teams", is_list=True, has_datasource=False
    ),
    Stage.DOCUMENTS: RequestShape(
        "document",
        GleanEndpoint.BULK_DOCUMENTS,
        "documents",
        is_list=True,
        unchecked="disableStaleDocumentDeletionCheck",
    ),
}
SINGLES: Mapping[Stage, RequestShape] = {
    Stage.USERS: RequestShape("user", GleanEndpoint.USER, "user", is_list=False),
    Stage.GROUPS: RequestShape("group", GleanEndpoint.GROUP, "group", is_list=False),
    Stage.MEMBERSHIPS: RequestShape(
        "membership", GleanEndpoint.BULK_MEMBERSHIPS, "memberships", is_list=True
    ),
    Stage.EMPLOYEES: RequestShape(
        "employee", GleanEndpoint.EMPLOYEE, "employee", is_list=False, has_datasource=False
    ),
    Stage.TEAMS: RequestShape(
        "team", GleanEndpoint.TEAM, "team", is_list=False, has_datasource=False
    ),
    Stage.DOCUMENTS: RequestShape("document", GleanEndpoint.DOCUMENTS, "documents", is_list=True),
    Stage.DELETIONS: RequestShape("deletion", GleanEndpoint.DELETION, "", is_list=False),
}


class GroupPart(Struct, frozen=True):
    """A request of the upload that replaces the members of one group.

    Glean replaces them once the upload is closed, and not before.
    """

    upload_id: str
    datasource: str
    group: str
    place: int  # of the group's record in its page, from 1
    opens: bool = False
    closes: bool = False

    @property
    def head(self) -> bytes:
        """What stands before the members."""
        names = {"uploadId": self.upload_id, "datasource": self.datasource, "group": self.group}
        return msgspec.json.encode(names)[:-1] + b',"memberships":['

    @property
    def tail(self) -> bytes:
        """What stands after them."""
        flags = {
            "isFirstPage": self.opens,
            "isLastPage": self.closes,
            "forceRestartUpload": self.opens,
        }
        return b"]," + msgspec.json.encode(flags)[1:]


class Envelope:
    """The frame of one page's requests.

    Args:
        stage: what they bring.
        datasource: Glean's name of it.
        upload_id: the bulk upload that they are pages of; empty for none. Memberships, one
            upload for each group, take it as the beginning of their own.
    """

    def __init__(self, stage: Stage, datasource: str, upload_id: str) -> None:
        self._upload_id = upload_id
        is_upload = bool(upload_id) and stage in UPLOADS
        self.form = (UPLOADS if is_upload else SINGLES)[stage]
        self.upload_id = upload_id if is_upload else ""
        self._datasource = datasource
        fields: dict[str, Any] = {"uploadId": upload_id} if is_upload else {}
        if self.form.has_datasource:
            fields["datasource"] = datasource
        beginning = msgspec.json.encode(fields)[:-1] + (b"," if fields else b"")
        self.head = beginning + msgspec.json.encode(self.form.field) + b":["
        self.byte_count = len(self.head) + len(TAIL) if self.form.is_list else 0
        # Of a document in a list, before its first field.
        is_of_documents = self.form.field == "documents"
        name = msgspec.json.encode(datasource)
        self._member = b'{"datasource":' + name + b"," if is_of_documents else b""

    def encode(self, change: Struct) -> bytes:
        """Encode one thing, for a list or a request of its own. Raises ValueError or TypeError."""
        if isinstance(change, Deletion):
            return self._deletion(change)
        if isinstance(change, PermissionsUpdate):
            return self._permissions_update(change)
        if isinstance(change, EncodedDocument):
            content = change.content
        else:
            content = msgspec.json.encode(change)
        if self._member:
            # Encoded, a document is an object with at least an id: it starts with `{"`.
            return self._member + content[1:]
        if self.form.is_list:
            return content
        around = {"datasource": self._datasource} if self.form.has_datasource else {}
        return msgspec.json.encode({**around, self.form.field: Raw(content)})

    def _deletion(self, deletion: Deletion) -> bytes:
        request = {"datasource": self._datasource, "objectType": deletion.object_type}
        return msgspec.json.encode({**request, "id": deletion.id})

    def _permissions_update(self, update: PermissionsUpdate) -> bytes:
        request = {"datasource": self._datasource, "objectType": update.object_type}
        permissions = {"permissions": explicit(update.permissions)}
        return msgspec.json.encode({**request, "id": update.id, **permissions})

    def group_part(self, group: str, place: int) -> GroupPart:
        """All of the upload that brings a group's members.

        Args:
            group: its name.
            place: of its record in the page, so that each group of a page has an upload id.
        """
        upload_id = f"{self._upload_id}-{place}"
        return GroupPart(upload_id, self._datasource, group, place, opens=True, closes=True)
