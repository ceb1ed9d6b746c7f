"""What a command prints: data on standard output, words for a person on standard error.

Texts from outside never move the terminal, nor are they taken for markup.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from glean_sync.decoding import one_line
from glean_sync.states import TRAITS


STYLES: Mapping[str, str] = {
    **{state: traits.style for state, traits in TRAITS.items()},
    **dict.fromkeys(("ok", "passed"), "green"),
    **dict.fromkeys(("failing", "unreachable", "error"), "bold red"),
    **dict.fromkeys(("overdue", "stale", "degraded", "warning", "waiting"), "yellow"),
    **dict.fromkeys(("working",), "cyan"),
    **dict.fromkeys(("new", "skipped"), "dim"),
}
INDENT = 4


class Output:
    """Of one command.

    Args:
        is_json: the data is JSON, and nothing else is on standard output.
        is_verbose: also what is for who looks for a fault.
    """

    def __init__(self, *, is_json: bool = False, is_verbose: bool = False) -> None:
        self.is_json = is_json
        self.is_verbose = is_verbose
        self.person = Console(file=sys.stderr, highlight=False, markup=False, emoji=False)
        self._data = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)

    def json(self, body: bytes) -> None:
        """JSON as it came."""
        self._write(body.decode().rstrip("\n"))

    def json_line(self, body: bytes) -> None:
        """JSON on a line of its own, at once."""
        self._write(one_line(body))

    def line(self, text: str, style: str = "") -> None:
        self._data.print(Text(clean(text), style), soft_wrap=True)

    def words(self, *words: str) -> None:
        """A line of which some words have a colour of their own; empty ones are left out."""
        self._data.print(Text(" ").join(map(_style, filter(None, words))), soft_wrap=True)

    def note(self, text: str, style: str = "") -> None:
        """A line for a person."""
        self.person.print(Text(clean(text), style), soft_wrap=True)

    def trace(self, text: str) -> None:
        """A line for who asked for more of them."""
        if self.is_verbose:
            self.note(text, "dim")

    def facts(self, facts: Iterable[tuple[str, str | None]]) -> None:
        """Names and values, a line each; what has no value is left out."""
        there = [(name, value) for name, value in facts if value]
        width = max((len(name) for name, _ in there), default=0)
        for name, value in there:
            text = Text.assemble((f"{name:{width}}  ", "bold"), _style(value))
            self._data.print(text, soft_wrap=True)

    def table(
        self, names: Sequence[str], rows: Iterable[Sequence[str]], *, beneath: int = 0
    ) -> None:
        """A table on a terminal; elsewhere, a line for each row, with tabs between its cells.

        Args:
            names: of the columns.
            rows: a cell for each column.
            beneath: so many of the last columns may be long, or are mostly empty: on a terminal
                they are told beneath their row.
        """
        if not self._data.is_terminal:
            for row in (names, *rows):
                self._write("\t".join(map(clean, row)))
            return
        above = len(names) - beneath
        lines = [*rows]
        widths = [
            max(map(cell_len, map(clean, column))) for column in zip(names, *lines, strict=True)
        ]
        if lines:
            self._row(names[:above], widths, "bold")
        for row in lines:
            self._row(row[:above], widths)
            told = [_label(*each) for each in zip(names[above:], row[above:], strict=True)]
            if any(told):
                text = Text(clean(", ".join(filter(None, told))), "dim")
                self._data.print(Padding(text, (0, 0, 0, INDENT), expand=False))

    def _row(self, cells: Sequence[str], widths: Sequence[int], style: str = "") -> None:
        line = Text(style=style)
        for cell, width in zip(cells, widths, strict=False):
            text = _style(cell)
            text.pad_right(width - text.cell_len + 2)
            line.append_text(text)
        line.rstrip()
        self._data.print(line, overflow="fold")

    def _write(self, text: str) -> None:
        # Not through the console: it would take the width of a terminal into account.
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def clean(text: str) -> str:
    """The text on one line, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _style(text: str) -> Text:
    return Text(clean(text), STYLES.get(text.strip(), ""))


def _label(name: str, cell: str) -> str:
    """A cell that is not below its column's name: a number says of what it is."""
    if not cell.replace(",", "").isdecimal():
        return cell
    return "" if cell == "0" else f"{cell} {name}"
