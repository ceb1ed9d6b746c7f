from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from durable.glean.datasource import Datasource
from durable.glean.documents import Content, Document, GroupIntersection, Permissions, User
from durable.glean.fast_path import EPOCH_SECONDS_MAX, is_plain
from durable.glean.object_types import ObjectType
from durable.glean.validation import document_fault
from tests.fakes.junk import spoiled


ANY = Datasource("notes")
STRICT = Datasource(
    "notes",
    url_regex=r"https://notes\.example/\w+",
    object_types=(ObjectType("note"), ObjectType("memo")),
    is_user_referenced_by_email=True,
)
BY_ID = Datasource("notes", is_user_referenced_by_email=False)
ADA = User(email="ada@notes.example", name="Ada")
PLAIN = Document(
    id="a",
    view_url="https://notes.example/a",
    object_type="note",
    title="A",
    body=Content.text("a text"),
    author=ADA,
    owner=ADA,
    created_at=1_764_000_000,
    updated_at=1_764_000_001,
    permissions=Permissions.of(groups=["staff"], users=[ADA]),
)
LEAST = Document(
    id="a", view_url="https://notes.example/a", object_type="note", permissions=Permissions()
)


@pytest.mark.parametrize("document", [PLAIN, LEAST], ids=["plain", "least"])
@pytest.mark.parametrize("datasource", [ANY, STRICT], ids=["any", "strict"])
def test_a_document_as_most_are_is_plain(document: Document, datasource: Datasource) -> None:
    assert is_plain(document, datasource)
    assert document_fault(document, datasource) is None


@pytest.mark.parametrize("document", [PLAIN, LEAST], ids=["plain", "least"])
@pytest.mark.parametrize("field", Document.__struct_fields__)
def test_no_field_is_overlooked(document: Document, field: str) -> None:
    assert not is_plain(replace(document, **{field: object()}), ANY)


@pytest.mark.parametrize(
    "changes",
    [
        {"object_type": "page"},
        {"view_url": "https://elsewhere.example/a"},
        {"created_at": EPOCH_SECONDS_MAX},
        {"updated_at": -EPOCH_SECONDS_MAX},
        {"updated_at": True},
        {"body": Content(mime_type="image/png", text_content="")},
        {"body": Content(mime_type="text/plain")},
        {"body": Content(mime_type="text/plain", text_content="a", binary_content="YQ==")},
        {"author": User()},
        {"author": User(email="ada")},
        {"permissions": Permissions.of(groups=["all staff"])},
        {"permissions": Permissions.of(users=[User(name="Ada")])},
        {
            "permissions": Permissions(
                allowed_group_intersections=[GroupIntersection(required_groups=[])]
            )
        },
    ],
    ids=repr,
)
def test_what_has_a_fault_is_not_plain(changes: dict[str, Any]) -> None:
    document = replace(PLAIN, **changes)

    assert document_fault(document, STRICT) is not None
    assert not is_plain(document, STRICT)


def test_users_by_mail_address_are_not_plain_where_they_are_named_by_id() -> None:
    assert not is_plain(PLAIN, BY_ID)
    assert document_fault(PLAIN, BY_ID) is not None


@given(spoiled(PLAIN) | spoiled(PLAIN).flatmap(spoiled), st.sampled_from([ANY, STRICT, BY_ID]))
def test_what_is_plain_has_no_fault(document: Document, datasource: Datasource) -> None:
    if is_plain(document, datasource):
        assert document_fault(document, datasource) is None
