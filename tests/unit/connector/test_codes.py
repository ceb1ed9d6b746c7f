"""What a code object says, the same wherever and however its file is written."""

from types import CodeType
from typing import Any

import pytest

from durable.connector.codes import order, parts


def body_of(text: str) -> CodeType:
    (code,) = [
        each for each in compile(text, "x.py", "exec").co_consts if isinstance(each, CodeType)
    ]
    return code


def told(text: str) -> str:
    return repr(parts(body_of(text)))


@pytest.mark.parametrize("line", [8, 255, 256, 70_000])
def test_the_line_that_a_class_remembers_is_no_part_of_it(line: int) -> None:
    """Since Python 3.13 its body begins by this; before, it may be written by hand."""
    text = "class A:\n    __firstlineno__ = {}\n    size = {}"

    assert told(text.format(line, 3)) == told(text.format(7, 3))
    assert told(text.format(line, 4)) != told(text.format(7, 3))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(a, b): return 1", "def f(b, a): return 1"),
        ("def f(a, b): return 1", "def f(a, *, b): return 1"),
        ("def f(a, b): return 1", "def f(a, b, /): return 1"),
        ("def f(*a): return a", "def f(a): return a"),
        ("def f(): return 1", "async def f(): return 1"),
        ("def f(): return g.a", "def f(): return g.b"),
        ("def f(): return 1", "def f(): return True"),
        ("def f(): return 0.0", "def f(): return -0.0"),
    ],
)
def test_what_decides_on_what_it_does_is_told(one: str, other: str) -> None:
    assert told(one) != told(other)


@pytest.mark.parametrize(
    "members",
    [
        [3, 1, 2],
        ["b", "a"],
        [("b", 1), ("a", 2)],
        [frozenset("ab"), "c"],
        [len, str, int],
        [None, 1],
    ],
)
def test_the_members_of_a_set_are_in_one_order(members: list[Any]) -> None:
    backwards = members[::-1]

    assert sorted(members, key=order) == sorted(backwards, key=order)
