"""Answers as they go from one object to another: the platform turns anything else into texts."""

from typing import Any

import msgspec
from msgspec import Struct

from durable.commands import Refusal
from durable.provision import Provisioned, Unprovisioned


def plain(struct: Struct) -> dict[str, Any]:
    """As JSON would have it: tuples are refused between objects."""
    content: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(struct))
    return content


def refused(refusal: Refusal) -> dict[str, Any]:
    return {"refusal": plain(refusal)}


def provisioned(found: Provisioned | Unprovisioned) -> dict[str, Any]:
    return {"fault" if isinstance(found, Unprovisioned) else "found": plain(found)}
