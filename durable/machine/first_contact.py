"""A FULL job over what nobody here has brought: its close would delete what cannot be named. Pure.

The ledger is empty, or lost, and Glean says that the datasource is not. Glean lists no documents,
so a person decides by their number of each type.
"""

from collections.abc import Mapping
from hashlib import blake2b

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.gone import Gone
from durable.machine.job import Job, Stage, with_crawl
from durable.machine.notes import ErrorCode
from durable.machine.safeguards import is_too_many
from durable.machine.transitions import hold_job


DIGEST_BYTES = 8  # a person compares it
TYPES_SHOWN = 20
# Glean has had uploads, and does not tell what there is of them: as good as any number.
NOT_TOLD: Mapping[str, int] = {"": 0}


def is_to_be_counted(job: Job) -> bool:
    """Whether Glean is asked what it has before the job opens its upload."""
    is_unknown = job.named_count is not None and not job.is_counted
    return is_unknown and job.is_upload and job.stage is Stage.DOCUMENTS


def count_documents(job: Job, counts: Mapping[str, int], now_ms: int, limits: Limits) -> Job:
    """Glean has said how many documents it has of each type; the job may be held for that.

    INCREMENTAL jobs may have brought some of them, and those have names.
    """
    job = replace(job, is_counted=True)
    if not _has_unnamed(job, counts, limits) or _is_approved(job, counts):
        return job
    total_count = sum(counts.values())
    digest = digest_of(counts)
    gone = Gone(total_count, total_count, is_whole=True, digest=digest, is_unnamed=True)
    job = replace(with_crawl(job, gone=gone), unnamed=dict(counts))
    reason = _reason(counts, job.named_count or 0)
    return hold_job(job, ErrorCode.UNNAMED, reason, now_ms, limits)


def approve_unnamed(job: Job) -> Job:
    """What Glean has may go, as long as it is no more than was told."""
    return replace(job, approved_unnamed=job.unnamed, unnamed={})


def digest_of(counts: Mapping[str, int]) -> str:
    told = "".join(f"{count} {name}\n" for name, count in sorted(counts.items()))
    return blake2b(told.encode(errors="replace"), digest_size=DIGEST_BYTES).hexdigest()


def _has_unnamed(job: Job, counts: Mapping[str, int], limits: Limits) -> bool:
    named_count, total_count = job.named_count or 0, sum(counts.values())
    if not named_count or not total_count:
        return bool(counts)
    return is_too_many(total_count - named_count, total_count, limits)


def _is_approved(job: Job, counts: Mapping[str, int]) -> bool:
    approved = job.approved_unnamed
    return bool(approved) and all(count <= approved.get(name, -1) for name, count in counts.items())


def _reason(counts: Mapping[str, int], named_count: int) -> str:
    known = f", of which {named_count} are known here" if named_count else ""
    if not sum(counts.values()):
        has = "Glean has had uploads, and does not tell how many documents it has"
    else:
        most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:TYPES_SHOWN]
        told = ", ".join(f"{count} of type {name}" for name, count in most)
        has = f"Glean has {sum(counts.values())} documents ({told})"
    return (
        f"{has}{known}, that nobody here has brought: all that the source does not have of them "
        "would be deleted, and cannot be named before"
    )
