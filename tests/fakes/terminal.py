"""A terminal of its own for a program, and somebody who reads and types there."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from dev.patience import SECONDS_MAX


PRESSED_SECONDS = 2  # after which a person presses again
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[=>])")
# The terminal has to be the one that controls the process, or Ctrl+C is a letter like any other.
# And whoever began the tests may have had SIGINT ignored, as a shell does for the background.
CONTROLLED = (
    "import fcntl, runpy, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "signal.signal(signal.SIGINT, signal.default_int_handler); "
)
CTRL_C = "\x03"


class Terminal:
    """Runs a Python module. Use it as a context manager.

    Args:
        module: as for `python -m`.
        words: of its command line.
        environment: all variables that it has.
        columns: of the terminal.
    """

    def __init__(
        self, module: str, *words: str, environment: Mapping[str, str], columns: int = 120
    ) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        code = f"{CONTROLLED}runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, *words],
            env={**environment, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._ours = ours
        self._output = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._ours)

    @property
    def raw(self) -> str:
        """All that was written so far."""
        return self._output.decode(errors="replace")

    @property
    def text(self) -> str:
        """The same without colours and moves."""
        return ESCAPES.sub("", self.raw)

    def shows(self, *texts: str) -> None:
        """Read on until all of them were written. Raises AssertionError if they never are."""
        deadline = time.monotonic() + SECONDS_MAX
        while not all(text in self.text for text in texts):
            assert self._read(deadline), f"it ended without {texts}:\n{self.text}"

    def types(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def interrupts(self) -> int:
        """Press Ctrl+C, and again while nothing comes of it. Returns the exit code.

        A question that is shown is not yet read for. A signal in the moment between is kept until
        the read has ended, since Python handles signals between two steps of its own.
        """
        deadline = time.monotonic() + SECONDS_MAX
        self.types(CTRL_C)
        while time.monotonic() < deadline:
            if not any(select.select([self._ours], [], [], PRESSED_SECONDS)):
                self.types(CTRL_C)
            elif not self._read(deadline):
                break
        return self._process.wait(SECONDS_MAX)

    def ends(self) -> int:
        """Its exit code."""
        deadline = time.monotonic() + SECONDS_MAX
        while self._read(deadline):
            pass
        return self._process.wait(SECONDS_MAX)

    def _read(self, deadline: float) -> bool:
        """Whether there was more."""
        left_seconds = deadline - time.monotonic()
        is_ready = left_seconds > 0 and any(select.select([self._ours], [], [], left_seconds))
        assert is_ready, f"it has not come that far in {SECONDS_MAX} s:\n{self.text}"
        try:
            part = os.read(self._ours, 65_536)
        except OSError:  # Linux says so where the other end is closed
            part = b""
        self._output += part
        return bool(part)
