"""The endpoints for users, groups and memberships. As those in api.py."""

from collections.abc import Mapping, Sequence

import msgspec
from glean.api_client.models import (
    BulkIndexGroupsRequest,
    BulkIndexMembershipsRequest,
    BulkIndexUsersRequest,
    DatasourceBulkMembershipDefinition,
    DatasourceGroupDefinition,
    DatasourceMembershipDefinition,
    DatasourceUserDefinition,
    DeleteGroupRequest,
    DeleteMembershipRequest,
    DeleteUserRequest,
    IndexGroupRequest,
    IndexMembershipRequest,
    IndexUserRequest,
    ProcessAllMembershipsRequest,
)

from dev.local_glean.api import Work
from dev.local_glean.bodies import decoded, made, raw, shown
from dev.local_glean.database import Database
from dev.local_glean.datasources import Datasource, Datasources
from dev.local_glean.errors import RefusedError
from dev.local_glean.in_force import InForce
from dev.local_glean.pages import bulk_page, check_count
from dev.local_glean.permissions import check_indexed
from dev.local_glean.records import Record, Records
from dev.local_glean.required import check_email, check_text
from dev.local_glean.uploads import Entity, Place, Uploads


GROUP_PREFIX_RESERVED = "scio"
DISABLING = "disableStaleDataDeletionCheck"

Membership = DatasourceMembershipDefinition | DatasourceBulkMembershipDefinition


class Identities:
    def __init__(self, database: Database, in_force: InForce) -> None:
        self._datasources = Datasources(database)
        self._records = Records(database, in_force)
        self._uploads = Uploads(database, in_force)

    def endpoints(self) -> Mapping[str, Work]:
        return {
            "bulkindexusers": self._bulk_index_users,
            "bulkindexgroups": self._bulk_index_groups,
            "bulkindexmemberships": self._bulk_index_memberships,
            "indexuser": self._index_user,
            "deleteuser": self._delete_user,
            "indexgroup": self._index_group,
            "deletegroup": self._delete_group,
            "indexmembership": self._index_membership,
            "deletemembership": self._delete_membership,
            "processallmemberships": self._process_all_memberships,
        }

    def _bulk_index_users(self, body: bytes) -> None:
        request = decoded(BulkIndexUsersRequest, body)
        place = self._place(Entity.USERS, request.datasource)
        check_count(request.users, place)
        users = made(_user, request.users, body, "users")
        disabling = (DISABLING, request.disable_stale_data_deletion_check)
        self._uploads.take(bulk_page(request, place, users, disabling), self._records)

    def _bulk_index_groups(self, body: bytes) -> None:
        request = decoded(BulkIndexGroupsRequest, body)
        place = self._place(Entity.GROUPS, request.datasource)
        check_count(request.groups, place)
        groups = made(_group, request.groups, body, "groups")
        disabling = (DISABLING, request.disable_stale_data_deletion_check)
        self._uploads.take(bulk_page(request, place, groups, disabling), self._records)

    def _bulk_index_memberships(self, body: bytes) -> None:
        request = decoded(BulkIndexMembershipsRequest, body)
        datasource = self._datasource(request.datasource)
        if not request.group:
            raise RefusedError(400, "No value for required field group")
        place = Place(Entity.MEMBERSHIPS, datasource.name, request.group)
        check_count(request.memberships, place)
        memberships = self._memberships(request.memberships, request.group, datasource)
        self._uploads.take(bulk_page(request, place, memberships), self._records)

    def _index_user(self, body: bytes) -> None:
        request = decoded(IndexUserRequest, body)
        place = self._place(Entity.USERS, request.datasource)
        self._records.upsert(place, _user(request.user, raw(body, "user"), "user"))

    def _delete_user(self, body: bytes) -> None:
        request = decoded(DeleteUserRequest, body)
        place = self._place(Entity.USERS, request.datasource)
        check_text(request.email, "email")
        self._records.delete(place, request.email)

    def _index_group(self, body: bytes) -> None:
        request = decoded(IndexGroupRequest, body)
        place = self._place(Entity.GROUPS, request.datasource)
        self._records.upsert(place, _group(request.group, raw(body, "group"), "group"))

    def _delete_group(self, body: bytes) -> None:
        request = decoded(DeleteGroupRequest, body)
        place = self._place(Entity.GROUPS, request.datasource)
        check_text(request.group_name, "groupName")
        self._records.delete(place, request.group_name)

    def _index_membership(self, body: bytes) -> None:
        request = decoded(IndexMembershipRequest, body)
        datasource = self._datasource(request.datasource)
        group = request.membership.group_name
        (membership,) = self._memberships([request.membership], group, datasource)
        self._records.upsert(Place(Entity.MEMBERSHIPS, datasource.name, group), membership)

    def _delete_membership(self, body: bytes) -> None:
        request = decoded(DeleteMembershipRequest, body)
        datasource = self._datasource(request.datasource)
        membership, group = request.membership, request.membership.group_name
        _check_member(membership, "membership")
        place = Place(Entity.MEMBERSHIPS, datasource.name, group)
        users = {membership.member_user_id} if membership.member_user_id else set()
        by_email = datasource.refers_by_email
        emails = self._records.emails(datasource.name, users, by_email=by_email)
        self._records.delete(place, _key(membership, emails))

    def _process_all_memberships(self, body: bytes) -> None:
        name = decoded(ProcessAllMembershipsRequest, body or b"{}").datasource
        if name is not None:
            self._datasources.get(name)
        self._records.process(Entity.MEMBERSHIPS.kind, name)

    def _datasource(self, name: str) -> Datasource:
        datasource = self._datasources.get(name)
        if datasource.identities != name:
            raise RefusedError(
                400, f"Datasource {name} has its identities from {datasource.identities}"
            )
        return datasource

    def _place(self, entity: Entity, datasource: str) -> Place:
        return Place(entity, self._datasource(datasource).name)

    def _memberships(
        self, definitions: Sequence[Membership], group: str, datasource: Datasource
    ) -> list[Record]:
        """The memberships of a group. Raises RefusedError where it, or a member, is not there."""
        for index, definition in enumerate(definitions):
            _check_member(definition, f"memberships[{index}]")
        users = {one.member_user_id for one in definitions if one.member_user_id}
        groups = {one.member_group_name for one in definitions if one.member_group_name}
        if group in groups:
            raise RefusedError(400, f"Group {group} cannot be a member of itself")
        emails = check_indexed(
            users, {group, *groups}, datasource, self._records, before="memberships"
        )
        return [Record(_key(one, emails), _listed(one, group)) for one in definitions]


def _user(definition: DatasourceUserDefinition, body: bytes, field: str) -> Record:
    check_email(definition.email, f"{field}.email")
    check_text(definition.name, f"{field}.name")
    check_text(definition.user_id, f"{field}.userId")
    return Record(definition.email, body, definition.user_id or definition.email)


def _group(definition: DatasourceGroupDefinition, body: bytes, field: str) -> Record:
    name = definition.name
    if not name or any(map(str.isspace, name)) or name.startswith(GROUP_PREFIX_RESERVED):
        raise RefusedError(
            400,
            f"Invalid value for {field}.name: {shown(name)}: the name of a group is not empty, "
            f"has no whitespace and does not start with {GROUP_PREFIX_RESERVED}",
        )
    return Record(name, body)


def _check_member(definition: Membership, field: str) -> None:
    if bool(definition.member_user_id) == bool(definition.member_group_name):
        raise RefusedError(
            400,
            f"Invalid value for {field}: expected exactly one of memberUserId and memberGroupName",
        )


def _key(definition: Membership, emails: Mapping[str, str]) -> str:
    """Of the membership in its group. A user without an email has none there."""
    if definition.member_group_name:
        return f"group {definition.member_group_name}"
    return f"user {emails.get(definition.member_user_id or '', '')}"


def _listed(definition: Membership, group: str) -> bytes:
    """The same for a membership of a bulk upload and for a single one."""
    member = {
        "memberUserId": definition.member_user_id,
        "memberGroupName": definition.member_group_name,
    }
    sent = {name: value for name, value in member.items() if value}
    return msgspec.json.encode({"groupName": group, **sent})
