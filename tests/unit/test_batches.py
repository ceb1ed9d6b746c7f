from itertools import groupby, pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.batches import Batch, Endpoint, batches
from durable.documents import Change, Deletion, Document, Permissions
from durable.errors import UpstreamError
from durable.job import Limits


DELETION = Deletion(id="gone", object_type="note")
LIMITS = Limits()


def a_document(name: str = "a", title: str = "a title") -> Document:
    return Document(
        id=name,
        view_url=f"https://notes.example/{name}",
        object_type="note",
        title=title,
        permissions=Permissions(allow_anonymous_access=True),
    )


def cut(changes: list[Change], upload_id: str = "", limits: Limits = LIMITS) -> list[Batch]:
    return list(batches(changes, "notes", upload_id, limits))


def decoded(batch: Batch) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(batch.body)
    return body


class BulkIndexDocuments(msgspec.Struct, forbid_unknown_fields=True):
    """Glean's request of that name, as far as it is used."""

    uploadId: str  # noqa: N815 - Glean's name
    datasource: str
    documents: list[dict[str, object]]


def test_documents_of_an_upload_are_one_page_of_it() -> None:
    (batch,) = cut([a_document("a"), a_document("b")], upload_id="u-1")

    request = msgspec.json.decode(batch.body, type=BulkIndexDocuments)
    assert batch.endpoint is Endpoint.BULK_DOCUMENTS
    assert (request.uploadId, request.datasource) == ("u-1", "notes")
    assert request.documents[0] == {
        "datasource": "notes",
        "id": "a",
        "viewURL": "https://notes.example/a",
        "objectType": "note",
        "title": "a title",
        "permissions": {"allowAnonymousAccess": True},
    }
    assert batch.document_count == len(request.documents) == 2


def test_single_documents_go_without_an_upload() -> None:
    (batch,) = cut([a_document()])

    assert batch.endpoint is Endpoint.DOCUMENTS
    assert decoded(batch).keys() == {"datasource", "documents"}


def test_a_deletion_goes_alone() -> None:
    (batch,) = cut([DELETION])

    assert batch.endpoint is Endpoint.DELETION
    assert decoded(batch) == {"datasource": "notes", "objectType": "note", "id": "gone"}
    assert (batch.document_count, batch.deletion_count) == (0, 1)


def test_a_document_deleted_and_made_again_is_not_deleted_last() -> None:
    cuts = cut([a_document("a"), DELETION, a_document("gone"), DELETION, DELETION])

    assert [batch.endpoint.name for batch in cuts] == [
        "DOCUMENTS",
        "DELETION",
        "DOCUMENTS",
        "DELETION",
        "DELETION",
    ]


def test_a_deletion_is_left_out_of_an_upload() -> None:
    (batch,) = cut([a_document("a"), DELETION, a_document("b")], upload_id="u-1")

    assert [document["id"] for document in decoded(batch)["documents"]] == ["a", "b"]
    assert batch.deletion_count == 0


@pytest.mark.parametrize("upload_id", ["", "u-1"], ids=["single", "bulk"])
def test_nothing_makes_no_request(upload_id: str) -> None:
    assert cut([], upload_id) == []


def test_documents_are_cut_when_they_are_read() -> None:
    def endless() -> Any:
        while True:
            yield a_document()

    first = next(batches(endless(), "notes", "u-1", Limits(batch_documents_max=3)))

    assert first.document_count == 3


def test_a_request_may_be_exactly_as_large_as_its_limit() -> None:
    changes: list[Change] = [a_document(name) for name in "abcd"]
    (two,) = cut(changes[:2])
    byte_count = len(two.body)

    exact = cut(changes, limits=Limits(batch_bytes_max=byte_count))
    short = cut(changes, limits=Limits(batch_bytes_max=byte_count - 1))

    assert [batch.document_count for batch in exact] == [2, 2]
    assert [batch.document_count for batch in short] == [1, 1, 1, 1]


def test_a_document_that_alone_fills_a_request_is_sent() -> None:
    (batch,) = cut([a_document()])

    exact = cut([a_document()], limits=Limits(batch_bytes_max=len(batch.body)))

    assert exact == [batch]


def test_a_document_too_large_for_any_request_is_refused() -> None:
    (batch,) = cut([a_document()])

    with pytest.raises(UpstreamError, match=r"'a'.*shorten its body") as refusal:
        cut([a_document()], limits=Limits(batch_bytes_max=len(batch.body) - 1))

    assert not refusal.value.is_transient


@pytest.mark.parametrize("title", [object(), "\ud83d"], ids=["an object", "half a character"])
def test_a_document_that_cannot_be_encoded_is_refused(title: Any) -> None:
    with pytest.raises(UpstreamError, match="document 'a' cannot be written as JSON") as refusal:
        cut([a_document("a", title=title)])

    assert not refusal.value.is_transient


titles = st.text(max_size=100) | st.sampled_from(["«€\u2028" * 300, '"\\\n' * 300, "x" * 3_000])
documents = st.builds(a_document, st.text(max_size=30), titles)
deletions = st.builds(Deletion, id=st.text(max_size=30), object_type=st.just("note"))
limits = st.builds(
    Limits, batch_documents_max=st.integers(1, 6), batch_bytes_max=st.integers(6_000, 12_000)
)


@given(st.lists(documents | deletions, max_size=30), st.sampled_from(["", "u-1"]), limits)
def test_requests_are_within_both_limits_and_as_large_as_they_may_be(
    changes: list[Change], upload_id: str, limits: Limits
) -> None:
    cuts = cut(changes, upload_id, limits)

    for batch in cuts:
        assert len(batch.body) <= limits.batch_bytes_max
        assert batch.document_count <= limits.batch_documents_max
    for batch, following in pairwise(cuts):
        if batch.document_count and following.document_count:
            first = msgspec.json.encode(decoded(following)["documents"][0])
            is_full = batch.document_count == limits.batch_documents_max
            assert is_full or len(batch.body) + len(b",") + len(first) > limits.batch_bytes_max


@given(st.lists(documents | deletions, max_size=30), st.sampled_from(["", "u-1"]), limits)
def test_nothing_is_lost_or_put_in_another_order(
    changes: list[Change], upload_id: str, limits: Limits
) -> None:
    expected = [change for change in changes if not (upload_id and isinstance(change, Deletion))]

    sent: list[Change] = []
    for batch in cut(changes, upload_id, limits):
        body = decoded(batch)
        assert body["datasource"] == "notes"
        if batch.endpoint is Endpoint.DELETION:
            sent.append(Deletion(id=body["id"], object_type=body["objectType"]))
        for document in body.get("documents", []):
            assert document.pop("datasource") == "notes"
            sent.append(msgspec.convert(document, Document))

    assert sent == expected
    counts = [batch.document_count + batch.deletion_count for batch in cut(changes, upload_id)]
    assert sum(counts) == len(expected)


@given(st.lists(documents | deletions, max_size=20))
def test_a_run_of_documents_is_broken_by_deletions_only(changes: list[Change]) -> None:
    kinds = [kind for kind, _ in groupby(isinstance(change, Document) for change in changes)]
    runs = [kind for kind, _ in groupby(bool(batch.document_count) for batch in cut(changes))]

    assert runs == kinds
