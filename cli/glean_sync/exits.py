"""How a command ends: the exit codes, and the errors that lead to them. Pure."""

from collections.abc import Mapping
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a script can tell from the end of a command."""

    DONE = 0
    FAILED = 1
    USAGE = 2  # typer's own
    REFUSED = 3
    UNREACHABLE = 4
    NOT_SIGNED_IN = 5
    HELD = 6
    BROKEN = 70  # EX_SOFTWARE of sysexits.h
    INTERRUPTED = 130  # as a shell has it for SIGINT


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.DONE: "done; a job that was watched succeeded",
    ExitCode.FAILED: "a job that was watched failed or was cancelled, or a check failed",
    ExitCode.USAGE: "the command line, or the configuration, is not right",
    ExitCode.REFUSED: "the Worker refused, or has no such thing",
    ExitCode.UNREACHABLE: "the Worker could not be reached, or its answer not understood",
    ExitCode.NOT_SIGNED_IN: "no URL or no token is set, or the Worker does not take the token",
    ExitCode.HELD: "a job that was watched is held: it waits for a person",
    ExitCode.BROKEN: "a fault of glean-sync itself; `--verbose` shows where",
    ExitCode.INTERRUPTED: "interrupted with Ctrl+C; the job goes on",
}


class CommandError(Exception):
    """Ends a command. The message says what is wrong and what to do.

    CommandError
    ├── UsageError         the command line or the configuration
    ├── RefusedError       the Worker's answer, or what it does not have
    ├── UnreachableError   the way to the Worker
    └── SignInError        who asks
    """

    code: ClassVar[ExitCode]


class UsageError(CommandError):
    code = ExitCode.USAGE


class RefusedError(CommandError):
    """`status` is that of the answer; None where the Worker was not asked."""

    code = ExitCode.REFUSED

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class UnreachableError(CommandError):
    code = ExitCode.UNREACHABLE


class SignInError(CommandError):
    code = ExitCode.NOT_SIGNED_IN
