"""What a source says of the end of its list, beside the cursor. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from durable.decoding import EXACT_MAX, ExactInt
from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.json_paths import names_of


# Names that flags have in APIs, in lower case and without what is between their words.
LAST = frozenset(
    {"complete", "done", "end", "endoflist", "endofstream", "eof", "final", "finished"}
    | {"iscomplete", "isdone", "isend", "isfinal", "isfinished", "islast", "islastpage"}
    | {"last", "lastpage", "nomore"}
)
MORE = frozenset(
    {"hasmore", "hasmoreitems", "hasnext", "hasnextpage", "ismore", "more", "moreitems"}
)
# As a text, in whatever case; of numbers 1 and 0.
FLAGS = {"true": True, "1": True, "yes": True, "y": True} | dict.fromkeys(
    ("false", "0", "no", "n"), False
)
Flag = bool | int | str
COUNT = re.compile(r"(?:.*/)?\s*(-?\d{1,16})", re.ASCII)  # also as in `items 0-24/319`


class Header(Struct, frozen=True):
    """A header of the answer, in the place of a path in its body: `total=Header("X-Total-Count")`.

    A number may follow a slash, as in a Content-Range; a flag is `true` or `false`, 1 or 0.
    """

    name: str


Where = str | Header


class Ending(Struct, frozen=True, kw_only=True):
    """How a list ends, as an `HttpSource` declares it. Contradictions raise ConfigurationError."""

    total: Where = ""
    has_more: Where = ""
    is_last: Where = ""
    hides_rows: bool = False

    def __post_init__(self) -> None:
        if self.has_more and self.is_last:
            raise ConfigurationError("has_more and is_last are one flag: declare one of the two")
        for declared, opposites in (("has_more", LAST), ("is_last", MORE)):
            self._check_sense(declared, opposites)

    @property
    def tells(self) -> list[str]:
        """The names of what is declared."""
        names = ("total", "has_more", "is_last", "hides_rows")
        return [name for name in names if getattr(self, name)]

    @property
    def tells_end(self) -> bool:
        return bool(self.total or self._flag)

    @property
    def paths(self) -> Sequence[tuple[str, Any]]:
        """The paths that it reads in a body, each with its type."""
        typed = ((self.total, ExactInt | str), (self.has_more, Flag), (self.is_last, Flag))
        return [(path, kind) for path, kind in typed if path and isinstance(path, str)]

    def total_count(self, values: Mapping[str, Any], headers: Mapping[str, str]) -> int | None:
        """The number of all records. Raises UpstreamError if what should tell it is no number."""
        if not self.total:
            return None
        told = _value_at(self.total, values, headers)
        if isinstance(told, int):
            return told
        found = COUNT.fullmatch(told.strip())
        if found is None or abs(int(found[1])) > EXACT_MAX:
            raise _lacking(self.total, told, "number")
        return int(found[1])

    def more(self, values: Mapping[str, Any], headers: Mapping[str, str]) -> bool | None:
        """Whether there is a next page. Raises UpstreamError if the flag cannot be read."""
        flag = self._flag
        if not flag:
            return None
        told = _value_at(flag, values, headers)
        value = told if isinstance(told, bool) else FLAGS.get(str(told).strip().lower())
        if value is None:
            raise _lacking(flag, told, "flag")
        return value is not bool(self.is_last)

    def check(self, *, has_more: bool | None, name: str, next_cursor: str | None) -> None:
        """Compare the flag with the cursor of that name. Raises UpstreamError if they disagree."""
        if has_more is None or has_more is (next_cursor is not None):
            return
        value = has_more is not bool(self.is_last)
        raise UpstreamError(
            f"one of two is wrong: the source's {_name(self._flag)} is {str(value).lower()}, and "
            f"its {name} {next_cursor!r}",
            cause=Cause.BAD_END,
        )

    @property
    def _flag(self) -> Where:
        return self.has_more or self.is_last

    def _check_sense(self, declared: str, opposites: frozenset[str]) -> None:
        where: Where = getattr(self, declared)
        if isinstance(where, Header) or not where:
            return
        word = re.sub(r"[^a-z]", "", names_of(where)[-1].lower())
        if word in opposites:
            other = "is_last" if declared == "has_more" else "has_more"
            raise ConfigurationError(
                f"{declared}={where!r} is not right: by its name it says the opposite; declare "
                f"{other}={where!r}"
            )


def _name(where: Where) -> str:
    return f"header {where.name}" if isinstance(where, Header) else where


def _value_at(where: Where, values: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
    return headers.get(where.name, "") if isinstance(where, Header) else values[where]


def _lacking(where: Where, told: Any, kind: str) -> UpstreamError:
    return UpstreamError(
        f"the source's {_name(where)} is no {kind}: {told!r:.200}", cause=Cause.UNREADABLE
    )
