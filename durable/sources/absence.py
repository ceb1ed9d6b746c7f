"""Whether an answer without a list is believed to mean an empty one. Pure."""

from typing import Any, Protocol, runtime_checkable

import msgspec
from msgspec import UNSET, Raw

from durable.decoding import decode
from durable.errors import Cause, UpstreamError
from durable.machine.job import ReadContext
from durable.sources.since import Changes, Since
from durable.sources.source import Records


NOTHING = frozenset({204, 304})  # to a request for changes: there are none
REFUSALS_MIN = 400
# A member of an answer that tells of an error, if it has anything in it.
ERRORS = frozenset(
    {"detail", "error", "error_code", "error_message", "errorcode", "errormessage", "errors"}
    | {"exception", "fault", "message", "status_code", "statuscode"}
)
SUCCESSES = frozenset({"ok", "success", "succeeded"})  # and one, if it is false
EMPTY = frozenset({b"null", b"[]", b"{}", b'""', b"0", b"false"})


@runtime_checkable
class Counting(Protocol):
    """A paging by numbers. It may ask for a page past the last one."""

    def falls_short(self, cursor: str) -> bool:
        """Whether the page before the cursor had fewer records than the source puts on one."""

    def is_reached(self, cursor: str) -> bool:
        """Whether as many came before the cursor as the source had told."""


def statuses_of_none(
    changes: Changes | None, crawl: ReadContext, cursor: str | None
) -> frozenset[int]:
    """The statuses by which an answer says that nothing has changed."""
    is_asked = isinstance(changes, Since) and crawl.since_ms is not None and cursor is None
    return NOTHING if is_asked else frozenset()


def check_end(error: UpstreamError, paging: object, cursor: str | None, *, tells: bool) -> None:
    """Check an end of the list that a rule sees. Raises UpstreamError if it is doubtful.

    Args:
        error: that answer.
        paging: of the list.
        cursor: that was asked for.
        tells: whether the source declares what tells that there is more.
    """
    status = error.status or 0
    if isinstance(paging, Counting) and cursor is not None and paging.is_reached(cursor):
        return  # it was asked for to make sure
    if cursor is not None and tells:
        raise _end_error(error, "the page before it said that there is more") from error
    if status < REFUSALS_MIN:
        return
    if cursor is None:
        raise _end_error(error, "it is the first page") from error
    if not (isinstance(paging, Counting) and paging.falls_short(cursor)):
        raise _end_error(
            error,
            "the page before it was not short: declare the size of a page, and the total or the "
            "number of pages where the source tells one",
        ) from error


def check_empty(body: bytes) -> None:
    """Check an answer without its list. Raises UpstreamError if it tells of an error."""
    try:
        members: Any = decode(body, dict[str, Raw])
    except msgspec.ValidationError:
        return  # null, or whatever else has no members
    for name, raw in members.items():
        value = bytes(raw)
        is_error = name.lower() in ERRORS and value not in EMPTY
        if is_error or (name.lower() in SUCCESSES and value == b"false"):
            raise UpstreamError(
                f"the source's page has no list of records, and its {name} is "
                f"{value[:200].decode(errors='replace')}",
                cause=Cause.REFUSED,
                is_transient=True,
            )


def no_records(request_count: int) -> Records:
    """An empty page, the last one."""
    return Records(records=[], next_cursor=None, byte_count=0, request_count=request_count)


def is_none(records: object) -> bool:
    """Whether nothing is in the place of the list."""
    return records is None or records is UNSET


def _end_error(error: UpstreamError, reason: str) -> UpstreamError:
    return UpstreamError(
        f"a rule takes the answer for the end of the list, and {reason}: {error}",
        cause=Cause.BAD_END,
        is_transient=False,
        status=error.status,
        words=error.words,
    )
