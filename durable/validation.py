"""What Glean asks of a document beyond its types, as far as it can be told before it is sent.

Facts are from Glean's pages on documents and custom properties. What Glean finds
beyond them, it answers with 400, and the batch is cut until the document is alone.
"""

import math
import re

from msgspec import UNSET

from durable.connector import AnyConnector
from durable.documents import Change, Deletion, Document, Property


ID_CHARACTERS_MAX = 200
OBJECT_TYPE = re.compile(r"[^\s_]+")
EPOCH_SECONDS_MAX = 100_000_000_000  # the year 5138; today's milliseconds are above it


def fault(change: Change, connector: AnyConnector) -> str | None:
    """Why Glean would refuse it, or None."""
    reason = _fault_of_name(change, connector)
    if reason is not None or isinstance(change, Deletion):
        return reason
    return _fault_of_document(change, connector)


def _fault_of_name(change: Change, connector: AnyConnector) -> str | None:
    # A mapping can put anything into a field: its types are not checked when it is made.
    identifier: object = change.id
    kind: object = change.object_type
    if not isinstance(identifier, str) or not identifier:
        return f"the document has no id, but {identifier!r:.100}"
    if len(identifier) > ID_CHARACTERS_MAX:
        return f"the id has {len(identifier)} characters; Glean takes {ID_CHARACTERS_MAX}"
    if not isinstance(kind, str) or not OBJECT_TYPE.fullmatch(kind):
        return f"the object_type {kind!r:.100} has a space or an underscore, or is no text"
    if connector.object_types and kind not in connector.object_types:
        known = ", ".join(sorted(connector.object_types))
        return f"the object_type {kind!r:.100} is not one of the connector's: {known}"
    return None


def _fault_of_document(document: Document, connector: AnyConnector) -> str | None:
    url: object = document.view_url
    if not isinstance(url, str) or not url:
        return f"the document has no view_url, but {url!r:.100}"
    if connector.url_regex and not re.fullmatch(connector.url_regex, url):
        return f"the view_url {url!r:.300} does not match url_regex, {connector.url_regex}"
    for name, seconds in (("created_at", document.created_at), ("updated_at", document.updated_at)):
        if isinstance(seconds, int) and abs(seconds) >= EPOCH_SECONDS_MAX:
            return f"{name} is {seconds}, which looks like milliseconds; Glean takes seconds"
    properties = document.custom_properties
    return None if properties is UNSET else _fault_of_properties(properties)


def _fault_of_properties(properties: object) -> str | None:
    if not isinstance(properties, (list, tuple)):
        return f"custom_properties is a {type(properties).__name__}, not a list of Property"
    for custom_property in properties:
        if not isinstance(custom_property, Property):
            return f"a custom property is a {type(custom_property).__name__}, not a Property"
        if not _is_valid(custom_property):
            return (
                f"the custom property {custom_property.name!r:.100} is a "
                f"{type(custom_property.value).__name__}; Glean takes a text, a number or a "
                "list of texts"
            )
    return None


def _is_valid(custom_property: Property) -> bool:
    match custom_property.value:
        case bool():
            return False
        case str() | int():
            return True
        case float(number):
            return math.isfinite(number)
        case list(values):
            return all(isinstance(value, str) for value in values)
    return False
