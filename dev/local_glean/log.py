"""What the log says of a request, whether or not it is a good one."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from starlette.types import Scope


class _Item(Struct, rename="camel"):
    """Whatever an endpoint takes, by what tells it from others of its kind."""

    email: str | None = None
    id: str | None = None
    name: str | None = None
    member_user_id: str | None = None
    member_group_name: str | None = None
    group_name: str | None = None

    @property
    def label(self) -> str:
        names = (self.email, self.id, self.name, self.member_user_id, self.member_group_name)
        return next(filter(None, names), "")


class _Request(Struct, rename="camel"):
    datasource: str | None = None
    upload_id: str | None = None
    is_first_page: bool = False
    is_last_page: bool = False
    force_restart_upload: bool = False
    disable_stale_document_deletion_check: bool = False
    disable_stale_data_deletion_check: bool = False
    # The pages of bulk uploads.
    documents: list[_Item] | None = None
    users: list[_Item] | None = None
    groups: list[_Item] | None = None
    memberships: list[_Item] | None = None
    employees: list[_Item] | None = None
    teams: list[_Item] | None = None
    # Single ones. The group of a membership upload is a name.
    group: str | _Item | None = None
    user: _Item | None = None
    membership: _Item | None = None
    employee: _Item | None = None
    team: _Item | None = None
    # Deletions of single ones.
    id: str | None = None
    email: str | None = None
    employee_email: str | None = None
    group_name: str | None = None

    @property
    def items(self) -> Sequence[_Item]:
        pages = (
            self.documents,
            self.users,
            self.groups,
            self.memberships,
            self.employees,
            self.teams,
        )
        if (page := next((page for page in pages if page is not None), None)) is not None:
            return page
        group = self.group if isinstance(self.group, _Item) else None
        singles = (self.user, group, self.membership, self.employee, self.team)
        return [single for single in singles if single is not None]

    @property
    def group_concerned(self) -> str | None:
        match self.group, self.membership:
            case str(name), _:
                return name
            case _Item(name=name), _:
                return name
            case _, _Item(group_name=name):
                return name
        return self.group_name

    @property
    def deleted(self) -> str:
        names = (self.id, self.email, self.employee_email, self.group_name)
        return next(filter(None, names), "")


def described(scope: Scope, body: bytes) -> Mapping[str, Any]:
    try:
        request = msgspec.json.decode(body, type=_Request)
    except msgspec.DecodeError:
        request = _Request()
    items = request.items
    labels = [item.label for item in items] or [request.deleted]
    return {
        "endpoint": scope["path"].rpartition("/")[2],
        "datasource": request.datasource,
        "uploadId": request.upload_id,
        "isFirstPage": request.is_first_page,
        "isLastPage": request.is_last_page,
        "forceRestartUpload": request.force_restart_upload,
        "disableStaleDocumentDeletionCheck": request.disable_stale_document_deletion_check,
        "disableStaleDataDeletionCheck": request.disable_stale_data_deletion_check,
        "group": request.group_concerned,
        "item_count": len(items),
        "document_count": len(request.documents or []),
        "first_id": labels[0] or None,
        "last_id": labels[-1] or None,
        "ids_hash": hashlib.sha256("\n".join(labels).encode()).hexdigest(),
    }
