"""The batch processor. These are the names that a connector uses."""

from durable.connector import Connector
from durable.documents import (
    Content,
    Deletion,
    Document,
    GroupIntersection,
    Permissions,
    Property,
    User,
)
from durable.job import Mode
from durable.sources.json_pages import JsonPages


__all__ = [
    "Connector",
    "Content",
    "Deletion",
    "Document",
    "GroupIntersection",
    "JsonPages",
    "Mode",
    "Permissions",
    "Property",
    "User",
]
