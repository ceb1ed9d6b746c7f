"""Validates what a mapping makes, before it is sent to Glean.

Facts are from Glean's OpenAPI description and its pages on documents, permissions, MIME types
and custom properties. What Glean finds beyond them, it answers with 400, and the batch is cut
until the document is alone.
"""

import math
from collections.abc import Iterator

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from durable.glean.content_validation import content_fault
from durable.glean.datasource import Datasource
from durable.glean.documents import Change, Comment, Deletion, Document, Permissions, Property, User
from durable.glean.fast_path import EPOCH_SECONDS_MAX, ID_CHARACTERS_MAX, is_plain
from durable.glean.identities import Identity
from durable.glean.identity_validation import EMAIL, email_fault, group_faults, identity_fault
from durable.glean.object_types import OBJECT_TYPE, PropertyType
from durable.glean.type_check import FieldFault, Mistyped, check_types, quote


MILLISECONDS = "which looks like milliseconds; Glean takes seconds"


def fault(mapped: Change | Identity, datasource: Datasource) -> FieldFault | None:
    """Why Glean would refuse or misread it; None if it would not."""
    if isinstance(mapped, Document):
        return None if is_plain(mapped, datasource) else document_fault(mapped, datasource)
    if isinstance(mapped, Deletion):
        return _name_fault(mapped, datasource)
    return identity_fault(mapped)


def document_fault(document: Document, datasource: Datasource) -> FieldFault | None:
    """The fault of any document; None if it has none."""
    # A mapping can put anything into a field: its types are not checked when it is made.
    found = (
        _name_fault(document, datasource)
        or _url_fault(document.view_url, datasource)
        or _properties_fault(document.custom_properties)
        or _declared_properties_fault(document, datasource)
    )
    if found is not None:
        return found
    try:
        document = check_types(document, Document)
    except Mistyped as error:
        is_time = error.fault.field.endswith("_at")
        words = f"{error.fault.words}; unix_seconds makes it one"
        return replace(error.fault, words=words) if is_time else error.fault
    return next(filter(None, _faults(document, datasource)), None)


def _faults(document: Document, datasource: Datasource) -> Iterator[FieldFault | None]:
    yield _time_fault("created_at", document.created_at)
    yield _time_fault("updated_at", document.updated_at)
    yield content_fault("body", document.body)
    yield content_fault("summary", document.summary)
    yield _user_fault("author", document.author)
    yield _user_fault("owner", document.owner)
    yield _user_fault("updated_by", document.updated_by)
    yield _container_fault(document.container_object_type)
    yield from _permission_faults(document.permissions, datasource)
    if document.interactions is not UNSET:
        for name in document.interactions.__struct_fields__:
            count = getattr(document.interactions, name)
            if count is not UNSET and count < 0:
                yield FieldFault(f"interactions.{name}", f"is {count}; Glean takes 0 and more")
    if document.comments is not UNSET:
        yield from _comment_faults(document.comments)


def _name_fault(change: Change, datasource: Datasource) -> FieldFault | None:
    identifier: object = change.id
    kind: object = change.object_type
    if not isinstance(identifier, str) or not identifier:
        return FieldFault("id", f"is {quote(identifier)}: a document needs one, which is a text")
    if len(identifier) > ID_CHARACTERS_MAX:
        return _length_fault("id", identifier)
    if not isinstance(kind, str) or not OBJECT_TYPE.fullmatch(kind):
        words = f"is {quote(kind)}: give it a text without spaces and underscores"
        return FieldFault("object_type", words)
    names = datasource.object_type_names
    if names and kind not in names:
        known = ", ".join(sorted(names))
        return FieldFault("object_type", f"is {quote(kind)}, none of the connector's: {known}")
    return None


def _url_fault(url: object, datasource: Datasource) -> FieldFault | None:
    if url is UNSET and datasource.is_entity is True:
        return None
    if not isinstance(url, str) or not url:
        return FieldFault("view_url", f"is {quote(url)}: a document needs one")
    if datasource.url_pattern is not None and not datasource.url_pattern.fullmatch(url):
        words = f"is {url!r:.300}, which does not match url_regex, {datasource.url_regex}"
        return FieldFault("view_url", words)
    return None


def _properties_fault(properties: object) -> FieldFault | None:
    if properties is UNSET:
        return None
    if not isinstance(properties, (list, tuple)):
        words = f"is a {type(properties).__name__}, not a list of Property"
        return FieldFault("custom_properties", words)
    for index, custom_property in enumerate(properties):
        field = f"custom_properties[{index}]"
        if not isinstance(custom_property, Property):
            return FieldFault(field, f"is a {type(custom_property).__name__}, not a Property")
        name: object = custom_property.name
        if not isinstance(name, str) or not name:
            return FieldFault(f"{field}.name", f"is {quote(name)}: give it one")
        if not _is_valid(custom_property):
            kind = type(custom_property.value).__name__
            words = f"is a {kind}; Glean takes a text, a number or a list of texts"
            return FieldFault(f"custom_properties[{quote(name)}]", words)
    return None


def _declared_properties_fault(document: Document, datasource: Datasource) -> FieldFault | None:
    """Values of another type than is declared. What else Glean knows by hand, is not known here."""
    types = datasource.property_types.get(document.object_type)
    if not types:
        return None
    for each in document.custom_properties or ():
        kind = types.get(each.name)
        field, value = f"custom_properties[{quote(each.name)}]", each.value
        is_list = isinstance(value, list)
        if kind in {PropertyType.INT, PropertyType.DATE} and isinstance(value, (str, list)):
            remedy = "; unix_seconds makes it one" if kind is PropertyType.DATE else ""
            return FieldFault(field, f"is {quote(value)}, and {kind}: give a number{remedy}")
        is_large = isinstance(value, (int, float)) and abs(value) >= EPOCH_SECONDS_MAX
        if kind is PropertyType.DATE and is_large:
            return FieldFault(field, f"is {value}, {MILLISECONDS}")
        if kind in {PropertyType.TEXT, PropertyType.PICKLIST, PropertyType.USERID} and is_list:
            return FieldFault(field, f"is {quote(value)}, and {kind}: give one text")
    return None


def _is_valid(custom_property: Property) -> bool:
    match custom_property.value:
        case bool():
            return False
        case str() | int():
            return True
        case float(number):
            return math.isfinite(number)
        case list(values):
            return all(isinstance(value, str) for value in values)
    return False


def _time_fault(field: str, seconds: int | UnsetType) -> FieldFault | None:
    if seconds is UNSET or abs(seconds) < EPOCH_SECONDS_MAX:
        return None
    return FieldFault(field, f"is {seconds}, {MILLISECONDS}")


def _length_fault(field: str, text: str) -> FieldFault:
    return FieldFault(field, f"has {len(text)} characters; Glean takes {ID_CHARACTERS_MAX}")


def _container_fault(kind: str | UnsetType) -> FieldFault | None:
    if kind is UNSET or OBJECT_TYPE.fullmatch(kind):
        return None
    words = f"is {quote(kind)}, which is empty or has a space or an underscore: write it without"
    return FieldFault("container_object_type", words)


def _user_fault(field: str, user: User | UnsetType) -> FieldFault | None:
    """Of whoever is shown. Glean asks for nothing of them, and a name is enough."""
    if user is UNSET:
        return None
    if not user.email and not user.datasource_user_id and not user.name:
        return FieldFault(
            field,
            f"has neither an email, nor a datasource_user_id, nor a name, but {quote(user)}: give "
            "it one, or leave it out",
        )
    return None if user.email is UNSET else email_fault(f"{field}.email", user.email)


def _permission_faults(
    permissions: Permissions, datasource: Datasource
) -> Iterator[FieldFault | None]:
    for index, user in enumerate(permissions.allowed_users or ()):
        # There may be many, and names for the reasons take longer to make than to look.
        if not _is_referenced(user, datasource):
            yield _reference_fault(f"permissions.allowed_users[{index}]", user, datasource)
    yield from group_faults("permissions.allowed_groups", permissions.allowed_groups, datasource)
    for index, intersection in enumerate(permissions.allowed_group_intersections or ()):
        field = f"permissions.allowed_group_intersections[{index}].required_groups"
        if not intersection.required_groups:
            yield FieldFault(field, "is []: name the groups, or leave the intersection out")
        yield from group_faults(field, intersection.required_groups, datasource)


def _is_referenced(user: User, datasource: Datasource) -> bool:
    by_email = datasource.refers_by_email
    if user.email is UNSET:
        return by_email is not True and bool(user.datasource_user_id)
    return EMAIL.fullmatch(user.email) is not None and (
        by_email is not False or bool(user.datasource_user_id)
    )


def _reference_fault(field: str, user: User, datasource: Datasource) -> FieldFault | None:
    if not user.email and not user.datasource_user_id:
        return FieldFault(
            field,
            f"has neither an email nor a datasource_user_id, but {quote(user)}: give it one, or "
            "leave it out",
        )
    if user.email is not UNSET and (found := email_fault(f"{field}.email", user.email)):
        return found
    name = "email" if datasource.refers_by_email is True else "datasource_user_id"
    remedy = f"add it, or declare is_user_referenced_by_email={name != 'email'}"
    words = f"has no {name}, by which the datasource names users, but {quote(user)}: {remedy}"
    return FieldFault(field, words)


def _comment_faults(comments: list[Comment]) -> Iterator[FieldFault | None]:
    seen: set[str] = set()
    for index, comment in enumerate(comments):
        for found in filter(None, _faults_of_comment(comment, seen)):
            yield replace(found, field=f"comments[{index}].{found.field}")
        seen.add(comment.id.casefold())


def _faults_of_comment(comment: Comment, seen: set[str]) -> Iterator[FieldFault | None]:
    if not comment.id:
        yield FieldFault("id", "is '': give it one")
    if len(comment.id) > ID_CHARACTERS_MAX:
        yield _length_fault("id", comment.id)
    if comment.id.casefold() in seen:
        words = f"is {quote(comment.id)} like that of a comment before, upper and lower case "
        yield FieldFault("id", f"{words}being one: give each its own")
    yield _time_fault("created_at", comment.created_at)
    yield _time_fault("updated_at", comment.updated_at)
    yield content_fault("content", comment.content)
    yield _user_fault("author", comment.author)
    yield _user_fault("updated_by", comment.updated_by)
