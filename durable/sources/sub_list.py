"""A list of its own for each record of a page, put into the record."""

from msgspec import Raw, Struct
from msgspec.structs import replace

from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.http.context import SourceContext
from durable.machine.job import ReadContext
from durable.sources.belonging import Fault, Missing, RequestTally, put, resolve_missing
from durable.sources.source import Records, Scope, ScopedSource, total_fault
from durable.sources.splice import encode_list
from durable.sources.template import UnfilledError


EMPTY_PAGES_MAX = 100  # of one record: all of its page waits for them


class SubList(Struct, frozen=True, kw_only=True):
    """A list of its own for each record: all of its pages, put into the record as one list.

        sub_lists=(SubList(source=HttpSource(url="${WIKI_URL}/pages/${id}/comments", ...),
                       into="comments"),)

    For what makes one document together: the comments of a page, the members of a group.
    Lists that are long, or become documents of their own, are `Nested`.

    Attributes:
        source: the list; its `${id}` is a field of the record. It is read whole in every mode.
        into: the field of the record that takes the list.
        records_max: a longer list fails the job.
        missing: what becomes of the record where the source has no such list. Kept, it gets an
            empty one.
    """

    source: ScopedSource
    into: str
    records_max: int = 10_000
    missing: Missing = Missing.REJECT

    def __post_init__(self) -> None:
        if not self.into:
            raise ConfigurationError("a SubList needs `into`: the field that takes the list")


class SubListReader:
    """Reads the lists of records.

    Args:
        sub_list: how.
        context: of the source's reader.
        names: of the scope; "" is the record.

    Raises:
        ConfigurationError: a placeholder is none, or a variable or secret is not right.
    """

    def __init__(self, sub_list: SubList, context: SourceContext, names: frozenset[str]) -> None:
        self._sub_list = sub_list
        self.reader = sub_list.source.reader(context, names)

    async def complete(self, scope: Scope, crawl: ReadContext, tally: RequestTally) -> Raw | Fault:
        """Complete the scope's record. Raises UpstreamError where the whole page fails."""
        sub_list, record = self._sub_list, scope[""]
        members: list[Raw] = []
        read_count, empty_count, cursor, is_anew = 0, 0, None, False
        while empty_count <= EMPTY_PAGES_MAX:
            try:
                page = await self.reader.fetch(cursor, replace(crawl, since_ms=None), scope)
            except UnfilledError as error:
                return Fault(str(error))
            except UpstreamError as error:
                if cursor is not None and error.recourse is Recourse.RESTART and not is_anew:
                    # From its start, which may be gone too: that is told of the record alone.
                    members, read_count, cursor, is_anew = [], 0, None, True
                    continue
                if cursor is not None and error.recourse is not Recourse.SKIP:
                    raise  # a part of the list is not the list
                return resolve_missing(error, sub_list.missing, put(record, sub_list.into, b"[]"))
            tally.include(page)
            if reason := next(filter(None, page.faults.values()), None):
                return Fault(f"one of its {sub_list.into}: {reason}")
            members += _sound_records(page)
            read_count += len(page.records)
            if fault := total_fault(page, read_count):
                raise UpstreamError(
                    f"the {sub_list.into} of a record: {fault}",
                    cause=Cause.BAD_COUNT,
                    is_transient=False,
                )
            empty_count += not page.records
            cursor = page.next_cursor
            if cursor is None or len(members) > sub_list.records_max:
                break
        self._check_ended(cursor, len(members), empty_count)
        return put(record, sub_list.into, encode_list(members))

    def _check_ended(self, cursor: str | None, count: int, empty_count: int) -> None:
        """Raises UpstreamError where a list is not read to its end."""
        sub_list = self._sub_list
        if empty_count > EMPTY_PAGES_MAX:
            raise UpstreamError(
                f"the {sub_list.into} of a record do not come to their end: {empty_count} pages "
                "have none; declare how the source tells its last page",
                cause=Cause.ENDLESS,
                is_transient=False,
            )
        if cursor is not None or count > sub_list.records_max:
            raise UpstreamError(
                f"a record has more than {sub_list.records_max} {sub_list.into}: raise "
                "records_max of the SubList, or make them documents of their own with Nested",
                cause=Cause.TOO_LARGE,
                is_transient=False,
            )


def _sound_records(page: Records) -> list[Raw]:
    return [raw for place, raw in enumerate(page.records, start=1) if place not in page.faults]
