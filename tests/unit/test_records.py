import pytest
from msgspec import Raw
from msgspec.structs import replace

from durable.documents import Change, Deletion, Document
from durable.errors import UpstreamError
from durable.records import changes
from tests.fakes.connector import NOTES, Note


A = Raw(b'{"id": "a", "text": "first", "unknown": 1}')


def mapped(*records: Raw, cursor: str | None = "b") -> list[Change]:
    return list(changes(NOTES, records, cursor))


def refused(*records: Raw, cursor: str | None = "b") -> str:
    with pytest.raises(UpstreamError) as error:
        mapped(*records, cursor=cursor)
    assert not error.value.is_transient
    return str(error.value)


def test_records_become_changes_in_their_order() -> None:
    gone = Raw(b'{"id": "b", "text": "", "is_deleted": true}')

    document, deletion = mapped(A, gone)

    assert isinstance(document, Document)
    assert (document.id, document.title) == ("a", "first")
    assert deletion == Deletion(id="b", object_type="note")


def test_no_records_are_no_changes() -> None:
    assert mapped() == []


def test_changes_are_made_one_at_a_time() -> None:
    first = next(changes(NOTES, [A, Raw(b"broken")], None))

    assert first.id == "a"


def test_a_record_that_does_not_decode_is_named_by_its_place() -> None:
    reason = refused(A, Raw(b'{"id": 7}'))

    assert reason.startswith("record 2 of the page at cursor 'b' is not a Note: ")
    assert "$.id" in reason


def test_the_first_page_has_no_cursor_to_name() -> None:
    assert refused(Raw(b"{}"), cursor=None).startswith("record 1 of the page at cursor None ")


def test_a_record_that_is_not_utf_8_is_named_by_its_place() -> None:
    assert refused(Raw(b'{"id": "\xff", "text": ""}')).startswith("record 1 of the page at ")


def test_a_mapping_that_raises_is_named_with_its_error() -> None:
    def document(note: Note) -> Document:
        raise KeyError(note.id)

    with pytest.raises(UpstreamError) as error:
        list(changes(replace(NOTES, document=document), [A], "b"))

    reason = "record 1 of the page at cursor 'b': the mapping raised KeyError: 'a'"
    assert str(error.value) == reason
    assert not error.value.is_transient


@pytest.mark.parametrize("given", [None, {"id": "a"}], ids=["nothing", "a dict"])
def test_a_mapping_that_gives_something_else_is_refused(given: object) -> None:
    connector = replace(NOTES, document=lambda _note: given)

    with pytest.raises(UpstreamError, match=f"gave a {type(given).__name__}, not a Document"):
        list(changes(connector, [A], "b"))
