"""What keeps a job from making Glean delete what the source still has. Pure."""

from msgspec import Struct

from durable.errors import Cause
from durable.limits import Limits
from durable.machine.job import Job, Mode
from durable.machine.pages import Page


class PagingFault(Struct, frozen=True):
    """What is wrong with a page in its place, in a word and for a person."""

    cause: Cause
    reason: str


def paging_fault(job: Job, page: Page, limits: Limits) -> PagingFault | None:
    """Why the page that was read cannot be the one that follows the job's; None if it can."""
    if (fault := _circle_fault(job, page, limits)) is not None:
        return fault
    return _total_fault(job, page, limits)


def _total_fault(job: Job, page: Page, limits: Limits) -> PagingFault | None:
    """Why the source's number of records cannot be right; None if it may be.

    A list that is read by cursors may lose records meanwhile: what it had at most, counts.
    """
    record_count, total_count = job.crawl.record_count + page.record_count, page.total_count
    told_count = largest_total(job, page)
    if told_count is None:
        return None
    if (total_count is not None and total_count < 0) or record_count > told_count:
        return PagingFault(
            Cause.BAD_COUNT,
            f"the source says that it has {total_count} records, and {record_count} came: its "
            "total is capped, an estimate, or that of one page; leave it out of the source if it "
            "is never right",
        )
    if page.next_cursor is not None:
        return None
    lost_count = told_count - record_count
    is_short = total_count is not None and record_count < total_count
    has_shrunk = is_too_many(lost_count, told_count, limits)
    if is_short or has_shrunk:
        return PagingFault(
            Cause.BAD_COUNT,
            f"the source says that it has {total_count if is_short else told_count} records, and "
            f"came to its end after {record_count}: a new job reads all of it again",
        )
    return None


def largest_total(job: Job, page: Page) -> int | None:
    """What the source said at most that it has, up to this page; None if it said nothing."""
    told = [total for total in (job.crawl.total_count, page.total_count) if total is not None]
    return max(told, default=None)


def is_repeated(job: Job, page: Page) -> bool:
    """Whether it has the very records of an earlier page."""
    return bool(page.digest) and page.digest == job.crawl.landmark_digest


def _circle_fault(job: Job, page: Page, limits: Limits) -> PagingFault | None:
    """Why the source seems to have no end."""
    crawl, number = job.crawl, job.crawl.page_count + 1
    if page.next_cursor is not None and page.next_cursor == crawl.landmark_cursor:
        return PagingFault(
            Cause.BAD_CURSOR,
            f"the source's cursor leads in a circle: page {number} names the same next page as "
            f"page {crawl.landmark_page}, {page.next_cursor!r:.200}",
        )
    # A feed of changes may tell the same twice; a list of all there is does not.
    repeats_max = 0 if job.mode is Mode.FULL else limits.repeated_pages_max
    if is_repeated(job, page) and crawl.repeated_count >= repeats_max:
        return PagingFault(
            Cause.ENDLESS,
            f"the source begins again: page {number} has the very records of page "
            f"{crawl.landmark_page}, so it seems to pass over the cursor",
        )
    is_empty = page.next_cursor is not None and not page.record_count and not page.is_bounded
    if is_empty and crawl.empty_count >= limits.empty_pages_max:
        return PagingFault(
            Cause.ENDLESS,
            f"the source does not come to its end: page {number} and the {crawl.empty_count} "
            "before it have no record, and each names a next one; declare how the source tells "
            "its last page, or raise empty_pages_max in LIMITS",
        )
    return None


def holding_reason(job: Job, limits: Limits) -> str | None:
    """Why a person has to approve of what would be deleted; None if it is no more than usual."""
    gone, known_count = job.crawl.gone, job.known_count or 0
    # Of the few that may be gone without a word, each one has to be gone for certain.
    if gone.new_listed_count > (0 if gone.is_unnamed else limits.shrink_count):
        return (
            f"{gone.new_listed_count} {job.stage} would be deleted that the source may have still: "
            "their records were rejected, or a list that may have them was; mend what rejects them"
        )
    # A source that came back empty has no share.
    if not is_too_many(gone.new_count, known_count if job.crawl.record_count else 0, limits):
        return None
    share = f" ({100 * gone.new_count / known_count:.0f} %)" if known_count else ""
    return (
        f"{gone.new_count} of {known_count} {job.stage}{share} would be deleted that nobody "
        "approved of, more than shrink_max allows"
    )


def is_too_many(lost_count: int, known_count: int, limits: Limits) -> bool:
    """Whether so many of those that are known are more than usually go.

    Args:
        lost_count: that would go.
        known_count: of which; 0: that is not known, and they are no share of it.
        limits: of the deployment.
    """
    if lost_count <= limits.shrink_count:
        return False
    # Divided, not multiplied: 0.29 * 100 is less than 29.
    return not known_count or lost_count / known_count > limits.shrink_max


def rejection_reason(job: Job, limits: Limits, pending_count: int = 0) -> str | None:
    """Why too many records were rejected for the job to go on; None if they are few.

    Args:
        job: counts those of the pages that are in Glean.
        limits: how many may be rejected.
        pending_count: rejected of the page that is under way.
    """
    count = job.crawl.reject_count + pending_count
    # Jobs of earlier code did not count what they read.
    total = max(job.crawl.record_count, job.crawl.document_count + job.crawl.deletion_count + count)
    if count > limits.rejects_max:
        bound = f"rejects_max ({limits.rejects_max})"
    elif (
        job.crawl.has_end
        and count > limits.rejects_share_count
        and count / total > limits.rejects_share_max
    ):
        bound = f"rejects_share_max ({limits.rejects_share_max:.0%} of {total})"
    else:
        return None
    return f"{count} records were rejected, more than {bound} allows"
