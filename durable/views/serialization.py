"""Answers as they go from one object to another: the platform turns anything else into texts."""

from typing import Any

import msgspec
from msgspec import Struct

from durable.decoding import EXACT_MAX, decode
from durable.glean.differences import Provisioned, Unprovisioned
from durable.machine.commands import Refusal


def plain(struct: Struct) -> dict[str, Any]:
    """As JSON would have it: tuples are refused between objects."""
    content: dict[str, Any] = decode(msgspec.json.encode(struct))
    return content


def refused(refusal: Refusal) -> dict[str, Any]:
    return {"refusal": plain(refusal)}


def provisioned(found: Provisioned | Unprovisioned) -> dict[str, Any]:
    # What Glean has may be any JSON.
    return {"fault" if isinstance(found, Unprovisioned) else "found": _exact(plain(found))}


def _exact(value: Any) -> Any:
    """With whole numbers that JavaScript does not have, as texts."""
    match value:
        case dict():
            return {name: _exact(member) for name, member in value.items()}
        case list():
            return [_exact(member) for member in value]
        case int() if abs(value) > EXACT_MAX:
            return str(value)
    return value
