"""What every command has: the options that all share, the Worker, where to print, how to end."""

import asyncio
import functools
import inspect
import sys
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from glean_sync import profiles
from glean_sync.configuration import Configuration, Flags, Setting, configuration
from glean_sync.exits import CommandError, ExitCode
from glean_sync.machine import Machine, this_machine
from glean_sync.output import Output
from glean_sync.profiles import Profiles
from glean_sync.worker import Worker


WORKER_PANEL, OUTPUT_PANEL = "Which Worker", "Output"
OF_WORKER = {
    "url": Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="The Worker.", rich_help_panel=WORKER_PANEL),
    ],
    "token_file": Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="Has the token; - is standard input.",
            rich_help_panel=WORKER_PANEL,
        ),
    ],
    "profile": Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="NAME",
            help="Of the configuration, where it has several.",
            rich_help_panel=WORKER_PANEL,
        ),
    ],
}
OF_OUTPUT = {
    "json": Annotated[
        bool,
        typer.Option("--json", help="Print the API's JSON.", rich_help_panel=OUTPUT_PANEL),
    ],
    "verbose": Annotated[
        bool,
        typer.Option(
            "--verbose",
            help="Show each request, and where an error is from.",
            rich_help_panel=OUTPUT_PANEL,
        ),
    ],
}

Given = ParamSpec("Given")
Ended = ExitCode | None  # None: DONE


class Session:
    """Of one command.

    Args:
        machine: the machine.
        flags: which Worker, as far as the command line says it.
        output: where to print.
    """

    def __init__(self, machine: Machine, flags: Flags, output: Output) -> None:
        self.machine = machine
        self.flags = flags
        self.output = output

    def profiles(self) -> Profiles:
        """Those of the file; who can read it besides its owner, is told. Raises UsageError."""
        found = profiles.read(self.machine.config_file)
        if found.warning:
            self.output.note(found.warning, "yellow")
        return found

    def configuration(self) -> Configuration:
        """Which Worker, and which token. Raises UsageError."""
        environment = self.machine.environment
        return configuration(self.flags, environment, self.profiles(), sys.stdin.read)

    def worker(self) -> Worker:
        """To be asked, in one event loop. Raises SignInError, UsageError."""
        return self.worker_at(*self.configuration().signed_in)

    def worker_at(self, url: str, token: Setting) -> Worker:
        """That of a URL, asked with a token."""
        return Worker(url, token, self.machine, self._tell, self.output.trace)

    def _tell(self, trouble: str) -> None:
        self.output.note(trouble, "yellow")


Command = Callable[Concatenate[Session, Given], Ended | Coroutine[Any, Any, Ended]]


def command(
    app: typer.Typer, panel: str, name: str | None = None, *, asks_worker: bool = True
) -> Callable[[Command[Given]], Command[Given]]:
    """Make a function a command, with the shared options beside its own.

    Args:
        app: gets it.
        panel: of the list of commands.
        name: where the function's own is not it.
        asks_worker: it takes the options of which Worker.
    """
    shared = {**(OF_WORKER if asks_worker else {}), **OF_OUTPUT}

    def registered(function: Command[Given]) -> Command[Given]:
        @functools.wraps(function)
        def run(context: typer.Context, **values: Any) -> None:
            given = {option: values.pop(option) for option in shared}
            session = Session(
                context.obj or this_machine(),
                Flags(given.get("url"), given.get("token_file"), given.get("profile")),
                Output(is_json=given["json"], is_verbose=given["verbose"]),
            )
            raise typer.Exit(_run_to_end(session, functools.partial(function, session, **values)))

        _, *own = inspect.signature(function, eval_str=True).parameters.values()
        parameters = [
            inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
            *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own),
            *(
                inspect.Parameter(
                    option,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=False if option in OF_OUTPUT else None,
                    annotation=annotation,
                )
                for option, annotation in shared.items()
            ),
        ]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        app.command(name, rich_help_panel=panel)(run)
        return function

    return registered


def _run_to_end(
    session: Session, begin: Callable[[], Ended | Coroutine[Any, Any, Ended]]
) -> ExitCode:
    """Run a command to its end. Errors are told, and not thrown at people."""
    try:
        ended = begin()
        if isinstance(ended, Coroutine):
            ended = asyncio.run(ended)
    except CommandError as error:
        session.output.note(str(error), "red")
        _trace(session)
        return error.code
    except (KeyboardInterrupt, typer.Abort):  # the latter at a question
        session.output.note("Interrupted.")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        raise  # nobody reads any more: typer ends it without a word
    except Exception as error:  # noqa: BLE001 - our own bug
        session.output.note(f"glean-sync has a fault: {type(error).__name__}: {error}", "red")
        _trace(session)
        return ExitCode.BROKEN
    return ended or ExitCode.DONE


def _trace(session: Session) -> None:
    for line in traceback.format_exc().splitlines():
        session.output.trace(line)
