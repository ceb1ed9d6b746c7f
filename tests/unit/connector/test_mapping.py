from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from msgspec import Raw, Struct
from msgspec.structs import replace

from durable.connector.connector import Connector
from durable.connector.context import Context, Contexts
from durable.connector.definition import AnyConnector
from durable.connector.mapping import changes
from durable.environment import Secret
from durable.errors import ConfigurationError, UpstreamError
from durable.glean.datasource import Datasource
from durable.glean.documents import Deletion, Document
from durable.glean.mapped_record import EXCERPT_BYTES_MAX, MappedRecord, excerpt
from durable.glean.object_types import ObjectType
from durable.http.auth import Bearer
from durable.machine.job import Mode, Stage
from durable.machine.rejects import Reject, RejectCode
from durable.sources.http import HttpSource
from durable.sources.source import Records
from tests.fakes.connector import NOTES, Note, document
from tests.fakes.environment import an_environment


A = Raw(b'{"id": "a", "text": "first", "unknown": 1}')
GONE = Raw(b'{"id": "b", "text": "", "is_deleted": true}')
C = Raw(b'{"id": "c", "text": "third"}')

CONTEXTS = Contexts(
    NOTES, an_environment(WIKI_URL="https://wiki.example", TOKEN="t0ken"), Mode.FULL
)


def made_of(
    connector: AnyConnector, records: Sequence[Raw], rejects: list[Reject]
) -> Iterator[MappedRecord]:
    stream = connector.streams(Mode.FULL)[Stage.DOCUMENTS]
    page = Records(records=list(records), next_cursor=None, byte_count=0)
    return changes(stream, Stage.DOCUMENTS, page, rejects, replace(CONTEXTS, connector=connector))


def mapped(
    *records: Raw, connector: AnyConnector = NOTES
) -> tuple[list[MappedRecord], list[Reject]]:
    rejects: list[Reject] = []
    placed = list(made_of(connector, records, rejects))
    return placed, rejects


def rejected(record: Raw, connector: AnyConnector = NOTES) -> Reject:
    placed, (reject,) = mapped(record, connector=connector)
    assert placed == []
    return reject


def raising(error: BaseException) -> AnyConnector:
    def document(_note: Note) -> Document:
        raise error

    return replace(NOTES, documents=replace(NOTES.documents, map=document))


def giving(make: Callable[..., Any]) -> Connector:
    return replace(NOTES, documents=replace(NOTES.documents, map=make))


def test_records_become_changes_in_their_order() -> None:
    (first, second), rejects = mapped(A, GONE)

    assert isinstance(first.change, Document)
    assert (first.change.id, first.change.title) == ("a", "first")
    assert second.change == Deletion(id="b", object_type="note")
    assert [(placed.place, placed.raw) for placed in (first, second)] == [(1, A), (2, GONE)]
    assert rejects == []


def test_no_records_are_no_changes() -> None:
    assert mapped() == ([], [])


def test_changes_are_made_one_at_a_time() -> None:
    rejects: list[Reject] = []
    made = made_of(NOTES, [A, Raw(b"broken"), C], rejects)

    next(made)
    before = list(rejects)
    next(made)

    assert (len(before), len(rejects)) == (0, 1)


def test_a_record_that_is_rejected_leaves_the_others_their_places() -> None:
    placed, rejects = mapped(A, Raw(b'{"id": 7}'), C)

    assert [one.place for one in placed] == [1, 3]
    assert [reject.place for reject in rejects] == [2]


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (Raw(b'{"id": 7, "text": ""}'), "$.id"),
        (Raw(b'{"id": "a"}'), "text"),
        (Raw(b"[]"), "object"),
        (Raw(b"null"), "null"),
        (Raw(b'{"id": "a", "te'), "truncated"),
        (Raw(b"<html>"), "malformed"),
        (Raw(b'{"id": "\xff", "text": ""}'), "utf-8"),
    ],
    ids=["type", "field", "list", "null", "cut", "no JSON", "no UTF-8"],
)
def test_a_record_that_does_not_decode_is_rejected(record: Raw, named: str) -> None:
    reject = rejected(record)

    assert reject.code == RejectCode.NOT_DECODED
    assert named in reject.reason
    assert reject.place == 1
    assert reject.excerpt == excerpt(record)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("a"), "KeyError: 'a'"),
        (ValueError("no such thing"), "ValueError: no such thing"),
        (RecursionError("too deep"), "RecursionError: too deep"),
        (AssertionError(), "AssertionError: "),
    ],
)
def test_a_record_whose_mapping_raises_is_rejected(error: Exception, text: str) -> None:
    reject = rejected(A, raising(error))

    assert reject.code == RejectCode.MAPPING_RAISED
    assert text in reject.reason
    assert (reject.place, reject.key, reject.excerpt) == (1, "a", bytes(A).decode())


@pytest.mark.parametrize(
    ("record", "path", "key"),
    [
        (Raw(b'{"text": 7, "id": "a"}'), "id", "a"),
        (Raw(b'{"id": 7, "text": 7}'), "id", "7"),
        (Raw(b'{"meta": {"id": "a"}, "text": 7}'), "meta/id", "a"),
        (Raw(b'{"id": "a", "id": "b", "text": 7}'), "id", "b"),
        (Raw(b'{"id": null, "text": 7}'), "id", ""),
        (Raw(b'{"id": {"a": 1}, "text": 7}'), "id", ""),
        (Raw(b'{"id": "a", "te'), "id", ""),
        (Raw(b"[]"), "id", ""),
        (Raw(b'{"text": 7}'), "id", ""),
        (Raw(b'{"id": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"), "id", ""),
    ],
    ids=lambda value: str(bytes(value)[:20]) if isinstance(value, Raw) else None,
)
def test_a_record_that_does_not_decode_is_named_by_its_key(
    record: Raw, path: str, key: str
) -> None:
    connector = replace(NOTES, documents=replace(NOTES.documents, key=path))

    assert rejected(record, connector).key == key


def test_a_record_that_the_source_could_not_give_whole_is_named_by_its_key() -> None:
    rejects: list[Reject] = []
    page = Records(records=[A, C], faults={1: "it is cut", 2: None}, next_cursor=None, byte_count=0)

    assert list(changes(NOTES.documents, Stage.DOCUMENTS, page, rejects, CONTEXTS)) == []
    assert [(reject.place, reject.key) for reject in rejects] == [(1, "a")]


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt(), SystemExit()])
def test_what_is_not_the_records_fault_is_not_rejected(error: BaseException) -> None:
    with pytest.raises(type(error)):
        mapped(A, connector=raising(error))


@pytest.mark.parametrize("given", [7, {"id": "a"}, [], "a"], ids=repr)
def test_a_mapping_that_gives_something_else_is_told(given: object) -> None:
    reject = rejected(A, giving(lambda _note: given))

    kind = type(given).__name__
    assert reject.code == RejectCode.BAD_RESULT
    assert kind in reject.reason
    assert reject.key == "a"


def test_a_document_that_glean_would_refuse_is_rejected_by_its_id() -> None:
    reject = rejected(
        A, replace(NOTES, datasource=Datasource("notes", url_regex="https://memos.example/.*"))
    )

    assert reject.key == "a"
    assert (reject.code, reject.field) == (RejectCode.BAD_FIELD, "view_url")
    assert reject.excerpt == bytes(A).decode()


def test_a_deletion_that_glean_would_refuse_is_rejected_too() -> None:
    reject = rejected(
        GONE, replace(NOTES, datasource=Datasource("notes", object_types=(ObjectType("memo"),)))
    )

    assert reject.key == "b"


@pytest.mark.parametrize(("identifier", "key"), [(None, "None"), (7, "7"), ("", "")])
def test_an_id_that_is_no_text_is_shown_as_one(identifier: Any, key: str) -> None:
    connector = giving(lambda note: replace(document(note), id=identifier))

    assert rejected(A, connector).key == key


def test_a_change_that_glean_refused_is_rejected_with_its_record() -> None:
    (placed,), _ = mapped(A)

    reject = placed.reject(RejectCode.TOO_LARGE, "why")
    assert reject == Reject(1, "a", "why", bytes(A).decode(), code="too-large")


@pytest.mark.parametrize("content", [Raw(b"x" * 1_000), b"x" * 1_000], ids=["record", "bytes"])
def test_an_excerpt_is_the_beginning(content: Raw | bytes) -> None:
    assert excerpt(content) == "x" * EXCERPT_BYTES_MAX


def test_an_excerpt_may_be_cut_within_a_character() -> None:
    text = excerpt("é".encode() * EXCERPT_BYTES_MAX + b"x")

    assert excerpt(b"x" + "é".encode() * EXCERPT_BYTES_MAX).endswith("\N{REPLACEMENT CHARACTER}")
    assert text == "é" * (EXCERPT_BYTES_MAX // 2)


class Strict(Struct):
    """A record with a check of its own."""

    id: str

    def __post_init__(self) -> None:
        if self.id == "value":
            raise ValueError(self.id)
        raise KeyError(self.id)


STRICT = replace(NOTES, documents=replace(NOTES.documents, record=Strict))


def test_a_record_whose_own_check_fails_is_rejected() -> None:
    assert "value" in rejected(Raw(b'{"id": "value"}'), STRICT).reason


def test_a_record_whose_own_check_raises_anything_is_rejected() -> None:
    assert rejected(Raw(b'{"id": "key"}'), STRICT).reason


class Loose(Struct):
    id: str
    tree: object = None


def test_a_record_that_is_nested_too_deep_is_rejected() -> None:
    record = Raw(b'{"id": "a", "tree": ' + b"[" * 50_000 + b"]" * 50_000 + b"}")

    assert rejected(record, replace(NOTES, documents=replace(NOTES.documents, record=Loose))).reason


class Space(Struct, frozen=True):
    key: str


IN_SPACE = Raw(b'{"id": "a", "text": "", "page": {"space": {"key": "eng"}}}')


def test_a_mapping_may_take_a_context() -> None:
    def document_of(note: Note, context: Context) -> Document:
        space = context.parent("page/space", Space)
        text = f"{context.variable('WIKI_URL')} {space.key} {context.mode} {note.id}"
        made = document(note)
        assert isinstance(made, Document)
        return replace(made, title=text)

    (placed,), rejects = mapped(IN_SPACE, connector=giving(document_of))

    assert isinstance(placed.change, Document)
    assert placed.change.title == "https://wiki.example eng FULL a"
    assert rejects == []


@pytest.mark.parametrize(
    ("mapping", "takes"),
    [
        (document, False),
        (lambda _note: None, False),
        (lambda _note, _context: None, True),
        (lambda _note, context=None: context, False),
        (lambda *_notes: None, None),
        (lambda: None, None),
        (lambda _note, _context, _more: None, None),
    ],
)
def test_a_mapping_takes_a_record_and_perhaps_a_context(mapping: Any, takes: bool | None) -> None:  # noqa: FBT001 - a parameter of the test
    if takes is None:
        with pytest.raises(ConfigurationError, match=r"Stream: map: .* takes"):
            replace(NOTES.documents, map=mapping)
        return
    assert replace(NOTES.documents, map=mapping).takes_context is takes


@pytest.mark.parametrize("record", [A, IN_SPACE], ids=["none", "another type"])
def test_a_parent_that_is_not_there_is_the_records_fault(record: Raw) -> None:
    def document_of(_note: Note, context: Context) -> None:
        context.parent("page", Space)

    reject = rejected(record, giving(document_of))

    assert (reject.key, reject.code) == ("a", RejectCode.MAPPING_RAISED)


@pytest.mark.parametrize("name", ["NOWHERE", "TOKEN", "GLEAN_INDEXING_API_TOKEN", "TRIGGER_TOKEN"])
def test_a_variable_that_is_not_there_or_a_secret_is_not_the_records_fault(name: str) -> None:
    def document_of(_note: Note, context: Context) -> None:
        context.variable(name)

    connector = giving(document_of)
    assert isinstance(NOTES.documents.source, HttpSource)
    source = replace(NOTES.documents.source, auth=Bearer(Secret("TOKEN")))
    connector = replace(connector, documents=replace(connector.documents, source=source))
    contexts = Contexts(connector, an_environment(TOKEN="t0ken", TRIGGER_TOKEN="x"), Mode.FULL)
    page = Records(records=[A], next_cursor=None, byte_count=0)

    with pytest.raises(UpstreamError, match=name) as error:
        list(changes(connector.documents, Stage.DOCUMENTS, page, [], contexts))
    assert not error.value.is_transient


def test_a_record_that_is_none_of_gleans_business_is_left_out() -> None:
    assert mapped(A, connector=giving(lambda _note: None)) == ([], [])
