"""The simulated Glean itself, in both readings of what Glean leaves open of documents."""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from dev.local_glean.readings import Readings
from tests.simulation.clock import Clock
from tests.simulation.connector import DATASOURCE, GLEAN_TOKEN, LIMITS, SOURCE_HOST
from tests.simulation.glean import ROOT, Glean
from tests.simulation.index import EVERYBODY, SharedWith


FIRST, LAST = {"isFirstPage": True, "forceRestartUpload": True}, {"isLastPage": True}
UNCHECKED = {"disableStaleDocumentDeletionCheck": True}
OLD = {"a": "old", "b": "old"}


def a_glean(index: Mapping[str, str] = OLD, **readings: bool) -> Glean:
    glean = Glean(replace(LIMITS, batch_documents_max=100), Clock(), Readings(**readings))
    glean.index = index
    return glean


def post(glean: Glean, path: str, **fields: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {GLEAN_TOKEN}"}
    body = fields if path.startswith("debug") else {"datasource": DATASOURCE, **fields}
    request = httpx.Request("POST", f"https://glean{ROOT}/{path}", headers=headers, json=body)
    return glean.answer(request)


def document(name: str, object_type: str = "Note", **permissions: Any) -> dict[str, Any]:
    return {
        "datasource": DATASOURCE,
        "id": name,
        "viewURL": f"https://{SOURCE_HOST}/notes/{name}",
        "objectType": object_type,
        "permissions": permissions or {"allowAnonymousAccess": True},
        "title": "new",
        "updatedAt": 1,
    }


def page(glean: Glean, upload: str, *documents: dict[str, Any], **flags: bool) -> int:
    fields = {"uploadId": upload, "documents": documents, **flags}
    return post(glean, "bulkindexdocuments", **fields).status_code


def single(glean: Glean, path: str, object_type: str = "Note", **fields: Any) -> int:
    return post(glean, path, objectType=object_type, **{"id": "a", **fields}).status_code


def told(glean: Glean, *ids: str) -> list[dict[str, Any]]:
    asked = [{"docId": name, "objectType": "Note"} for name in ids]
    answer = post(glean, f"debug/{DATASOURCE}/documents", debugDocuments=asked)
    return [one["debugInfo"] for one in msgspec.json.decode(answer.content)["documentStatuses"]]


def states(glean: Glean) -> set[str]:
    status = msgspec.json.decode(post(glean, f"debug/{DATASOURCE}/status").content)
    return {one["processingState"] for one in status["documents"]["bulkUploadHistory"]}


@pytest.mark.parametrize("shows", [False, True])
def test_an_upload_is_shown_at_its_close_or_page_by_page(shows: bool) -> None:  # noqa: FBT001 - a side of the switch
    glean = a_glean(shows_unclosed=shows)
    assert page(glean, "one", document("A"), document("c"), **FIRST) == 200
    glean.expire()

    assert glean.index == ({"A": "new", "b": "old", "c": "new"} if shows else OLD)

    page(glean, "two", document("b"), **FIRST, **LAST)
    assert glean.index == {"b": "new"}


@pytest.mark.parametrize("refuses", [False, True])
def test_single_writes_beside_an_upload_are_taken_or_refused(refuses: bool) -> None:  # noqa: FBT001 - a side of the switch
    glean = a_glean(refuses_single_writes=refuses)
    page(glean, "one", **FIRST)

    statuses = {
        post(glean, "indexdocuments", documents=[document("c")]).status_code,
        single(glean, "updatepermissions", permissions={}),
        single(glean, "deletedocument"),
    }
    assert statuses == {409 if refuses else 200}
    assert glean.index == (OLD if refuses else {"b": "old", "c": "new"})

    page(glean, "one", document("a"), **LAST)
    assert single(glean, "deletedocument") == 200


@pytest.mark.parametrize("by_type", [False, True])
def test_an_id_is_one_document_or_one_of_each_type(by_type: bool) -> None:  # noqa: FBT001 - a side of the switch
    glean = a_glean(keys_by_type=by_type)

    post(glean, "indexdocuments", documents=[document("A", "Memo")])

    both = {("Note", "a"), ("Note", "b"), ("Memo", "A")}
    assert glean.found.documents.keys() == (both if by_type else both - {("Note", "a")})

    assert single(glean, "deletedocument") == 200
    assert glean.found.documents.keys() == {("Note", "b"), ("Memo", "A")}


def test_a_close_that_would_delete_much_waits_for_somebody() -> None:
    glean = a_glean({str(number): "old" for number in range(10)})
    glean.deletion_share_max = 0.2
    kept = [document(str(number)) for number in range(7)]

    page(glean, "one", *kept, **FIRST, **LAST)
    assert (len(glean.index), states(glean)) == (10, {"DELETION PAUSED"})

    post(glean, "indexdocuments", documents=[document("9")])
    assert post(glean, "processalldocuments").status_code == 200
    assert glean.index.keys() == {*map(str, range(7)), "9"}
    assert states(glean) == {"INDEXING COMPLETED"}


@pytest.mark.parametrize(("share_max", "flags"), [(0.2, UNCHECKED), (0.3, {}), (None, {})])
def test_unless_it_may_or_the_check_is_switched_off(
    share_max: float | None, flags: dict[str, bool]
) -> None:
    glean = a_glean({str(number): "old" for number in range(10)})
    glean.deletion_share_max = share_max

    page(glean, "one", *(document(str(number)) for number in range(7)), **FIRST, **LAST, **flags)

    assert (len(glean.index), states(glean)) == (7, {"INDEXING COMPLETED"})


def test_only_a_last_page_may_switch_the_check_off() -> None:
    assert page(a_glean(), "one", **FIRST, **UNCHECKED) == 400


def test_permissions_are_kept_and_told() -> None:
    glean = a_glean()
    glean.people.users, glean.people.groups = {"ada@notes.example"}, {"staff", "admins"}
    shared = {
        "allowedUsers": [{"email": "ada@notes.example"}],
        "allowedGroupIntersections": [{"requiredGroups": ["staff", "admins"]}],
    }

    assert single(glean, "updatepermissions", permissions=shared) == 200
    post(glean, "indexdocuments", documents=[document("c", allowedGroups=["staff"])])

    documents = glean.found.documents
    assert documents["Note", "a"].permissions.users == {"ada@notes.example"}
    assert documents["Note", "b"].permissions == EVERYBODY
    assert documents["Note", "c"].permissions == SharedWith(allowed_groups=["staff"])
    a, c, absent = told(glean, "A", "c", "absent")
    assert (a["uploadedPermissions"], c["uploadedPermissions"]) == (
        {**shared, "allowAnonymousAccess": True},  # of which nothing was said
        {"allowedGroups": ["staff"]},
    )
    assert absent["status"]["uploadStatus"] == "NOT_UPLOADED"
    assert glean.index["a"] == "old"


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "absent"},
        {"object_type": "Memo"},
        {"permissions": {"allowedUsers": [{"email": "eve@notes.example"}]}},
        {"permissions": {"allowedGroups": ["unknown"]}},
        {"permissions": {"allowedGroupIntersections": [{"requiredGroups": ["unknown"]}]}},
        {"permissions": {"everybody": True}},
    ],
)
def test_permissions_that_are_refused_change_nothing(fields: dict[str, Any]) -> None:
    glean = a_glean()
    before = glean.found.documents

    assert single(glean, "updatepermissions", **{"permissions": {}, **fields}) == 400

    assert glean.found.documents == before
