"""Live bars of jobs, one for each."""

from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from glean_sync.answers import Status
from glean_sync.output import clean
from glean_sync.phrases import counts
from glean_sync.times import since


BAR_CHARACTERS = 16


class Bars:
    """Drawn where the console is a terminal, while the `with` block lasts.

    Args:
        console: of standard error, so that they are not among the data.
        now: the time, for how long a job may still take.
    """

    def __init__(self, console: Console, now: Callable[[], datetime]) -> None:
        self._now = now
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(BAR_CHARACTERS),
            TextColumn("{task.fields[state]}", style="progress.percentage", markup=False),
            TimeElapsedColumn(),
            TextColumn(
                "{task.fields[rest]}",
                markup=False,
                table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
            ),
            console=console,
            expand=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def update(self, status: Status) -> None:
        """Draw a job as it stands; at first, add its bar."""
        if status.id not in self._tasks:
            self._tasks[status.id] = self._progress.add_task(
                clean(status.connector), total=None, state="", rest=""
            )
        task = self._tasks[status.id]
        done, total = _share(status)
        rest = clean(_rest(status, self._now()))
        self._progress.update(
            task, completed=done, total=total, state=clean(status.state), rest=rest
        )
        if status.is_resting:
            self._progress.stop_task(task)


def _share(status: Status) -> tuple[int, int | None]:
    """How much is done, of how much; None where nobody knows."""
    if status.state == "succeeded":
        return 1, 1
    progress = status.progress
    if progress is None or not progress.of:
        return 0, 1 if status.is_resting else None
    return min(progress.documents, progress.of), progress.of


def _rest(status: Status, now: datetime) -> str:
    words = [counts(status)]
    progress = status.progress
    if progress is not None and progress.of:
        words.append(f"of about {progress.of:,}")
    if status.is_resting:
        return ", ".join(words)
    if progress is not None and progress.eta_at:
        words.append(f"done {since(progress.eta_at, now)}, about")
    is_held_up = status.next_attempt_at is not None or status.state == "queued"
    if is_held_up and status.waits_because:
        words.append(status.waits_because)
    return ", ".join(words)
