"""Reads Glean's answer about a datasource: its documents, and its uploads. Pure.

Facts are from Glean's OpenAPI description 0.9.0: the counts of what was uploaded may be
three hours late, and documents can be found once a processing began after their upload.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from durable.decoding import EXACT_MAX, ExactInt, decode
from durable.errors import Cause, UpstreamError
from durable.limits import NUMBER_MAX
from durable.machine.first_contact import NOT_TOLD
from durable.machine.index_status import INDEXED, STATES, Holdings, deletions_of


TYPES_MAX = 100  # that are told apart
OTHER_TYPES = "other types"
NAME_CHARACTERS_MAX = 100


class _Span(Struct, frozen=True, rename="camel"):
    """The format of the times is not documented for certain."""

    start_time: object = None
    end_time: object = None


class _Upload(_Span, frozen=True, rename="camel"):
    upload_id: object = None
    processing_state: object = None


class _Count(Struct, frozen=True, rename="camel"):
    count: ExactInt = 0
    object_type: object = None


class _Counts(Struct, frozen=True):
    uploaded: list[_Count] | None = None
    indexed: list[_Count] | None = None


class _Documents(Struct, frozen=True, rename="camel"):
    bulk_upload_history: list[_Upload] | None = None
    counts: _Counts | None = None
    processing_history: list[_Span] | None = None


class _Uploads(Struct, frozen=True, rename="camel"):
    bulk_upload_history: list[_Upload] | None = None


class _Identity(Struct, frozen=True):
    users: _Uploads | None = None
    groups: _Uploads | None = None


class _DatasourceStatus(Struct, frozen=True):
    documents: _Documents
    identity: _Identity | None = None


class _DocumentsStatus(Struct, frozen=True):
    documents: _Documents | None = None


Status = TypeVar("Status", _DatasourceStatus, _DocumentsStatus)


def holdings(body: bytes, upload_id: str) -> Holdings:
    """What Glean says that it holds.

    Args:
        body: of the answer.
        upload_id: of the bulk upload of documents that is asked about.

    Raises:
        UpstreamError: it cannot be read.
    """
    status = _read(body, _DatasourceStatus)
    documents, identity = status.documents, status.identity or _Identity()
    counts = documents.counts or _Counts()
    uploads = documents.bulk_upload_history or ()
    ours = [upload for upload in uploads if upload.upload_id == upload_id]
    told = [str(upload.processing_state) for upload in ours]
    states = [state for state in told if state in STATES]
    runs = documents.processing_history or ()
    people = [one.bulk_upload_history or () for one in (identity.users, identity.groups) if one]
    return Holdings(
        indexed_count=_sum(counts.indexed),
        uploaded_count=_sum(counts.uploaded),
        upload_state=states[0] if states else "",
        is_indexed=INDEXED in states or any(_is_processed(upload, runs) for upload in ours),
        deletions={
            str(upload.upload_id): deletions_of(upload.processing_state)
            for history in (uploads, *people)
            for upload in history
        },
    )


def document_counts(body: bytes) -> dict[str, int]:
    """How many documents Glean has of each type, as far as it tells: the larger of its counts.

    Both may be hours behind. What it has never had an upload of, it may not count at all.

    Raises:
        UpstreamError: it cannot be read.
    """
    documents = _read(body, _DocumentsStatus).documents or _Documents()
    told = documents.counts or _Counts()
    if told.uploaded is None and told.indexed is None:
        return dict(NOT_TOLD) if documents.bulk_upload_history else {}
    uploaded, indexed = (_by_type(counts or ()) for counts in (told.uploaded, told.indexed))
    return dict(uploaded | indexed)  # of counters: the larger of both


def _read(body: bytes, kind: type[Status]) -> Status:
    try:
        return decode(body, kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = f"Glean's answer about what it holds cannot be read: {error}"
        raise UpstreamError(reason, cause=Cause.UNREADABLE, is_transient=True) from error


def _by_type(counts: Iterable[_Count]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in counts:
        name = str(one.object_type)[:NAME_CHARACTERS_MAX]
        name = name if name in found or len(found) < TYPES_MAX else OTHER_TYPES
        found[name] = min(found[name] + max(one.count, 0), NUMBER_MAX)
    return +found  # without those of which there are none


def _sum(counts: Iterable[_Count] | None) -> int | None:
    """None also where it is more than JavaScript can count."""
    total = None if counts is None else sum(count.count for count in counts)
    return None if total is None or abs(total) > EXACT_MAX else total


def _is_processed(upload: _Upload, runs: Iterable[_Span]) -> bool:
    """Whether a processing that began after the upload's end is over."""
    if (ended := _moment(upload.end_time)) is None:
        return False
    begun = (_moment(run.start_time) for run in runs if _moment(run.end_time) is not None)
    return any(moment >= ended for moment in begun if moment is not None)


def _moment(text: object) -> datetime | None:
    """None where it is no time, as the `NA` of what is not over."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
