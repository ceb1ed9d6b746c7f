"""Both readings of what Glean leaves open, and uploads that expire, at the local Glean."""

import json
import os
import subprocess
import sys
from typing import Any

import httpx
import msgspec
import pytest

from dev.local_glean.readings import OF_DOCUMENTS, OF_UPLOADS, Readings, every
from dev.service import Service
from tests.fakes.local_glean import serving_glean


API = "/api/index/v1"
FORCED = {"isFirstPage": True, "forceRestartUpload": True}
SINGLE = {"isFirstPage": True, "isLastPage": True}
MIDDLE: dict[str, bool] = {}
LAST = {"isLastPage": True}
ENDS = ("finished", "discarded", "expired")


class Glean:
    """A local Glean with the datasource `docs`."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.add_datasource("docs")

    def add_datasource(self, name: str) -> None:
        config = {"name": name, "datasourceCategory": "PUBLISHED_CONTENT", "urlRegex": ".*"}
        body = {**config, "objectDefinitions": [{"name": "page"}]}
        assert self.client.post(f"{API}/adddatasource", json=body).status_code == 200

    def page(self, upload: str, *ids: str, **fields: Any) -> int:
        """Send a page of a bulk upload; `text` is the content of its documents."""
        datasource, text = fields.pop("datasource", "docs"), fields.pop("text", "text")
        documents = [document(identifier, text, datasource) for identifier in ids]
        body = {"uploadId": upload, "datasource": datasource, "documents": documents, **fields}
        return self.client.post(f"{API}/bulkindexdocuments", json=body).status_code

    def read(self, **readings: bool) -> None:
        assert self.client.put("/control/readings", json=readings).status_code == 200

    def readings(self) -> Readings:
        return msgspec.json.decode(self.client.get("/control/readings").content, type=Readings)

    def expire(self, **body: str) -> list[str]:
        answer = self.client.post("/control/expire", json=body)
        assert answer.status_code == 200, answer.text
        ids: list[str] = answer.json()
        return ids

    def index(self, datasource: str = "docs") -> dict[str, str]:
        """The live documents: text by id."""
        answer = self.client.get("/control/documents", params={"datasource": datasource})
        lines = map(json.loads, answer.text.splitlines())
        return {line["id"]: line["document"]["body"]["textContent"] for line in lines}

    def history(self) -> dict[str, tuple[str, str, str]]:
        """Status, processing state and end, by upload."""
        uploads = self._status()["bulkUploadHistory"]
        fields = ("status", "processingState", "endTime")
        return {upload["uploadId"]: tuple(upload[field] for field in fields) for upload in uploads}

    def uploaded_count(self) -> int:
        """Of the documents that are live or staged."""
        return sum(entry["count"] for entry in self._status()["counts"]["uploaded"])

    def state(self) -> tuple[Any, ...]:
        """All that a page could have had an effect on, as far as it can be seen from outside."""
        return self._status(), self.index()

    def _status(self) -> dict[str, Any]:
        documents: dict[str, Any] = self.client.post(f"{API}/debug/docs/status").json()["documents"]
        return documents


def document(identifier: str, text: str, datasource: str) -> dict[str, Any]:
    return {
        "id": identifier,
        "datasource": datasource,
        "objectType": "page",
        "viewURL": f"https://docs.test/{identifier}",
        "body": {"mimeType": "text/plain", "textContent": text},
    }


def ended(glean: Glean, end: str) -> None:
    """An upload `old` that came to this end. The document `live` is in the index."""
    assert glean.page("first", "live", **SINGLE) == 200
    if end == "finished":
        assert glean.page("old", "live", **SINGLE) == 200
        return
    assert glean.page("old", "staged", isFirstPage=True) == 200
    if end == "expired":
        assert glean.expire() == ["old"]
        return
    assert glean.page("other", **FORCED) == 200
    assert glean.page("other", "live", **LAST) == 200


@pytest.fixture
def glean(empty_glean: httpx.Client) -> Glean:
    return Glean(empty_glean)


# The switches.


@pytest.mark.parametrize("end", ENDS)
def test_an_id_that_was_used_is_refused_even_if_forced(glean: Glean, end: str) -> None:
    ended(glean, end)
    glean.page("open", "staged", isFirstPage=True)
    before = glean.state()

    assert glean.page("old", "new", **FORCED) == 409

    assert glean.state() == before
    assert glean.page("open", "live", **LAST) == 200
    assert set(glean.index()) == {"live", "staged"}


@pytest.mark.parametrize("end", ENDS)
def test_or_a_forced_first_page_opens_it_anew(glean: Glean, end: str) -> None:
    glean.read(refuses_repeated_first=False)
    ended(glean, end)

    assert glean.page("old", "live", "new", **FORCED) == 200

    assert glean.history()["old"] == ("ACTIVE", "UPLOAD IN PROGRESS", "NA")
    assert set(glean.index()) == {"live"}
    assert glean.page("old", **LAST) == 200
    assert set(glean.index()) == {"live", "new"}
    assert glean.history()["old"][:2] == ("SUCCESSFUL", "INDEXING COMPLETED")


def test_an_id_that_is_opened_anew_discards_the_open_upload(glean: Glean) -> None:
    glean.read(refuses_repeated_first=False)
    ended(glean, "finished")
    glean.page("open", "staged", isFirstPage=True)

    assert glean.page("old", "new", **FORCED) == 200

    assert glean.page("open", **LAST) == 409
    assert glean.page("old", "live", **LAST) == 200
    assert set(glean.index()) == {"live", "new"}


def test_two_uploads_may_then_discard_each_other_in_turn(glean: Glean) -> None:
    glean.read(refuses_repeated_first=False)

    for upload, identifier in (("one", "a"), ("two", "b"), ("one", "c"), ("one", "d")):
        assert glean.page(upload, identifier, **FORCED) == 200

    assert set(glean.history()) == {"one"}
    assert glean.page("one", **LAST) == 200
    assert set(glean.index()) == {"d"}


@pytest.mark.parametrize("refuses", [True, False])
def test_an_unforced_first_page_is_refused_under_both(glean: Glean, refuses: bool) -> None:  # noqa: FBT001 - a side of the switch
    glean.read(refuses_repeated_first=refuses)
    ended(glean, "finished")
    assert glean.page("old", isFirstPage=True) == 409

    glean.page("open", "new", isFirstPage=True)
    assert glean.page("old", isFirstPage=True) == 409
    assert glean.page("open", isFirstPage=True) == 409
    assert glean.page("unused", isFirstPage=True) == 409

    assert glean.page("open", "live", **LAST) == 200
    assert set(glean.index()) == {"live", "new"}


@pytest.mark.parametrize("refuses", [True, False])
def test_the_open_upload_is_restarted_under_both(glean: Glean, refuses: bool) -> None:  # noqa: FBT001 - a side of the switch
    glean.read(refuses_repeated_first=refuses)
    glean.page("one", "a", isFirstPage=True)

    assert glean.page("one", "b", **FORCED) == 200

    assert glean.uploaded_count() == 1
    glean.page("one", **LAST)
    assert set(glean.index()) == {"b"}


def test_a_document_that_is_staged_already_is_replaced(glean: Glean) -> None:
    glean.page("one", "a", isFirstPage=True)

    assert glean.page("one", "A", "b", text="changed") == 200

    glean.page("one", **LAST)
    assert glean.index() == {"A": "changed", "b": "changed"}


@pytest.mark.parametrize("place", ["first", "middle"])
def test_or_the_middle_page_that_repeats_it_is_refused_as_a_whole(glean: Glean, place: str) -> None:
    glean.read(refuses_repeated_middle=True)
    glean.page("one", *("a" if place == "first" else ""), isFirstPage=True)
    glean.page("one", *("a" if place == "middle" else ""), "b")

    assert glean.page("one", "c", "A", text="changed") == 409

    assert glean.uploaded_count() == 2
    assert glean.page("one", "c") == 200
    assert glean.page("one", **LAST) == 200
    assert glean.index() == dict.fromkeys("abc", "text")


def test_a_repetition_counts_only_within_a_middle_page_of_the_same_upload(glean: Glean) -> None:
    glean.read(refuses_repeated_middle=True)
    glean.add_datasource("other")
    glean.page("one", "a", isFirstPage=True, datasource="other")
    glean.page("live", "a", **SINGLE)
    glean.page("discarded", "a", isFirstPage=True)
    glean.page("one", **FORCED)

    assert glean.page("one", "a") == 200
    assert glean.page("one", "b", "B") == 200
    assert glean.page("one", "a", text="last", isLastPage=True) == 200

    assert glean.index() == {"a": "last", "B": "text"}


def test_a_last_page_without_documents_closes(glean: Glean) -> None:
    glean.page("one", "a", isFirstPage=True)

    assert glean.page("one", **LAST) == 200

    assert set(glean.index()) == {"a"}


def test_or_it_is_refused_and_the_upload_stays_open(glean: Glean) -> None:
    glean.read(refuses_empty_last=True)
    glean.page("one", "a", isFirstPage=True)
    before = glean.state()

    assert glean.page("one", **LAST) == 400

    assert glean.state() == before
    assert glean.page("one", "b", **LAST) == 200
    assert set(glean.index()) == {"a", "b"}


def test_an_upload_of_one_empty_page_deletes_everything_all_the_same(glean: Glean) -> None:
    glean.read(refuses_empty_last=True)
    glean.page("one", "a", **SINGLE)

    assert glean.page("two", **SINGLE, disableStaleDocumentDeletionCheck=True) == 200

    assert glean.index() == {}


LATE = [
    ("refuses_repeated_last", "finished", LAST),
    ("refuses_finished", "finished", MIDDLE),
    ("refuses_discarded", "discarded", MIDDLE),
    ("refuses_discarded", "discarded", LAST),
    ("refuses_expired", "expired", MIDDLE),
    ("refuses_expired", "expired", LAST),
]


@pytest.mark.parametrize(("switch", "end", "flags"), LATE)
def test_a_late_page_has_no_effect_and_one_switch_decides_whether_it_is_told(
    glean: Glean, switch: str, end: str, flags: dict[str, bool]
) -> None:
    ended(glean, end)
    before = glean.state()

    for refuses in (True, False):
        # Whatever the others say: each of them decides on its own case.
        for others in (True, False):
            late = {name: others for name, _, _ in LATE}
            glean.read(**{**late, switch: refuses})
            assert glean.page("old", "live", "late", **flags) == (409 if refuses else 200)
            assert glean.state() == before

    glean.page("next", "live", "new", isFirstPage=True)
    assert glean.page("old", "late", **flags) == 200
    assert glean.uploaded_count() == 2
    assert glean.page("next", **LAST) == 200
    assert set(glean.index()) == {"live", "new"}


def test_a_repeated_close_does_not_delete_what_came_after_it(glean: Glean) -> None:
    glean.read(refuses_repeated_last=False)
    glean.page("one", *"abc", **SINGLE)
    body = {"datasource": "docs", "documents": [document("new", "text", "docs")]}
    glean.client.post(f"{API}/indexdocuments", json=body)

    assert glean.page("one", **LAST, disableStaleDocumentDeletionCheck=True) == 200

    assert set(glean.index()) == {*"abc", "new"}


def test_an_upload_that_was_never_opened_is_refused_under_every_reading(glean: Glean) -> None:
    for readings in every():
        glean.read(**msgspec.structs.asdict(readings))
        assert glean.page("absent", "a") == 409
        assert glean.page("absent", "a", **LAST) == 409

    assert glean.history() == {}


def test_a_discarded_upload_is_not_listed(glean: Glean) -> None:
    glean.page("old", "a", isFirstPage=True)
    glean.page("new", **FORCED)

    assert glean.history() == {"new": ("ACTIVE", "UPLOAD STARTED", "NA")}


def test_or_it_is_listed_as_if_it_were_open(glean: Glean) -> None:
    glean.page("empty", isFirstPage=True)
    glean.page("old", "a", **FORCED)
    glean.page("new", "b", **FORCED, isLastPage=True)

    glean.read(lists_discarded=True)

    history = glean.history()
    assert history.pop("new")[:2] == ("SUCCESSFUL", "INDEXING COMPLETED")
    assert history == {
        "empty": ("ACTIVE", "UPLOAD STARTED", "NA"),
        "old": ("ACTIVE", "UPLOAD IN PROGRESS", "NA"),
    }
    assert glean.uploaded_count() == 1
    assert glean.client.get("/").text.count("<td>open</td>") == 2


# Expiry.


def test_an_upload_that_expires_leaves_the_index_and_nothing_else(glean: Glean) -> None:
    glean.page("one", "a", **SINGLE)
    glean.page("two", "a", "b", text="changed", isFirstPage=True)

    assert glean.expire() == ["two"]

    assert glean.index() == {"a": "text"}
    assert glean.uploaded_count() == 1
    assert glean.page("two", **LAST) == 409
    assert glean.expire() == []


def test_the_next_upload_need_not_be_forced_after_an_expiry(glean: Glean) -> None:
    glean.page("one", "a", isFirstPage=True)
    glean.expire()

    assert glean.page("two", "b", isFirstPage=True) == 200
    assert glean.page("two", **LAST) == 200

    assert set(glean.index()) == {"b"}


@pytest.mark.parametrize("lists", [True, False])
def test_an_expired_upload_is_never_listed(glean: Glean, lists: bool) -> None:  # noqa: FBT001 - a side of the switch
    glean.read(lists_discarded=lists)
    glean.page("one", "a", isFirstPage=True)

    glean.expire()

    assert glean.history() == {}


def test_an_upload_expires_in_one_datasource_or_in_all(glean: Glean) -> None:
    glean.add_datasource("other")
    for datasource in ("docs", "other"):
        glean.page("same", "a", isFirstPage=True, datasource=datasource)

    assert glean.expire(datasource="docs") == ["same"]

    assert glean.page("same", "b") == 409
    assert glean.page("same", "b", datasource="other") == 200
    glean.page("new", isFirstPage=True)
    assert glean.expire() == ["same", "new"]
    assert glean.page("same", datasource="other", **LAST) == 409
    assert glean.index("other") == {}


def test_an_expiry_without_a_body_is_one_of_all(glean: Glean) -> None:
    glean.page("one", "a", isFirstPage=True)

    assert glean.client.post("/control/expire").json() == ["one"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"datasource": "absent"}', "no datasource absent"),
        ('{"datasource": 1}', "Expected `str | null`"),
        ('{"source": "docs"}', "unknown field `source`"),
        ("[]", "Expected `object`"),
        ("{", "truncated"),
    ],
)
def test_a_bad_expiry_is_refused_and_expires_nothing(glean: Glean, body: str, text: str) -> None:
    glean.page("one", "a", isFirstPage=True)

    answer = glean.client.post("/control/expire", content=body)

    assert (answer.status_code, text in answer.text) == (400, True), answer.text
    assert glean.expire() == ["one"]


# The readings themselves.


def test_every_combination_comes_once_and_the_defaults_first() -> None:
    combinations = list(every())

    assert combinations[0] == Readings()
    assert len(combinations) == len(set(combinations)) == 2**8
    assert Readings(**dict.fromkeys(OF_UPLOADS, True)) in combinations


def test_the_readings_of_documents_are_combined_by_themselves() -> None:
    combinations = set(every(names=OF_DOCUMENTS))

    assert len(combinations) == 2**3
    assert combinations & set(every()) == {Readings()}
    assert {*OF_DOCUMENTS, *OF_UPLOADS} == {*Readings.__struct_fields__}


def test_those_near_the_defaults_differ_in_no_more_switches_than_asked_for() -> None:
    near = list(every(2))

    assert near[0] == Readings()
    assert len(set(near)) == len(near) == 1 + 8 + 8 * 7 // 2


def test_the_readings_in_force_are_shown_whole(glean: Glean) -> None:
    assert glean.client.get("/control/readings").json() == {
        "refuses_repeated_first": True,
        "refuses_repeated_middle": False,
        "refuses_empty_last": False,
        "refuses_repeated_last": True,
        "refuses_finished": True,
        "refuses_discarded": True,
        "refuses_expired": True,
        "lists_discarded": False,
        "shows_unclosed": False,
        "refuses_single_writes": False,
        "keys_by_type": False,
    }


def test_what_is_left_out_has_its_default_again(glean: Glean) -> None:
    glean.read(refuses_finished=False, lists_discarded=True)
    answer = glean.client.put("/control/readings", json={"refuses_expired": False})

    assert answer.json() == glean.client.get("/control/readings").json()
    assert glean.readings() == Readings(refuses_expired=False)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"refuses_all": true}', "unknown field `refuses_all`"),
        (b'{"refuses_expired": 0}', "Expected `bool`, got `int`"),
        (b'{"refuses_expired": null}', "Expected `bool`, got `null`"),
        (b'["refuses_expired"]', "Expected `object`"),
        (b"", "truncated"),
        (b"strict", "malformed"),
        (b'{"\xff": true}', "not readings"),
    ],
)
def test_bad_readings_are_refused_and_change_nothing(glean: Glean, body: bytes, text: str) -> None:
    glean.read(refuses_finished=False)

    answer = glean.client.put("/control/readings", content=body)

    assert (answer.status_code, text in answer.text) == (400, True), answer.text
    assert "refuses_repeated_first, " in answer.text
    assert glean.readings() == Readings(refuses_finished=False)


def test_a_reset_brings_back_the_readings_of_the_start() -> None:
    started = Readings(refuses_discarded=False)
    with serving_glean(readings=started) as client:
        glean = Glean(client)
        assert glean.readings() == started
        glean.read(refuses_finished=False)

        client.post("/control/reset")

        assert glean.readings() == started


def test_the_command_line_takes_readings() -> None:
    arguments = ("--readings", '{"refuses_expired": false}', "--token-env", "TEST_TOKEN")
    with Service("dev.local_glean", arguments, {"TEST_TOKEN": "token"}) as service:
        answer = httpx.get(f"{service.url}/control/readings")

    readings = msgspec.json.decode(answer.content, type=Readings)
    assert readings == Readings(refuses_expired=False)


def test_the_command_line_refuses_bad_readings() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "dev.local_glean", "--readings", '{"refuses_all": true}'],
        env={**os.environ, "GLEAN_INDEXING_API_TOKEN": "token"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert run.returncode == 2
    assert "--readings: not readings: Object contains unknown field `refuses_all`" in run.stderr
