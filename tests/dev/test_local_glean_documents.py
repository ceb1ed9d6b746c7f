"""What the local Glean has of single documents, in both readings of what Glean leaves open."""

from typing import Any

import httpx
import pytest

from tests.fakes.local_glean import assert_refused


API = "/api/index/v1"
FIRST, LAST, SINGLE = (
    {"isFirstPage": True, "forceRestartUpload": True},
    {"isLastPage": True},
    {"isFirstPage": True, "isLastPage": True},
)
EVERYBODY = {"allowAnonymousAccess": True}
ADA = {"allowedUsers": [{"email": "ada@docs.test"}]}
FIELDS = {"datasource": "docs", "objectType": "page", "id": "a"}


class Glean:
    """A local Glean with the datasource `docs`, whose users are named by their addresses."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.post(
            "adddatasource",
            name="docs",
            datasourceCategory="PUBLISHED_CONTENT",
            urlRegex=".*",
            isUserReferencedByEmail=True,
            objectDefinitions=[{"name": "page"}, {"name": "note"}],
        )

    def ask(self, path: str, body: object) -> httpx.Response:
        return self.client.post(f"{API}/{path}", json=body)

    def post(self, path: str, **fields: Any) -> httpx.Response:
        answer = self.ask(path, fields)
        assert answer.status_code == 200, answer.text
        return answer

    def read(self, **readings: bool) -> None:
        assert self.client.put("/control/readings", json=readings).status_code == 200

    def page(self, upload: str, *documents: dict[str, Any], **flags: bool) -> None:
        self.post(
            "bulkindexdocuments",
            uploadId=upload,
            datasource="docs",
            documents=documents,
            **flags,
        )

    def index(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The live documents, by type and id."""
        answer = self.client.get("/control/documents", params={"datasource": "docs"})
        documents = [httpx.Response(200, text=line).json() for line in answer.text.splitlines()]
        return {(one["document"]["objectType"], one["id"]): one["document"] for one in documents}

    def titles(self) -> dict[str, str]:
        return {name: document["title"] for (_, name), document in self.index().items()}

    def told(self, name: str = "a", object_type: str = "page") -> dict[str, Any]:
        body = {"docId": name, "objectType": object_type}
        told: dict[str, Any] = self.post("debug/docs/document", **body).json()
        return told


def document(name: str, title: str = "first", object_type: str = "page") -> dict[str, Any]:
    of = {"id": name, "datasource": "docs", "objectType": object_type}
    return {**of, "viewURL": "https://docs.test", "title": title, "permissions": EVERYBODY}


@pytest.fixture
def glean(empty_glean: httpx.Client) -> Glean:
    glean = Glean(empty_glean)
    glean.page("zero", document("a"), document("b"), **SINGLE)
    return glean


# Uploads that are not closed.


def test_an_upload_that_is_open_shows_nothing(glean: Glean) -> None:
    glean.page("one", document("A", "second"), document("new"), **FIRST)

    assert glean.titles() == {"a": "first", "b": "first"}


@pytest.mark.parametrize("end", ["expires", "is discarded"])
def test_or_it_shows_its_pages_at_once_and_they_stay_when_it_is_given_up(
    glean: Glean, end: str
) -> None:
    glean.read(shows_unclosed=True)
    glean.page("one", document("A", "second"), **FIRST)
    glean.page("one", document("new"))
    shown = {"A": "second", "b": "first", "new": "first"}
    assert glean.titles() == shown

    if end == "expires":
        glean.client.post("/control/expire", json={})
    else:
        glean.page("two", **FIRST)
    assert glean.titles() == shown

    glean.page("three", document("b"), **FIRST)
    glean.page("three", **LAST, disableStaleDocumentDeletionCheck=True)
    assert glean.titles() == {"b": "first"}


def test_what_a_discarded_upload_has_shown_is_not_in_the_next_one(glean: Glean) -> None:
    """It is stale there like anything else, and Glean's check counts it."""
    glean.read(shows_unclosed=True)
    glean.page("one", *(document(f"new {number}") for number in range(3)), **FIRST)
    glean.page("two", document("a"), document("b"), **FIRST)

    glean.page("two", **LAST)

    assert len(glean.titles()) == 5
    history = glean.post("debug/docs/status").json()["documents"]["bulkUploadHistory"]
    assert history[0]["processingState"] == "DELETION PAUSED"


# Single writes beside an upload.


SINGLES = {
    "indexdocuments": {"datasource": "docs", "documents": [document("a", "second")]},
    "deletedocument": FIELDS,
    "updatepermissions": {**FIELDS, "permissions": {"allowAllDatasourceUsersAccess": True}},
}


@pytest.mark.parametrize("endpoint", SINGLES)
def test_a_single_write_beside_an_open_upload_has_its_effect(glean: Glean, endpoint: str) -> None:
    before = glean.index()
    glean.page("one", **FIRST)

    assert glean.ask(endpoint, SINGLES[endpoint]).status_code == 200

    assert glean.index() != before


@pytest.mark.parametrize("endpoint", SINGLES)
def test_or_it_is_refused_until_the_upload_is_closed(glean: Glean, endpoint: str) -> None:
    glean.read(refuses_single_writes=True)
    before = glean.index()
    glean.page("one", **FIRST)

    assert_refused(glean.ask(endpoint, SINGLES[endpoint]), 409, "Upload one of datasource docs")
    assert glean.index() == before

    glean.page("one", document("a"), document("b"), **LAST)
    assert glean.ask(endpoint, SINGLES[endpoint]).status_code == 200


@pytest.mark.parametrize("endpoint", SINGLES)
def test_an_upload_that_expired_or_is_of_something_else_is_in_nobodys_way(
    glean: Glean, endpoint: str
) -> None:
    glean.read(refuses_single_writes=True)
    glean.page("one", **FIRST)
    glean.client.post("/control/expire", json={})
    glean.post("bulkindexusers", uploadId="users", datasource="docs", users=[], **FIRST)

    assert glean.ask(endpoint, SINGLES[endpoint]).status_code == 200


# What a document is known by.


def test_an_id_is_one_document_whatever_its_type_and_case(glean: Glean) -> None:
    glean.post("indexdocuments", datasource="docs", documents=[document("A", "second", "note")])

    assert set(glean.index()) == {("note", "A"), ("page", "b")}


def test_or_it_is_one_for_each_type(glean: Glean) -> None:
    glean.client.post("/control/reset")
    glean.read(keys_by_type=True)
    Glean(glean.client)
    glean.page("zero", document("a"), document("A", "second", "note"), **SINGLE)
    glean.post("indexdocuments", datasource="docs", documents=[document("A", "third")])

    assert glean.titles().keys() == {"A"}
    assert set(glean.index()) == {("page", "A"), ("note", "A")}

    glean.post("updatepermissions", **{**FIELDS, "objectType": "note"}, permissions={})
    assert glean.told("a", "page")["uploadedPermissions"] == EVERYBODY
    assert glean.told("a", "note")["uploadedPermissions"] == {}

    glean.post("deletedocument", **FIELDS)
    assert set(glean.index()) == {("note", "A")}

    glean.page("one", document("a"), **FIRST)
    glean.page("one", document("a", "last", "note"), **LAST, disableStaleDocumentDeletionCheck=True)
    assert set(glean.index()) == {("page", "a"), ("note", "a")}


# Permissions by themselves.


def test_permissions_are_replaced_and_nothing_else(glean: Glean) -> None:
    glean.post("indexuser", datasource="docs", user={"email": "ada@docs.test", "name": "Ada"})
    before = glean.index()

    assert glean.post("updatepermissions", **{**FIELDS, "id": "A"}, permissions=ADA).content == b""

    changed = {**before[("page", "a")], "permissions": ADA}
    assert glean.index() == {**before, ("page", "a"): changed}


def test_permissions_for_nobody_are_taken_and_counted(glean: Glean) -> None:
    glean.post("updatepermissions", **FIELDS, permissions={})

    assert glean.index()[("page", "a")]["permissions"] == {}
    assert "1 without permissions" in glean.client.get("/").text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"id": "absent"}, "Document absent not found"),
        ({"objectType": "note"}, "Document a not found"),
        ({"objectType": "unknown"}, "Object definitions not found for object types: unknown"),
        ({"id": ""}, "No value for required field id"),
        ({"id": None, "viewURL": "https://docs.test"}, "No value for required field id"),
        ({"datasource": "other"}, "Invalid datasource other"),
        ({"permissions": ADA}, "User ada@docs.test not found"),
        ({"permissions": {"allowedGroups": ["staff"]}}, "Group staff not found"),
        ({"permissions": {"everybody": True}}, "nknown field"),
        ({"documents": []}, "nknown field documents"),
    ],
)
def test_permissions_that_are_refused_change_nothing(
    glean: Glean, fields: dict[str, Any], text: str
) -> None:
    before = glean.index()
    body = {**FIELDS, "permissions": EVERYBODY, **fields}

    assert_refused(glean.ask("updatepermissions", body), 400, text)

    assert glean.index() == before


# What is told of a document.


def test_a_document_is_told_with_its_permissions_and_times(glean: Glean) -> None:
    told = glean.told("A")

    assert told["uploadedPermissions"] == EVERYBODY
    status = told["status"]
    assert status["lastUploadedAt"] <= status["lastIndexedAt"]
    assert status | {"lastUploadedAt": "", "lastIndexedAt": ""} == {
        "uploadStatus": "UPLOADED",
        "lastUploadedAt": "",
        "indexingStatus": "INDEXED",
        "lastIndexedAt": "",
        "permissionIdentityStatus": "UPLOADED",
    }


@pytest.mark.parametrize(("name", "object_type"), [("absent", "page"), ("a", "note")])
def test_of_one_that_is_not_there_nothing_is_told(
    glean: Glean, name: str, object_type: str
) -> None:
    nothing = {"uploadStatus": "NOT_UPLOADED", "indexingStatus": "NOT_INDEXED"}

    assert glean.told(name, object_type) == {"status": nothing}


def test_one_that_is_staged_is_uploaded_and_not_indexed(glean: Glean) -> None:
    shared = {"allowAllDatasourceUsersAccess": True}
    glean.page("one", {**document("a"), "permissions": shared}, document("new"), **FIRST)

    assert glean.told("new")["status"]["indexingStatus"] == "NOT_INDEXED"
    assert glean.told("a")["status"]["indexingStatus"] == "INDEXED"
    assert glean.told("a")["uploadedPermissions"] == shared


def test_one_without_permissions_is_told_without_them(glean: Glean) -> None:
    documents = [{**document("a"), "permissions": None}]
    glean.post("indexdocuments", datasource="docs", documents=documents)

    assert glean.told().keys() == {"status"}


def test_it_is_told_when_somebody_who_is_named_is_no_longer_there(glean: Glean) -> None:
    glean.post("indexuser", datasource="docs", user={"email": "ada@docs.test", "name": "Ada"})
    glean.post("updatepermissions", **FIELDS, permissions=ADA)
    assert glean.told()["status"]["permissionIdentityStatus"] == "UPLOADED"

    glean.post("deleteuser", datasource="docs", email="ada@docs.test")

    assert glean.told()["status"]["permissionIdentityStatus"] == "NOT_UPLOADED"


def test_many_are_told_together_in_the_order_of_the_question(glean: Glean) -> None:
    asked = [{"docId": name, "objectType": "page"} for name in ("b", "absent", "a")]

    told = glean.post("debug/docs/documents", debugDocuments=asked).json()

    assert told == {
        "documentStatuses": [
            {"docId": name, "objectType": "page", "debugInfo": glean.told(name)}
            for name in ("b", "absent", "a")
        ]
    }


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("debug/other/document", {"docId": "a", "objectType": "page"}, "Invalid datasource other"),
        ("debug/docs/document", {"docId": "a"}, "objectType"),
        ("debug/docs/documents", {"documents": []}, "debugDocuments"),
        (
            "debug/docs/documents",
            {"debugDocuments": [{"docId": "a", "objectType": "page"}] * 1_001},
            "at most 1000",
        ),
    ],
)
def test_a_question_that_is_none_is_refused(
    glean: Glean, path: str, body: dict[str, Any], text: str
) -> None:
    assert_refused(glean.ask(path, body), 400, text)
