"""What goes wrong with requests to the source and to the local Glean. Pure."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from dev.faults import Fault


PASSING = (408, 425, 429, 500, 502, 503, 504, 520)  # a job waits, and tries again
REFUSING = (400, 409, 413)  # a bulk upload's page is cut; anything else is refused for good
FORBIDDING = (302, 401, 403, 404)
DELAY_MS_MAX = 1_500  # longer than the lease

# Answers of 200 that are no page. None of them may be taken for the source's end.
GARBLED = (
    "",
    '{"items": [{"id": "a", "kind": "func',
    '{"items": [], "next_cursor": nul',
    "<!doctype html><title>Log in</title><form method=post></form>",
    "upstream connect error or disconnect/reset before headers",
    "null",
    "\x00\x00\x00\x00",
)
MISSHAPEN = (
    '{"error": "rate limit"}',
    '{"items": null, "next_cursor": null}',
    '{"items": []}',
    '{"items": [], "next_cursor": ""}',
    '{"items": [], "next_cursor": 7}',
    "[]",
)


class Place(StrEnum):
    """Which requests."""

    ENTRIES = "entries"
    BULK = "bulk"  # an upload's, of whatever kind
    OPEN = "open"
    CLOSE = "close"
    STATUS = "status"
    DOCUMENTS = "documents"
    DELETION = "deletion"


BULK_PATH = "/bulkindexdocuments"
# The end of the path, and what the body has in it.
MARKS: dict[Place, tuple[str, str | None]] = {
    Place.ENTRIES: ("/entries", None),
    Place.BULK: (BULK_PATH, None),
    Place.OPEN: (BULK_PATH, '"isFirstPage":true'),
    Place.CLOSE: (BULK_PATH, '"isLastPage":true'),
    Place.STATUS: ("/status", None),
    Place.DOCUMENTS: ("/indexdocuments", None),
    Place.DELETION: ("/deletedocument", None),
}
# How many troubles a step brings at most. Pages are most of the requests.
TROUBLES_MAX = {
    Place.ENTRIES: 4,
    Place.BULK: 4,
    Place.OPEN: 1,
    Place.CLOSE: 2,
    Place.STATUS: 2,
    Place.DOCUMENTS: 2,
    Place.DELETION: 3,
}
# How many requests a trouble lets pass at most: a FULL job makes about so many.
SKIP_MAX = {
    Place.ENTRIES: 14,
    Place.BULK: 14,
    Place.OPEN: 1,
    Place.CLOSE: 1,
    Place.STATUS: 2,
    Place.DOCUMENTS: 2,
    Place.DELETION: 14,
}


class Wait(Struct, frozen=True):
    """A Retry-After header."""

    seconds: int
    is_date: bool

    def header(self, now: datetime) -> str:
        if not self.is_date:
            return str(self.seconds)
        return format_datetime(now + timedelta(seconds=self.seconds), usegmt=True)


class Trouble(Struct, frozen=True, kw_only=True):
    """Something that is to happen to requests of one place."""

    place: Place
    skip: int
    times: int = 1
    status: int | None = None
    wait: Wait | None = None
    delay_ms: int = 0
    drop: Literal["before", "amid", "after"] | None = None
    body: str | None = None

    @property
    def is_at_source(self) -> bool:
        return self.place is Place.ENTRIES

    def fault(self) -> Fault:
        """As the servers take it; a date in it counts from now."""
        path, within = MARKS[self.place]
        return Fault(
            path=path,
            within=within,
            skip=self.skip,
            times=self.times,
            status=self.status,
            retry_after=None if self.wait is None else self.wait.header(datetime.now(UTC)),
            delay_ms=self.delay_ms,
            drop=self.drop,
            body=self.body,
        )


def draw(generator: random.Random, *, has_refusals: bool) -> tuple[Trouble, ...]:
    """The troubles of a step.

    Args:
        generator: draws them.
        has_refusals: one of them is an answer that may end a job for good.
    """
    troubles = [
        _passing(generator, place)
        for place, count_max in TROUBLES_MAX.items()
        for _ in range(generator.randint(0, count_max))
    ]
    if has_refusals:
        troubles.append(_refusing(generator))
    return tuple(troubles)


def _passing(generator: random.Random, place: Place) -> Trouble:
    """Something that a job waits out."""
    skip = generator.randint(0, SKIP_MAX[place])
    delay_ms = generator.choice((0, 0, 0, generator.randint(20, DELAY_MS_MAX)))
    trouble = Trouble(place=place, skip=skip, delay_ms=delay_ms)
    # Of what the others answer, the body is not looked at.
    has_body = place in {Place.ENTRIES, Place.STATUS}
    match generator.choice(("status", "status", "delay", "before", "amid", "after", "garbled")):
        case "status":
            status, times = generator.choice(PASSING), generator.choice((1, 1, 2, 3))
            return replace(trouble, status=status, times=times, wait=_wait(generator))
        case "before":
            return replace(trouble, drop="before")
        case "after":
            return replace(trouble, drop="after")
        case "amid" if has_body:
            return replace(trouble, drop="amid")
        case "garbled" if has_body:
            # Of a first page, another shape ends the job.
            bodies = GARBLED + MISSHAPEN if place is Place.ENTRIES and skip else GARBLED
            return replace(trouble, status=200, body=generator.choice(bodies))
    return replace(trouble, delay_ms=generator.randint(20, DELAY_MS_MAX))


def _wait(generator: random.Random) -> Wait | None:
    if generator.random() < 0.5:
        return None
    # A day is more than is waited for: the limit is small.
    return Wait(generator.choice((0, 1, 1, 2, 86_400)), is_date=generator.random() < 0.5)


def _refusing(generator: random.Random) -> Trouble:
    place = generator.choice(tuple(TROUBLES_MAX))
    skip = generator.randint(0, SKIP_MAX[place])
    if place in {Place.BULK, Place.CLOSE} and generator.random() < 0.7:
        return Trouble(place=place, skip=skip, status=generator.choice(REFUSING))
    return Trouble(place=place, skip=skip, status=generator.choice(FORBIDDING))
