"""What we start ends when we do, however that comes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.patience import wait_until
from dev.staging import ROOT


# Starts a program that starts another, tells its own number and that of the program's group, and
# runs until it has to end.
SCRIPT = """
import os, signal, sys, time
from dev.ending import Ending
from dev.service import Program

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
ending = Ending()
try:
    with Program(["sh", "-c", "sleep 600 & echo http://127.0.0.1:1; wait"]) as program:
        print(os.getpid(), program._process.pid, flush=True)
        while not ending.has_come:
            time.sleep(0.05)
except KeyboardInterrupt:
    sys.exit(7)
sys.exit(8)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "script.py"
    file.write_text(SCRIPT)
    return file


@pytest.fixture
def parent(script: Path) -> Iterator[subprocess.Popen[str]]:
    """A shell that runs the script, and says how that ended."""
    # As in a background job: the shell has its children ignore SIGINT.
    command = f"'{sys.executable}' '{script}' & wait $!; echo $?"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        ["sh", "-c", command], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield process
        process.kill()


def told(process: subprocess.Popen[str]) -> list[int]:
    assert process.stdout is not None
    return [int(word) for word in process.stdout.readline().split()]


def is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_in_order(parent: subprocess.Popen[str], number: signal.Signals) -> None:
    script_id, group = told(parent)

    os.kill(script_id, number)

    assert told(parent) == [7]
    wait_until(lambda: is_gone(group))


def test_a_signal_that_comes_twice_ends_all_in_order(parent: subprocess.Popen[str]) -> None:
    script_id, group = told(parent)

    for _ in range(2):
        os.kill(script_id, signal.SIGTERM)

    assert told(parent) == [7]
    wait_until(lambda: is_gone(group))


def test_who_is_killed_leaves_nothing_behind(parent: subprocess.Popen[str]) -> None:
    script_id, group = told(parent)

    os.kill(script_id, signal.SIGKILL)

    wait_until(lambda: is_gone(group))


def test_whose_parent_has_ended_ends_too(parent: subprocess.Popen[str]) -> None:
    _, group = told(parent)

    parent.kill()

    wait_until(lambda: is_gone(group))


def test_what_has_nohup_in_front_outlives_the_terminal(script: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        ["nohup", sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        script_id, group = told(process)
        os.kill(script_id, signal.SIGHUP)
        os.kill(script_id, signal.SIGTERM)

        assert process.wait() == 7
    wait_until(lambda: is_gone(group))
