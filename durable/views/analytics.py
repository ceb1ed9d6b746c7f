"""What Cloudflare's Analytics Engine is told: each turn, and each job that has ended.

Optional: where the Worker has the binding ANALYTICS. docs/metrics.md has the columns. Nothing of it
may disturb a job.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from msgspec import Struct

from durable.machine.job import Job
from durable.machine.job_events import Transition, TurnStats, ended_turn
from durable.machine.notes import EventKind
from durable.machine.states import ENDED
from durable.views.job_summary import totals


class Point(Struct, frozen=True):
    """A data point. Columns are told by their place: only ever add some at the end.

    The platform takes one index of 96 bytes, 20 blobs of 16 KB together and 20 doubles:
    https://developers.cloudflare.com/analytics/analytics-engine/limits/
    """

    index: str
    blobs: tuple[str, ...]
    doubles: tuple[float, ...]


class Dataset(Protocol):
    """The binding."""

    def writeDataPoint(self, point: Mapping[str, object]) -> object: ...  # noqa: N802 - the platform's name


def points(transition: Transition) -> Iterator[Point]:
    """What is to be told of it."""
    before, after = transition.before, transition.after
    if (worked := ended_turn(before, after, transition.at_ms)) is not None:
        yield _turn(before, after, worked)
    if after.state in ENDED and before.state not in ENDED:
        yield _job(after, transition.at_ms)


def _turn(before: Job, after: Job, worked: TurnStats) -> Point:
    assert before.turn is not None, "a turn that has ended was one"
    reasons = {
        note.cause
        for note in after.notes
        if note.kind == EventKind.RETRY.value and note.at_ms >= before.turn.started_at_ms
    }
    return Point(
        after.connector,
        # A job may have another mode and stage since: these are the turn's.
        ("turn", after.id, before.mode, after.state, before.stage, " ".join(sorted(reasons))),
        (
            worked.page_count,
            worked.document_count,
            worked.deletion_count,
            worked.reject_count,
            worked.byte_count,
            (worked.duration_ms or 0) / 1_000,
            1,
            int(worked.duration_ms is None),
        ),
    )


def _job(job: Job, now_ms: int) -> Point:
    total = totals(job)
    begun_at_ms = now_ms if job.started_at_ms is None else job.started_at_ms
    return Point(
        job.connector,
        ("job", job.id, job.mode, job.state, job.stage, ""),
        (
            total.page_count,
            total.brought_count,
            total.deletion_count,
            total.reject_count,
            total.byte_count,
            (now_ms - begun_at_ms) / 1_000,
            job.turn_count,
        ),
    )


class Analytics:
    """Hands points on to the binding.

    Args:
        dataset: the binding; None if there is none.
        taken: gives the transitions there were, each once.
    """

    def __init__(self, dataset: Dataset | None, taken: Callable[[], list[Transition]]) -> None:
        self._dataset = dataset
        self._taken = taken
        self._has_failed = False

    def tell(self) -> str | None:
        """Hand on what there is. Returns what went wrong, the first time that anything has."""
        transitions = self._taken()
        if self._dataset is None:
            return None
        try:
            for transition in transitions:
                for point in points(transition):
                    self._dataset.writeDataPoint(_plain(point))
        except Exception as error:  # noqa: BLE001 - whatever it is, the job goes on
            if not self._has_failed:
                self._has_failed = True
                return f"{type(error).__name__}: {error}"
        return None


def _plain(point: Point) -> Mapping[str, object]:
    """As the platform's converter takes it, which knows neither tuples nor enumerations."""
    blobs = [str(blob) for blob in point.blobs]
    return {"indexes": [point.index], "blobs": blobs, "doubles": list(point.doubles)}
