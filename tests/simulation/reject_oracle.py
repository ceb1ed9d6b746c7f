"""What must hold of rejects: what can be used again comes with the next job, and nothing else."""

from collections.abc import Iterable

from durable.limits import Limits
from durable.machine.job import Job, Mode
from tests.fakes.storage import Storage
from tests.simulation.glean import Glean
from tests.simulation.source import Source


class RejectOracle:
    """Knows of each note since when nobody can use it, and since when they can again.

    Args:
        storage: of the object under test.
        source: has the notes.
        glean: is to have them.
        limits: that the jobs are given.
    """

    def __init__(self, storage: Storage, source: Source, glean: Glean, limits: Limits) -> None:
        self._storage = storage
        self._source = source
        self._glean = glean
        self._limits = limits
        self.behind_ms = 0  # the source's clock is
        self.changed_at_ms = 0  # when somebody last made a note unusable, or usable again
        self._spoilt_at_ms: dict[str, int] = {}
        self._mended_at_ms: dict[str, int] = {}
        self._rejected_at_ms: dict[str, int] = {}  # when a job succeeded that was the first to

    @property
    def awaited(self) -> set[str]:
        """Notes that can be used again, and that no job need have brought yet."""
        return set(self._mended_at_ms)

    def spoil(self, note_ids: Iterable[str], now_ms: int) -> None:
        self.changed_at_ms = now_ms
        for note_id in note_ids:
            self._mended_at_ms.pop(note_id, None)
            self._spoilt_at_ms[note_id] = now_ms

    def mend(self, note_ids: Iterable[str], now_ms: int) -> None:
        self.changed_at_ms = now_ms
        for note_id in note_ids:
            self._spoilt_at_ms.setdefault(note_id, 0)
            self._mended_at_ms[note_id] = now_ms

    def succeeded(self, job: Job) -> None:
        """A job has succeeded: what could be used all that time, it must have brought.

        Of an INCREMENTAL one that is what has changed since it could not be used, for a day.
        """
        started_at_ms, rejected = job.started_at_ms or 0, self._rejected(job)
        for note_id, mended_at_ms in list(self._mended_at_ms.items()):
            spoilt_at_ms = self._spoilt_at_ms[note_id]
            row = self._source.rows.get(note_id)
            is_young = started_at_ms - spoilt_at_ms < self._limits.rejects_retried_ms
            has_changed = row is None or row.updated_at_ms + self.behind_ms >= spoilt_at_ms
            is_due = job.mode is Mode.FULL or (is_young and has_changed)
            if is_due and mended_at_ms < started_at_ms:
                del self._mended_at_ms[note_id]
        live, index = self._source.live, self._glean.index
        for key in self._rejected_at_ms.keys() - rejected:
            if job.mode is Mode.FULL or live.get(key) == index.get(key):
                del self._rejected_at_ms[key]
        for key in rejected:
            self._rejected_at_ms.setdefault(key, job.finished_at_ms or 0)

    def check_reach(self, job: Job, watermark_ms: int | None) -> None:
        """It reads from its watermark, or from earlier for what was rejected within a day."""
        assert job.since_ms == watermark_ms, "reads from another time"
        if not job.reaches:
            return
        assert job.started_at_ms is not None
        oldest_ms = job.started_at_ms - self._limits.rejects_retried_ms
        is_open = any(at_ms > oldest_ms for at_ms in self._rejected_at_ms.values())
        assert is_open, "reads from earlier, and nothing is tried again"
        assert all(at_ms < job.since_ms for at_ms in job.reaches.values() if job.since_ms)

    def _rejected(self, job: Job) -> set[str]:
        rows = self._storage.exec(
            "SELECT json_extract(body, '$.key') AS key FROM reject WHERE job_id = ?", job.id
        )
        return {str(row["key"]) for row in rows.toArray()}
