"""The batch processor. These are the names that a connector uses."""

from durable.connector import Connector
from durable.errors import UpstreamError
from durable.feed import Feed
from durable.instant import unix_seconds
from durable.job import Mode, Rate
from durable.model.datasource import Datasource, Facet, Icon, IconType, Quicklink, Rewrite, Scope
from durable.model.documents import (
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
from durable.model.identities import (
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
from durable.model.object_types import (
    Category,
    ObjectType,
    PropertyDefinition,
    PropertyGroup,
    PropertyType,
    UiOptions,
)
from durable.paging.counted import OffsetPaging, PageNumber
from durable.paging.cursors import BodyCursor, HeaderCursor, NextUrl
from durable.paging.ends import End
from durable.paging.graphql import GraphQLConnection
from durable.paging.keyset import Keyset
from durable.paging.link_header import LinkHeader
from durable.paging.odata import OData
from durable.paging.one_page import OnePage
from durable.paging.placing import Place
from durable.paging.wiki import WikiContinue
from durable.requests.auth import ApiKey, Basic, Bearer
from durable.requests.oauth import ClientCredentials, RefreshToken
from durable.sources.backend import Backend
from durable.sources.belonging import Missing
from durable.sources.detail import Detail
from durable.sources.ending import Header
from durable.sources.gather import Gather
from durable.sources.http import HttpSource
from durable.sources.ndjson import LineSource
from durable.sources.nested import Nested
from durable.sources.newest_first import NewestFirst
from durable.sources.python import Portion, PythonSource
from durable.sources.resume import Resume
from durable.sources.rules import Action, Rule
from durable.sources.since import Since
from durable.sources.times import TimeFormat
from durable.sources.web import Web, WebAnswer


__all__ = [
    "Action",
    "AdditionalField",
    "ApiKey",
    "Backend",
    "Basic",
    "Bearer",
    "BodyCursor",
    "Category",
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
    "End",
    "Facet",
    "Feed",
    "Gather",
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
    "LineSource",
    "LinkHeader",
    "Location",
    "Members",
    "Missing",
    "Mode",
    "Nested",
    "NewestFirst",
    "NextUrl",
    "OData",
    "ObjectType",
    "OffsetPaging",
    "OnePage",
    "PageNumber",
    "Permissions",
    "Place",
    "Portion",
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
    "Resume",
    "Rewrite",
    "Rule",
    "Scope",
    "Since",
    "SocialNetwork",
    "Team",
    "TeamEmail",
    "TeamMember",
    "TimeFormat",
    "UiOptions",
    "UpstreamError",
    "User",
    "Web",
    "WebAnswer",
    "WikiContinue",
    "unix_seconds",
]
