"""Rejects that INCREMENTAL jobs try again: from where they read for them, and for how long. Pure.

The watermark goes past a record that was rejected. So a job that reads changes alone reads from
where the oldest reject was read that is still tried again: what has not changed, the ledger keeps
from being sent again. No record is asked for by its id, so that this is right for every source.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from msgspec import Struct
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Job, JobSpec, Mode, Stage


NAME_BYTES = 8  # two records that share one are one reject here, and no worse
KEPT_MAX = 2_500  # of a stage, the latest: those of all stages are stored as one value


class OpenReject(Struct, frozen=True, array_like=True):
    """A record that the last job that has read it has rejected. Persisted."""

    since_ms: int  # a job that reads changes since then, reads it
    first_at_ms: int  # when it was rejected for the first time, and not accepted since
    last_at_ms: int
    is_of_full: bool = False  # a FULL job has rejected it, and counts it


class OpenRejects(Struct, frozen=True):
    """Of one connector, by the name of each. Persisted: stages as texts, as of other code."""

    stages: Mapping[str, Mapping[str, OpenReject]] = {}

    def of(self, stage: str) -> Mapping[str, OpenReject]:
        return self.stages.get(stage, {})


def reject_name(key: str) -> str:
    """What a reject is known by: those whose key could not be read are one."""
    return hashlib.blake2b(key.encode(errors="replace"), digest_size=NAME_BYTES).hexdigest()


def rejected_names(job: Job, kept: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """What a job has rejected, by stage. Those that nobody has kept, are known as keyless ones.

    Args:
        job: that has rejected it.
        kept: of its rejects, the stage and the key.
    """
    names: dict[str, set[str]] = {}
    kept_counts = Counter[str]()
    for stage, key in kept:
        names.setdefault(stage, set()).add(reject_name(key))
        kept_counts[stage] += 1
    for part in job.parts:
        if part.reject_count > kept_counts[part.stage]:
            names.setdefault(part.stage, set()).add(reject_name(""))
    if job.mode is Mode.FULL:
        names.pop(Stage.DELETIONS, None)  # of the ledger's list, which each FULL job makes anew
    return names


def let_go(rejects: OpenRejects, stage: str, now_ms: int, limits: Limits) -> frozenset[str]:
    """The names of those that are tried no more, until they change or a FULL job reads them."""
    found = rejects.of(stage).items()
    return frozenset(name for name, one in found if not _is_tried(one, now_ms, limits))


def outdated_count(rejects: OpenRejects, now_ms: int, limits: Limits) -> int:
    """How many are tried no more that no FULL job has counted."""
    every = [one for of_stage in rejects.stages.values() for one in of_stage.values()]
    return sum(not (one.is_of_full or _is_tried(one, now_ms, limits)) for one in every)


def reach_back(job: Job, rejects: OpenRejects, spec: JobSpec, now_ms: int, limits: Limits) -> Job:
    """A job at its start, that reads each stage from where its oldest reject was read.

    What the source does not tell any more, is not asked for.
    """
    if job.since_ms is None:
        return replace(job, reaches={}, retried_count=0)
    kept_from_ms = 0 if spec.kept_ms is None else now_ms - spec.kept_ms
    reaches: dict[Stage, int] = {}
    count = 0
    for stage in spec.changing:
        tried = [one for one in rejects.of(stage).values() if _is_tried(one, now_ms, limits)]
        oldest_ms = max(kept_from_ms, min((one.since_ms for one in tried), default=now_ms))
        if oldest_ms < job.since_ms:
            reaches[stage], count = oldest_ms, count + len(tried)
    if Stage.DELETIONS in reaches and Stage.DOCUMENTS in spec.changing:
        # What was deleted and restored since then, is deleted again, and is to come back.
        known_ms = reaches.get(Stage.DOCUMENTS, job.since_ms)
        reaches[Stage.DOCUMENTS] = min(known_ms, reaches[Stage.DELETIONS])
    return replace(job, reaches=reaches, retried_count=count)


def accept(rejects: OpenRejects, stage: str, names: AbstractSet[str]) -> OpenRejects:
    """Without those that are rejected no more."""
    kept = {name: one for name, one in rejects.of(stage).items() if name not in names}
    return OpenRejects({**rejects.stages, stage: kept})


def settle_rejects(
    before: OpenRejects,
    job: Job,
    rejected: Mapping[str, AbstractSet[str]],
    watermark_ms: int | None,
    limits: Limits,
) -> OpenRejects:
    """The rejects that are open once a job has succeeded: what it read and did not reject, is not.

    Args:
        before: those that were.
        job: that has succeeded.
        rejected: the names of what it has rejected, by stage.
        watermark_ms: that an INCREMENTAL job had read from in its place; None: there was none.
        limits: of the deployment.
    """
    assert job.started_at_ms is not None, "a job that succeeded was started"
    now_ms = job.finished_at_ms or job.started_at_ms
    since_ms = job.since_ms
    if since_ms is None:
        # It has read all there is: what is older than that, is left to the next such job.
        since_ms = max(watermark_ms or 0, job.started_at_ms - limits.rejects_retried_ms)
    stages: dict[str, dict[str, OpenReject]] = {}
    for stage in sorted({*before.stages, *rejected}):
        known = before.of(stage)
        opened = {
            name: one for name, one in known.items() if not _has_read(job, stage, one, now_ms)
        }
        for name in sorted(rejected.get(stage, ())):
            new = OpenReject(since_ms, now_ms, now_ms)
            is_of_full = known.get(name, new).is_of_full or job.mode is Mode.FULL
            opened[name] = replace(known.get(name, new), last_at_ms=now_ms, is_of_full=is_of_full)
        if opened:
            latest = sorted(opened.items(), key=lambda each: each[1].first_at_ms)[-KEPT_MAX:]
            stages[stage] = dict(latest)
    return OpenRejects(stages)


def _is_tried(reject: OpenReject, now_ms: int, limits: Limits) -> bool:
    return now_ms - reject.first_at_ms < limits.rejects_retried_ms


def _has_read(job: Job, stage: str, reject: OpenReject, now_ms: int) -> bool:
    """Whether the job has come by the record, if the source still has it.

    What was rejected in the future, was so while the clock was wrong.
    """
    assert job.started_at_ms is not None, "a job that succeeded was started"
    if job.started_at_ms < reject.last_at_ms <= now_ms:
        return False  # it was queued again, and another one was there meanwhile
    if job.mode is Mode.FULL:
        return True
    if stage not in job.stages:
        return False
    from_ms = job.reaches.get(Stage(stage), job.since_ms)
    return from_ms is None or from_ms <= reject.since_ms
