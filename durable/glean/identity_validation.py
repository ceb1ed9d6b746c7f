"""What Glean asks of users, groups, members, employees and teams.

Facts are from Glean's OpenAPI description and its page on permissions.
"""

import re
from collections.abc import Iterator, Sequence

from msgspec import UNSET, UnsetType

from durable.glean.datasource import Datasource
from durable.glean.identities import (
    AdditionalField,
    DatasourceUser,
    Employee,
    Group,
    Identity,
    Members,
    Profile,
    Team,
)
from durable.glean.type_check import FieldFault, Mistyped, check_types, quote


EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
GROUP = re.compile(r"(?!scio)\S+")
KEY = re.compile(r"[a-z]+")
COUNTRY_CODE = re.compile(r"[A-Za-z]{2,3}")
KINDS: tuple[type[Identity], ...] = (DatasourceUser, Group, Members, Employee, Team)


def identity_fault(identity: Identity) -> FieldFault | None:
    """Why Glean would refuse or misread it; None if it would not."""
    kind = next(kind for kind in KINDS if isinstance(identity, kind))
    try:
        right = check_types(identity, kind)
    except Mistyped as error:
        return error.fault
    return next(filter(None, _faults(right)), None)


def email_fault(field: str, email: str | UnsetType) -> FieldFault | None:
    """Why it is no mail address; None if it is one, or not set."""
    if email is UNSET or EMAIL.fullmatch(email):
        return None
    return FieldFault(field, f"is {quote(email)}: write it as in ada@example.com")


def group_faults(
    field: str, names: Sequence[str] | UnsetType, datasource: Datasource
) -> Iterator[FieldFault]:
    """Why these are no names of groups. Those of another datasource are not checked."""
    if names is UNSET or all(map(GROUP.fullmatch, names)):
        return
    for index, name in enumerate(names):
        if (found := group_fault(f"{field}[{index}]", name, datasource)) is not None:
            yield found


def group_fault(field: str, name: str, datasource: Datasource) -> FieldFault | None:
    """Why this is no name of a group; None if it is one."""
    if GROUP.fullmatch(name) or (name and datasource.identity_datasource):
        return None
    return _bad_group(field, name)


def reference_fault(field: str, user_id: str, datasource: Datasource) -> FieldFault | None:
    """Why a mail address cannot be a user's id; None if it can.

    Glean takes it for one where the datasource says so. Who says that users are named by ids, may
    have ids that look like mail addresses.
    """
    is_unsaid = datasource.is_declared and datasource.is_user_referenced_by_email is UNSET
    if not is_unsaid or not EMAIL.fullmatch(user_id):
        return None
    return FieldFault(
        field,
        f"is the mail address {quote(user_id)}, and the datasource does not say how it names "
        "users: declare is_user_referenced_by_email=True, or False where this is an id",
    )


def _faults(identity: Identity) -> Iterator[FieldFault | None]:
    match identity:
        case DatasourceUser():
            yield email_fault("email", identity.email)
            yield _empty_fault("name", identity.name)
            yield _empty_fault("user_id", identity.user_id)
        case Group():
            if not GROUP.fullmatch(identity.name):
                yield _bad_group("name", identity.name)
        case Members():
            if not GROUP.fullmatch(identity.group):
                yield _bad_group("group", identity.group)
        case Employee():
            yield from _employee_faults(identity)
        case Team():
            yield from _team_faults(identity)


def _employee_faults(employee: Employee) -> Iterator[FieldFault | None]:
    yield email_fault("email", employee.email)
    for name in ("department", "first_name", "last_name"):
        yield _empty_fault(name, getattr(employee, name))
    yield email_fault("manager_email", employee.manager_email)
    for index, relationship in enumerate(employee.relationships or ()):
        yield email_fault(f"relationships[{index}].email", relationship.email)
    location = employee.structured_location
    code = UNSET if location is UNSET else location.country_code
    if code is not UNSET and not COUNTRY_CODE.fullmatch(code):
        words = f"is {quote(code)}: write two or three letters as in US or USA"
        yield FieldFault("structured_location.country_code", words)
    yield from _profile_faults(employee.datasource_profiles or ())
    yield from _additional_faults(employee.additional_fields or ())


def _team_faults(team: Team) -> Iterator[FieldFault | None]:
    yield _empty_fault("id", team.id)
    yield _empty_fault("name", team.name)
    for index, member in enumerate(team.members):
        yield email_fault(f"members[{index}].email", member.email)
    for index, email in enumerate(team.emails or ()):
        yield email_fault(f"emails[{index}].email", email.email)
    yield from _profile_faults(team.datasource_profiles or ())
    yield from _additional_faults(team.additional_fields or ())


def _profile_faults(profiles: Sequence[Profile]) -> Iterator[FieldFault | None]:
    for index, profile in enumerate(profiles):
        yield _empty_fault(f"datasource_profiles[{index}].datasource", profile.datasource)
        yield _empty_fault(f"datasource_profiles[{index}].handle", profile.handle)


def _additional_faults(fields: Sequence[AdditionalField]) -> Iterator[FieldFault | None]:
    for index, field in enumerate(fields):
        if not KEY.fullmatch(field.key):
            words = f"is {quote(field.key)}: write it in lower-case letters a to z"
            yield FieldFault(f"additional_fields[{index}].key", words)


def _bad_group(field: str, name: str) -> FieldFault:
    return FieldFault(
        field,
        f"is {quote(name)}: the name of a group is not empty, has no whitespace and does not "
        "begin with scio; make one like that in the mapping, the same wherever it is named",
    )


def _empty_fault(field: str, text: str | UnsetType) -> FieldFault | None:
    is_empty = text == ""
    return FieldFault(field, "is '': it must not be empty, if it is there") if is_empty else None
