"""Whatever a mapping may put into a field by mistake."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import strategies as st
from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace


Part = TypeVar("Part", bound=Struct)


class Stranger(Struct):
    id: str = "a"


def endless() -> list[Any]:
    within: list[Any] = []
    within.append(within)
    return within


PLAIN_JUNK = (
    st.sampled_from([UNSET, None, True, object(), Stranger(), Raw(b"{"), str, 10**30])
    | st.builds(endless)
    | st.text(max_size=3)
    | st.integers()
    | st.floats()
    | st.binary(max_size=3)
    | st.sampled_from([Decimal("1.5"), date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)])
    | st.just(timedelta(1))
)
JUNK: st.SearchStrategy[Any] = st.recursive(
    PLAIN_JUNK,
    lambda each: (
        st.lists(each, max_size=3)
        | st.lists(each, max_size=2).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), each, max_size=2)
    ),
    max_leaves=4,
)


@st.composite
def spoiled(draw: st.DrawFn, part: Part) -> Part:
    """The part with junk in some place, be it deep."""
    name = draw(st.sampled_from(part.__struct_fields__))
    value = getattr(part, name)
    if isinstance(value, Struct) and draw(st.booleans()):
        return replace(part, **{name: draw(spoiled(value))})
    if isinstance(value, list) and value and isinstance(value[0], Struct) and draw(st.booleans()):
        return replace(part, **{name: [*value[1:], draw(spoiled(value[0]))]})
    if isinstance(value, list) and draw(st.booleans()):
        return replace(part, **{name: [*value, draw(JUNK)]})
    return replace(part, **{name: draw(JUNK)})
