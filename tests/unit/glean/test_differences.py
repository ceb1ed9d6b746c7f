from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from durable.glean.datasource import Datasource, definition
from durable.glean.differences import Difference, differences
from durable.glean.object_types import ObjectType
from tests.unit.glean.test_datasource import LEAST, WHOLE


ANSWER = {**definition(WHOLE), "name": "CUSTOM_NOTES"}
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda each: (
        st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=3), each, max_size=3)
    ),
    max_leaves=5,
)


@pytest.mark.parametrize("datasource", [WHOLE, LEAST], ids=["whole", "least"])
def test_what_was_set_up_does_not_differ(datasource: Datasource) -> None:
    assert differences(datasource, {**definition(datasource), "name": "CUSTOM_NOTES"}) == []
    assert differences(datasource, definition(datasource)) == []


def test_what_glean_has_beyond_it_is_not_looked_at() -> None:
    more = {
        **ANSWER,
        "somethingNew": 7,
        "objectDefinitions": [{"name": "memo"}, *ANSWER["objectDefinitions"]],
    }

    assert differences(WHOLE, more) == []
    assert differences(Datasource("notes"), more) == []


@pytest.mark.parametrize("name", ["CUSTOM_MEMOS", "memos", "", "CUSTOM_"])
def test_another_name_is_a_difference(name: str) -> None:
    assert differences(WHOLE, {**ANSWER, "name": name}) == [Difference("name", "notes", name)]


def test_the_identity_datasource_is_named_in_either_way() -> None:
    assert differences(WHOLE, {**ANSWER, "identityDatasourceName": "CUSTOM_DIRECTORY"}) == []
    assert differences(WHOLE, {**ANSWER, "identityDatasourceName": "CUSTOM_OTHER"}) == [
        Difference("identity_datasource", "directory", "CUSTOM_OTHER")
    ]


@pytest.mark.parametrize(
    ("changed", "field", "declared", "actual"),
    [
        ({"displayName": "Memos"}, "display_name", "Notes", "Memos"),
        ({"displayName": None}, "display_name", "Notes", None),
        ({"datasourceCategory": "CRM"}, "category", "COLLABORATIVE_CONTENT", "CRM"),
        ({"isTestDatasource": False}, "is_test", True, False),
        ({"isOnPrem": True}, "is_on_prem", False, True),
        ({"aliases": ["jottings", "more"]}, "aliases", ["jottings"], ["jottings", "more"]),
        ({"hideBuiltInFacets": []}, "hide_built_in_facets", ["TAG"], []),
        ({"objectDefinitions": []}, "object_types[note]", ANSWER["objectDefinitions"][0], None),
        ({"quicklinks": "none"}, "quicklinks[Create a note]", ANSWER["quicklinks"][0], None),
    ],
)
def test_a_field_that_differs_is_named_with_both_values(
    changed: dict[str, Any], field: str, declared: Any, actual: Any
) -> None:
    assert differences(WHOLE, {**ANSWER, **changed}) == [Difference(field, declared, actual)]


def test_a_field_deep_within_is_named_by_where_it_is() -> None:
    note = ANSWER["objectDefinitions"][0]
    size = {**note["propertyDefinitions"][0], "propertyType": "TEXT"}
    link = {**ANSWER["quicklinks"][0], "iconConfig": {**ANSWER["quicklinks"][0]["iconConfig"]}}
    link["iconConfig"]["color"] = "red"
    changed = {
        "objectDefinitions": [{**note, "propertyDefinitions": [size]}],
        "quicklinks": [link],
    }

    assert differences(WHOLE, {**ANSWER, **changed}) == [
        Difference("object_types[note].properties[size].type", "INT", "TEXT"),
        Difference("quicklinks[Create a note].icon.color", "#343CED", "red"),
    ]


def test_the_order_of_rewrites_matters_and_that_of_choices_does_not() -> None:
    two = replace(WHOLE, aliases=("a", "b"))
    rewrites = [{"matchRegex": "x", "rewriteRegex": "y"}, *ANSWER["canonicalizingURLRegex"]]

    assert differences(two, {**ANSWER, "aliases": ["b", "a"]}) == []
    assert [
        each.field for each in differences(WHOLE, {**ANSWER, "canonicalizingURLRegex": rewrites})
    ] == ["canonicalizing_url_regex"]


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({"is_on_prem": False}, True),
        ({"is_on_prem": True}, False),
        ({"strip_fragment_in_canonical_url": True}, True),
        ({"strip_fragment_in_canonical_url": False}, False),
        ({"trust_url_regex_for_view_activity": True}, True),
        ({"trust_url_regex_for_view_activity": False}, False),
        ({"aliases": ()}, True),
        ({"suggestion_text": ""}, True),
        ({"suggestion_text": "a note"}, False),
    ],
)
def test_what_the_answer_leaves_out_is_what_glean_takes_for_it(
    changes: dict[str, Any], *, is_same: bool
) -> None:
    datasource = replace(LEAST, **changes)

    assert (differences(datasource, definition(LEAST)) == []) is is_same


def test_a_difference_is_a_sentence() -> None:
    difference = Difference("object_types[note].label", "Note", None)

    assert str(difference) == "object_types[note].label is None in Glean, and declared 'Note'"


@given(st.sampled_from(sorted(ANSWER)), JSON)
def test_any_answer_can_be_compared_and_differs_in_no_other_field(name: str, value: Any) -> None:
    ours = dict(zip(WHOLE.__struct_encode_fields__, WHOLE.__struct_fields__, strict=True))

    for difference in differences(WHOLE, {**ANSWER, name: value}):
        assert difference.field.startswith(ours[name])
        assert str(difference)


def test_object_types_are_found_by_their_names() -> None:
    two = replace(WHOLE, object_types=(ObjectType("a", label="A"), ObjectType("b", label="B")))
    types = [{"name": "b", "displayLabel": "B"}, {"name": "a", "displayLabel": "x"}, {}, None]

    assert differences(two, {**ANSWER, "objectDefinitions": types}) == [
        Difference("object_types[a].label", "A", "x")
    ]
