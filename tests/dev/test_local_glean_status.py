"""What the local Glean tells of a datasource after a close, and how often it processes."""

from typing import Any

import httpx
import pytest

from dev.local_glean.clock import PROCESSING_MS_MIN


API = "/api/index/v1"
CONFIG = {"datasourceCategory": "PUBLISHED_CONTENT", "urlRegex": ".*"}
FOR_ALL: dict[str, str] = {}
FOR_DOCS, FOR_OTHER = {"datasource": "docs"}, {"datasource": "other"}
HOUR_MS = 60 * 60 * 1000


class Glean:
    """A local Glean with the datasources `docs` and `other`."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        for name in ("docs", "other"):
            self.add_datasource(name)

    def add_datasource(self, name: str, **fields: Any) -> None:
        types = [{"name": "page"}, {"name": "note"}]
        body = {"name": name, "objectDefinitions": types, **CONFIG, **fields}
        assert self.client.post(f"{API}/adddatasource", json=body).status_code == 200

    def index(self, **counts: int) -> None:
        """So many documents of each object type."""
        documents = [
            {"id": f"{kind}{number}", "datasource": "docs", "objectType": kind, "viewURL": "x"}
            for kind, count in counts.items()
            for number in range(count)
        ]
        body = {"datasource": "docs", "documents": documents}
        assert self.client.post(f"{API}/indexdocuments", json=body).status_code == 200

    def status(self, datasource: str = "docs") -> dict[str, Any]:
        status: dict[str, Any] = self.client.post(f"{API}/debug/{datasource}/status").json()
        return status

    def counts(self, of: str = "indexed") -> dict[str, int]:
        counts = self.status()["documents"]["counts"][of]
        return {entry["objectType"]: entry["count"] for entry in counts}

    def miscount(self, **fields: Any) -> Any:
        answer = self.client.post("/control/counts", json={"datasource": "docs", **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def limit(self, *, processing: bool = True) -> None:
        answer = self.client.put("/control/limits", json={"processing": processing})
        assert answer.json() == {"processing": processing}

    def advance(self, ms: int) -> int:
        now_ms: int = self.client.post("/control/clock", json={"ms": ms}).json()["now_ms"]
        return now_ms

    def process(self, body: dict[str, str]) -> int:
        return self.client.post(f"{API}/processalldocuments", json=body).status_code

    def process_people(self) -> int:
        return self.client.post(f"{API}/processallemployeesandteams").status_code


@pytest.fixture
def glean(empty_glean: httpx.Client) -> Glean:
    return Glean(empty_glean)


# Counts.


def test_both_counts_are_right_unless_they_are_asked_not_to_be(glean: Glean) -> None:
    glean.index(page=3, note=1)

    assert glean.counts("indexed") == glean.counts("uploaded") == {"note": 1, "page": 3}


def test_a_count_can_be_late_by_some_answers(glean: Glean) -> None:
    glean.index(page=3)

    glean.miscount(by=-2, answers=2)

    assert [glean.counts() for _ in range(3)] == [{"page": 1}, {"page": 1}, {"page": 3}]
    assert glean.client.get("/control/counts").json() == []


def test_a_count_can_be_wrong_until_that_is_forgotten(glean: Glean) -> None:
    glean.index(page=3)
    glean.miscount(by=1)

    assert [glean.counts()["page"] for _ in range(5)] == [4] * 5
    assert glean.counts("uploaded") == {"page": 3}

    assert glean.client.delete("/control/counts").json() == []
    assert glean.counts() == {"page": 3}


def test_a_wrong_count_goes_with_what_is_indexed(glean: Glean) -> None:
    glean.miscount(by=-1)
    assert glean.counts() == {}

    for count in (1, 2, 3):
        glean.index(page=count)
        assert glean.counts() == ({"page": count - 1} if count > 1 else {})


def test_the_other_count_can_be_wrong_as_well(glean: Glean) -> None:
    glean.index(page=3)

    glean.miscount(of="uploaded", by=-3)
    glean.miscount(of="indexed", by=-1, answers=1)

    counts = glean.status()["documents"]["counts"]
    assert counts == {"uploaded": [], "indexed": [{"objectType": "page", "count": 2}]}
    assert (glean.counts("indexed"), glean.counts("uploaded")) == ({"page": 3}, {})


def test_a_count_is_wrong_for_one_object_type(glean: Glean) -> None:
    glean.index(page=3, note=2)

    glean.miscount(object_type="page", by=-1)
    assert glean.counts() == {"note": 2, "page": 2}

    glean.miscount(object_type="blog", by=1)
    assert glean.counts() == {"blog": 1, "note": 2, "page": 3}


def test_a_count_is_wrong_in_one_datasource(glean: Glean) -> None:
    glean.index(page=3)

    glean.miscount(datasource="other", by=5, answers=1)

    assert glean.counts() == {"page": 3}
    (count,) = glean.status("other")["documents"]["counts"]["indexed"]
    assert count["count"] == 5


def test_a_miscount_takes_the_place_of_the_one_before(glean: Glean) -> None:
    glean.miscount(by=-1, answers=3)

    assert glean.miscount(by=2) == [
        {"datasource": "docs", "by": 2, "of": "indexed", "object_type": None, "answers": None}
    ]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "missing required field `by`"),
        ({"by": 1, "answers": 0}, "answers must be positive"),
        ({"by": 1, "of": "all"}, "not a miscount"),
        ({"by": 1, "times": 2}, "unknown field `times`"),
        ({"by": 1, "datasource": "absent"}, "there is no datasource absent"),
    ],
)
def test_a_miscount_that_means_nothing_is_refused(
    glean: Glean, fields: dict[str, Any], text: str
) -> None:
    answer = glean.client.post("/control/counts", json={"datasource": "docs", **fields})

    assert (answer.status_code, text in answer.text) == (400, True), answer.text
    assert glean.client.get("/control/counts").json() == []


def test_a_test_datasource_is_visible_to_its_testers(glean: Glean) -> None:
    assert glean.status()["datasourceVisibility"] == "ENABLED_FOR_ALL"

    glean.add_datasource("docs", isTestDatasource=True)

    assert glean.status()["datasourceVisibility"] == "ENABLED_FOR_TEST_GROUP"


# The limit on processing.


def test_processing_is_not_limited_unless_that_is_asked_for(glean: Glean) -> None:
    assert [glean.process(FOR_DOCS) for _ in range(3)] == [200] * 3


def test_a_datasource_is_processed_once_in_three_hours(glean: Glean) -> None:
    glean.limit()
    assert [glean.process(FOR_DOCS), glean.process(FOR_DOCS)] == [200, 429]

    glean.advance(PROCESSING_MS_MIN - HOUR_MS // 60)
    assert glean.process(FOR_DOCS) == 429

    glean.advance(HOUR_MS // 60)
    assert [glean.process(FOR_DOCS), glean.process(FOR_DOCS)] == [200, 429]
    assert PROCESSING_MS_MIN == 3 * HOUR_MS


def test_a_refused_processing_has_no_effect(glean: Glean) -> None:
    glean.limit()
    glean.process(FOR_DOCS)
    before = glean.status()

    answer = glean.client.post(f"{API}/processalldocuments", json=FOR_DOCS)

    assert (answer.status_code, answer.text) == (429, "docs can be processed once in 3 hours")
    assert glean.status() == before
    glean.advance(PROCESSING_MS_MIN)
    assert glean.process(FOR_DOCS) == 200  # the refused one was not counted


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        (FOR_DOCS, FOR_OTHER, 200),
        (FOR_DOCS, FOR_ALL, 200),
        (FOR_ALL, FOR_DOCS, 429),
        (FOR_ALL, FOR_ALL, 429),
    ],
)
def test_all_hold_up_one_and_one_holds_up_itself(
    glean: Glean, first: dict[str, str], second: dict[str, str], status: int
) -> None:
    glean.limit()
    glean.process(first)

    assert glean.process(second) == status


def test_employees_and_teams_have_a_limit_of_their_own(glean: Glean) -> None:
    glean.limit()
    glean.process(FOR_ALL)

    assert [glean.process_people(), glean.process_people()] == [200, 429]
    glean.advance(PROCESSING_MS_MIN)
    assert [glean.process_people(), glean.process(FOR_ALL)] == [200, 200]


def test_the_calls_can_be_forgotten(glean: Glean) -> None:
    glean.limit()
    glean.process(FOR_DOCS)

    glean.limit()
    assert [glean.process(FOR_DOCS), glean.process(FOR_DOCS)] == [200, 429]

    glean.limit(processing=False)
    assert [glean.process(FOR_DOCS), glean.process(FOR_DOCS)] == [200, 200]


def test_times_are_those_of_the_clock(glean: Glean) -> None:
    glean.process(FOR_DOCS)
    before = glean.advance(0)

    assert glean.advance(48 * HOUR_MS) - before >= 48 * HOUR_MS
    glean.process(FOR_DOCS)

    second, first = glean.status()["documents"]["processingHistory"]
    assert first["endTime"][:10] < second["startTime"][:10]


def test_a_reset_forgets_the_clock_the_limit_and_the_counts(glean: Glean) -> None:
    now_ms = glean.advance(0)
    glean.advance(100 * HOUR_MS)
    glean.limit()
    glean.process(FOR_ALL)
    glean.miscount(by=1)

    glean.client.post("/control/reset")

    again = Glean(glean.client)
    assert again.advance(0) - now_ms < HOUR_MS
    assert [again.process(FOR_ALL), again.process(FOR_ALL)] == [200, 200]
    assert again.counts() == {}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "limits", "{}"),
        ("PUT", "limits", '{"processing": 1}'),
        ("PUT", "limits", '{"processing": true, "documents": true}'),
        ("POST", "clock", "{}"),
        ("POST", "clock", '{"ms": "1"}'),
        ("POST", "clock", ""),
    ],
)
def test_a_bad_command_is_refused_and_says_why(
    glean: Glean, method: str, path: str, body: str
) -> None:
    answer = glean.client.request(method, f"/control/{path}", content=body)

    assert answer.status_code == 400
    assert answer.text.startswith("not ")
