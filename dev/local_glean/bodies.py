"""Request bodies, decoded with the models of Glean's own Python client."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import pydantic

from dev.local_glean.errors import RefusedError


SHOWN_CHARACTERS_MAX = 200

Model = TypeVar("Model", bound=pydantic.BaseModel)
Kind = TypeVar("Kind")
Made = TypeVar("Made")


def decoded(model: type[Model], body: bytes) -> Model:
    """The body as the client's model, without a field that the model does not have.

    The models alone would let unknown fields pass, and would take the Python names
    (`view_url`) for the API's (`viewURL`).
    """
    try:
        return model.model_validate_json(
            body, strict=True, extra="forbid", by_alias=True, by_name=False
        )
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise RefusedError(400, _message(first, body)) from error


def raw(body: bytes, field: str) -> bytes:
    """A field's value as it was sent, of a body that is decoded already."""
    return bytes(_raw(body, dict[str, msgspec.Raw])[field])


def raw_items(body: bytes, field: str) -> list[bytes]:
    """Each item of a field's list, likewise."""
    return [bytes(item) for item in _raw(raw(body, field), list[msgspec.Raw])]


def made(
    make: Callable[[Kind, bytes, str], Made], items: Sequence[Kind], body: bytes, field: str
) -> list[Made]:
    """Each item of a field's list, made of its model, of what was sent, and of its place."""
    pairs = zip(items, raw_items(body, field), strict=True)
    return [make(item, sent, f"{field}[{index}]") for index, (item, sent) in enumerate(pairs)]


def _raw(body: bytes, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise RefusedError(400, f"Malformed JSON: {error}") from error


def shown(value: Any) -> str:
    """A value for an error's text: as JSON, cut."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}..."


def _message(error: Any, body: bytes) -> str:
    match error["loc"]:
        case ("documents", int(index), *rest) if rest:
            documents = json.loads(body)["documents"]
            prefix, path = f"Document {_id(documents[index])} has ", _path(rest)
        case location:
            prefix, path = "", _path(location)
    match error["type"]:
        case "json_invalid":
            return f"Malformed JSON: {error['msg']}"
        case "extra_forbidden":
            text = f"unknown field {path}: {shown(error['input'])}"
        case "missing":
            text = f"no value for required field {path}"
        case _:
            text = (
                f"invalid value for {path or 'the body'}: {shown(error['input'])}: {error['msg']}"
            )
    return prefix + text if prefix else text[0].upper() + text[1:]


def _id(document: Any) -> str:
    identifier = document.get("id") if isinstance(document, dict) else None
    return identifier if isinstance(identifier, str) and identifier else "(id unspecified)"


def _path(location: Any) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")
