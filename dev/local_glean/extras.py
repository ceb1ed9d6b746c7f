"""The additional fields of employees and teams: Glean takes more there than its client's model.

Each value is a text or a hypertext field. The model has objects without any field for them,
since its generator cannot say "either"; so they are judged here, and then taken out.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from dev.local_glean.bodies import shown
from dev.local_glean.errors import RefusedError


KEY = re.compile(r"[a-z]+")


def without_values(body: bytes) -> bytes:
    """The body for the model. Raises RefusedError for a value that Glean would not take."""
    try:
        request = json.loads(body)
    except ValueError:  # the model says what is wrong with it
        return body
    for field in _additional_fields(request):
        _check(field)
        field.pop("value", None)
    return json.dumps(request).encode()


def _additional_fields(value: Any) -> Iterator[dict[str, Any]]:
    match value:
        case {"additionalFields": list(fields)}:
            yield from (field for field in fields if isinstance(field, dict))
        case dict():
            for one in value.values():
                yield from _additional_fields(one)
        case list():
            for one in value:
                yield from _additional_fields(one)


def _check(field: dict[str, Any]) -> None:
    key, values = field.get("key"), field.get("value", [])
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise RefusedError(
            400, f"Invalid key of an additional field: {shown(key)}: expected lowercase letters"
        )
    if not isinstance(values, list) or not all(map(_is_value, values)):
        raise RefusedError(
            400,
            f"Invalid value of additional field {key}: {shown(values)}: expected a list of "
            "texts, or of objects of texts",
        )


def _is_value(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value) and all(isinstance(text, str) for text in value.values())
    return isinstance(value, str)
