"""The one place where JSON is decoded, and laid out for a person. Pure."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, overload

import msgspec
from msgspec import Raw


Kind = TypeVar("Kind")


@overload
def decode(content: bytes | str | Raw, kind: type[Kind]) -> Kind: ...
@overload
def decode(content: bytes | str | Raw, kind: Any = Any) -> Any: ...
def decode(content: bytes | str | Raw, kind: Any = Any) -> Any:
    """What JSON says, as a type.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError: it is not JSON, or is nested too deep;
            msgspec.ValidationError, it is not of the type.
    """
    with _bound_depth():
        return msgspec.json.decode(content, type=kind)


def one_line(content: bytes) -> str:
    """JSON on a line. Raises as `decode`."""
    with _bound_depth():
        return msgspec.json.format(content, indent=-1).decode()


@contextmanager
def _bound_depth() -> Iterator[None]:
    try:
        yield
    except RecursionError as error:
        raise msgspec.DecodeError("it is nested too deep") from error
