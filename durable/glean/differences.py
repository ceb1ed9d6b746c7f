"""How a datasource in Glean differs from the one that is declared. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from durable.decoding import decode
from durable.glean.datasource import Datasource
from durable.glean.object_types import Named
from durable.machine.commands import RefusalCode
from durable.machine.remedies import Remedy


TRUE_IF_ABSENT = frozenset({"trust_url_regex_for_view_activity", "strip_fragment_in_canonical_url"})


class Difference(Struct, frozen=True):
    """A setting that is different in Glean."""

    field: str  # such as "object_types[note].label"
    declared: Any
    actual: Any  # None where there is nothing

    def __str__(self) -> str:
        return f"{self.field} is {self.actual!r} in Glean, and declared {self.declared!r}"


class Provisioned(Struct, frozen=True, kw_only=True):
    """A datasource in Glean, compared with its declaration."""

    datasource: str
    is_declared: bool  # it can be set up from here
    exists: bool
    differences: list[Difference]


class Unprovisioned(Struct, frozen=True):
    """Why a datasource cannot be read or changed."""

    reason: str
    code: RefusalCode | None  # None: Glean did not do what was asked
    remedy: Remedy | None = None


def differences(datasource: Datasource, actual: Mapping[str, Any]) -> list[Difference]:
    """The differences in what is declared. Settings that are not declared are not compared.

    Args:
        datasource: as it is declared.
        actual: Glean's answer to `/getdatasourceconfig`, where the name is written otherwise.
    """
    return list(_of_struct(datasource, actual, "")) if datasource.is_declared else []


def _of_struct(declared: Struct, actual: object, place: str) -> Iterator[Difference]:
    there = actual if isinstance(actual, Mapping) else {}
    names = zip(declared.__struct_fields__, declared.__struct_encode_fields__, strict=True)
    for name, encoded in names:
        value = getattr(declared, name)
        if value is not UNSET:
            yield from _of_value(value, there.get(encoded), name, f"{place}{name}")


def _of_value(declared: Any, actual: Any, name: str, place: str) -> Iterator[Difference]:
    match declared:
        case Struct():
            yield from _of_struct(declared, actual, f"{place}.")
        case (Named(), *_):
            yield from _of_named(declared, actual, place)
        case _:
            value = decode(msgspec.json.encode(declared))
            if not _is_same(value, actual, name, place):
                yield Difference(place, value, actual)


def _of_named(declared: tuple[Named, ...], actual: object, place: str) -> Iterator[Difference]:
    items = actual if isinstance(actual, list) else []
    there = {str(item.get("name")): item for item in items if isinstance(item, Mapping)}
    for part in declared:
        where = f"{place}[{part.name}]"
        if part.name in there:
            yield from _of_struct(part, there[part.name], f"{where}.")
        else:
            yield Difference(where, decode(msgspec.json.encode(part)), None)


def _is_same(declared: Any, actual: Any, name: str, place: str) -> bool:
    if place in {"name", "identity_datasource"} and isinstance(actual, str):
        # Glean writes notes as CUSTOM_NOTES.
        return actual.casefold().removeprefix("custom_") == str(declared).casefold()
    if actual is None:  # as good as what Glean takes for it
        return declared == (name in TRUE_IF_ABSENT) if isinstance(declared, bool) else not declared
    if name in {"aliases", "hide_built_in_facets", "scopes"} and isinstance(actual, list):
        return sorted(declared) == sorted(actual, key=str)
    return bool(declared == actual)
