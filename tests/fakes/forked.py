"""Local servers, each in a process that is forked from one that has imported them all.

What `dev.service` starts, imports for a second or two.
"""

import importlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Self

from _pytest.config import default_plugins

from dev.service import STOP_SECONDS_MAX, URL
from dev.staging import ROOT


SERVERS = ("docs_source", "files_source", "kinds_source", "local_glean", "tickets_source")
# What the tests import that are run with a bug: a process has one such forkserver for all.
OF_MUTANTS = (
    *("hypothesis.stateful", "xdist.plugin", "xdist.scheduler", "tests.simulation.world"),
    *(f"_pytest.{name}" for name in default_plugins),
)
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([*OF_MUTANTS, *(f"dev.{name}.__main__" for name in SERVERS)])


class ForkedService:
    """`python -m module`, as `dev.service.Service` is. It ends when we do."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._words = [module, *arguments]
        self._environment = {**os.environ, **(environment or {})}
        self.url = ""

    def __enter__(self) -> Self:
        told, telling = FORKS.Pipe(duplex=False)
        ending, self._lives = FORKS.Pipe(duplex=False)
        arguments = (self._words, self._environment, telling, ending)
        self._process = FORKS.Process(target=_serve, args=arguments)
        self._process.start()
        telling.close()
        ending.close()
        with told, open(told.fileno(), closefd=False) as lines:
            for line in lines:
                if (found := URL.search(line)) is not None:
                    self.url = found[0]
                    return self
        self._stop()
        raise RuntimeError(f"{' '.join(self._words)} ended before it served; see above")

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.terminate()
        self._process.join(STOP_SECONDS_MAX)
        self._process.kill()
        self._process.join()
        self._process.close()
        self._lives.close()


def _serve(
    words: list[str], environment: Mapping[str, str], telling: Connection, ending: Connection
) -> None:
    """In the fork."""
    threading.Thread(target=_end_with, args=(ending,), daemon=True).start()
    os.dup2(telling.fileno(), sys.stdout.fileno())
    telling.close()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = words
    sys.exit(importlib.import_module(f"{words[0]}.__main__").main())


def _end_with(ending: Connection) -> None:
    """Whoever started us has the other end, and closes it whatever becomes of them."""
    ending.poll(None)
    os._exit(0)
