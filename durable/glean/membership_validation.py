"""Validates the members of a group one by one, so that a faulty one does not keep out others."""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from durable.glean.datasource import Datasource
from durable.glean.identities import Members
from durable.glean.identity_validation import EMAIL, email_fault, group_fault, reference_fault
from durable.glean.type_check import FieldFault, quote


class MemberFault(Struct, frozen=True):
    """Why Glean would refuse or misread a member."""

    name: str
    fault: FieldFault


def sift_members(members: Members, datasource: Datasource) -> tuple[Members, list[MemberFault]]:
    """The valid members, and the faults of the others.

    Args:
        members: as they were mapped; whatever is no list, stays as it is.
        datasource: says how users are named.
    """
    users: object = members.user_ids
    groups: object = members.group_names
    if not isinstance(users, (list, tuple)) or not isinstance(groups, (list, tuple)):
        return members, []
    user_faults = [_user_fault(index, user, datasource) for index, user in enumerate(users)]
    group_faults = [
        _group_fault(index, name, members.group, datasource) for index, name in enumerate(groups)
    ]
    if not any(user_faults) and not any(group_faults):
        return members, []
    kept = replace(
        members,
        user_ids=[user for user, fault in zip(users, user_faults, strict=True) if not fault],
        group_names=[name for name, fault in zip(groups, group_faults, strict=True) if not fault],
    )
    return kept, [*_named(users, user_faults), *_named(groups, group_faults)]


def _named(names: Sequence[object], faults: Sequence[FieldFault | None]) -> Iterator[MemberFault]:
    for name, fault in zip(names, faults, strict=True):
        if fault is not None:
            yield MemberFault(name if isinstance(name, str) else quote(name), fault)


def _user_fault(index: int, user: object, datasource: Datasource) -> FieldFault | None:
    field = f"user_ids[{index}]"
    if not isinstance(user, str) or not user or not _is_writable(user):
        return FieldFault(field, f"is {quote(user)}: leave it out")
    if datasource.is_user_referenced_by_email is True and not EMAIL.fullmatch(user):
        return email_fault(field, user)
    return reference_fault(field, user, datasource)


def _group_fault(index: int, name: object, group: str, datasource: Datasource) -> FieldFault | None:
    field = f"group_names[{index}]"
    if not isinstance(name, str) or not _is_writable(name):
        return FieldFault(field, f"is {quote(name)}: leave it out")
    if name == group:
        return FieldFault(field, f"is {quote(name)}, the group itself: leave it out")
    return group_fault(field, name, datasource)


def _is_writable(text: str) -> bool:
    """Whether it is text as UTF-8 knows it: half of a surrogate pair is none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
