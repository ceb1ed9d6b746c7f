"""What compiled code does, without its lines, files and addresses."""

from collections.abc import Iterator
from dis import get_instructions
from enum import Enum
from types import CodeType, FunctionType
from typing import Any


LINE = "__firstlineno__"  # a class remembers it since Python 3.13


def parts(code: CodeType) -> list[Any]:
    """Everything that decides what the code does."""
    count = code.co_argcount + code.co_kwonlyargcount
    shape = f"{code.co_argcount} {code.co_posonlyargcount} {code.co_kwonlyargcount} {code.co_flags}"
    is_class = LINE in code.co_names
    body = _without_line(code) if is_class else [code.co_code.hex(), code.co_consts]
    return [shape, code.co_varnames[:count], code.co_names, code.co_exceptiontable.hex(), *body]


def _without_line(code: CodeType) -> list[Any]:
    """The instructions and constants of a class's body, but for the line it begins at."""
    body: list[Any] = []
    for instruction in get_instructions(code):
        if instruction.argval == LINE:
            del body[-2:]  # it is loaded just before
        is_constant = instruction.opname.startswith(
            ("LOAD_CONST", "LOAD_SMALL_INT", "RETURN_CONST")
        )
        body += [instruction.opname, instruction.argval if is_constant else instruction.arg]
    return body


def codes(code: CodeType) -> Iterator[CodeType]:
    """The code, and that of all functions within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def names(code: CodeType) -> set[str]:
    """The names that it looks up: globals and attributes."""
    return {name for each in codes(code) for name in each.co_names}


def texts(code: CodeType) -> set[str]:
    """The texts by which it may look something up, as `getattr` does."""
    constants = (constant for each in codes(code) for constant in each.co_consts)
    return {text for text in constants if isinstance(text, str) and text.isidentifier()}


def order(value: Any) -> str:
    """A sort key for sets, whose own order differs between isolates."""
    match value:
        case tuple() | frozenset():
            orders = [order(member) for member in value]
            return repr(orders if isinstance(value, tuple) else sorted(orders))
        case Enum():
            return f"{type(value).__qualname__} {value.name}"
        case str() | bytes() | int() | float() | complex() | None:
            return f"{type(value).__qualname__} {value!r}"
        case FunctionType():
            code = value.__code__
            body = f"{code.co_code.hex()} {code.co_names} {sorted(texts(code))}"
            return f"{value.__module__}.{value.__qualname__} {body}"
        case type():
            return f"{value.__module__}.{value.__qualname__}"
    fields = getattr(value, "__struct_fields__", None) or sorted(getattr(value, "__dict__", {}))
    held = [getattr(value, name) for name in fields]
    atoms = [repr(each) for each in held if isinstance(each, str | int | float | None)]
    return f"{type(value).__module__}.{type(value).__qualname__} {atoms}"
