"""The users, groups and memberships of the simulated Glean, as strict as it might be."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from durable.timestamps import rfc3339
from tests.simulation.clock import Clock


class _Page(Struct, forbid_unknown_fields=True, rename="camel"):
    upload_id: str
    datasource: str
    users: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []
    is_first_page: bool = False
    is_last_page: bool = False
    force_restart_upload: bool = False
    disable_stale_data_deletion_check: bool = False


class _Members(Struct, forbid_unknown_fields=True, rename="camel"):
    upload_id: str
    datasource: str
    group: str
    memberships: list[dict[str, str]]
    is_first_page: bool
    is_last_page: bool
    force_restart_upload: bool


class _Upload(Struct):
    started_at_ms: int
    is_closed: bool = False


class People:
    """Takes uploads of users, of groups and of a group's members, one of each at a time.

    Args:
        clock: of the world.
        require: refuses what is not so, with a text and a status.
        members_max: in one request.
    """

    def __init__(
        self, clock: Clock, require: Callable[[bool, str, int], None], members_max: int
    ) -> None:
        self._clock = clock
        self._require = require
        self._open: dict[str, str] = {}  # by kind, the upload that is open
        self._staged: dict[str, set[str]] = {}
        self._uploads: dict[str, dict[str, _Upload]] = {"users": {}, "groups": {}}
        self._members_max = members_max
        self._memberships: set[str] = set()  # uploads that were used
        self._open_group: tuple[str, str] | None = None  # the upload, and the group
        self._staged_members: set[str] = set()
        self.refused_groups: set[str] = set()  # though they were indexed
        self.refused_members: set[str] = set()  # likewise
        self.users: set[str] = set()
        self.groups: set[str] = set()
        self.members: dict[str, set[str]] = {}

    def take(self, kind: str, body: bytes) -> None:
        """A page of users or of groups."""
        page = msgspec.json.decode(body, type=_Page)
        names = {str(one["email" if kind == "users" else "name"]) for one in getattr(page, kind)}
        uploads = self._uploads[kind]
        if page.is_first_page:
            self._require(page.upload_id not in uploads, "used before", 409)
            is_free = kind not in self._open or page.force_restart_upload
            self._require(is_free, "another one is open", 409)
            self._open[kind], self._staged[kind] = page.upload_id, set()
            uploads[page.upload_id] = _Upload(self._clock.now_ms)
        self._require(self._open.get(kind) == page.upload_id, "not the open upload", 409)
        is_boundary = page.is_first_page or page.is_last_page
        self._require(is_boundary or bool(names), "an empty page in the middle", 400)
        self._staged[kind] |= names
        if page.is_last_page:
            uploads[page.upload_id].is_closed = True
            dropped = getattr(self, kind) - self._staged[kind]
            setattr(self, kind, self._staged.pop(kind))
            del self._open[kind]
            self._forget(dropped)

    def _forget(self, dropped: set[str]) -> None:
        """Users and groups that are deleted have no memberships any more."""
        kept = {group: names for group, names in self.members.items() if group not in dropped}
        self.members = {group: names - dropped for group, names in kept.items()}

    def take_members(self, body: bytes) -> None:
        """A page of the upload that replaces one group's members, once it is closed."""
        page = msgspec.json.decode(body, type=_Members)
        upload = (page.upload_id, page.group)
        names = {one["memberUserId"] for one in page.memberships}
        self._require(page.force_restart_upload <= page.is_first_page, "not a first page", 400)
        self._require(len(page.memberships) <= self._members_max, "too many members", 413)
        is_there = page.group in self.groups - self.refused_groups
        self._require(is_there, "no such group: index the group before", 400)
        unknown = names - (self.users - self.refused_members)
        self._require(not unknown, f"no such user: {unknown}: index the user before", 400)
        if page.is_first_page:
            self._require(page.upload_id not in self._memberships, "used before", 409)
            is_free = self._open_group is None or page.force_restart_upload
            self._require(is_free, "another one is open", 409)
            self._memberships.add(page.upload_id)
            self._open_group, self._staged_members = upload, set()
        self._require(self._open_group == upload, "not the open upload", 409)
        self._staged_members |= names
        if page.is_last_page:
            self.members[page.group] = self._staged_members
            self._open_group = None

    def history(self) -> Mapping[str, Any]:
        """As /debug/NAME/status tells it."""
        return {
            kind: {
                "bulkUploadHistory": [
                    {
                        "uploadId": upload_id,
                        "status": "SUCCESSFUL" if upload.is_closed else "ACTIVE",
                        "processingState": (
                            "INDEXING COMPLETED" if upload.is_closed else "UPLOAD STARTED"
                        ),
                        "startTime": rfc3339(upload.started_at_ms),
                    }
                    for upload_id, upload in uploads.items()
                    if upload.is_closed or self._open.get(kind) == upload_id
                ]
            }
            for kind, uploads in self._uploads.items()
        }
