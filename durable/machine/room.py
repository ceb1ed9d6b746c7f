"""How much a turn holds in memory, and sends at a time: less after each death. Pure."""

from collections.abc import Mapping, Sequence

from durable.limits import Limits
from durable.machine.job import Job, Stage
from durable.machine.pages import Page


SHARE = 32  # of the largest page that is taken: what is smaller, is leased so much


def width(job: Job, limits: Limits) -> int:
    """How many batches may be under way: half as many with each death.

    After a turn without progress only one, the oldest: what is sent beside it
    would be sent again if that one failed once more.
    """
    # Glean's own tools send the pages of people one after the other.
    is_wide = job.is_upload and job.stage is Stage.DOCUMENTS
    sends_max = max(1, limits.sends_max >> job.pacing.halving_count)
    return sends_max if is_wide and job.pacing.attempt <= 1 else 1


def has_room(job: Job, limits: Limits) -> bool:
    """Whether another page may be held in memory, if it is as large as the largest of these."""
    assert job.turn is not None, "pages are held within a turn"
    if job.crawl.is_fetching or job.turn.is_crowded or len(job.crawl.flights) > width(job, limits):
        return False
    sizes = [flight.page.byte_count for flight in job.crawl.flights]
    return not sizes or sum(sizes) + max(sizes) <= limits.held_bytes_max >> job.pacing.halving_count


def lease_bytes(job: Job, limits: Limits) -> tuple[int, int]:
    """What a turn has of the isolate's memory: for the pages that are there, or for one.

    And that with the page that is being read.
    """
    sizes = [flight.page.byte_count for flight in job.crawl.flights]
    held_bytes, page_bytes = sum(sizes), _page_bytes(job, sizes, limits)
    reading_bytes = page_bytes if job.crawl.is_fetching else 0
    return max(page_bytes, held_bytes), max(page_bytes, held_bytes + reading_bytes)


def _page_bytes(job: Job, sizes: Sequence[int], limits: Limits) -> int:
    """How large the next page may be: as the largest of its kind, and after each death twice that.

    So fewer jobs go on side by side. The first of its kind may be as large as any: changes of an
    hour tell nothing of the pages that list all there is.
    """
    largest = max(job.page_bytes.get(_kind(job), 0), *sizes, 0)
    if not largest:
        return limits.page_bytes_max
    likely = max(largest, limits.page_bytes_max // SHARE) << job.pacing.halving_count
    return max(largest, min(likely, limits.page_bytes_max))


def with_page(job: Job, page: Page) -> Mapping[str, int]:
    """The bytes of the largest pages, this one among them."""
    kind = _kind(job)
    if page.byte_count <= job.page_bytes.get(kind, 0):
        return job.page_bytes
    return {**job.page_bytes, kind: page.byte_count}


def _kind(job: Job) -> str:
    """Of the pages that are read."""
    return f"{job.repeated_mode or job.mode} {job.stage}"
