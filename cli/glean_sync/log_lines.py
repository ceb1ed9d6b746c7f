"""The Worker's log as `wrangler tail` gives it, and as our own lines are read. Pure.

`wrangler tail --format json` prints an object of several lines for each invocation; in its `logs`
are the lines that the Worker printed. `wrangler dev` prints these as they are.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from glean_sync.decoding import decode


class Level(StrEnum):
    """Who should look: nobody, somebody who looks anyway, somebody now."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


ORDER = tuple(Level)
# As the platform names them, by the method of its console.
LEVELS: Mapping[str, Level] = {
    **{level: level for level in Level},
    **dict.fromkeys(("debug", "log"), Level.INFO),
    "warn": Level.WARNING,
}
FIRST = frozenset({"event", "level", "connector", "job"})  # they stand before the others
VALUE_CHARACTERS_MAX = 120


class LogLine(Struct, frozen=True, kw_only=True):
    """Something that the Worker printed, or that the platform tells of it.

    Attributes:
        text: all of it, as it was printed.
        fields: what a line of JSON has; None for any other.
        level: INFO where nothing says otherwise.
        at: when, in UTC; None where nothing says it.
    """

    text: str
    fields: Mapping[str, Any] | None
    level: Level
    at: str | None

    @property
    def event(self) -> str:
        return self._field("event")

    @property
    def job(self) -> str:
        return self._field("job")

    @property
    def connector(self) -> str:
        return self._field("connector")

    @property
    def rest(self) -> str:
        """The other fields that say something, shortened."""
        told = ((name, _shorten(value)) for name, value in (self.fields or {}).items() if value)
        return " ".join(f"{name}={text}" for name, text in told if name not in FIRST)

    def _field(self, name: str) -> str:
        return str((self.fields or {}).get(name) or "")


def log_lines(lines: Iterable[str]) -> Iterator[LogLine]:
    """What is told by lines as they come, from wrangler or from the Worker itself."""
    parts: list[str] = []
    for line in lines:
        text = line.rstrip("\r\n")
        if parts or text == "{":
            parts.append(text)
            if text == "}":
                yield from _read_lines("\n".join(parts))
                parts = []
        elif text:
            yield from _read_lines(text)
    if parts:
        yield from _read_lines("\n".join(parts))


def _read_lines(text: str) -> Iterator[LogLine]:
    invocation = None
    if text.startswith("{"):
        with suppress(msgspec.DecodeError):
            invocation = decode(text, _Invocation)
    if invocation is None:
        yield _line(text, Level.INFO, None)
        return
    for entry in invocation.logs:
        words = [word if isinstance(word, str) else _json(word) for word in entry.message]
        yield _line(" ".join(words), _level(entry.level), entry.timestamp)
    for thrown in invocation.exceptions:
        told = f"{thrown.name}: {thrown.message}"
        yield _line(told, Level.ERROR, thrown.timestamp)
    if invocation.outcome != "ok":
        told = f"the invocation ended: {invocation.outcome}"
        yield _line(told, Level.ERROR, invocation.eventTimestamp)


def _line(text: str, level: Level, at_ms: float | None) -> LogLine:
    fields: dict[str, Any] = {}
    if text.startswith("{"):
        with suppress(msgspec.DecodeError):
            fields = decode(text, dict[str, Any])
    at = None if at_ms is None else datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat()
    return LogLine(
        text=text,
        fields=fields or None,
        level=_level(fields["level"]) if "level" in fields else level,
        at=at,
    )


def _level(name: object) -> Level:
    return LEVELS.get(str(name).lower(), Level.INFO)


def _shorten(value: Any) -> str:
    text = value if isinstance(value, str) else _json(value)
    is_long = len(text) > VALUE_CHARACTERS_MAX
    return f"{text[:VALUE_CHARACTERS_MAX]}..." if is_long else text


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


class _Entry(Struct, frozen=True):
    message: list[Any]
    level: str = "log"
    timestamp: float | None = None


class _Thrown(Struct, frozen=True):
    name: str = ""
    message: str = ""
    timestamp: float | None = None


class _Invocation(Struct, frozen=True):
    """What wrangler prints; `logs` tells it from a line of ours."""

    logs: list[_Entry]
    outcome: str = "ok"
    exceptions: list[_Thrown] = []
    eventTimestamp: float | None = None  # noqa: N815 - the platform's name
