import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from msgspec import UNSET
from msgspec.structs import replace

from durable.glean.documents import Content, Document, Property
from durable.glean.type_check import Mistyped, check_types, quote
from tests.fakes.junk import JUNK, endless, spoiled
from tests.unit.glean.test_documents import WHOLE


class Unspeakable:
    """Says nothing of itself."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_what_is_right_is_given_back_as_it_is() -> None:
    assert check_types(WHOLE, Document) == WHOLE


def test_a_text_is_not_copied() -> None:
    text = "x" * 1_000

    body = check_types(replace(WHOLE, body=Content.text(text)), Document).body

    assert isinstance(body, Content)
    assert body.text_content is text


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"title": 7}, "title", "title is 7: expected `str`, got `int`"),
        ({"title": b"A"}, "title", "title is b'A': expected `str`, got `bytes`"),
        ({"title": None}, "title", "title is None: expected `str`, got `null`"),
        ({"title": Decimal(1)}, "title", "title is Decimal('1'): expected `str`, got `decimal`"),
        ({"updated_at": 1.0}, "updated_at", "updated_at is 1.0: expected `int`, got `float`"),
        ({"updated_at": True}, "updated_at", "updated_at is True: expected `int`, got `bool`"),
        (
            {"updated_at": datetime(2026, 1, 1, tzinfo=UTC)},
            "updated_at",
            f"updated_at is {datetime(2026, 1, 1, tzinfo=UTC)!r}: expected `int`, got `datetime`",
        ),
        ({"tags": ["a", 1]}, "tags[1]", "tags[1] is 1: expected `str`, got `int`"),
        ({"tags": "a"}, "tags", "tags is 'a': expected `array`, got `str`"),
        (
            {"custom_properties": [Property(name="a", value=["x", None])]},  # type: ignore[list-item]
            "custom_properties[0].value[1]",
            "custom_properties[0].value[1] is None: expected `str`, got `null`",
        ),
        (
            {"body": {"mime_type": "text/plain"}},
            "body",
            "body is {'mime_type': 'text/plain'}: object contains unknown field `mime_type`",
        ),
        (
            {"body": {"mimeType": 7}},
            "body.mimeType",
            "body.mimeType is 7: expected `str`, got `int`",
        ),
        (
            {"body": {"textContent": "a"}},
            "body",
            "body is {'textContent': 'a'}: object missing required field `mimeType`",
        ),
    ],
)
def test_a_reason_names_the_field_its_value_and_what_belongs_there(
    changes: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(Mistyped, match=re.escape(reason)) as caught:
        check_types(replace(WHOLE, **changes), Document)

    assert caught.value.fault.field == field


@pytest.mark.parametrize(
    "value", [object(), {1: object()}, endless(), 10**30, Unspeakable()], ids=lambda _: ""
)
def test_what_cannot_be_json_is_found_at_its_field(value: Any) -> None:
    with pytest.raises(Mistyped, match=r"^title is ") as caught:
        check_types(replace(WHOLE, title=value), Document)

    assert caught.value.fault.field == "title"


def test_a_required_field_may_not_be_unset() -> None:
    with pytest.raises(Mistyped, match=r"^object missing required field `permissions`$"):
        check_types(replace(WHOLE, permissions=UNSET), Document)


def test_a_subclass_has_no_fields_of_its_own() -> None:
    class Longer(Document, frozen=True, kw_only=True):
        length: int

    longer = Longer(**{name: getattr(WHOLE, name) for name in WHOLE.__struct_fields__}, length=3)

    with pytest.raises(Mistyped, match=r"^object contains unknown field `length`$"):
        check_types(longer, Document)


def test_no_memory_is_nobodys_fault() -> None:
    class Large:
        def __repr__(self) -> str:
            raise MemoryError

    with pytest.raises(MemoryError):
        quote(Large())


@given(JUNK)
def test_a_quotation_is_short(value: Any) -> None:
    assert 0 < len(quote(value)) <= 100


def test_what_has_no_repr_is_named_by_its_type() -> None:
    assert quote(Unspeakable()) == "a Unspeakable"


@given(spoiled(WHOLE))
def test_whatever_stands_in_a_field_is_right_or_mistyped(document: Document) -> None:
    try:
        again = check_types(document, Document)
    except Mistyped:
        return
    assert check_types(again, Document) == again
