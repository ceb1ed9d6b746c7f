"""A machine whose clock on the wall is not UTC's, as a developer's may be."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nine_hours_ahead() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "AHEAD-9"
    time.tzset()
    try:
        yield
    finally:
        del os.environ["TZ"]
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()
