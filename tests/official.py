"""Glean's own models: what its client sends, held against what is sent here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Struct
from pydantic import BaseModel


@dataclass(frozen=True)
class Pair:
    """A part that has all its fields, and Glean's model of it."""

    part: Struct
    model: type[BaseModel]
    left_out: frozenset[str] = frozenset()  # fields of the model that are not to be set

    @property
    def official_names(self) -> set[str]:
        """The fields' names in JSON."""
        return {info.alias or name for name, info in self.model.model_fields.items()}

    @property
    def our_names(self) -> set[str]:
        return set(self.part.__struct_encode_fields__)

    @property
    def unset_fields(self) -> set[str]:
        """Those that a test of all of them has forgotten."""
        return {name for name in self.part.__struct_fields__ if getattr(self.part, name) is UNSET}

    def as_glean_reads_it(self, **added: str) -> Any:
        """What is left of its JSON, once Glean's model has taken what it knows."""
        body = {**msgspec.json.decode(msgspec.json.encode(self.part)), **added}
        read = self.model.model_validate_json(msgspec.json.encode(body))
        left: dict[str, Any] = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return {name: value for name, value in left.items() if name not in added}


def each_of(pairs: Sequence[Pair]) -> pytest.MarkDecorator:
    """Runs a test with each `pair`."""
    return pytest.mark.parametrize("pair", pairs, ids=lambda pair: type(pair.part).__name__)
