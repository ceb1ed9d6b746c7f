"""What a connector declares; Glean's nouns are in `durable.glean`."""

from typing import TYPE_CHECKING, NoReturn

from durable.connector.backend_connector import BackendConnector
from durable.connector.connector import Connector
from durable.connector.context import Context
from durable.connector.job_limits import JobLimits
from durable.connector.stream import Stream
from durable.environment import Secret, Variable
from durable.errors import ConfigurationError, UpstreamError
from durable.http.auth import ApiKey, Basic, Bearer
from durable.http.error_rules import Action, Rule
from durable.http.oauth import ClientCredentials, RefreshToken
from durable.machine.job import Mode
from durable.machine.rate import Rate
from durable.sources.backend import Backend
from durable.sources.belonging import Missing
from durable.sources.detail import Detail
from durable.sources.ending import Header
from durable.sources.http import HttpSource
from durable.sources.ndjson import NdjsonSource
from durable.sources.nested import Nested
from durable.sources.newest_first import NewestFirst
from durable.sources.paging.cursors import BodyCursor, HeaderCursor, NextUrl
from durable.sources.paging.graphql import GraphQLConnection
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.last_page import LastPage
from durable.sources.paging.link_header import LinkHeader
from durable.sources.paging.mediawiki import MediaWikiPaging
from durable.sources.paging.odata import OData
from durable.sources.paging.offset import OffsetPaging, PageNumber
from durable.sources.paging.one_page import OnePage
from durable.sources.paging.param_location import ParamLocation
from durable.sources.python import PythonSource
from durable.sources.python_client import Client, Response
from durable.sources.python_request import Fail, FetchRequest, Retry, Skip, SourcePage, StartOver
from durable.sources.resume import Resume
from durable.sources.since import Since
from durable.sources.sub_list import SubList
from durable.sources.times import TimeFormat
from durable.timestamps import unix_seconds


__version__ = "0.1.0"
__all__ = [
    "Action",
    "ApiKey",
    "Backend",
    "BackendConnector",
    "Basic",
    "Bearer",
    "BodyCursor",
    "Client",
    "ClientCredentials",
    "Connector",
    "Context",
    "Detail",
    "Fail",
    "FetchRequest",
    "GraphQLConnection",
    "Header",
    "HeaderCursor",
    "HttpSource",
    "JobLimits",
    "Keyset",
    "LastPage",
    "LinkHeader",
    "MediaWikiPaging",
    "Missing",
    "Mode",
    "NdjsonSource",
    "Nested",
    "NewestFirst",
    "NextUrl",
    "OData",
    "OffsetPaging",
    "OnePage",
    "PageNumber",
    "ParamLocation",
    "PythonSource",
    "Rate",
    "RefreshToken",
    "Response",
    "Resume",
    "Retry",
    "Rule",
    "Secret",
    "Since",
    "Skip",
    "SourcePage",
    "StartOver",
    "Stream",
    "SubList",
    "TimeFormat",
    "UpstreamError",
    "Variable",
    "unix_seconds",
]

# What is written otherwise than in a connector of before.
_RENAMED = {
    "Portion": "SourcePage",
    "Web": "Client",
    "WebAnswer": "Response",
    "Feed": "Stream",
    "Gather": "SubList",
    "End": "LastPage",
    "Place": "ParamLocation",
    "LineSource": "NdjsonSource",
    "WikiContinue": "MediaWikiPaging",
}

if not TYPE_CHECKING:  # or any name would be right

    def __getattr__(name: str) -> NoReturn:
        """Raises ConfigurationError for a name of before: an import of it says the new one."""
        from durable import glean  # noqa: PLC0415 - it is looked into where a name is not here

        if name in _RENAMED:
            raise ConfigurationError(f"durable.{name} is called {_RENAMED[name]} from 0.1 on")
        if name in glean.__all__:
            raise ConfigurationError(
                f"durable.{name} is one of Glean's nouns: write `from durable.glean import {name}`"
            )
        raise AttributeError(f"module 'durable' has no attribute {name!r}")
