"""The documentation that the demo's source has, and its server."""

import gzip
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from dev.docs_source.app import create_app
from dev.docs_source.entry import Entry, Kind, unique_ids
from dev.docs_source.harvest import harvest
from dev.docs_source.importing import import_entries
from dev.docs_source.kept import kept
from dev.docs_source.parsing import parse_entries
from dev.docs_source.records import Record, Records
from dev.loopback import serving


ROOT = Path(__file__).resolve().parents[2]
ENTRIES = [
    Entry(path=f"module.{name}", kind=Kind.FUNCTION, name=name, module="module", text="Text. " * 90)
    for name in "abcdefghij"
]


@pytest.fixture(scope="module")
def entries() -> Sequence[Entry]:
    return harvest()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with serving(create_app(Records(ENTRIES))) as url, httpx.Client(base_url=url) as client:
        yield client


def test_there_are_five_thousand_entries_with_text(entries: Sequence[Entry]) -> None:
    assert len(entries) >= 5_000
    assert all(entry.text.strip() for entry in entries)
    assert set(Counter(entry.kind for entry in entries)) == set(Kind)


def test_what_is_kept_is_what_is_found(entries: Sequence[Entry]) -> None:
    assert [entry for entry in kept() if entry.module != "sys"] == [
        entry for entry in entries if entry.module != "sys"
    ]


def test_known_entries_are_there(entries: Sequence[Entry]) -> None:
    found = {(entry.path, entry.kind): entry for entry in entries}

    decode = found["json.decoder.JSONDecoder.decode", Kind.FUNCTION]
    assert decode.text.startswith("decode(self, s, _w=WHITESPACE.match)\n\nReturn the Python repr")
    assert (decode.name, decode.module) == ("decode", "json.decoder")
    assert ("json", Kind.MODULE) in found
    assert ("builtins.str", Kind.CLASS) in found
    assert ("math.cos", Kind.FUNCTION) in found
    assert not [path for path, _ in found if path.startswith(("test.", "idlelib."))]


def test_ids_are_what_glean_takes(entries: Sequence[Entry]) -> None:
    ids = [record.id for record in Records(entries).live()]

    assert len({identifier.casefold() for identifier in ids}) == len(ids) == len(entries)
    assert max(map(len, ids)) <= 200


def test_another_process_finds_the_same(entries: Sequence[Entry]) -> None:
    # pytest puts its own hooks into sys, so that module is left out.
    code = (
        "from dev.docs_source.harvest import harvest;"
        "print(ascii([entry for entry in harvest() if entry.module != 'sys']))"
    )
    command = [sys.executable, "-c", code]

    found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout

    expected = [entry for entry in entries if entry.module != "sys"]
    assert found == f"{expected!a}\n"


def test_ids_that_differ_in_case_only_get_their_kind() -> None:
    paths = [("a.Lock", Kind.CLASS), ("a.lock", Kind.FUNCTION), ("a.LOCK", Kind.FUNCTION)]
    paths += [("a.lOCK", Kind.FUNCTION)]
    entries = [
        Entry(path=path, kind=kind, name="lock", module="a", text="Text.") for path, kind in paths
    ]

    ids = {identifier for identifier, _ in unique_ids(entries)}

    assert ids == {"a.LOCK", "a.Lock-class", "a.lOCK-function", "a.lock-function-2"}


def test_python_files_are_not_imported(tmp_path: Path) -> None:
    path = tmp_path / "example.py"
    path.write_text(
        '"""Module."""\n'
        "raise SystemExit\n"
        "if True:\n"
        '    def seen(a, *, b=1): "Seen."\n'
        "try:\n"
        '    class Seen:\n        "Class."\n        def method(self): "Method."\n'
        "except ImportError:\n"
        '    def other(): "Other."\n'
        'def _hidden(): "Hidden."\n'
        "def silent(): pass\n"
    )

    found = {entry.path: entry.text for entry in parse_entries(path, "example")}

    assert found == {
        "example": "Module.",
        "example.seen": "seen(a, *, b=1)\n\nSeen.",
        "example.Seen": "Class.",
        "example.Seen.method": "method(self)\n\nMethod.",
        "example.other": "other()\n\nOther.",
    }


def test_a_file_that_cannot_be_parsed_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "example.py"
    path.write_text("{% template %}")

    assert list(parse_entries(path, "example")) == []


def test_a_compiled_module_may_have_no_docstrings() -> None:
    module = ModuleType("example")

    assert list(import_entries(module)) == []


def test_a_record_has_all_that_a_document_needs(client: httpx.Client) -> None:
    (item, *_) = client.get("/entries").json()["items"]

    assert item == {
        "id": "module.a",
        "kind": "function",
        "name": "a",
        "module": "module",
        "text": "Text. " * 90,
        "url": "https://docs.python.org/3/library/module.html#module.a",
        "updated_at": "2024-01-01T00:00:00.000000Z",
        "deleted": False,
    }


def test_an_answer_is_compressed_for_a_client_that_takes_it(client: httpx.Client) -> None:
    with client.stream("GET", "/entries", headers={"accept-encoding": "gzip"}) as answer:
        compressed = b"".join(answer.iter_raw())
    plain = client.get("/entries", headers={"accept-encoding": "identity"})

    assert answer.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(compressed) == plain.content
    assert len(compressed) < len(plain.content) / 4


def test_all_live_records_are_streamed_a_line_each(client: httpx.Client) -> None:
    lines = client.get("/control/records").text.splitlines()

    ids = [json.loads(line)["id"] for line in lines]
    assert ids == [f"module.{name}" for name in "abcdefghij"]


def test_the_log_tells_which_pages_were_asked_for(client: httpx.Client) -> None:
    client.post("/control/faults", json={"path": "/entries", "status": 503, "skip": 1})
    cursor = client.get("/entries", params={"limit": 4}).json()["next_cursor"]
    for _ in range(2):
        client.get("/entries", params={"limit": 4, "cursor": cursor})
    client.get("/entries", params={"cursor": "bad"})

    log: list[dict[str, Any]] = client.get("/control/requests").json()

    assert [entry["status"] for entry in log] == [200, 503, 200, 400]
    assert [entry.get("count") for entry in log] == [4, 0, 4, 0]
    assert [entry.get("cursor") for entry in log] == [None, cursor, cursor, "bad"]


def test_a_page_can_be_dropped(client: httpx.Client) -> None:
    client.post("/control/faults", json={"drop": "after"})

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.get("/entries")

    assert client.get("/entries").status_code == 200


def test_latency_is_for_pages_only(client: httpx.Client) -> None:
    assert client.post("/control/latency", json={"ms": 60}).json() == {"ms": 60}

    assert client.get("/entries").elapsed.total_seconds() >= 0.06
    assert client.post("/control/latency", json={"ms": 600_000}).is_success
    assert client.get("/control/requests").is_success  # long before that
    assert client.post("/control/latency", json={"ms": -1}).status_code == 400


def test_records_can_be_broken_on_their_pages_and_stay_as_they_are(client: httpx.Client) -> None:
    before = client.get("/entries").json()
    truth = client.get("/control/records").text
    breakage = {"ids": ["module.b", "module.zzz"], "fields": {"text": None, "more": [1]}}

    assert client.post("/control/break", json=breakage).is_success

    broken = client.get("/entries").json()
    changed = [one for one in broken["items"] if one not in before["items"]]
    assert changed == [{**before["items"][1], "text": None, "more": [1]}]
    assert len(broken["items"]) == len(before["items"])
    assert client.get("/control/records").text == truth


@pytest.mark.parametrize(("path", "body"), [("break", {"ids": []}), ("reset", {})])
def test_what_was_broken_can_be_mended(client: httpx.Client, path: str, body: object) -> None:
    before = client.get("/entries").json()
    client.post("/control/break", json={"ids": ["module.b"], "fields": {"text": None}})

    assert client.post(f"/control/{path}", json=body).is_success

    assert client.get("/entries").json() == before


@pytest.mark.parametrize("body", [{"ids": "module.b"}, {"id": "module.b"}, []], ids=str)
def test_a_breakage_that_is_none_breaks_nothing(client: httpx.Client, body: object) -> None:
    before = client.get("/entries").json()

    assert client.post("/control/break", json=body).status_code == 400

    assert client.get("/entries").json() == before


def test_a_token_is_needed_where_one_is_set() -> None:
    app = create_app(Records(ENTRIES), "token")
    with serving(app) as url, httpx.Client(base_url=url) as client:
        assert client.get("/entries").status_code == 401
        assert client.get("/entries", headers={"authorization": "Bearer x"}).status_code == 401
        assert client.get("/entries", headers={"authorization": "Bearer token"}).is_success
        assert client.get("/control/records").is_success


@pytest.mark.parametrize(
    "body",
    [{"change": 11}, {"change": 5, "remove": 6}, {"add": -1}, {"grow": 1}, {"change": "1"}],
    ids=str,
)
def test_a_change_that_cannot_be_made_changes_nothing(
    client: httpx.Client, body: dict[str, Any]
) -> None:
    before = client.get("/control/records").text

    assert client.post("/control/change", json=body).status_code == 400

    assert client.get("/control/records").text == before


def test_changes_are_drawn_by_their_seed() -> None:
    first, second, other = (Records(ENTRIES) for _ in range(3))

    changes = first.change(change=2, remove=2, add=2, seed=1)

    assert changes == second.change(change=2, remove=2, add=2, seed=1)
    assert changes != other.change(change=2, remove=2, add=2, seed=2)
    assert len({*changes.changed, *changes.removed, *changes.added}) == 6
    live = {record.id: record for record in first.live()}
    assert len(live) == 10
    assert not live.keys() & set(changes.removed)
    assert all("Changed at" in live[identifier].text for identifier in changes.changed)
    assert all(isinstance(live[identifier], Record) for identifier in changes.added)
