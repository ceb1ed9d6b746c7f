import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest

from dev import step
from dev.patience import SECONDS_MAX, wait_until
from dev.step import Step


class Making:
    """Makes a folder with one file, as often as it is asked to, and counts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, target: Path, _lock: int) -> None:
        self.count += 1
        (target / "file").write_text(str(self.count))


def fail(target: Path, _lock: int) -> None:
    (target / "half").write_text("")
    raise RuntimeError("no network")


def one(make: Callable[[Path, int], None], *inputs: Path | str, is_movable: bool = True) -> Step:
    return Step("a folder", "made", inputs, "file", make, is_movable)


def test_what_is_made_is_not_made_again(tmp_path: Path) -> None:
    make = Making()

    for _ in range(2):
        step.run(tmp_path, [one(make, "text")])

    assert make.count == 1


def test_a_changed_file_makes_it_again(tmp_path: Path) -> None:
    make, lock = Making(), tmp_path / "lock.txt"
    for version in ("1", "2"):
        lock.write_text(version)
        step.run(tmp_path, [one(make, Path("lock.txt"))])

    assert (tmp_path / "made/file").read_text() == "2"


def test_what_was_removed_by_hand_is_made_again(tmp_path: Path) -> None:
    make = Making()
    step.run(tmp_path, [one(make)])
    (tmp_path / "made/file").unlink()

    step.run(tmp_path, [one(make)])

    assert (tmp_path / "made/file").read_text() == "2"


@pytest.mark.parametrize("is_movable", [True, False])
def test_a_failed_step_leaves_what_was_there(tmp_path: Path, *, is_movable: bool) -> None:
    step.run(tmp_path, [one(Making(), "old", is_movable=is_movable)])

    with pytest.raises(RuntimeError, match="no network"):
        step.run(tmp_path, [one(fail, "new", is_movable=is_movable)])

    assert (tmp_path / "made/file").read_text() == "1"
    assert not (tmp_path / "made/half").exists()


@pytest.mark.parametrize("is_movable", [True, False])
def test_what_an_interrupted_run_left_is_not_taken_for_made(
    tmp_path: Path, *, is_movable: bool
) -> None:
    for half in ("made", ".cache/making/new", ".cache/making/old"):
        (tmp_path / half).mkdir(parents=True)
        (tmp_path / half / "half").write_text("")

    step.run(tmp_path, [one(Making(), is_movable=is_movable)])

    assert (tmp_path / "made/file").exists()
    assert not (tmp_path / "made/half").exists()


def test_two_at_once_make_it_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, started, may_end = Making(), Event(), Event()

    def slowly(target: Path, lock: int) -> None:
        started.set()
        assert may_end.wait(SECONDS_MAX)
        make(target, lock)

    first = Thread(target=step.run, args=(tmp_path, [one(slowly)]))
    first.start()
    assert started.wait(SECONDS_MAX)
    second = Thread(target=step.run, args=(tmp_path, [one(make)]))
    second.start()
    wait_for_waiting(capsys)
    may_end.set()
    first.join(SECONDS_MAX)
    second.join(SECONDS_MAX)

    assert make.count == 1


def test_the_programs_of_a_killed_run_are_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = []

    def die(_target: Path, lock: int) -> None:
        command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        programs.append(subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(lock,)))
        raise SystemExit

    with pytest.raises(SystemExit):
        step.run(tmp_path, [one(die)])
    second = Thread(target=step.run, args=(tmp_path, [one(Making())]))
    second.start()
    wait_for_waiting(capsys)
    assert not (tmp_path / "made").exists()
    programs[0].communicate()
    second.join(SECONDS_MAX)

    assert (tmp_path / "made/file").exists()


def wait_for_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    wait_until(lambda: "waiting for another" in capsys.readouterr().out)
