"""How anything is waited for on this machine, however busy it is: never for ever."""

import time
from collections.abc import Callable
from typing import TypeVar


SECONDS_MAX = 240
POLL_SECONDS = 0.05
PATIENT_SECONDS = 0.5  # between two questions about what takes its time
GROWTH = 1.3  # of the pause

Seen = TypeVar("Seen")


def wait_until(
    ask: Callable[[], Seen],
    is_so: Callable[[Seen], object] = bool,
    *,
    seconds_max: float = SECONDS_MAX,
    pause_seconds_max: float = POLL_SECONDS,
) -> Seen:
    """Ask again and again until something is so. Returns that answer.

    Args:
        ask: for what may be so.
        is_so: whether it is.
        seconds_max: for all of it.
        pause_seconds_max: between two questions, which get rarer until then: whoever answers a
            question works on what is waited for as well.

    Raises TimeoutError, with the last answer, where it does not become so.
    """
    deadline, pause_seconds = time.monotonic() + seconds_max, POLL_SECONDS
    while not is_so(seen := ask()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"it has not come to it in {seconds_max:g} s; at last: {seen}")
        time.sleep(pause_seconds)
        pause_seconds = min(GROWTH * pause_seconds, pause_seconds_max)
    return seen
