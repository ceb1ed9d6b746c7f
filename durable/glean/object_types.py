"""The object types of a datasource and their custom properties, as Glean is told of them.

Fields are those of Glean's `ObjectDefinition` and what it holds.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum

from msgspec import UNSET, UnsetType, field

from durable.glean.documents import Wire


OBJECT_TYPE = re.compile(r"[^\s_]+")


class Category(StrEnum):
    """What kind of content it is: an important signal for the ranking."""

    TICKETS = "TICKETS"  # issues, tasks
    CRM = "CRM"
    PUBLISHED_CONTENT = "PUBLISHED_CONTENT"  # written once, such as blog posts
    COLLABORATIVE_CONTENT = "COLLABORATIVE_CONTENT"  # files that several people edit
    QUESTION_ANSWER = "QUESTION_ANSWER"
    MESSAGING = "MESSAGING"
    CODE_REPOSITORY = "CODE_REPOSITORY"
    CHANGE_MANAGEMENT = "CHANGE_MANAGEMENT"  # pull requests
    PEOPLE = "PEOPLE"
    EMAIL = "EMAIL"
    SSO = "SSO"
    ATS = "ATS"  # applicants
    KNOWLEDGE_HUB = "KNOWLEDGE_HUB"  # reference that is kept up to date, such as a wiki
    EXTERNAL_SHORTCUT = "EXTERNAL_SHORTCUT"
    ENTITY = "ENTITY"  # names and values rather than text
    CALENDAR = "CALENDAR"
    AGENTS = "AGENTS"
    AI_CONVERSATION = "AI_CONVERSATION"
    AI_ARTIFACT = "AI_ARTIFACT"


class PropertyType(StrEnum):
    """What a custom property holds, which decides how it can be searched."""

    TEXT = "TEXT"
    DATE = "DATE"  # a filter only where the value is Unix seconds
    INT = "INT"  # never a filter
    USERID = "USERID"
    PICKLIST = "PICKLIST"
    TEXTLIST = "TEXTLIST"


class UiOptions(StrEnum):
    """Where a custom property is shown."""

    NONE = "NONE"
    SEARCH_RESULT = "SEARCH_RESULT"
    DOC_HOVERCARD = "DOC_HOVERCARD"


class Named(Wire, frozen=True):
    """What is known by its name, which is given first."""

    name: str


class PropertyGroup(Named, frozen=True, kw_only=True):
    """Properties that are shown together.

    Attributes:
        name: for `PropertyDefinition.group`; one of its kind in the object type.
        label: what people read.
    """

    label: str | UnsetType = field(default=UNSET, name="displayLabel")


class PropertyDefinition(Named, frozen=True, kw_only=True):
    """A custom property that documents of the object type may have.

    Attributes:
        name: as in `Property.name`. By `country`, results are ranked for the searcher's own.
        type: what it holds.
        label: what people read.
        label_plural: the same of several.
        ui_options: where it is shown.
        hide_ui_facet: make it no filter beside the results.
        ui_facet_order: its place among the filters, from 1. If one that is not hidden has one,
            all have, without gaps.
        skip_indexing: neither search nor rank by it.
        group: the name of one of the object type's `property_groups`.
    """

    type: PropertyType | UnsetType = field(default=UNSET, name="propertyType")
    label: str | UnsetType = field(default=UNSET, name="displayLabel")
    label_plural: str | UnsetType = field(default=UNSET, name="displayLabelPlural")
    ui_options: UiOptions | UnsetType = UNSET
    hide_ui_facet: bool | UnsetType = UNSET
    ui_facet_order: int | UnsetType = UNSET
    skip_indexing: bool | UnsetType = UNSET
    group: str | UnsetType = UNSET


class ObjectType(Named, frozen=True, kw_only=True):
    """A kind of document in the datasource, such as an article or a ticket.

    Attributes:
        name: as in `Document.object_type`; without spaces or underscores.
        label: what people read.
        category: where it is another than the datasource's.
        properties: the custom properties of such documents.
        property_groups: of those that are shown together.
        summarizable: whether Glean may summarise such documents.
    """

    label: str | UnsetType = field(default=UNSET, name="displayLabel")
    category: Category | UnsetType = field(default=UNSET, name="docCategory")
    properties: tuple[PropertyDefinition, ...] | UnsetType = field(
        default=UNSET, name="propertyDefinitions"
    )
    property_groups: tuple[PropertyGroup, ...] | UnsetType = UNSET
    summarizable: bool | UnsetType = UNSET


def faults(object_types: Iterable[ObjectType]) -> Iterator[str]:
    """What is wrong with them, each with its place, the value and what to do."""
    object_types = tuple(object_types)
    for object_type in object_types:
        if not OBJECT_TYPE.fullmatch(object_type.name):
            yield (
                f"object_types: the name {object_type.name!r} is empty or has a space or an "
                "underscore: write it without"
            )
    yield from _find_repeated("object_types", object_types)
    for object_type in object_types:
        yield from _property_faults(object_type)


def _property_faults(object_type: ObjectType) -> Iterator[str]:
    place = f"object_types[{object_type.name}]"
    properties = object_type.properties or ()
    groups = object_type.property_groups or ()
    for where, named in ((f"{place}.properties", properties), (f"{place}.property_groups", groups)):
        if not all(each.name for each in named):
            yield f"{where}: the name '' is empty: give it one"
        yield from _find_repeated(where, named)
    known = [group.name for group in groups]
    for each in properties:
        if each.group is not UNSET and each.group not in known:
            yield (
                f"{place}.properties[{each.name}]: the group {each.group!r} is none of "
                f"property_groups, {known}: add it there"
            )
    shown = [each.ui_facet_order for each in properties if each.hide_ui_facet is not True]
    if set(shown) > {UNSET} or (UNSET not in shown and set(shown) != set(range(1, len(shown) + 1))):
        orders = ["none" if order is UNSET else order for order in shown]
        yield (
            f"{place}.properties: the ui_facet_order of those not hidden is {orders}: give all "
            f"of them one, from 1 to {len(shown)}, or none"
        )


def _find_repeated(place: str, named: Iterable[Named]) -> Iterator[str]:
    counts = Counter(each.name.casefold() for each in named)
    for name, count in counts.items():
        if count > 1:
            yield f"{place}: the name {name!r} is there {count} times: leave one"
