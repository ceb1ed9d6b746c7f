from collections.abc import Mapping, Sequence

import msgspec
import pytest

from durable.errors import Cause, UpstreamError
from durable.glean.status_report import holdings
from durable.machine.index_status import STATES, Holdings
from tests.fakes.errors import caused_by


ENDED = "2025-11-24T16:00:00.000Z"


def told(**documents: object) -> Holdings:
    return holdings(msgspec.json.encode({"documents": documents}), "u-1")


def an_upload(upload_id: str = "u-1", **fields: object) -> Mapping[str, object]:
    return {"uploadId": upload_id, "status": "SUCCESSFUL", "endTime": ENDED, **fields}


def counts(*numbers: int) -> Sequence[Mapping[str, object]]:
    return [{"objectType": f"Type{number}", "count": number} for number in numbers]


def test_documents_of_all_types_are_counted_together() -> None:
    found = told(counts={"uploaded": counts(3, 4), "indexed": counts(1, 2)})

    assert (found.uploaded_count, found.indexed_count, found.found_count) == (7, 3, 3)


def test_a_list_without_types_is_none_at_all() -> None:
    found = told(counts={"uploaded": [], "indexed": []})

    assert (found.uploaded_count, found.indexed_count) == (0, 0)


@pytest.mark.parametrize("documents", [{}, {"counts": None}, {"counts": {"indexed": None}}])
def test_what_glean_does_not_tell_is_not_nought(documents: dict[str, object]) -> None:
    found = told(**documents)

    assert (found.uploaded_count, found.indexed_count, found.found_count) == (None, None, None)


def test_where_the_index_is_not_counted_what_was_uploaded_is_found() -> None:
    assert told(counts={"uploaded": counts(3)}).found_count == 3


@pytest.mark.parametrize("state", sorted(STATES))
def test_the_upload_stands_as_glean_says(state: str) -> None:
    others = [an_upload("u-0", processingState="UPLOAD STARTED")]
    found = told(bulkUploadHistory=[*others, an_upload(processingState=state)])

    assert found.upload_state == state
    assert found.is_paused == (state == "DELETION PAUSED")
    assert found.is_indexed == (state == "INDEXING COMPLETED")


@pytest.mark.parametrize(
    "history",
    [
        [],
        None,
        [an_upload("u-0", processingState="INDEXING COMPLETED")],
        [an_upload(processingState="SOMETHING NEW")],
        [an_upload(processingState=7)],
    ],
    ids=["empty", "none", "another one", "a new state", "no text"],
)
def test_an_upload_of_which_nothing_is_told_has_no_state(history: object) -> None:
    found = told(bulkUploadHistory=history)

    assert (found.upload_state, found.is_indexed) == ("", False)


@pytest.mark.parametrize(
    ("run", "is_indexed"),
    [
        (("2025-11-24T16:00:00.000Z", "2025-11-24T16:05:00.000Z"), True),
        (("2025-11-24T16:00:00", "2025-11-24T16:05:00"), True),
        (("2025-11-24T17:00:00+01:00", "2025-11-24T17:05:00+01:00"), True),
        (("2025-11-24T16:01:00.000Z", "NA"), False),
        (("2025-11-24T15:59:59.999Z", "2025-11-24T16:05:00.000Z"), False),
        (("yesterday", "today"), False),
        ((None, None), False),
    ],
    ids=["after", "without a zone", "another zone", "not over", "before", "no times", "nothing"],
)
def test_a_processing_that_began_after_the_upload_has_indexed_it(
    run: tuple[str | None, str | None], *, is_indexed: bool
) -> None:
    start, end = run
    history = [an_upload(processingState="UPLOAD COMPLETED")]
    processing = [{"startTime": start, "endTime": end}]

    assert told(bulkUploadHistory=history, processingHistory=processing).is_indexed == is_indexed


def test_of_an_upload_without_an_end_nobody_knows_what_came_after() -> None:
    processing = [{"startTime": ENDED, "endTime": ENDED}]
    history = [an_upload(endTime="NA")]

    assert not told(bulkUploadHistory=history, processingHistory=processing).is_indexed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b"\xff",
        b'{"documents": []}',
        b'{"documents": {"counts": {"indexed": [{"count": "many"}]}}}',
    ],
)
def test_what_cannot_be_read_may_be_asked_for_again(body: bytes) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.UNREADABLE)) as error:
        holdings(body, "u-1")

    assert error.value.is_transient
