"""Bulk uploads at the local Glean, and every row of its table on what Glean leaves open."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import given, settings, strategies

from tests.fakes.local_glean import assert_refused, serving_glean


API = "/api/index/v1"
DATASOURCE = {
    "name": "docs",
    "datasourceCategory": "PUBLISHED_CONTENT",
    "urlRegex": r"https://docs\.test/.*",
    "objectDefinitions": [{"name": "page"}],
}


class Glean:
    """A local Glean with one datasource."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        assert self.call("adddatasource", **DATASOURCE).status_code == 200

    def call(self, endpoint: str, **body: Any) -> httpx.Response:
        return self.client.post(f"{API}/{endpoint}", json=body)

    def page(self, upload: str, *ids: str, **fields: Any) -> httpx.Response:
        """A page of a bulk upload; `text` is the content of its documents."""
        text = fields.pop("text", "text")
        documents = [document(identifier, text) for identifier in ids]
        body = {"uploadId": upload, "datasource": "docs", "documents": documents, **fields}
        return self.call("bulkindexdocuments", **body)

    def upload(self, upload: str, *ids: str, **fields: Any) -> None:
        """A whole bulk upload. What is in `fields` is for its last page."""
        assert self.page(upload, isFirstPage=True).status_code == 200
        for start in range(0, len(ids), 1000):
            assert self.page(upload, *ids[start : start + 1000]).status_code == 200
        assert self.page(upload, isLastPage=True, **fields).status_code == 200

    def index(self) -> dict[str, str]:
        """The live documents: text by id."""
        answer = self.client.get("/control/documents", params={"datasource": "docs"})
        lines = map(json.loads, answer.text.splitlines())
        return {line["id"]: line["document"]["body"]["textContent"] for line in lines}

    def status(self) -> dict[str, Any]:
        documents: dict[str, Any] = self.call("debug/docs/status").json()["documents"]
        return documents

    def states(self) -> dict[str, str]:
        history = self.status()["bulkUploadHistory"]
        return {upload["uploadId"]: upload["processingState"] for upload in history}


def document(identifier: str, text: str = "text") -> dict[str, Any]:
    return {
        "id": identifier,
        "datasource": "docs",
        "objectType": "page",
        "viewURL": f"https://docs.test/{identifier}",
        "body": {"mimeType": "text/plain", "textContent": text},
        "permissions": {"allowAnonymousAccess": True},
    }


@pytest.fixture
def glean(empty_glean: httpx.Client) -> Glean:
    return Glean(empty_glean)


def test_an_upload_goes_live_at_its_close_and_not_before(glean: Glean) -> None:
    glean.page("one", isFirstPage=True)
    assert glean.states() == {"one": "UPLOAD STARTED"}

    glean.page("one", "a", "b")
    assert glean.index() == {}
    assert glean.states() == {"one": "UPLOAD IN PROGRESS"}

    glean.page("one", isLastPage=True)
    assert set(glean.index()) == {"a", "b"}
    assert glean.states() == {"one": "INDEXING COMPLETED"}


def test_documents_may_be_on_the_first_and_the_last_page(glean: Glean) -> None:
    glean.page("one", "a", isFirstPage=True)
    glean.page("one", "b", isLastPage=True)
    glean.page("two", "a", "b", "c", isFirstPage=True, isLastPage=True)

    assert set(glean.index()) == {"a", "b", "c"}


def test_a_close_deletes_what_was_not_in_the_upload(glean: Glean) -> None:
    glean.upload("one", *"abcdefghij")

    glean.upload("two", *"cdefghij")

    assert set(glean.index()) == set("cdefghij")


def test_a_fifth_may_be_deleted_and_no_document_more(glean: Glean) -> None:
    glean.upload("one", *"abcdefghij")

    glean.upload("two", *"defghij")

    assert set(glean.index()) == set("abcdefghij")
    assert glean.states() == {"one": "INDEXING COMPLETED", "two": "DELETION PAUSED"}


def test_a_paused_deletion_still_takes_what_was_in_the_upload(glean: Glean) -> None:
    glean.upload("one", *"abcde")

    glean.page("two", "a", "new", text="changed", isFirstPage=True, isLastPage=True)

    assert glean.index() == {**dict.fromkeys("bcde", "text"), "a": "changed", "new": "changed"}


@pytest.mark.parametrize("body", [{"datasource": "docs"}, {}])
def test_processing_ends_a_paused_deletion(glean: Glean, body: dict[str, str]) -> None:
    glean.upload("one", *"abcde")
    glean.upload("two", "a")

    assert glean.call("processalldocuments", **body).status_code == 200

    assert set(glean.index()) == {"a"}
    assert glean.states()["two"] == "INDEXING COMPLETED"
    assert len(glean.status()["processingHistory"]) == 3


def test_the_check_can_be_disabled_on_the_last_page(glean: Glean) -> None:
    glean.upload("one", *"abcde")

    glean.upload("two", disableStaleDocumentDeletionCheck=True)

    assert glean.index() == {}


def test_an_upload_after_a_paused_deletion_is_counted_anew(glean: Glean) -> None:
    glean.upload("one", *"abcde")
    glean.upload("two", "a")

    glean.upload("three", *"abcd")

    assert set(glean.index()) == set("abcd")
    assert glean.states()["two"] == "INDEXING COMPLETED"


def test_the_pause_counts_only_the_documents_of_the_datasource(glean: Glean) -> None:
    glean.call("adddatasource", **{**DATASOURCE, "name": "other"})
    others = [{**document(str(number)), "datasource": "other"} for number in range(100)]
    glean.call("indexdocuments", datasource="other", documents=others)
    glean.upload("one", *"abc")

    glean.upload("two", *"ab")

    assert glean.states()["two"] == "DELETION PAUSED"


# The table, row by row.


def test_a_second_open_is_refused_while_an_upload_is_open(glean: Glean) -> None:
    glean.page("one", "a", isFirstPage=True)

    assert_refused(glean.page("two", isFirstPage=True), 409, "one of datasource docs is not")
    assert_refused(glean.page("one", isFirstPage=True), 409, "one of datasource docs is not")

    assert glean.page("one", isLastPage=True).status_code == 200
    assert set(glean.index()) == {"a"}


@pytest.mark.parametrize("upload", ["one", "two"])
def test_a_forced_open_forgets_what_was_staged(glean: Glean, upload: str) -> None:
    glean.page("one", "a", isFirstPage=True)

    answer = glean.page(upload, "b", isFirstPage=True, forceRestartUpload=True)

    assert answer.status_code == 200
    glean.page(upload, isLastPage=True)
    assert set(glean.index()) == {"b"}
    assert set(glean.states()) == {upload}


def test_an_upload_id_is_not_used_twice(glean: Glean) -> None:
    glean.upload("finished", "a")
    glean.page("discarded", isFirstPage=True)
    glean.page("open", isFirstPage=True, forceRestartUpload=True)
    glean.page("open", isLastPage=True)

    for upload in ("finished", "discarded"):
        assert_refused(glean.page(upload, isFirstPage=True), 409, upload)
        answer = glean.page(upload, isFirstPage=True, forceRestartUpload=True)
        assert_refused(answer, 409, upload)


def test_a_refused_open_does_not_discard_the_open_upload(glean: Glean) -> None:
    glean.upload("one", "a")
    glean.page("two", "b", isFirstPage=True)

    glean.page("one", isFirstPage=True, forceRestartUpload=True)

    glean.page("two", "a", isLastPage=True)
    assert set(glean.index()) == {"a", "b"}


def test_a_page_needs_its_upload_to_be_open(glean: Glean) -> None:
    assert_refused(glean.page("one", "a"), 409, "not opened")
    assert_refused(glean.page("one", isLastPage=True), 409, "not opened")

    glean.upload("one", "a")
    assert_refused(glean.page("one", "b"), 409, "finished")
    assert_refused(glean.page("one", isLastPage=True), 409, "finished")

    glean.page("two", isFirstPage=True)
    glean.page("three", isFirstPage=True, forceRestartUpload=True)
    assert_refused(glean.page("two", "b"), 409, "discarded")
    assert_refused(glean.page("two", isLastPage=True), 409, "discarded")
    assert set(glean.index()) == {"a"}


@pytest.mark.parametrize(
    ("flag", "needed"),
    [
        ("forceRestartUpload", "isFirstPage"),
        ("disableStaleDocumentDeletionCheck", "isLastPage"),
    ],
)
def test_a_flag_is_refused_without_the_one_that_it_needs(
    glean: Glean, flag: str, needed: str
) -> None:
    glean.page("one", isFirstPage=True)

    assert_refused(glean.page("one", **{flag: True}), 400, needed)


@settings(max_examples=15, deadline=None)
@given(
    pages=strategies.lists(strategies.lists(strategies.sampled_from("abcdefgh"), max_size=4)),
    generator=strategies.randoms(use_true_random=False),
)
def test_middle_pages_come_in_any_order_and_more_than_once(
    served_glean: httpx.Client, pages: Sequence[Sequence[str]], generator: Random
) -> None:
    served_glean.post("/control/reset")
    glean = Glean(served_glean)
    sent = [page for page in pages for _ in range(generator.randint(1, 2))]
    generator.shuffle(sent)

    glean.page("one", isFirstPage=True)
    for page in sent:
        assert glean.page("one", *page).status_code == 200
    glean.page("one", isLastPage=True)

    assert set(glean.index()) == {identifier for page in pages for identifier in page}


def test_of_two_contents_of_an_id_the_last_wins(glean: Glean) -> None:
    glean.page("one", "a", text="first", isFirstPage=True)
    glean.page("one", "A", text="second")
    glean.page("one", isLastPage=True)

    assert glean.index() == {"A": "second"}


def test_an_unfinished_upload_stays_open_over_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "glean.sqlite")
    with serving_glean(path) as client:
        Glean(client).page("one", "a", isFirstPage=True)

    with serving_glean(path) as client:
        glean = Glean(client)
        assert_refused(glean.page("two", isFirstPage=True), 409, "not finished")
        assert glean.page("one", isLastPage=True).status_code == 200
        assert set(glean.index()) == {"a"}


def test_a_file_with_other_tables_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "glean.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE upload (sequence INTEGER PRIMARY KEY)")

    with serving_glean(str(path)) as client:
        Glean(client).upload("one", "a")

    with serving_glean(str(path)) as client:
        assert set(Glean(client).index()) == {"a"}


def test_a_single_write_is_live_at_once_and_stale_at_the_close(glean: Glean) -> None:
    glean.upload("one", *"abcdefgh")
    glean.page("two", *"abcdefgh", isFirstPage=True)

    glean.call("indexdocuments", datasource="docs", documents=[document("new")])
    glean.call("deletedocument", datasource="docs", objectType="page", id="a")
    assert set(glean.index()) == {*"bcdefgh", "new"}

    glean.page("two", isLastPage=True)
    assert set(glean.index()) == set("abcdefgh")


def test_indexing_adds_and_replaces_and_leaves_the_rest(glean: Glean) -> None:
    glean.upload("one", "a", "b")

    documents = [document("B", "changed"), document("c")]
    assert glean.call("indexdocuments", datasource="docs", documents=documents).content == b""

    assert glean.index() == {"a": "text", "B": "changed", "c": "text"}


def test_a_deletion_is_silent_about_what_is_not_there(glean: Glean) -> None:
    glean.upload("one", "a", "b")

    for identifier in ("A", "absent"):
        body = {"datasource": "docs", "objectType": "page", "id": identifier, "version": 3}
        assert glean.call("deletedocument", **body).status_code == 200

    assert set(glean.index()) == {"b"}


def test_a_deletion_needs_the_object_type_of_the_document(glean: Glean) -> None:
    types = [{"name": "page"}, {"name": "other"}]
    glean.call("adddatasource", **{**DATASOURCE, "objectDefinitions": types})
    glean.upload("one", "a")

    answer = glean.call("deletedocument", datasource="docs", objectType="other", id="a")
    assert answer.status_code == 200
    assert set(glean.index()) == {"a"}

    answer = glean.call("deletedocument", datasource="docs", objectType="unknown", id="a")
    assert_refused(answer, 400, "Object definitions not found for object types: unknown")


def test_the_status_has_the_documented_shape(glean: Glean) -> None:
    glean.upload("one", "a", "b")
    glean.page("two", "a", "c", isFirstPage=True)

    status = glean.call("debug/docs/status").json()

    assert set(status) == {"documents", "identity", "datasourceVisibility"}
    documents = status["documents"]
    two, one = documents["bulkUploadHistory"]
    assert two | {"startTime": ""} == {
        "uploadId": "two",
        "startTime": "",
        "endTime": "NA",
        "status": "ACTIVE",
        "processingState": "UPLOAD IN PROGRESS",
    }
    assert one["status"] == "SUCCESSFUL"
    assert one["startTime"] <= one["endTime"] <= two["startTime"]
    assert documents["counts"] == {
        "uploaded": [{"objectType": "page", "count": 3}],
        "indexed": [{"objectType": "page", "count": 2}],
    }
    (processed,) = documents["processingHistory"]
    assert processed["startTime"] <= processed["endTime"]
    component = {"bulkUploadHistory": [], "counts": {"uploaded": 0}}
    assert status["identity"] == {
        "processingHistory": [],
        **dict.fromkeys(("users", "groups", "memberships"), component),
    }


def test_a_reset_forgets_everything(glean: Glean) -> None:
    glean.upload("one", "a")

    assert glean.client.post("/control/reset").status_code == 204

    assert glean.index() == {}
    assert glean.client.get("/control/requests").json() == []
    assert_refused(glean.page("two", isFirstPage=True), 400, "Invalid datasource docs")
