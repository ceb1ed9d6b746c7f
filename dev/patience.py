"""How anything is waited for on this machine, however busy it is: never for ever."""

import time
from collections.abc import Callable
from typing import TypeVar


SECONDS_MAX = 240
POLL_SECONDS = 0.05

Seen = TypeVar("Seen")


def waited(
    ask: Callable[[], Seen],
    is_so: Callable[[Seen], object] = bool,
    *,
    seconds_max: float = SECONDS_MAX,
) -> Seen:
    """Ask again and again until something is so. Returns that answer.

    Raises TimeoutError, with the last answer, where it does not become so.
    """
    deadline = time.monotonic() + seconds_max
    while not is_so(seen := ask()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"it has not come to it in {seconds_max:g} s; at last: {seen}")
        time.sleep(POLL_SECONDS)
    return seen
