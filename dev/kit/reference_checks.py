"""What must be so of all that a connector brings together: whom it names, it brings too."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import UNSET

from dev.kit.crawl import PageRead
from dev.kit.findings import Finding
from durable.connector.definition import AnyConnector
from durable.glean.documents import Deletion, Document, Permissions
from durable.glean.identities import DatasourceUser, Group, Members
from durable.machine.job import Mode, Stage


CHECK = "references"


def reference_findings(connector: AnyConnector, pages: Sequence[PageRead]) -> Iterator[Finding]:
    """Of a FULL job: users and groups that are named, where the connector brings their kind.

    Args:
        connector: whose users and groups are of its own datasource, or not looked at.
        pages: of all stages.
    """
    full = [page for page in pages if page.mode is Mode.FULL]
    streams = connector.streams(Mode.FULL)
    datasource = connector.datasource
    if datasource.identity_datasource:
        return
    users, groups = set[str](), set[str]()
    for _, change in _changes(full):
        if isinstance(change, DatasourceUser):
            users |= {change.email.casefold()}
            if change.user_id is not UNSET:
                users.add(change.user_id.casefold())
        elif isinstance(change, Group):
            groups.add(change.name.casefold())
    for where, change in _changes(full):
        named_users, named_groups = _named(change)
        if Stage.USERS in streams:
            yield from _unknown(where, "user", named_users, users)
        if Stage.GROUPS in streams:
            yield from _unknown(where, "group", named_groups, groups)


def deletion_findings(connector: AnyConnector, pages: Sequence[PageRead]) -> Iterator[Finding]:
    """Deletions of a type that no document has: Glean answers 200, and deletes nothing."""
    types = set(connector.datasource.object_type_names)
    types |= {change.object_type for _, change in _changes(pages) if isinstance(change, Document)}
    for where, change in _changes(pages):
        if types and isinstance(change, Deletion) and change.object_type not in types:
            yield Finding(
                "deletions",
                where,
                f"the deletion of {change.id!r} names the object_type {change.object_type!r}, and "
                f"the documents are of {', '.join(map(repr, sorted(types)))}: Glean would answer "
                "200, and delete nothing",
                "give the deletion the object_type that its document had",
            )


def _changes(pages: Sequence[PageRead]) -> Iterator[tuple[str, Any]]:
    for page in pages:
        for placed in page.changes:
            yield f"{page}, record {placed.place}", placed.change


def _named(change: Any) -> tuple[list[str], list[str]]:
    """The users and groups that a document or a membership names."""
    match change:
        case Members():
            return change.user_ids, [change.group, *change.group_names]
        case Document(permissions=Permissions() as permissions):
            users = [
                str(name)
                for user in permissions.allowed_users or ()
                for name in (user.email, user.datasource_user_id)
                if name is not UNSET
            ]
            groups = [*(permissions.allowed_groups or ())]
            for intersection in permissions.allowed_group_intersections or ():
                groups += intersection.required_groups
            return users, groups
    return [], []


def _unknown(where: str, kind: str, named: Sequence[str], known: set[str]) -> Iterator[Finding]:
    for name in named:
        if name.casefold() not in known:
            yield Finding(
                CHECK,
                where,
                f"it names the {kind} {name!r}, which no {kind} of the FULL job is: Glean refuses "
                "it, or lets nobody in by it",
                f"bring the {kind}, or leave it out; or add its record to the responses",
            )
