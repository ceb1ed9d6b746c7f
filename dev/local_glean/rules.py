"""What Glean asks of documents, beyond the shape of their JSON."""

import re
from collections.abc import Sequence
from typing import Any

from glean.api_client.models import (
    CustomProperty,
    DocumentDefinition,
)
from msgspec import Struct

from dev.local_glean.bodies import shown
from dev.local_glean.contents import check_content, searched_text
from dev.local_glean.datasources import OBJECT_TYPE, Datasource
from dev.local_glean.errors import RefusedError
from dev.local_glean.permissions import Named, named


ID_CHARACTERS_MAX = 200
EPOCH_SECONDS_MAX = 100_000_000_000  # the year 5138; today's milliseconds are above it


class Document(Struct, frozen=True, kw_only=True):
    """A document that was found good."""

    id: str
    object_type: str
    title: str
    text: str
    body: bytes  # the JSON, as it was sent
    named: Named  # in its permissions

    @property
    def folded_id(self) -> str:
        """The same for ids that are the same to Glean: it does not tell case."""
        return self.id.casefold()

    @property
    def is_visible(self) -> bool:
        """Whether anybody would see it."""
        return self.named.is_anybody


def check_documents(
    definitions: Sequence[DocumentDefinition], bodies: Sequence[bytes], datasource: Datasource
) -> list[Document]:
    """Raises RefusedError, at the first fault: Glean then takes none of them.

    Args:
        definitions: the documents of one request.
        bodies: the same, as they were sent.
        datasource: that of the request.
    """
    unknown = {
        definition.object_type
        for definition in definitions
        if definition.object_type is not None
        and definition.object_type not in datasource.object_types
    }
    if unknown and not datasource.has_default_type:
        names = ", ".join(sorted(unknown))
        raise RefusedError(400, f"Object definitions not found for object types: {names}")
    return [
        _document(definition, body, datasource)
        for definition, body in zip(definitions, bodies, strict=True)
    ]


def _document(definition: DocumentDefinition, body: bytes, datasource: Datasource) -> Document:
    if not definition.id:
        raise RefusedError(400, "Document (id unspecified) has no value for required field id")
    name = f"Document {definition.id}"
    if len(definition.id) > ID_CHARACTERS_MAX:
        raise RefusedError(400, f"{name} has an id of more than {ID_CHARACTERS_MAX} characters")
    if definition.datasource != datasource.name:
        raise RefusedError(
            400,
            f"{name} has invalid value for field datasource: "
            f"expected {datasource.name}, got {definition.datasource}",
        )
    _check_url(definition.view_url, name, datasource)
    _check_type(definition.object_type, "objectType", name)
    _check_type(definition.container_object_type, "containerObjectType", name)
    check_content(definition.body, "body", name)
    check_content(definition.summary, "summary", name)
    _check_time(definition.created_at, "createdAt", name)
    _check_time(definition.updated_at, "updatedAt", name)
    for index, comment in enumerate(definition.comments or []):
        check_content(comment.content, f"comments[{index}].content", name)
        _check_time(comment.created_at, f"comments[{index}].createdAt", name)
        _check_time(comment.updated_at, f"comments[{index}].updatedAt", name)
    for custom_property in definition.custom_properties or []:
        _check_property(custom_property, name)
    return Document(
        id=definition.id,
        object_type=definition.object_type or "",
        title=definition.title or definition.filename or definition.id,
        text="\n".join(filter(None, map(searched_text, (definition.summary, definition.body)))),
        body=body,
        named=named(definition.permissions, name, datasource),
    )


def _check_url(url: str | None, document: str, datasource: Datasource) -> None:
    if not url:
        if not datasource.is_entity:
            raise RefusedError(400, f"{document} has no value for required field viewURL")
    elif datasource.url_regex and not re.fullmatch(datasource.url_regex, url):
        raise RefusedError(
            400,
            f"{document} has invalid value for field viewURL: {url} does not match the "
            f"urlRegex of datasource {datasource.name}: {datasource.url_regex}",
        )


def _check_type(object_type: str | None, field: str, document: str) -> None:
    if object_type is not None and not OBJECT_TYPE.fullmatch(object_type):
        raise RefusedError(
            400,
            f"{document} has invalid value for field {field}: {shown(object_type)}: "
            "no spaces or underscores",
        )


def _check_time(seconds: int | None, field: str, document: str) -> None:
    if seconds is not None and abs(seconds) >= EPOCH_SECONDS_MAX:
        raise RefusedError(
            400,
            f"{document} has invalid value for field {field}: "
            f"expected epoch seconds, got {seconds}, which looks like milliseconds",
        )


def _check_property(custom_property: CustomProperty, document: str) -> None:
    if not custom_property.name:
        raise RefusedError(400, f"{document} has a custom property without a name")
    match custom_property.value:
        case bool() | None:
            pass
        case str() | int() | float():
            return
        case list(values):
            for index, value in enumerate(values):
                if not isinstance(value, str):
                    raise RefusedError(
                        400,
                        f"{document} has invalid value at index {index} for custom property "
                        f"{custom_property.name}: expected String, got {_type_name(value)}",
                    )
            return
    raise RefusedError(
        400,
        f"{document} has invalid value for custom property {custom_property.name}: expected "
        f"String, Number, or list of strings, got {_type_name(custom_property.value)}",
    )


def _type_name(value: Any) -> str:
    names = {bool: "Boolean", int: "Integer", float: "Double", str: "String", list: "List"}
    return names.get(type(value), "null" if value is None else "Object")
