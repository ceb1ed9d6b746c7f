"""The command that reads the Worker's log."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Annotated

import typer

from glean_sync.exits import UnreachableError, UsageError
from glean_sync.log_lines import ORDER, Level, LogLine, log_lines
from glean_sync.session import Session, command
from glean_sync.times import clock


PANEL = "Look at jobs"
STDIN = "-"
TAIL = ("npx", "wrangler", "tail", "--format", "json")

From = Annotated[
    str | None,
    typer.Argument(
        metavar="[WORKER|-]",
        help="The Worker's name, where no wrangler.toml here says it; - reads standard input.",
    ),
]
OfConnector = Annotated[
    str | None, typer.Option("--connector", metavar="CONNECTOR", help="Of this one only.")
]
OfJob = Annotated[str | None, typer.Option("--job", metavar="JOB", help="Of this one only.")]
OfLevel = Annotated[
    Level, typer.Option("--level", case_sensitive=False, help="Of this level, and above it.")
]

commands = typer.Typer()


@command(commands, PANEL, asks_worker=False)
def tail(
    session: Session,
    worker: From = None,
    *,
    connector: OfConnector = None,
    job: OfJob = None,
    level: OfLevel = Level.INFO,
) -> None:
    """Read the Worker's log as it comes, through `npx wrangler tail`."""

    def is_wanted(line: LogLine) -> bool:
        return (
            ORDER.index(line.level) >= ORDER.index(level)
            and connector in {None, line.connector}
            and job in {None, line.job}
        )

    with _lines(worker) as lines:
        for line in filter(is_wanted, log_lines(lines)):
            _show(session, line)


def _show(session: Session, line: LogLine) -> None:
    output = session.output
    if output.is_json and line.fields is not None:
        output.json_line(line.text.encode())
    elif output.is_json:
        output.note(line.text)
    elif line.fields is None:
        output.line(line.text, "bold red" if line.level is Level.ERROR else "")
    else:
        at = clock(line.at)
        output.words(at, line.level, line.connector, line.job, line.event, line.rest)


@contextmanager
def _lines(worker: str | None) -> Iterator[Iterable[str]]:
    """Lines as they come, from standard input or from wrangler.

    Raises:
        UsageError: there is no wrangler.
        UnreachableError: it failed, and has said why on standard error.
    """
    if worker == STDIN:
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        yield sys.stdin
        return
    words = [*TAIL, *([] if worker is None else [worker])]
    try:
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        raise UsageError(
            f"npx cannot be run ({error}): install Node, or have the log piped in: "
            f"`{' '.join(words)} | glean-sync tail -`."
        ) from error
    with process:
        assert process.stdout is not None
        try:
            yield process.stdout
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise UnreachableError(
            f"`{' '.join(words)}` ended with {process.returncode}: see above. Run it where "
            "wrangler.toml is, and logged in: `npx wrangler login`."
        )
