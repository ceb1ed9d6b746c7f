"""Child processes that end when we do, however we end, with all that they have started."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any


# Ends the whole group as soon as standard input closes, which is when we end. The shell's place is
# taken by the command, so that the process which we started is the one we wait for.
GUARDED = 'exec 3<&0; (read -r _ <&3; kill -KILL 0) & exec "$@" 3<&- </dev/null'


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """Start a command as the leader of a group of its own; `options` are those of Popen."""
    return subprocess.Popen(
        ["/bin/sh", "-c", GUARDED, "sh", *command],
        stdin=subprocess.PIPE,
        start_new_session=True,
        **options,
    )


def end(process: subprocess.Popen[Any]) -> None:
    """End its whole group at once, with SIGKILL, and let go of its pipes."""
    with contextlib.suppress(ProcessLookupError):  # nobody is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
