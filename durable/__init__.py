"""The batch processor. These are the names that a connector uses."""

from durable.auth import ApiKey, Basic, Bearer
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
from durable.oauth import ClientCredentials, RefreshToken
from durable.sources.cursors import BodyCursor, NextUrl
from durable.sources.http import HttpSource
from durable.sources.rules import Action, Rule
from durable.sources.since import Since


__all__ = [
    "Action",
    "ApiKey",
    "Basic",
    "Bearer",
    "BodyCursor",
    "ClientCredentials",
    "Connector",
    "Content",
    "Deletion",
    "Document",
    "GroupIntersection",
    "HttpSource",
    "Mode",
    "NextUrl",
    "Permissions",
    "Property",
    "RefreshToken",
    "Rule",
    "Since",
    "User",
]
