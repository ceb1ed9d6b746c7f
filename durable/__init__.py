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
from durable.errors import UpstreamError
from durable.job import Mode
from durable.oauth import ClientCredentials, RefreshToken
from durable.sources.backend import Backend
from durable.sources.belonging import Missing
from durable.sources.cursors import BodyCursor, NextUrl
from durable.sources.detail import Detail
from durable.sources.gather import Gather
from durable.sources.http import HttpSource
from durable.sources.nested import Nested
from durable.sources.python import Portion, PythonSource
from durable.sources.rules import Action, Rule
from durable.sources.since import Since
from durable.sources.web import Web, WebAnswer


__all__ = [
    "Action",
    "ApiKey",
    "Backend",
    "Basic",
    "Bearer",
    "BodyCursor",
    "ClientCredentials",
    "Connector",
    "Content",
    "Deletion",
    "Detail",
    "Document",
    "Gather",
    "GroupIntersection",
    "HttpSource",
    "Missing",
    "Mode",
    "Nested",
    "NextUrl",
    "Permissions",
    "Portion",
    "Property",
    "PythonSource",
    "RefreshToken",
    "Rule",
    "Since",
    "UpstreamError",
    "User",
    "Web",
    "WebAnswer",
]
