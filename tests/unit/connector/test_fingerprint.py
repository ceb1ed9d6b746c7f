import subprocess
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct, defstruct, field
from msgspec.structs import replace

from durable.connector.connector import Connector
from durable.connector.definition import AnyConnector
from durable.connector.fingerprint import fingerprint
from durable.environment import Secret
from durable.glean.datasource import Datasource
from durable.glean.object_types import ObjectType
from durable.http.auth import Bearer
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor, NextUrl
from durable.sources.since import Since
from tests.fakes.connector import NOTES, Note


ROOT = Path(__file__).parents[3]
URL = "https://notes.example/list"
# A mapping with all that a code object holds: names, constants, sets, nested functions.
MAPPING = """
from durable.glean import Deletion, Document, Permissions

BASE = "https://notes.example/"

def shout(text):
    return text.upper()

def document(note):
    def url(name):
        return "https://notes.example/" + name

    if note.id in {"gone", "lost", "away", "old", "void"}:
        return Deletion(id=note.id, object_type="note")
    titles = [title.strip() for title in note.text.split(",")]
    return Document(
        id=note.id,
        object_type="note",
        view_url=url(note.id),
        title=max(titles, key=lambda title: len(title) + 1),
        permissions=Permissions(allow_anonymous_access=True),
    )
"""
PRINT = """
import sys
from durable.connector.fingerprint import fingerprint
from tests.unit.connector import test_fingerprint as here
print(fingerprint(here.mapped_by(sys.stdin.read()), here.URL))
"""


def mapped_by(text: str) -> Connector:
    module = ModuleType("made_up_mapping")
    exec(compile(text, "made_up_mapping.py", "exec"), module.__dict__)  # noqa: S102 - our own text
    return replace(NOTES, documents=replace(NOTES.documents, map=module.document))


def print_of(connector: AnyConnector, url: str = URL) -> str:
    return fingerprint(connector, url)


def recorded_as(*fields: Any) -> AnyConnector:
    return replace(NOTES, documents=replace(NOTES.documents, record=defstruct("Note", fields)))


def test_a_fingerprint_is_short() -> None:
    assert len(print_of(NOTES)) == 16


@pytest.mark.parametrize("seed", ["0", "1", "2", "random"])
def test_it_is_the_same_in_another_process(seed: str) -> None:
    """Where texts have other hashes, sets of them have another order."""
    result = subprocess.run(
        [sys.executable, "-c", PRINT],
        cwd=ROOT,
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        input=MAPPING,
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == print_of(mapped_by(MAPPING))


def test_it_is_the_same_once_the_mapping_has_run_often() -> None:
    """The interpreter specialises code that runs often."""
    connector = mapped_by(MAPPING)
    before = print_of(connector)
    for _ in range(10_000):
        connector.documents.map(Note("a", "b, c"))

    assert print_of(connector) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    titles =", "    # what it is called\n    titles ="),
        ("\nBASE", "\n\n\n\nBASE"),
        ("BASE =", "UNUSED = 1\nBASE ="),
        ("key=lambda title: len(title) + 1", "key=(\n    lambda title:\n    len(title) + 1)"),
    ],
    ids=["a comment", "a line shift", "something that is not used", "another layout"],
)
def test_it_is_the_same_however_the_file_is_written(old: str, new: str) -> None:
    assert MAPPING.count(old) == 1

    assert print_of(mapped_by(MAPPING.replace(old, new))) == print_of(mapped_by(MAPPING))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('object_type="note",\n        view', 'object_type="memo",\n        view'),
        ('"https://notes.example/" + name', '"https://memos.example/" + name'),
        ("name\n\n", "name.lower()\n\n"),
        ("len(title) + 1", "len(title) + 2"),
        ("title.strip()", "title.lstrip()"),
        ('"gone", "lost"', '"gone", "left"'),
        ("max(", "min("),
        ("return Deletion(id=note.id,", "return Deletion(id=note.text,"),
        ("if note.id in", "if note.id not in"),
        ("allow_anonymous_access=True", "allow_anonymous_access=False"),
        ("title=max", "summary=max"),
    ],
    ids=[
        "a constant",
        "a nested function's constant",
        "a nested function",
        "a lambda's constant",
        "a comprehension",
        "a member of a set",
        "a function",
        "an attribute",
        "a condition",
        "a truth value",
        "a keyword",
    ],
)
def test_it_differs_with_the_mapping(old: str, new: str) -> None:
    assert MAPPING.count(old) == 1

    assert print_of(mapped_by(MAPPING.replace(old, new))) != print_of(mapped_by(MAPPING))


SOURCE = HttpSource(
    records="items",
    url=URL,
    paging=BodyCursor(path="next_cursor", param="cursor"),
    since=Since(param="updated_since"),
)


@pytest.mark.parametrize(
    "source",
    [
        replace(SOURCE, url=URL + "2"),
        replace(SOURCE, records="results"),
        replace(SOURCE, paging=BodyCursor(path="after", param="cursor")),
        replace(SOURCE, paging=BodyCursor(path="next_cursor", param="from")),
        replace(SOURCE, paging=NextUrl(path="next_cursor")),
        replace(SOURCE, since=Since(param="changed")),
        replace(SOURCE, since=None),
        replace(SOURCE, params={"limit": "5"}),
        replace(SOURCE, headers={"accept": "application/json"}),
        replace(SOURCE, body={"query": "${notes}"}),
        replace(SOURCE, auth=Bearer(Secret("NOTES_TOKEN"))),
        replace(SOURCE, link_origins=("https://eu.notes.example",)),
        replace(SOURCE, has_more="more"),
        replace(SOURCE, total="count"),
    ],
)
def test_it_differs_with_the_source(source: HttpSource) -> None:
    assert NOTES.documents.source == SOURCE

    assert print_of(replace(NOTES, documents=replace(NOTES.documents, source=source))) != print_of(
        NOTES
    )


def test_it_differs_with_where_the_source_is_located() -> None:
    assert print_of(NOTES, "https://staging.notes.example/list") != print_of(NOTES)


def test_it_differs_with_the_datasource() -> None:
    assert print_of(replace(NOTES, datasource=Datasource("memos"))) != print_of(NOTES)


def test_it_does_not_differ_with_the_schedule() -> None:
    assert print_of(replace(NOTES, schedule={})) == print_of(NOTES)


FIELDS: list[Any] = [("id", str), ("text", str)]


@pytest.mark.parametrize(
    "fields",
    [
        [("id", str)],
        [*FIELDS, ("tags", list[str])],
        [("id", int), ("text", str)],
        [("id", str), ("title", str)],
        [("id", str), ("text", str, field(name="body"))],
        [("id", str), ("text", str, "")],
        [("id", str), ("text", str | None)],
        [("id", str), ("text", Annotated[str, Meta(max_length=5)])],
        [("text", str), ("id", str)],
    ],
    ids=[
        "one fewer",
        "one more",
        "another type",
        "another name",
        "another name in JSON",
        "no longer required",
        "may be null",
        "a bound",
        "another order",
    ],
)
def test_it_differs_with_the_records_fields(fields: list[Any]) -> None:
    assert print_of(recorded_as(*fields)) != print_of(recorded_as(*FIELDS))


def test_parts_do_not_run_into_each_other() -> None:
    one = replace(NOTES, datasource=Datasource("notes1"))

    assert print_of(one, "2https://a.example") != print_of(NOTES, "12https://a.example")


def test_a_callable_without_code_has_one_too() -> None:
    one, other = (
        replace(NOTES, documents=replace(NOTES.documents, map=partial(NOTES.documents.map)))
        for _ in range(2)
    )

    assert print_of(one) == print_of(other)
    assert print_of(one, URL + "2") != print_of(one)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("text.upper()", "text.lower()"),
        ('BASE = "https://notes', 'BASE = "https://memos'),
        ('base="https://notes', 'base="https://memos'),
        ('made("https://notes', 'made("https://memos'),
    ],
    ids=["a function of the module", "a constant of the module", "a default", "a closure"],
)
def test_it_differs_with_what_the_mapping_uses(old: str, new: str) -> None:
    text = """
from durable.glean import Document, Permissions
BASE = "https://notes.example/"

def shout(text):
    return text.upper()

def made(prefix):
    def document(note, base="https://notes.example/"):
        return Document(id=note.id, object_type="note", view_url=BASE + base + prefix,
                        title=shout(note.text), permissions=Permissions())
    return document

document = made("https://notes.example/")
"""
    assert text.count(old) == 1

    assert print_of(mapped_by(text.replace(old, new))) != print_of(mapped_by(text))


class Author(Struct):
    name: str


def author_of_another_shape() -> type[Struct]:
    shape = defstruct("Author", [("name", int)], module=Author.__module__)
    shape.__qualname__ = Author.__qualname__
    return shape


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("author", Author)], [("author", author_of_another_shape())]),
        ([("text", str, "")], [("text", str, "none")]),
    ],
    ids=["a record within", "a default"],
)
def test_it_differs_with_all_of_the_record(one: list[Any], other: list[Any]) -> None:
    assert print_of(recorded_as(*one)) != print_of(recorded_as(*other))


@pytest.mark.parametrize(
    "corrected",
    [
        replace(NOTES, datasource=Datasource("notes", url_regex=".*")),
        replace(NOTES, datasource=Datasource("notes", object_types=(ObjectType("note"),))),
    ],
    ids=["url_regex", "object_types"],
)
def test_it_differs_with_what_is_rejected(corrected: AnyConnector) -> None:
    assert print_of(corrected) != print_of(NOTES)
