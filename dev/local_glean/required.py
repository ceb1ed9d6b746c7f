"""Values that Glean requires, or has a form for, which its client's models leave open."""

import re
from collections.abc import Collection

from dev.local_glean.bodies import shown
from dev.local_glean.errors import RefusedError


EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def check_text(value: str | None, field: str) -> None:
    """Raise RefusedError for an empty text. None is fine."""
    if value is not None and not value.strip():
        raise RefusedError(400, f"No value for required field {field}")


def check_email(value: str | None, field: str) -> None:
    """Raise RefusedError for what is no address. None is fine."""
    check_text(value, field)
    if value is not None and not EMAIL.fullmatch(value):
        raise RefusedError(
            400, f"Invalid value for {field}: {shown(value)} is not an email address"
        )


def check_url(value: str | None, field: str) -> None:
    """Raise RefusedError for what is no URL of the web. None is fine."""
    if value is not None and not value.startswith(("https://", "http://")):
        raise RefusedError(400, f"Invalid value for {field}: {shown(value)} is not a URL")


def check_enum(value: str | None, field: str, values: Collection[str]) -> None:
    """Raise RefusedError for a value that is not among those documented. None is fine."""
    if value is not None and value not in values:
        expected = ", ".join(sorted(values))
        raise RefusedError(
            400, f"Invalid value for {field}: {shown(value)}: expected one of {expected}"
        )
