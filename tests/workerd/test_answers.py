"""Answers that are no usual pages, on the real runtime: none, in parts, too large, with a mark."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from dev.stack import Stack
from tests.fakes.deployed import LightStack
from tests.workerd.kinds.site import site


pytestmark = pytest.mark.workerd

BYTES_MAX = 200_000  # of a page
JSON = "application/json; charset=iso-8859-1"  # a default that nothing is written in
NAMES = ["list", "mediawiki", "offset", "page-plain", "since-rfc3339"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("answers")
    limits = {"page_bytes_max": BYTES_MAX, "backoff_ms_min": 100, "backoff_ms_max": 200}
    with LightStack(folder, limits, site=site(folder / "connectors", NAMES)) as started:
        yield started


def check_full(stack: Stack, name: str) -> None:
    job = stack.ended(stack.trigger("FULL", name)["id"])

    assert job["state"] == "succeeded", job
    found = stack.glean_documents(name.replace("-", ""))
    titles = {indexed.id: indexed.document["title"] for indexed in found}
    assert titles == {one["id"]: f"{one['title']}: {one['text']}" for one in stack.live()}


def answered(stack: Stack, path: str, **params: str) -> Any:
    url = f"{stack.source_url}/kinds/{path}"
    return httpx.get(url, params=params, trust_env=False).raise_for_status().json()


@pytest.mark.parametrize("status", [204, 304])
def test_nothing_new_is_no_error(stack: Stack, status: int) -> None:
    check_full(stack, "since-rfc3339")
    stack.control_source("faults", path="/kinds/cursor", status=status)

    job = stack.ended(stack.trigger("INCREMENTAL", "since-rfc3339")["id"])

    assert (job["state"], job["documents"], job["turns"]) == ("succeeded", 0, 1), job
    assert job["last_error"] is None


def test_a_mark_before_the_json_and_a_charset_that_is_none_are_passed_over(stack: Stack) -> None:
    text = msgspec.json.encode(answered(stack, "list")).decode()
    body = f"\ufeff{text}"
    stack.control_source("faults", path="/kinds/list", status=200, body=body, content_type=JSON)

    check_full(stack, "list")


@pytest.mark.parametrize("name", ["offset", "page-plain"])
def test_a_page_that_is_too_large_is_asked_for_with_fewer_records(stack: Stack, name: str) -> None:
    before = len(stack.source_requests())
    body = "x" * (BYTES_MAX + 1)
    stack.control_source("faults", path=f"/kinds/{name}", status=200, body=body, skip=1)

    check_full(stack, name)

    asked = [one["query"] for one in stack.source_requests()[before:]]
    sizes = [int(query.get("limit") or query["per_page"]) for query in asked]
    assert sizes[2] < sizes[1] == sizes[0]


def test_the_answers_of_one_batch_of_a_wiki_are_put_together(stack: Stack) -> None:
    params = {"action": "query", "generator": "allpages", "format": "json"}
    whole = answered(stack, "mediawiki", **params)["query"]["pages"]
    part = {
        "continue": {"prop": "the rest"},
        "query": {"pages": {key: {"pageid": page["pageid"]} for key, page in whole.items()}},
    }
    body = msgspec.json.encode(part).decode()
    stack.control_source("faults", path="/kinds/mediawiki", status=200, body=body)

    check_full(stack, "mediawiki")
