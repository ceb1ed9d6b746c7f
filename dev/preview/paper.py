"""What a preview prints: without secrets, and without what a terminal would obey."""

from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from durable.environment import Environment
from durable.glean.mapped_record import MappedRecord


TEXT_CHARACTERS_MAX = 300  # of a field
NAME_CHARACTERS = 14


class Paper:
    """Where all is printed.

    Args:
        console: the terminal's, for example.
        environment: knows the secrets.
    """

    def __init__(self, console: Console, environment: Environment) -> None:
        self._console = console
        self._environment = environment

    def line(self, text: str = "", style: str = "") -> None:
        self._console.print(Text(self._clean(text), style), soft_wrap=True)

    def change(self, number: int, placed: MappedRecord) -> None:
        """What a record became, a field a line."""
        self.line(f"{number}. {type(placed.change).__name__} {placed.key}", "bold")
        fields = msgspec.to_builtins(placed.change)
        for name, value in fields.items():
            self.line(f"   {name:{NAME_CHARACTERS}} {_show_value(value)}")
        self.line()

    def _clean(self, text: str) -> str:
        redacted = self._environment.redacted(text)
        return "".join(
            letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1]
            for letter in redacted
        )


def _show_value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_show_value(of)}" for name, of in value.items())
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if len(text) > TEXT_CHARACTERS_MAX:
        text = f"{text[:TEXT_CHARACTERS_MAX]}... ({len(text)} characters)"
    return " ".join(text.split())
