"""What must be so of all pages of a stream together."""

from collections.abc import Iterator, Sequence

from dev.kit.crawl import Made, PageRead
from dev.kit.findings import Finding
from durable.connector.mapping import digest
from durable.errors import UpstreamError
from durable.glean.documents import Deletion
from durable.machine.job import Mode
from durable.sources.clock import Clock


NAMED_MAX = 5  # ids in one finding
RESUME_REMEDY = (
    "a reader is given its cursor and nothing else: put into the cursor whatever the later pages "
    "need"
)
REPEAT_REMEDY = "answer the same request with the same records each time"


def paging_findings(pages: Sequence[PageRead]) -> Iterator[Finding]:
    """Of a crawl that came to its end, or was stopped where it led in a circle."""
    last = pages[-1]
    numbers = {page.cursor: page.number for page in pages}
    following: object = last.records.next_cursor
    if isinstance(following, str) and following in numbers:
        yield Finding(
            "paging",
            str(last),
            f"the cursor leads in a circle: the next page's, {following!r:.80}, is that of page "
            f"{numbers[following]}",
            "look whether the source takes the cursor as it is sent",
        )
    if last.mode is Mode.FULL:
        yield from _beginning_again(pages)
    count = sum(len(page.records.records) for page in pages)
    total = last.records.total_count
    if following is None and total is not None and count < total:
        yield Finding(
            "paging",
            str(last),
            f"the source says that it has {total} records, and came to its end after {count}",
            "look for pages that are not asked for; or name another field with `total`",
        )


def _beginning_again(pages: Sequence[PageRead]) -> Iterator[Finding]:
    first = digest(pages[0].records.records)
    for page in pages[1:]:
        if first and digest(page.records.records) == first:
            yield Finding(
                "paging",
                str(page),
                "the page has the very records of page 1: the source seems to pass over the cursor",
                "look under which name the source takes it",
            )
            return


def unique_findings(pages: Sequence[PageRead]) -> Iterator[Finding]:
    """Of a FULL job: Glean keeps one of those that have the same id."""
    first: dict[tuple[str, str], tuple[PageRead, Made]] = {}
    for page in pages:
        of_place = {placed.place: placed.change for placed in page.changes}
        for made in page.made:
            change = of_place[made.place]
            if isinstance(change, Deletion):
                continue
            key = str(getattr(change, "object_type", "")), made.key.casefold()
            if key not in first:
                first[key] = page, made
                continue
            earlier_page, earlier = first[key]
            yield Finding(
                "unique ids",
                f"{page}, record {made.place}",
                f"the id {made.key!r} is also that of page {earlier_page.number}, record "
                f"{earlier.place}{_spelt(earlier.key, made.key)}: Glean would keep one of the two",
                "take for an id what the source has only once, also without regard to upper and "
                "lower case; where the same record comes twice, mend the paging",
            )


def clock_findings(pages: Sequence[PageRead], clock: Clock | None) -> Iterator[Finding]:
    """Of documents whose source is declared to tell when each changed."""
    records = [raw for page in pages for raw in page.records.records]
    if clock is None or not records or any(clock.changed_at_ms(raw) is not None for raw in records):
        return
    try:
        clock.read(records[0])
    except UpstreamError as error:
        yield Finding(
            "changes",
            str(pages[0]),
            f"no record tells when it changed: {error}",
            "name the path of that time in `field`, as the mapping gets the record, and its format "
            "in `format`",
        )


def resume_finding(page: PageRead, rest: Sequence[Made], resumed: Sequence[Made]) -> Finding | None:
    """Whether new readers bring from this page on what an uninterrupted crawl brought.

    Args:
        page: where the crash was.
        rest: of the uninterrupted crawl, from this page on.
        resumed: what new readers gave for it.
    """
    if _bare(rest) == _bare(resumed):
        return None
    is_start = page.cursor is None
    lost, added = _minus(rest, resumed), _minus(resumed, rest)
    told = [f"lacks {_named(lost)}"] if lost else []
    told += [f"has besides {_named(added)}"] if added else []
    what = " and ".join(told) or "has the same in another order"
    beginning = "read from the start once more, the source" if is_start else "after a crash, it"
    return Finding(
        "resume",
        str(page),
        f"{beginning} {what}",
        REPEAT_REMEDY if is_start else RESUME_REMEDY,
    )


def _spelt(earlier: str, later: str) -> str:
    return "" if earlier == later else f", spelt {earlier!r}"


def _bare(all_made: Sequence[Made]) -> list[tuple[str, str, bytes]]:
    """Without the place: pages may be cut in another way."""
    return [(made.key, made.kind, made.content) for made in all_made]


def _minus(all_made: Sequence[Made], others: Sequence[Made]) -> list[str]:
    known = set(_bare(others))
    return [made.key for made in all_made if (made.key, made.kind, made.content) not in known]


def _named(keys: Sequence[str]) -> str:
    shown = ", ".join(map(repr, keys[:NAMED_MAX]))
    more = len(keys) - NAMED_MAX
    return f"{shown} and {more} more" if more > 0 else shown
