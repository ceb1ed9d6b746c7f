from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from durable.documents import Content, Deletion, Document, Permissions, Property
from durable.validation import EPOCH_SECONDS_MAX, ID_CHARACTERS_MAX, fault
from tests.fakes.connector import NOTES


DOCUMENT = Document(
    id="a", view_url="https://notes.example/a", object_type="note", permissions=Permissions()
)
DELETION = Deletion(id="a", object_type="note")
STRICT = replace(
    NOTES,
    object_types=frozenset({"note", "memo"}),
    url_regex=r"https://notes\.example/\w+",
)


def with_property(value: Any) -> Document:
    return replace(DOCUMENT, custom_properties=[Property(name="size", value=value)])


def test_what_glean_takes_has_no_fault() -> None:
    document = replace(
        DOCUMENT,
        body=Content(mime_type="text/plain", text_content="a text"),
        created_at=1_764_000_000,
        updated_at=0,
        custom_properties=[Property(name="size", value=3), Property(name="tags", value=["a"])],
    )

    assert fault(document, STRICT) is None
    assert fault(DELETION, STRICT) is None


@pytest.mark.parametrize("change", [DOCUMENT, DELETION], ids=["document", "deletion"])
@pytest.mark.parametrize("name", ["", None, 7, b"a", ["a"]], ids=repr)
def test_an_id_is_a_text(change: Document | Deletion, name: Any) -> None:
    assert fault(replace(change, id=name), NOTES) == f"the document has no id, but {name!r}"


@pytest.mark.parametrize("change", [DOCUMENT, DELETION], ids=["document", "deletion"])
@pytest.mark.parametrize("character", ["a", "\N{GRINNING FACE}"])
def test_an_id_has_so_many_characters_and_no_more(
    change: Document | Deletion, character: str
) -> None:
    longest, longer = (character * count for count in (ID_CHARACTERS_MAX, ID_CHARACTERS_MAX + 1))

    assert fault(replace(change, id=longest), NOTES) is None
    assert fault(replace(change, id=longer), NOTES) == (
        "the id has 201 characters; Glean takes 200"
    )


@pytest.mark.parametrize("change", [DOCUMENT, DELETION], ids=["document", "deletion"])
@pytest.mark.parametrize("kind", ["", "a note", "a_note", "note\n", "a\u00a0note", None, 7])
def test_an_object_type_is_a_text_without_spaces_or_underscores(
    change: Document | Deletion, kind: Any
) -> None:
    reason = fault(replace(change, object_type=kind), NOTES)

    assert reason == f"the object_type {kind!r} has a space or an underscore, or is no text"


@pytest.mark.parametrize("change", [DOCUMENT, DELETION], ids=["document", "deletion"])
@pytest.mark.parametrize("kind", ["Note", "notes", "memos"])
def test_an_object_type_is_one_of_the_connectors_if_it_names_any(
    change: Document | Deletion, kind: str
) -> None:
    changed = replace(change, object_type=kind)

    assert fault(changed, NOTES) is None
    assert fault(changed, STRICT) == (
        f"the object_type '{kind}' is not one of the connector's: memo, note"
    )


@pytest.mark.parametrize("url", ["", None, 7])
def test_a_document_has_a_view_url(url: Any) -> None:
    assert fault(replace(DOCUMENT, view_url=url), NOTES) == (
        f"the document has no view_url, but {url!r}"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://notes.example/",
        "https://notes.example/a b",
        "https://notes.example/a\n",
        "https://notesXexample/a",
        "see https://notes.example/a",
    ],
)
def test_the_whole_view_url_matches_the_connectors_pattern_if_it_has_one(url: str) -> None:
    document = replace(DOCUMENT, view_url=url)

    assert fault(document, NOTES) is None
    assert fault(document, STRICT) == (
        f"the view_url {url!r} does not match url_regex, {STRICT.url_regex}"
    )


@pytest.mark.parametrize("name", ["created_at", "updated_at"])
@pytest.mark.parametrize(
    ("seconds", "is_fault"),
    [
        (UNSET, False),
        (EPOCH_SECONDS_MAX - 1, False),
        (EPOCH_SECONDS_MAX, True),
        (1 - EPOCH_SECONDS_MAX, False),
        (-EPOCH_SECONDS_MAX, True),
        (1_764_000_000_123, True),
    ],
)
def test_times_in_milliseconds_are_found(name: str, seconds: Any, *, is_fault: bool) -> None:
    reason = fault(replace(DOCUMENT, **{name: seconds}), NOTES)

    assert (reason is not None) is is_fault
    assert reason is None or reason == (
        f"{name} is {seconds}, which looks like milliseconds; Glean takes seconds"
    )


@pytest.mark.parametrize("value", ["", "a text", 0, -7, 1.5, [], ["a", "b"]], ids=repr)
def test_a_custom_property_is_a_text_a_number_or_a_list_of_texts(value: Any) -> None:
    assert fault(with_property(value), NOTES) is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "bool"),
        (None, "NoneType"),
        (float("nan"), "float"),
        (float("inf"), "float"),
        (["a", 1], "list"),
        ([["a"]], "list"),
        (("a",), "tuple"),
        ({"a": 1}, "dict"),
        (b"a", "bytes"),
    ],
    ids=repr,
)
def test_any_other_custom_property_is_a_fault(value: Any, kind: str) -> None:
    assert fault(with_property(value), NOTES) == (
        f"the custom property 'size' is a {kind}; Glean takes a text, a number or a list of texts"
    )


def test_every_custom_property_is_looked_at() -> None:
    good, bad = Property(name="good", value=1), Property(name="bad", value=True)

    reason = fault(replace(DOCUMENT, custom_properties=[good, bad]), NOTES)

    assert reason is not None
    assert "'bad'" in reason


@pytest.mark.parametrize(
    "document",
    [
        replace(DOCUMENT, id=["x" * 5_000]),
        replace(DOCUMENT, object_type="x " * 5_000),
        replace(DOCUMENT, view_url=["x" * 5_000]),
        replace(DOCUMENT, view_url="x" * 5_000),
        replace(DOCUMENT, custom_properties=[Property(name="x" * 5_000, value=True)]),
    ],
    ids=["id", "object_type", "view_url", "url_regex", "property"],
)
def test_a_fault_quotes_the_beginning_of_what_is_long(document: Document) -> None:
    reason = fault(document, STRICT)

    assert reason is not None
    assert "xxx" in reason or "x x" in reason
    assert len(reason) < 450


@pytest.mark.parametrize(
    "properties",
    [[{"name": "size", "value": 3}], {"size": 3}, ["size"], 7],
    ids=["dicts", "a dict", "texts", "a number"],
)
def test_custom_properties_of_another_shape_are_a_fault(properties: Any) -> None:
    assert fault(replace(DOCUMENT, custom_properties=properties), NOTES) is not None
