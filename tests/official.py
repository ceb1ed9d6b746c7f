"""Glean's own models: what its client sends, held against what is sent here."""

from typing import Any

import msgspec
from msgspec import UNSET, Struct
from pydantic import BaseModel


def official_names(model: type[BaseModel]) -> set[str]:
    """The fields' names in JSON."""
    return {info.alias or name for name, info in model.model_fields.items()}


def our_names(kind: type[Struct]) -> set[str]:
    return set(kind.__struct_encode_fields__)


def unset_fields(struct: Struct) -> set[str]:
    """Those that a test of all of them has forgotten."""
    return {name for name in struct.__struct_fields__ if getattr(struct, name) is UNSET}


def as_glean_reads_it(struct: Struct, model: type[BaseModel], **added: str) -> Any:
    """What is left of its JSON, once Glean's model has taken what it knows."""
    body = {**msgspec.json.decode(msgspec.json.encode(struct)), **added}
    read = model.model_validate_json(msgspec.json.encode(body))
    left: dict[str, Any] = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {name: value for name, value in left.items() if name not in added}
