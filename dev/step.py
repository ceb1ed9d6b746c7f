"""Steps of set-up: each makes a folder, once, and again when what it is made from changes.

Each leaves a stamp, the hash of what it was made from, as the last thing it does. So a second run
does nothing, and what an interrupted one left is made again. Standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


STAMP = ".stamp"


class Step(NamedTuple):
    """A folder and how it is made.

    Attributes:
        what: for the line that is shown.
        target: the folder, relative to the project's.
        inputs: files, relative to the project's folder, and other text, that decide what is made.
        needed: a path in the folder without which it is made again.
        make: fills the empty folder that it gets. The programs that it starts must inherit the
            descriptor that it gets: see `_alone`.
        is_movable: made under another name and then renamed.
    """

    what: str
    target: str
    inputs: Sequence[Path | str]
    needed: str
    make: Callable[[Path, int], None]
    is_movable: bool = True


def run(root: Path, steps: Sequence[Step]) -> None:
    """Make what is missing or out of date, step by step.

    Where a step raises, the folder is as it was before, and the next run begins there.
    """
    if all(_is_made(root, step) for step in steps):
        return
    cache = root / ".cache"
    cache.mkdir(exist_ok=True)
    with _alone(cache) as lock:
        for step in steps:
            if not _is_made(root, step):
                _make(root, step, lock)


def _is_made(root: Path, step: Step) -> bool:
    target = root / step.target
    try:
        stamp = (target / STAMP).read_text(encoding="utf-8")
    except OSError:
        return False
    return stamp == _digest(root, step) and (target / step.needed).exists()


def _digest(root: Path, step: Step) -> str:
    digest = hashlib.sha256()
    for given in step.inputs:
        content = (root / given).read_bytes() if isinstance(given, Path) else given.encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def _make(root: Path, step: Step, lock: int) -> None:
    print(f"setup: {step.what} ({step.target})", end="", flush=True)
    started = time.monotonic()
    target, stamp = root / step.target, _digest(root, step)
    # A run that was killed leaves its folder behind; nobody else uses it while we are alone.
    scratch = root / ".cache" / "making"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    old = scratch / "old"
    made = scratch / "new" if step.is_movable else target
    try:
        if not step.is_movable and target.exists():
            target.rename(old)
        made.mkdir()
        step.make(made, lock)
        (made / STAMP).write_text(stamp, encoding="utf-8")
        if step.is_movable:
            if target.exists():
                target.rename(old)
            made.rename(target)
    except BaseException:
        print(flush=True)
        if old.exists():
            shutil.rmtree(target, ignore_errors=True)
            old.rename(target)
        raise
    print(f", {time.monotonic() - started:.0f} s", flush=True)
    shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _alone(cache: Path) -> Iterator[int]:
    """Hold the lock of set-up and give its descriptor.

    The programs that a step starts inherit it: where set-up itself is killed, the next one waits
    until they have ended too, and never meets them in the same folder.
    """
    with (cache / "setup.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setup: waiting for another set-up to end", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()
