"""The program `glean-sync`."""

from typing import Annotated

import typer

from glean_sync import __version__
from glean_sync.commands import connectors, controls, jobs, log, profile
from glean_sync.exits import MEANINGS


EXIT_CODES = "\n".join(f"- {code.value}: {meaning}" for code, meaning in MEANINGS.items())

app = typer.Typer(
    name="glean-sync",
    help="Run and watch the sync jobs of a glean-durable-sync Worker.",
    epilog=f"Exit codes:\n\n{EXIT_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for part in (controls, jobs, log, connectors, profile):
    app.add_typer(part.commands)


def _tell_version(is_wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if is_wanted:
        typer.echo(f"glean-sync {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version."),
]


@app.callback()
def _shared(*, version: Version = False) -> None:
    """Nothing: `version` has done its work, and all else is each command's."""


def main() -> None:
    app(prog_name="glean-sync")
