"""A local server as a child process, known by the URL that it prints."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from dev import guard
from dev.staging import ROOT


URL = re.compile(r"http://127\.0\.0\.1:\d+")
STOP_SECONDS_MAX = 5


class Program:
    """Any command, started on a free port and ended with the `with` block, or when we end.

    Args:
        command: prints its URL as soon as it serves.
        environment: variables added to ours.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = list(command)
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self._process = guard.start(
            self._command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if (found := URL.search(line)) is not None:
                self.url = found[0]
                return self
        self._stop()
        raise RuntimeError(f"{' '.join(self._command)} ended before it served; see above")

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS_MAX)
        guard.end(process)


class Service(Program):
    """`python -m module`.

    Args:
        module: prints its URL as soon as it serves.
        arguments: for its command line.
        environment: variables added to ours.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__([sys.executable, "-m", module, *arguments], environment)
