from enum import StrEnum
from typing import Any

import msgspec
import pytest
from glean.api_client import models
from msgspec.structs import replace

from durable.errors import ConfigurationError
from durable.glean.datasource import (
    Datasource,
    Facet,
    Icon,
    IconType,
    Quicklink,
    Rewrite,
    Scope,
    definition,
)
from durable.glean.object_types import (
    Category,
    ObjectType,
    PropertyDefinition,
    PropertyGroup,
    PropertyType,
    UiOptions,
)
from tests.official import Pair, each_of


ICON = Icon(
    icon_type=IconType.GLYPH,
    name="user",
    url="https://notes.example/icon.svg",
    key="person_icon",
    color="#343CED",
    background_color="#FFFFFF",
    generated_background_color_key="blue",
    masked=True,
)
QUICKLINK = Quicklink(
    "Create a note",
    short_name="Create",
    url="https://notes.example/new",
    icon=ICON,
    id="create",
    scopes=(Scope.APP_CARD, Scope.NEW_TAB_PAGE),
)
REWRITE = Rewrite(match_regex=r"https://n\.example/(\w+)", rewrite_regex=r"https://notes/$1")
SIZE = PropertyDefinition(
    "size",
    type=PropertyType.INT,
    label="Size",
    label_plural="Sizes",
    ui_options=UiOptions.SEARCH_RESULT,
    hide_ui_facet=False,
    ui_facet_order=1,
    skip_indexing=False,
    group="measures",
)
MEASURES = PropertyGroup("measures", label="Measures")
NOTE = ObjectType(
    "note",
    label="Note",
    category=Category.KNOWLEDGE_HUB,
    properties=(SIZE,),
    property_groups=(MEASURES,),
    summarizable=True,
)
WHOLE = Datasource(
    "notes",
    category=Category.COLLABORATIVE_CONTENT,
    display_name="Notes",
    url_regex=r"https://notes\.example/\w+",
    object_types=(NOTE,),
    is_user_referenced_by_email=True,
    identity_datasource="directory",
    is_entity=False,
    is_test=True,
    icon_url="https://notes.example/icon.svg",
    icon_dark_url="https://notes.example/dark.svg",
    home_url="https://notes.example",
    suggestion_text="a note",
    quicklinks=(QUICKLINK,),
    aliases=("jottings",),
    hide_built_in_facets=(Facet.TAG,),
    canonicalizing_url_regex=(REWRITE,),
    canonicalizing_title_regex=(REWRITE,),
    redlist_title_regex="^Untitled$",
    render_config_preset="gdrive",
    trust_url_regex_for_view_activity=False,
    strip_fragment_in_canonical_url=True,
    include_utm_source=False,
    product_access_group="everybody",
    is_on_prem=False,
)
LEAST = Datasource("notes", category=Category.TICKETS, url_regex="https://notes.example/.*")


PAIRS = [
    # The one is for crawlers of Glean's own, the other is always the same.
    Pair(WHOLE, models.CustomDatasourceConfig, frozenset({"crawlerSeedUrls", "connectorType"})),
    Pair(NOTE, models.ObjectDefinition),
    Pair(SIZE, models.PropertyDefinition),
    Pair(MEASURES, models.PropertyGroup),
    Pair(REWRITE, models.CanonicalizingRegexType),
    Pair(QUICKLINK, models.Quicklink),
    Pair(ICON, models.IconConfig),
]
each_pair = each_of(PAIRS)


@each_pair
def test_a_part_has_all_fields_of_gleans_that_are_to_be_set(pair: Pair) -> None:
    assert pair.our_names == pair.official_names - pair.left_out
    assert pair.left_out <= pair.official_names


@each_pair
def test_gleans_own_model_reads_every_field_as_it_was_sent(pair: Pair) -> None:
    assert not pair.unset_fields
    sent = msgspec.json.decode(msgspec.json.encode(pair.part))
    assert pair.as_glean_reads_it() == sent


@pytest.mark.parametrize(
    ("ours", "official", "left_out"),
    [
        (Category, models.DatasourceCategory, {"UNCATEGORIZED"}),  # Glean asks for another
        (Category, models.DocCategory, {"UNCATEGORIZED"}),
        (PropertyType, models.PropertyDefinitionPropertyType, {"MULTIPICKLIST"}),  # not yet there
        (UiOptions, models.UIOptions, set()),
        (Facet, models.HideBuiltInFacet, set()),
        (Scope, models.Scope, set()),
        (IconType, models.IconType, set()),
    ],
)
def test_a_choice_is_among_gleans(ours: type[StrEnum], official: Any, left_out: set[str]) -> None:
    assert {each.value for each in ours} == {each.value for each in official} - left_out


def test_the_definition_is_a_body_that_gleans_model_takes() -> None:
    body = definition(WHOLE)

    config = models.CustomDatasourceConfig.model_validate(body)
    assert config.model_dump(mode="json", by_alias=True, exclude_unset=True) == body
    assert body["connectorType"] == "PUSH_API"
    assert body["objectDefinitions"][0]["propertyDefinitions"][0]["name"] == "size"


def test_the_definition_has_what_is_declared_and_nothing_else() -> None:
    assert definition(LEAST) == {
        "name": "notes",
        "datasourceCategory": "TICKETS",
        "urlRegex": "https://notes.example/.*",
        "connectorType": "PUSH_API",
    }


def test_a_name_alone_declares_nothing_to_set_up() -> None:
    assert not Datasource("notes").is_declared
    assert not Datasource("notes", url_regex="a", object_types=(NOTE,)).is_declared
    assert LEAST.is_declared
    with pytest.raises(AssertionError, match="'notes' is not declared"):
        definition(Datasource("notes"))


def test_what_documents_are_checked_against_is_at_hand() -> None:
    assert WHOLE.object_type_names == {"note"}
    assert WHOLE.url_pattern is not None
    assert WHOLE.url_pattern.fullmatch("https://notes.example/a")
    assert Datasource("notes").object_type_names == frozenset()
    assert Datasource("notes").url_pattern is None


def test_a_datasource_of_entities_needs_no_url_regex() -> None:
    assert Datasource("notes", category=Category.ENTITY, is_entity=True).is_declared


def refusal(**changes: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        replace(WHOLE, **changes)
    return str(caught.value)


@pytest.mark.parametrize("name", ["", "my-notes", "my_notes", "my notes", "nötes", "notes\n"])
def test_a_name_is_ascii_letters_and_digits(name: str) -> None:
    assert refusal(name=name) == (
        f"datasource {name!r}: Glean takes ASCII letters and digits in the name: write it with "
        "nothing else"
    )


@pytest.mark.parametrize(
    "field", ["display_name", "icon_url", "quicklinks", "is_test", "hide_built_in_facets"]
)
def test_without_a_category_nothing_else_is_set_up(field: str) -> None:
    value = getattr(WHOLE, field)

    with pytest.raises(ConfigurationError, match=f"{field} is .*, but category is not set: choose"):
        Datasource("notes", **{field: value})


def test_with_a_category_there_is_a_url_regex() -> None:
    told = "datasource 'notes': url_regex is not set: give the pattern that the view_urls of its"

    assert refusal(url_regex=msgspec.UNSET).startswith(told)
    assert refusal(url_regex="").startswith(told)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url_regex": "("}, "url_regex"),
        ({"redlist_title_regex": "("}, "redlist_title_regex"),
        (
            {"canonicalizing_url_regex": (REWRITE, Rewrite(match_regex="(", rewrite_regex=""))},
            "canonicalizing_url_regex[1].match_regex",
        ),
        (
            {"canonicalizing_title_regex": (Rewrite(match_regex="(", rewrite_regex=""),)},
            "canonicalizing_title_regex[0].match_regex",
        ),
    ],
)
def test_a_pattern_is_one(changes: dict[str, Any], field: str) -> None:
    assert refusal(**changes).startswith(
        f"datasource 'notes': {field} '(' is no regular expression: correct it: missing )"
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"category": "WIKI"}, "category is 'WIKI': invalid enum value 'WIKI': choose one of TICK"),
        ({"category": ["CRM"]}, "category is ['CRM']: expected `str`, got `array`: choose one of"),
        ({"display_name": 7}, "display_name is 7: expected `str`, got `int`"),
        ({"object_types": ("note",)}, "object_types[0] is 'note': expected `object`, got `str`"),
        ({"object_types": NOTE}, "object_types is ObjectType(name='note'"),
        (
            {"object_types": (ObjectType("a", properties=(PropertyDefinition("b", type="X"),)),)},  # type: ignore[arg-type]
            "object_types[0].properties[0].type is 'X': invalid enum value 'X'",
        ),
        ({"name": 7}, "name is 7: expected `str`, got `int`"),
    ],
)
def test_another_type_is_refused(changes: dict[str, Any], told: str) -> None:
    assert f": {told}" in refusal(**changes)


@pytest.mark.parametrize("name", ["", "a note", "a_note", "note\n"])
def test_the_name_of_an_object_type_is_without_spaces_or_underscores(name: str) -> None:
    assert refusal(object_types=(NOTE, ObjectType(name))) == (
        f"datasource 'notes': object_types: the name {name!r} is empty or has a space or an "
        "underscore: write it without"
    )


def test_names_are_there_once() -> None:
    other = PropertyDefinition("SIZE", ui_facet_order=2)

    assert refusal(object_types=(ObjectType("note"), ObjectType("Note"))) == (
        "datasource 'notes': object_types: the name 'note' is there 2 times: leave one"
    )
    assert refusal(object_types=(replace(NOTE, properties=(SIZE, other)),)) == (
        "datasource 'notes': object_types[note].properties: the name 'size' is there 2 times: "
        "leave one"
    )
    assert refusal(object_types=(replace(NOTE, property_groups=(MEASURES, MEASURES)),)) == (
        "datasource 'notes': object_types[note].property_groups: the name 'measures' is there 2 "
        "times: leave one"
    )


def test_a_property_has_a_name() -> None:
    assert refusal(object_types=(ObjectType("note", properties=(PropertyDefinition(""),)),)) == (
        "datasource 'notes': object_types[note].properties: the name '' is empty: give it one"
    )


def test_a_property_is_in_a_group_that_is_there() -> None:
    assert refusal(object_types=(replace(NOTE, property_groups=()),)) == (
        "datasource 'notes': object_types[note].properties[size]: the group 'measures' is none of "
        "property_groups, []: add it there"
    )


@pytest.mark.parametrize(
    ("orders", "told"),
    [
        ((1, None), "[1, 'none']: give all of them one, from 1 to 2, or none"),
        ((1, 1), "[1, 1]: give all"),
        ((0, 1), "[0, 1]: give all"),
        ((1, 3), "[1, 3]: give all"),
    ],
)
def test_the_filters_are_in_one_order(orders: tuple[int | None, ...], told: str) -> None:
    def types(orders: tuple[int | None, ...]) -> tuple[ObjectType, ...]:
        properties = tuple(
            PropertyDefinition(f"p{index}", ui_facet_order=msgspec.UNSET if at is None else at)
            for index, at in enumerate(orders)
        )
        hidden = PropertyDefinition("hidden", hide_ui_facet=True)
        return (ObjectType("note", properties=(*properties, hidden)),)

    assert told in refusal(object_types=types(orders))
    for right in ((2, 1), (None, None), ()):
        assert replace(WHOLE, object_types=types(right)).is_declared
