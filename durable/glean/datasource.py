"""The datasource as a connector declares it, and how Glean's differs from that. Pure.

Fields are those of Glean's `CustomDatasourceConfig`, but those for its own crawlers; facts are
from its OpenAPI description 0.9.0.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType, field

from durable.decoding import decode
from durable.errors import ConfigurationError
from durable.glean import object_types
from durable.glean.documents import Wire
from durable.glean.object_types import Category, Named, ObjectType, PropertyType
from durable.glean.type_check import Mistyped, check_types, quote


NAME = re.compile(r"[A-Za-z0-9]+")
# What documents are checked against, also where the datasource is set up by hand.
CHECKED_AGAINST = frozenset(
    {
        "name",
        "url_regex",
        "object_types",
        "identity_datasource",
        "is_user_referenced_by_email",
        "is_entity",
    }
)


class Facet(StrEnum):
    """A filter that Glean has by itself."""

    TYPE = "TYPE"
    TAG = "TAG"
    AUTHOR = "AUTHOR"
    OWNER = "OWNER"


class Scope(StrEnum):
    """Where a quick link is offered."""

    APP_CARD = "APP_CARD"
    AUTOCOMPLETE_EXACT_MATCH = "AUTOCOMPLETE_EXACT_MATCH"
    AUTOCOMPLETE_FUZZY_MATCH = "AUTOCOMPLETE_FUZZY_MATCH"
    AUTOCOMPLETE_ZERO_QUERY = "AUTOCOMPLETE_ZERO_QUERY"
    NEW_TAB_PAGE = "NEW_TAB_PAGE"


class IconType(StrEnum):
    """What an icon is taken from."""

    COLLECTION = "COLLECTION"
    CUSTOM = "CUSTOM"
    DATASOURCE = "DATASOURCE"
    DATASOURCE_INSTANCE = "DATASOURCE_INSTANCE"
    FAVICON = "FAVICON"
    FILE_TYPE = "FILE_TYPE"
    GENERATED_BACKGROUND = "GENERATED_BACKGROUND"
    GLYPH = "GLYPH"
    MIME_TYPE = "MIME_TYPE"
    NO_ICON = "NO_ICON"
    PERSON = "PERSON"
    REACTIONS = "REACTIONS"
    URL = "URL"


class Icon(Wire, frozen=True, kw_only=True):
    """How a quick link's icon is drawn: mostly `icon_type` with a `name` or a `url`."""

    icon_type: IconType | UnsetType = UNSET
    name: str | UnsetType = UNSET  # of a GLYPH
    url: str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    color: str | UnsetType = UNSET
    background_color: str | UnsetType = UNSET
    generated_background_color_key: str | UnsetType = UNSET
    masked: bool | UnsetType = UNSET  # in the theme's colours


class Quicklink(Named, frozen=True, kw_only=True):
    """An action offered while one types, such as "Create new issue".

    Attributes:
        name: all of it, for autocomplete.
        short_name: for the app's card.
        url: where it leads.
        icon: how it is drawn.
        id: one of its kind.
        scopes: where it is offered.
    """

    short_name: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    icon: Icon | UnsetType = field(default=UNSET, name="iconConfig")
    id: str | UnsetType = UNSET
    scopes: tuple[Scope, ...] | UnsetType = UNSET


class Rewrite(Wire, frozen=True, kw_only=True):
    """What matches becomes what it is rewritten to, as Glean's regular expressions do it."""

    match_regex: str
    rewrite_regex: str


class _Declaration(Named, frozen=True, kw_only=True):
    """The fields alone, to be made anew without being looked at once more."""

    category: Category | UnsetType = field(default=UNSET, name="datasourceCategory")
    display_name: str | UnsetType = UNSET
    url_regex: str | UnsetType = UNSET
    object_types: tuple[ObjectType, ...] | UnsetType = field(
        default=UNSET, name="objectDefinitions"
    )
    is_user_referenced_by_email: bool | UnsetType = UNSET
    identity_datasource: str | UnsetType = field(default=UNSET, name="identityDatasourceName")
    is_entity: bool | UnsetType = field(default=UNSET, name="isEntityDatasource")
    is_test: bool | UnsetType = field(default=UNSET, name="isTestDatasource")
    icon_url: str | UnsetType = UNSET
    icon_dark_url: str | UnsetType = UNSET
    home_url: str | UnsetType = UNSET
    suggestion_text: str | UnsetType = UNSET
    quicklinks: tuple[Quicklink, ...] | UnsetType = UNSET
    aliases: tuple[str, ...] | UnsetType = UNSET
    hide_built_in_facets: tuple[Facet, ...] | UnsetType = UNSET
    canonicalizing_url_regex: tuple[Rewrite, ...] | UnsetType = field(
        default=UNSET, name="canonicalizingURLRegex"
    )
    canonicalizing_title_regex: tuple[Rewrite, ...] | UnsetType = UNSET
    redlist_title_regex: str | UnsetType = UNSET
    render_config_preset: str | UnsetType = UNSET
    trust_url_regex_for_view_activity: bool | UnsetType = UNSET
    strip_fragment_in_canonical_url: bool | UnsetType = UNSET
    include_utm_source: bool | UnsetType = UNSET
    product_access_group: str | UnsetType = UNSET
    is_on_prem: bool | UnsetType = UNSET


class Datasource(_Declaration, frozen=True, kw_only=True, dict=True):
    """A datasource of Glean, where a connector's documents go.

    With a category it is declared whole, and can be set up from here. Without one it is set up
    by hand, in Glean's admin console: what stands here is then what documents are checked
    against before they are sent, and no more than `name`, `url_regex`, `object_types`,
    `identity_datasource`, `is_user_referenced_by_email` and `is_entity` may.

    Attributes:
        name: ASCII letters and digits, the same for ever: Glean gives a deleted one to nobody.
        category: what kind of content it has. An object type may have another.
        display_name: what people read; Glean makes one of the name.
        url_regex: a pattern for all of a `view_url`, as narrow as can be: where two datasources
            match a URL, Glean takes either.
        object_types: the kinds of its documents.
        is_user_referenced_by_email: whether permissions and groups name users by mail address;
            else by the id that the source has for them.
        identity_datasource: the name of another datasource, already in Glean, whose users and
            groups are meant.
        is_entity: it holds entities, names and values rather than text, and needs no URLs.
        is_test: only for trials; it has no weight in the ranking, and is seen by beta users alone.
        icon_url: of an image, better SVG than PNG, with a transparent background; or a data URL.
        icon_dark_url: the same for dark screens.
        home_url: the page where people begin there.
        suggestion_text: an example of what to search for.
        quicklinks: actions offered while one types.
        aliases: other names for it after `app:` in a search.
        hide_built_in_facets: filters that make no sense for it.
        canonicalizing_url_regex: makes any of its URLs the one that stands for the document; the
            rules are applied in their order.
        canonicalizing_title_regex: makes a title the one that is shown, likewise.
        redlist_title_regex: documents with such a title are not indexed.
        render_config_preset: a datasource known to Glean whose results look alike, as `gdrive`.
        trust_url_regex_for_view_activity: whether the browser shows one URL for as long as a page
            is open. Glean takes it for true.
        strip_fragment_in_canonical_url: whether what is after a `#` does not matter. Glean takes
            it for true.
        include_utm_source: add `utm_source` to links that lead there.
        product_access_group: the group of those who have the product.
        is_on_prem: it runs in the company's own network.

    Raises:
        ConfigurationError: one of these is not right.
    """

    def __post_init__(self) -> None:
        if faults := [f"datasource {self.name!r}: {fault}" for fault in _faults(self)]:
            raise ConfigurationError("\n".join(faults))

    @property
    def is_declared(self) -> bool:
        """Whether it can be set up from here."""
        return self.category is not UNSET

    @property
    def refers_by_email(self) -> bool | None:
        """Whether users are named by mail address; None where only Glean knows.

        A datasource that is declared whole has what is not said as Glean takes it: False.
        """
        if self.is_user_referenced_by_email is not UNSET:
            return self.is_user_referenced_by_email
        return False if self.is_declared else None

    @cached_property
    def object_type_names(self) -> frozenset[str]:
        """Empty where any may come."""
        return frozenset(object_type.name for object_type in self.object_types or ())

    @cached_property
    def property_types(self) -> Mapping[str, Mapping[str, PropertyType]]:
        """Of custom properties, by the object type and their name, as far as it is declared."""
        return {
            object_type.name: {
                each.name: each.type
                for each in object_type.properties or ()
                if each.type is not UNSET
            }
            for object_type in self.object_types or ()
        }

    @cached_property
    def url_pattern(self) -> re.Pattern[str] | None:
        """None where any URL may come."""
        return re.compile(self.url_regex) if self.url_regex else None


def definition(datasource: Datasource) -> dict[str, Any]:
    """The body of the request that sets it up, which overwrites what Glean has."""
    assert datasource.is_declared, f"the datasource {datasource.name!r} is not declared"
    body: dict[str, Any] = decode(msgspec.json.encode(datasource))
    return {**body, "connectorType": "PUSH_API"}


def _faults(datasource: Datasource) -> Iterator[str]:
    try:
        check_types(datasource, _Declaration)
    except Mistyped as error:
        known = f": choose one of {', '.join(Category)}" if error.fault.field == "category" else ""
        yield f"{error}{known}"
        return
    if not NAME.fullmatch(datasource.name):
        yield "Glean takes ASCII letters and digits in the name: write it with nothing else"
    if not datasource.is_declared:
        yield from _faults_of_undeclared(datasource)
    elif not datasource.url_regex and datasource.is_entity is not True:
        yield "url_regex is not set: give the pattern that the view_urls of its documents match"
    for name, pattern in _patterns(datasource):
        try:
            re.compile(pattern)
        except re.error as error:
            yield f"{name} {pattern!r} is no regular expression: correct it: {error}"
    yield from object_types.faults(datasource.object_types or ())


def _faults_of_undeclared(datasource: Datasource) -> Iterator[str]:
    for name in datasource.__struct_fields__:
        if name not in CHECKED_AGAINST and (value := getattr(datasource, name)) is not UNSET:
            yield (
                f"{name} is {quote(value)}, but category is not set: choose one, so that the "
                f"datasource can be set up from here, or leave {name} out"
            )


def _patterns(datasource: Datasource) -> Iterator[tuple[str, str]]:
    for name in ("url_regex", "redlist_title_regex"):
        if (pattern := getattr(datasource, name)) is not UNSET:
            yield name, pattern
    for name in ("canonicalizing_url_regex", "canonicalizing_title_regex"):
        for index, rewrite in enumerate(getattr(datasource, name) or ()):
            yield f"{name}[{index}].match_regex", rewrite.match_regex
