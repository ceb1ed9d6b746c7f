"""Which way a FULL job brings the documents: all of them, or the differences alone. Pure."""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Job, Stage, Way
from durable.machine.ledger_head import LedgerFacts
from durable.machine.notes import EventKind
from durable.machine.pacing import documents_per_minute, not_before
from durable.machine.states import State
from durable.machine.transitions import add_note, clear_in_flight, restart_stage, without_deletions


FIRST_PAGES = 20  # in which a crawl shows whether most of it has changed


def replacing_reason(  # noqa: PLR0911 - a return for each reason
    job: Job, facts: LedgerFacts, fingerprint: str, now_ms: int, limits: Limits
) -> str | None:
    """Why all documents are brought anew; None where the differences will do."""
    if job.is_replace_asked:
        return "it was asked for"
    if facts.replaced_at_ms is None:
        return "what Glean has is not known in full"
    if not fingerprint or facts.fingerprint != fingerprint:
        return "the connector's definition has changed"
    if not facts.has_recipe:
        return "changes are told in another way than before"
    if facts.unconfirmed_count > _changes_max(job, now_ms, limits):
        return f"of {facts.unconfirmed_count} documents it is not certain what Glean has"
    if now_ms - facts.replaced_at_ms >= limits.replace_every_ms:
        return "the last time was long ago"
    return None


def will_replace(job: Job) -> bool:
    """Whether a pending FULL job brings all documents anew, as far as that is settled."""
    is_chosen = job.state is not State.QUEUED or job.resumes
    return job.is_replace_asked or (is_chosen and job.way is Way.REPLACE)


def ask_to_replace(job: Job, now_ms: int, limits: Limits) -> Job:
    """A queued FULL job that is to bring all documents anew; it reads them from the start."""
    job = replace(job, is_replace_asked=True, resumes=False)
    return add_note(job, "asked to replace all documents", now_ms, limits)


def promoting_reason(job: Job, change_count: int, now_ms: int, limits: Limits) -> str | None:
    """Why differences will not do after all; None where they will.

    What is sent in a minute is sent sooner than all of it. The slower Glean takes single
    documents, the fewer there may be: it is the time that counts.

    Args:
        job: that reconciles.
        change_count: what was sent, and is about to be.
        now_ms: the time.
        limits: of the deployment.
    """
    per_minute = documents_per_minute(job, now_ms, limits)
    changes_max = _changes_max(job, now_ms, limits)
    if change_count > changes_max:
        known = f"changes_max ({limits.changes_max}) in LIMITS"
        if changes_max < limits.changes_max:
            known = f"{changes_max}, which is {known} at {per_minute} documents a minute"
        return f"{change_count} changes are more than {known}"
    is_early = job.crawl.page_count <= FIRST_PAGES
    if not is_early or change_count <= per_minute:
        return None
    if change_count > job.crawl.changes.unchanged:
        return f"{change_count} changes are more than half of what was read"
    return None


def _changes_max(job: Job, now_ms: int, limits: Limits) -> int:
    """As many as single requests bring in the time that `changes_max` of them may take."""
    per_minute = documents_per_minute(job, now_ms, limits)
    return max(1, limits.changes_max * per_minute // limits.documents_per_minute_max)


def replace_instead(job: Job, reason: str, now_ms: int, limits: Limits) -> Job:
    """A FULL job that begins its documents anew, as a bulk upload."""
    job = replace(without_deletions(job), way=Way.REPLACE)
    job = replace(
        clear_in_flight(restart_stage(job, now_ms)),
        alarm_at_ms=not_before(now_ms, now_ms),
    )
    return add_note(job, f"replaces all documents: {reason}", now_ms, limits, EventKind.PROMOTED)


def with_deletions(job: Job) -> Job:
    """A FULL job with a stage more, for what its crawl has not seen of the ledger."""
    if not job.crawl.gone.count:
        return job
    before, after = job.stages[: job.stage_index + 1], job.stages[job.stage_index + 1 :]
    stages = (*before, Stage.DELETIONS, *after)
    return replace(job, stages=stages, gone_at_ms=job.crawl.begun_at_ms)
