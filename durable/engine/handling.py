"""Keeps exceptions from leaving the platform's handlers.

An alarm's handler that raises is called again a few times; then the platform drops the
alarm. And what is done for a log is never a reason for that.
"""

import traceback
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import wraps
from typing import ParamSpec, TypeVar


Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


async def outlive(work: Awaitable[Result], report: Callable[[str], None]) -> Result | None:
    """The result of the work; None if it raised.

    Args:
        work: which has its next alarm set before anything that may fail.
        report: is given the traceback, whose texts may quote what others sent. Raises nothing.
    """
    try:
        return await work
    except (Exception, CancelledError):  # noqa: BLE001 - our own bug; the lease brings it back
        report(traceback.format_exc())
        return None


def harmless(act: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """The function, made to raise nothing: for what is done beside the work, as its log is."""

    @wraps(act)
    def attempt(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        with suppress(Exception):
            act(*args, **kwargs)

    return attempt
