"""The batch processor. These are the names that a connector uses."""

from durable.connector.backend_connector import BackendConnector
from durable.connector.connector import Connector
from durable.connector.stream import Stream
from durable.errors import UpstreamError
from durable.glean.datasource import Datasource, Facet, Icon, IconType, Quicklink, Rewrite, Scope
from durable.glean.documents import (
    Comment,
    Content,
    Deletion,
    Document,
    GroupIntersection,
    Interactions,
    Permissions,
    Property,
    User,
)
from durable.glean.identities import (
    AdditionalField,
    DatasourceUser,
    Employee,
    EmployeeTeam,
    Group,
    Hypertext,
    Location,
    Members,
    Profile,
    Relationship,
    SocialNetwork,
    Team,
    TeamEmail,
    TeamMember,
)
from durable.glean.object_types import (
    Category,
    ObjectType,
    PropertyDefinition,
    PropertyGroup,
    PropertyType,
    UiOptions,
)
from durable.http.auth import ApiKey, Basic, Bearer
from durable.http.error_rules import Action, Rule
from durable.http.oauth import ClientCredentials, RefreshToken
from durable.machine.job import Mode, Rate
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
from durable.sources.python import PythonSource, SourcePage
from durable.sources.python_client import Client, Response
from durable.sources.resume import Resume
from durable.sources.since import Since
from durable.sources.sub_list import SubList
from durable.sources.times import TimeFormat
from durable.timestamps import unix_seconds


__version__ = "0.1.0"
__all__ = [
    "Action",
    "AdditionalField",
    "ApiKey",
    "Backend",
    "BackendConnector",
    "Basic",
    "Bearer",
    "BodyCursor",
    "Category",
    "Client",
    "ClientCredentials",
    "Comment",
    "Connector",
    "Content",
    "Datasource",
    "DatasourceUser",
    "Deletion",
    "Detail",
    "Document",
    "Employee",
    "EmployeeTeam",
    "Facet",
    "GraphQLConnection",
    "Group",
    "GroupIntersection",
    "Header",
    "HeaderCursor",
    "HttpSource",
    "Hypertext",
    "Icon",
    "IconType",
    "Interactions",
    "Keyset",
    "LastPage",
    "LinkHeader",
    "Location",
    "MediaWikiPaging",
    "Members",
    "Missing",
    "Mode",
    "NdjsonSource",
    "Nested",
    "NewestFirst",
    "NextUrl",
    "OData",
    "ObjectType",
    "OffsetPaging",
    "OnePage",
    "PageNumber",
    "ParamLocation",
    "Permissions",
    "Profile",
    "Property",
    "PropertyDefinition",
    "PropertyGroup",
    "PropertyType",
    "PythonSource",
    "Quicklink",
    "Rate",
    "RefreshToken",
    "Relationship",
    "Response",
    "Resume",
    "Rewrite",
    "Rule",
    "Scope",
    "Since",
    "SocialNetwork",
    "SourcePage",
    "Stream",
    "SubList",
    "Team",
    "TeamEmail",
    "TeamMember",
    "TimeFormat",
    "UiOptions",
    "UpstreamError",
    "User",
    "unix_seconds",
]
