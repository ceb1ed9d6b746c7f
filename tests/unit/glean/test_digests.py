import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Struct
from msgspec.structs import replace

from durable.glean.digests import Digests, digests_of, document_digests, encode
from durable.glean.documents import (
    Content,
    Deletion,
    Document,
    GroupIntersection,
    Interactions,
    Permissions,
    User,
)
from durable.glean.identities import DatasourceUser, Employee, Group, Members, Team
from durable.machine.ledger import fold
from tests.golden.digests import BARE, FILE, SAMPLES, WHOLE, text


DIGEST = re.compile(r"[A-Za-z0-9_-]{16}")
APART = {"permissions", "interactions"}  # of what is no content
ADA, BOB = User(email="ada@notes.example"), User(email="bob@notes.example")

DIFFERENT = [
    Permissions(),
    Permissions.everyone(),
    Permissions.datasource_users(),
    Permissions.of(users=[ADA]),
    Permissions.of(users=[ADA, BOB]),
    Permissions.of(users=[User(datasource_user_id="ada@notes.example")]),
    Permissions.of(groups=["a"]),
    Permissions.of(groups=["a", "b"]),
    Permissions.of(groups=["A"]),
    Permissions.of(groups=['a","b']),
    Permissions(allowed_group_intersections=[GroupIntersection(required_groups=["a", "b"])]),
    Permissions(allowed_group_intersections=[GroupIntersection(required_groups=["a"])]),
    Permissions(allowed_group_intersections=[GroupIntersection(required_groups=[])]),
    Permissions(
        allowed_group_intersections=[
            GroupIntersection(required_groups=["a"]),
            GroupIntersection(required_groups=["b"]),
        ]
    ),
]
LISTS: Any = {
    "allowedUsers": [{"email": "ada@notes.example"}],
    "allowedGroupIntersections": [{"requiredGroups": ["a", "b"]}],
}
SAME: list[tuple[Any, Any]] = [
    (Permissions.of(users=[ADA, BOB]), Permissions.of(users=[BOB, ADA, BOB])),
    (Permissions.of(groups=["a", "b"]), Permissions.of(groups=["b", "a", "b"])),
    (
        Permissions(
            allowed_group_intersections=[
                GroupIntersection(required_groups=["a", "b"]),
                GroupIntersection(required_groups=["c"]),
            ]
        ),
        Permissions(
            allowed_group_intersections=[
                GroupIntersection(required_groups=["c", "c"]),
                GroupIntersection(required_groups=["b", "a"]),
                GroupIntersection(required_groups=["a", "b", "a"]),
            ]
        ),
    ),
    (Permissions(), Permissions(allowed_users=[], allowed_groups=[])),
    (
        Permissions(),
        Permissions(allow_anonymous_access=False, allow_all_datasource_users_access=False),
    ),
    (
        LISTS,
        Permissions(
            allowed_users=[ADA],
            allowed_group_intersections=[GroupIntersection(required_groups=["b", "a"])],
        ),
    ),
    (
        Permissions(allowed_group_intersections=LISTS["allowedGroupIntersections"]),
        Permissions(allowed_group_intersections=[GroupIntersection(required_groups=["a", "b"])]),
    ),
]


def shared(permissions: Any) -> Digests:
    return digests_of(replace(BARE, permissions=permissions))


def test_the_digests_of_a_recipe_never_change() -> None:
    remedy = "raise RECIPE, run `.venv/bin/python -m tests.golden.digests`, look at the difference"
    assert FILE.read_text(encoding="utf-8") == text(), remedy


@pytest.mark.parametrize("kind", [Document, DatasourceUser, Group, Members, Employee, Team])
def test_every_field_of_every_kind_is_in_a_sample(kind: type[Struct]) -> None:
    samples = [sample for sample in SAMPLES.values() if isinstance(sample, kind)]

    assert any(
        all(getattr(sample, field) not in (UNSET, []) for field in kind.__struct_fields__)
        for sample in samples
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_a_digest_has_96_bits_and_only_documents_have_one_of_access(name: str) -> None:
    digests = digests_of(SAMPLES[name])

    assert DIGEST.fullmatch(digests.content)
    assert bool(DIGEST.fullmatch(digests.access)) is isinstance(SAMPLES[name], Document)


@pytest.mark.parametrize("field", sorted({*Document.__struct_fields__} - APART))
def test_each_field_of_a_document_is_in_its_content(field: str) -> None:
    other: Document = replace(WHOLE, **{field: getattr(BARE, field)})

    assert digests_of(other).content != digests_of(WHOLE).content
    assert digests_of(other).access == digests_of(WHOLE).access


@pytest.mark.parametrize(
    "interactions", [UNSET, Interactions(), Interactions(num_views=4), Interactions(num_likes=1)]
)
def test_how_often_a_document_was_seen_is_no_change_of_it(interactions: Any) -> None:
    assert digests_of(replace(WHOLE, interactions=interactions)) == digests_of(WHOLE)


def test_who_may_see_a_document_is_no_content_of_it() -> None:
    other = digests_of(replace(WHOLE, permissions=Permissions.everyone()))

    assert other.content == digests_of(WHOLE).content
    assert other.access != digests_of(WHOLE).access


def test_access_that_differs_has_another_digest() -> None:
    assert len({shared(permissions).access for permissions in DIFFERENT}) == len(DIFFERENT)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_access_that_is_the_same_has_the_same_digest(one: Any, other: Any) -> None:
    assert shared(one) == shared(other)


def test_members_are_a_set() -> None:
    one = Members(group="staff", user_ids=["a", "b"], group_names=["c", "d"])
    other = Members(group="staff", user_ids=["b", "a", "b"], group_names=["d", "c", "d"])

    assert digests_of(one) == digests_of(other)
    assert digests_of(one) != digests_of(replace(one, user_ids=["a"]))
    assert digests_of(one) != digests_of(replace(one, user_ids=["a", "c"], group_names=["b", "d"]))


def test_a_set_in_place_of_a_list_has_one_order() -> None:
    tags = {f"tag {number}" for number in range(50)}
    unordered, ordered = (replace(WHOLE, tags=kind) for kind in (tags, sorted(tags)))

    assert digests_of(unordered) == digests_of(ordered)


def test_an_encoding_that_is_known_is_not_made_again() -> None:
    assert document_digests(WHOLE, encode(WHOLE)) == document_digests(WHOLE)


@pytest.mark.parametrize("sample", SAMPLES.values())
def test_what_is_sent_means_what_it_did(sample: Struct) -> None:
    assert encode(sample) == msgspec.json.encode(sample)


SEEN = Interactions(num_views=1)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ['","permissions":{}', ',"interactions":{}', '{"id":"a","permissions":']
)


@given(
    TEXT,
    TEXT,
    st.lists(TEXT, max_size=4),
    st.lists(TEXT, max_size=4),
    st.sampled_from([UNSET, SEEN]),
)
def test_what_is_cut_out_of_a_document_is_its_permissions_and_interactions(
    name: str, title: str, groups: list[str], users: list[str], seen: Any
) -> None:
    """Whatever is in them: a document encoded with others, or with none, has the same content."""
    bare = replace(BARE, id=name, object_type=title, title=title, body=Content.text(title))
    shared_with = Permissions.of(groups=groups, users=[User(email=user) for user in users])
    digests = digests_of(replace(bare, permissions=shared_with, interactions=seen))

    assert digests.content == digests_of(bare).content
    assert digests.access == shared(shared_with).access


def test_what_cannot_be_sent_has_no_digest() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        digests_of(replace(BARE, title="\ud800"))
    with pytest.raises(AssertionError):
        digests_of(Deletion(id="a", object_type="note"))


@pytest.mark.parametrize(
    ("one", "other"), [("A-1", "a-1"), ("ÄRGER", "ärger"), ("STRASSE", "straße"), ("Σ", "ς")]
)
def test_ids_in_upper_and_lower_case_are_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(st.text(st.characters()), st.text(st.characters()))
def test_a_folded_id_can_be_stored_whatever_it_holds(one: str, other: str) -> None:
    assert fold(one).encode() or not one
    assert fold(fold(one)) == fold(one)
    assert (fold(one) == fold(other)) is (one.casefold() == other.casefold())


def test_half_of_a_surrogate_pair_is_written_out() -> None:
    assert fold("A\ud800") == "a\\ud800"
