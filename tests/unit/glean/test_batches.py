from itertools import groupby, pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from durable.glean.access import access_of
from durable.glean.batches import Batch, Sizes, batches, document_count
from durable.glean.documents import (
    Change,
    Deletion,
    Document,
    EncodedDocument,
    Permissions,
)
from durable.glean.mapped_record import MappedRecord
from durable.glean.payloads import Envelope, GleanEndpoint
from durable.machine.job import Stage
from durable.machine.rejects import Reject, RejectCode


DELETION = Deletion(id="gone", object_type="note")
LARGE = 5 * 1024 * 1024


def sizes(
    documents_max: int = 1_000, bytes_max: int = LARGE, packed_bytes_max: int | None = None
) -> Sizes:
    packed = bytes_max if packed_bytes_max is None else packed_bytes_max
    return Sizes(documents_max, bytes_max, packed)


SIZES = sizes()


def enveloped(upload_id: str) -> Envelope:
    return Envelope(Stage.DOCUMENTS, "notes", upload_id)


def a_document(name: str = "a", title: str = "a title") -> Document:
    return Document(
        id=name,
        view_url=f"https://notes.example/{name}",
        object_type="note",
        title=title,
        permissions=Permissions(allow_anonymous_access=True),
    )


def placed(changes: list[Change]) -> list[MappedRecord]:
    return [
        MappedRecord(place, change, Raw(b"record %d" % place))
        for place, change in enumerate(changes, start=1)
    ]


def cut_and_rejected(
    changes: list[Change], upload_id: str = "", within: Sizes = SIZES
) -> tuple[list[Batch], list[Reject]]:
    rejects: list[Reject] = []
    return list(batches(placed(changes), enveloped(upload_id), within, rejects)), rejects


def cut(changes: list[Change], upload_id: str = "", within: Sizes = SIZES) -> list[Batch]:
    cuts, rejects = cut_and_rejected(changes, upload_id, within)
    assert rejects == []
    return cuts


def keys(batch: Batch) -> list[str]:
    return [item.key for item in batch.items]


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
    assert batch.endpoint is GleanEndpoint.BULK_DOCUMENTS
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

    assert batch.endpoint is GleanEndpoint.DOCUMENTS
    assert decoded(batch).keys() == {"datasource", "documents"}


def test_a_deletion_goes_alone() -> None:
    (batch,) = cut([DELETION])

    assert batch.endpoint is GleanEndpoint.DELETION
    assert decoded(batch) == {"datasource": "notes", "objectType": "note", "id": "gone"}
    assert (batch.document_count, batch.deletion_count) == (0, 1)


def test_permissions_go_alone_where_only_they_are_others() -> None:
    whole = replace(a_document("a"), permissions=Permissions.of(groups=["staff"]))
    update = access_of(EncodedDocument("a", msgspec.json.encode(whole)))
    assert update is not None
    rejects: list[Reject] = []
    records = [
        MappedRecord(place, change, Raw(b"{}"))
        for place, change in enumerate((a_document("b"), update, a_document("c")), start=1)
    ]
    before, batch, after = batches(records, enveloped(""), SIZES, rejects)

    assert batch.endpoint is GleanEndpoint.PERMISSIONS
    assert [keys(before), keys(batch), keys(after)] == [["b"], ["a"], ["c"]]
    assert decoded(batch) == {
        "datasource": "notes",
        "objectType": "note",
        "id": "a",
        "permissions": {
            "allowedUsers": [],
            "allowedGroups": ["staff"],
            "allowedGroupIntersections": [],
            "allowAnonymousAccess": False,
            "allowAllDatasourceUsersAccess": False,
        },
    }
    assert (batch.document_count, batch.deletion_count, document_count(update)) == (1, 0, 1)
    assert (before.paced_count, batch.paced_count) == (1, 0)
    assert batch.byte_count == len(batch.body)
    assert batch.whole is not None
    assert (batch.whole.endpoint, batch.whole.items[0].place) == (GleanEndpoint.DOCUMENTS, 2)
    assert batch.whole.body == cut([whole])[0].body
    assert rejects == []


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
            yield MappedRecord(1, a_document(), Raw(b"{}"))

    first = next(batches(endless(), enveloped("u-1"), sizes(documents_max=3), []))

    assert first.document_count == 3


def test_a_request_may_be_exactly_as_large_as_its_limit() -> None:
    changes: list[Change] = [a_document(name) for name in "abcd"]
    (two,) = cut(changes[:2])
    byte_count = len(two.body)

    exact = cut(changes, within=sizes(bytes_max=byte_count))
    short = cut(changes, within=sizes(bytes_max=byte_count - 1))

    assert [batch.document_count for batch in exact] == [2, 2]
    assert [batch.document_count for batch in short] == [1, 1, 1, 1]


def test_a_document_that_alone_fills_a_request_is_sent() -> None:
    (batch,) = cut([a_document()])

    exact = cut([a_document()], within=sizes(bytes_max=len(batch.body)))

    assert exact == [batch]


@pytest.mark.parametrize("upload_id", ["", "u-1"], ids=["single", "bulk"])
def test_a_document_too_large_for_any_request_is_rejected(upload_id: str) -> None:
    (batch,) = cut([a_document("large")], upload_id)
    bytes_max = len(batch.body) - 1

    cuts, (reject,) = cut_and_rejected(
        [a_document("b"), a_document("large"), a_document("c")],
        upload_id,
        sizes(bytes_max=bytes_max),
    )

    assert [keys(batch) for batch in cuts] == [["b"], ["c"]]
    assert (reject.place, reject.key, reject.excerpt) == (2, "large", "record 2")
    assert reject.code == RejectCode.TOO_LARGE
    assert str(bytes_max) in reject.reason


@pytest.mark.parametrize(
    "title",
    [object(), "\ud83d", {1, object()}, 10**5_000],
    ids=["an object", "half a character", "a set", "a number without end"],
)
def test_a_document_that_cannot_be_encoded_is_rejected(title: Any) -> None:
    (batch,), (reject,) = cut_and_rejected([a_document("b"), a_document("a", title=title)])

    assert keys(batch) == ["b"]
    assert (reject.place, reject.key) == (2, "a")
    assert reject.code == RejectCode.NOT_JSON


def test_a_deletion_that_cannot_be_encoded_is_rejected() -> None:
    cuts, (reject,) = cut_and_rejected([Deletion(id="a", object_type="\ud83d")])

    assert (cuts, reject.key) == ([], "a")


def test_rejects_are_known_when_all_is_cut_and_not_before() -> None:
    rejects: list[Reject] = []
    within = sizes(documents_max=1)
    changes: list[Change] = [a_document("a"), a_document("b", title=object()), a_document("c")]  # type: ignore[arg-type]

    made = batches(placed(changes), enveloped(""), within, rejects)
    before = list(rejects)
    cuts = list(made)

    assert before == []
    assert [keys(batch) for batch in cuts] == [["a"], ["c"]]
    assert [reject.place for reject in rejects] == [2]


def test_an_item_says_where_it_came_from() -> None:
    cuts = cut([a_document("a"), DELETION, a_document("b"), a_document("c")])

    assert [[(item.place, item.key) for item in batch.items] for batch in cuts] == [
        [(1, "a")],
        [(2, "gone")],
        [(3, "b"), (4, "c")],
    ]


def test_places_count_what_is_left_out_of_an_upload() -> None:
    (batch,) = cut([DELETION, a_document("a"), DELETION, a_document("b")], upload_id="u-1")

    assert [item.place for item in batch.items] == [2, 4]


@pytest.mark.parametrize("upload_id", ["", "u-1"], ids=["single", "bulk"])
@pytest.mark.parametrize("count", [2, 3, 7])
def test_halves_are_requests_of_the_same_kind_with_the_same_documents(
    count: int, upload_id: str
) -> None:
    (batch,) = cut([a_document(str(number)) for number in range(count)], upload_id)

    first, second = batch.halves()

    assert keys(first) + keys(second) == keys(batch)
    assert second.document_count - first.document_count in {0, 1}
    assert {first.endpoint, second.endpoint} == {batch.endpoint}
    assert decoded(first)["documents"] + decoded(second)["documents"] == decoded(batch)["documents"]
    assert decoded(first) | {"documents": []} == decoded(batch) | {"documents": []}
    assert {first.upload_id, second.upload_id} == {upload_id}


@pytest.mark.parametrize("batch", [cut([a_document()])[0], cut([DELETION])[0]])
def test_one_item_has_no_halves(batch: Batch) -> None:
    with pytest.raises(AssertionError, match="no halves"):
        batch.halves()


def test_halving_ends_with_each_document_alone() -> None:
    (batch,) = cut([a_document(str(number)) for number in range(11)], "u-1")
    waiting, alone = [batch], []
    while waiting:
        first = waiting.pop(0)
        if len(first.items) == 1:
            alone.append(first)
        else:
            waiting[0:0] = first.halves()

    assert [keys(batch) for batch in alone] == [[str(number)] for number in range(11)]


def test_the_bytes_of_a_deletion_are_those_of_its_body() -> None:
    (batch,) = cut([DELETION])

    assert batch.byte_count == len(batch.body)


def test_a_deletion_may_be_exactly_as_large_as_a_request() -> None:
    (batch,) = cut([DELETION])

    assert cut_and_rejected([DELETION], within=sizes(bytes_max=len(batch.body)))[1] == []


titles = st.text(max_size=100) | st.sampled_from(["«€\u2028" * 300, '"\\\n' * 300, "x" * 3_000])
documents = st.builds(a_document, st.text(max_size=30), titles)
deletions = st.builds(Deletion, id=st.text(max_size=30), object_type=st.just("note"))
many_sizes = st.builds(sizes, documents_max=st.integers(1, 6), bytes_max=st.integers(6_000, 12_000))


@given(st.lists(documents | deletions, max_size=30), st.sampled_from(["", "u-1"]), many_sizes)
def test_requests_are_within_both_limits_and_as_large_as_they_may_be(
    changes: list[Change], upload_id: str, within: Sizes
) -> None:
    cuts = cut(changes, upload_id, within)

    for batch in cuts:
        assert len(batch.body) <= within.bytes_max
        assert batch.document_count == 0 or batch.byte_count == len(batch.body)
        assert batch.document_count <= within.documents_max
    for batch, following in pairwise(cuts):
        if batch.document_count and following.document_count:
            first = msgspec.json.encode(decoded(following)["documents"][0])
            is_full = batch.document_count == within.documents_max
            assert is_full or len(batch.body) + len(b",") + len(first) > within.bytes_max


@given(st.lists(documents | deletions, max_size=30), st.sampled_from(["", "u-1"]), many_sizes)
def test_nothing_is_lost_or_put_in_another_order(
    changes: list[Change], upload_id: str, within: Sizes
) -> None:
    expected = [change for change in changes if not (upload_id and isinstance(change, Deletion))]

    sent: list[Change] = []
    for batch in cut(changes, upload_id, within):
        body = decoded(batch)
        assert body["datasource"] == "notes"
        if batch.endpoint is GleanEndpoint.DELETION:
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


def test_after_a_refusal_the_first_request_is_small_and_each_later_one_holds_twice_as_many() -> (
    None
):
    within = replace(SIZES, documents_max=4, bytes_max=10**6, packed_bytes_max=10**6)
    changes: list[Change] = [a_document(str(number)) for number in range(12)]

    made = cut(changes, "u-1", replace(within, first_documents_max=1))

    assert [len(batch.items) for batch in made] == [1, 2, 4, 4, 1]
