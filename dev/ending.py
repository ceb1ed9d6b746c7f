"""When a command that runs until it is told to end, has to end."""

import os
import signal
from types import FrameType


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ending:
    """Comes with the first of the signals, or when whoever started us has ended.

    A signal raises KeyboardInterrupt, wherever we are. What then ends in order is not to be
    interrupted once more: make and a terminal may send the same signal both.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        for number in SIGNALS:
            # Whoever has `nohup` in front, wants us to outlive the terminal.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _interrupt)

    @property
    def has_come(self) -> bool:
        """Whether the process that started us has ended."""
        return os.getppid() != self._parent


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
