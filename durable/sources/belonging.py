"""Requests for what belongs to a record: what they cost, and what is done if it is missing."""

from enum import StrEnum

from msgspec import Raw, Struct
from msgspec.structs import replace

from durable.decoding import UnboundedError, check
from durable.errors import Cause, Recourse, UpstreamError
from durable.sources.source import Records
from durable.sources.splice import set_field


GONE = frozenset({404, 410})


class Missing(StrEnum):
    """What becomes of a record if what belongs to it is not there (status 404 or 410)."""

    REJECT = "reject"  # it is counted among the rejects, with the reason
    LEAVE_OUT = "leave out"  # without a word: it was deleted meanwhile
    KEEP = "keep"  # it goes on without
    FAIL = "fail"  # the job fails


class Fault(Struct, frozen=True):
    """What stands in a record's place."""

    reason: str | None  # as in Records.faults


class RequestTally:
    """Collects the records of a page, and counts the requests and bytes that they took.

    Args:
        page: as the list had it.
        bytes_max: of the page with all that belongs to its records.
    """

    def __init__(self, page: Records, bytes_max: int) -> None:
        self._page = page
        self._bytes_max = bytes_max
        self._records = [*page.records]
        self._faults = {**page.faults}
        self._byte_count = page.byte_count
        self._wait_ms, self._wait_reason = page.wait_ms, page.wait_reason
        self._request_count = page.request_count
        self._note = page.note

    def include(self, page: Records) -> None:
        """Count a page of what belongs to a record. Raises UpstreamError as `take` does."""
        self.take(page.byte_count, page.request_count)
        if page.wait_ms > self._wait_ms:
            self._wait_ms, self._wait_reason = page.wait_ms, page.wait_reason
        self._note = page.note or self._note

    def take(self, byte_count: int = 0, request_count: int = 1) -> None:
        """Count what was asked and answered. Raises UpstreamError where it is too much."""
        self._request_count += request_count
        self._byte_count += byte_count
        if self._byte_count > self._bytes_max:
            raise UpstreamError(
                f"a page of the source has more than {self._bytes_max} bytes with all that belongs "
                "to its records: ask for smaller pages, or raise page_bytes_max in LIMITS",
                cause=Cause.TOO_LARGE,
            )

    def put(self, place: int, whole: Raw | Fault) -> None:
        if isinstance(whole, Fault):
            self._faults[place] = whole.reason
        else:
            self._records[place - 1] = whole

    def page(self) -> Records:
        return replace(
            self._page,
            records=self._records,
            faults=self._faults,
            byte_count=self._byte_count,
            request_count=self._request_count,
            wait_ms=self._wait_ms,
            wait_reason=self._wait_reason,
            note=self._note,
        )


def resolve_missing(error: UpstreamError, missing: Missing, kept: Raw | Fault) -> Raw | Fault:
    """What a record becomes that lacks something. Raises any other error again.

    Args:
        error: of the request for what belongs to it.
        missing: as declared.
        kept: what it becomes if it goes on without.
    """
    if error.recourse is Recourse.SKIP:
        return Fault(str(error))  # so says a rule of the source
    if error.status not in GONE or missing is Missing.FAIL:
        raise error
    match missing:
        case Missing.KEEP:
            return kept
        case Missing.LEAVE_OUT:
            return Fault(None)
    return Fault(str(error))


def put(record: Raw, name: str, value: bytes | Raw) -> Raw | Fault:
    """The record with a value in a field."""
    whole = set_field(record, name, value)
    if whole is None:
        return Fault(f"the record is no JSON object, so it cannot take the field {name!r}")
    try:
        check(whole)  # each of the two may be as deep as is read
    except UnboundedError as error:
        return Fault(f"the record with its {name} is not read: {error}")
    return whole
