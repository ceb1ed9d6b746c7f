"""The members that groups lose in one crawl, and what is done where these are too many. Pure.

A list of members that the token may not see any more comes empty, with a 200: each group is one
among many that may have lost everybody, and all of them together cannot have.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Job, Mode, Stage, with_crawl
from durable.machine.ledger import fold
from durable.machine.safeguards import is_too_many


class GroupSize(Struct, frozen=True, array_like=True):
    """A group, and how many members it has. Persisted."""

    name: str  # as it is spelt
    count: int


def lost_count(
    sizes: Mapping[str, GroupSize], known: Mapping[str, GroupSize], allowed: Mapping[str, int]
) -> int:
    """How many members some groups have lost that nobody approved of.

    Args:
        sizes: of these groups, by their folded names.
        known: as Glean has them, likewise.
        allowed: so few members a person lets a group have.
    """
    lost = {key: lost_of(size, known.get(key)) for key, size in sizes.items()}
    return sum(count for key, count in lost.items() if sizes[key].count < allowed.get(key, 1 << 62))


def lost_of(size: GroupSize, known: GroupSize | None) -> int:
    return 0 if known is None else max(0, known.count - size.count)


def sizes_by_key(sizes: Mapping[str, int]) -> dict[str, GroupSize]:
    """By the folded names, of which two may be one to Glean: the later one counts."""
    return {fold(name): GroupSize(name, count) for name, count in sizes.items()}


def has_lost_too_many(job: Job, limits: Limits) -> bool:
    """Whether more members would be taken out of groups than is usual."""
    return is_too_many(_lost_count(job), job.known_count or 0, limits)


def withheld_reason(job: Job) -> str:
    """Why groups stay as they are."""
    return (
        f"{_lost_count(job)} of {job.known_count or 0} members would be taken out of their groups "
        "that nobody approved of, more than shrink_max allows"
    )


def withhold(job: Job, page_index: int, limits: Limits) -> Job:
    """A page of groups that has been read; it is not sent where too many members would go.

    So is no later one of the crawl: a FULL job goes on to list what they have lost, and is held. An
    INCREMENTAL one brings all else, and fails at its end: a FULL one is to tell.
    """
    if job.stage is not Stage.MEMBERSHIPS:
        return job
    if not job.crawl.is_withheld and not has_lost_too_many(job, limits):
        return job
    place = page_index - job.crawl.page_count
    flights = list(job.crawl.flights)
    page = replace(flights[place].page, batch_count=0, document_count=0)
    flights[place] = replace(flights[place], page=page)
    job = with_crawl(job, flights=tuple(flights), is_withheld=True)
    if job.mode is Mode.FULL:
        return job
    text = f"{withheld_reason(job)}: run a FULL job, which lists the groups to be approved of"
    return replace(job, shortfall=job.shortfall or text)


def _lost_count(job: Job) -> int:
    """Of all pages that were read."""
    coming = sum(flight.page.lost_member_count for flight in job.crawl.flights)
    return job.crawl.lost_member_count + coming
