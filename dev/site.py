"""What is synced on this machine: servers, the connectors that read them, and their datasources."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from dev.staging import PACKAGES


class Server(Struct, frozen=True):
    """A source to be started.

    Attributes:
        variable: of the Worker, that takes the server's URL.
        module: run with `python -m`.
        arguments: for its command line.
        environment: of its process, beside ours.
    """

    variable: str
    module: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}


class Site(Struct, frozen=True, kw_only=True):
    """All that belongs together.

    Attributes:
        servers: the sources, the main one first.
        datasources: as Glean's `adddatasource` takes them.
        variables: and secrets of the connectors.
        connectors: the folder of the connectors that are deployed.
    """

    servers: Sequence[Server]
    datasources: Sequence[Mapping[str, Any]] = ()
    variables: Mapping[str, str] = {}
    connectors: Path = PACKAGES["connectors"]


KINDS = ("module", "class", "function")
DOCS = Site(
    servers=[Server("DOCS_API_URL", "dev.docs_source")],
    datasources=[
        {
            "name": "pythondocs",
            "displayName": "Python documentation",
            "datasourceCategory": "PUBLISHED_CONTENT",
            "urlRegex": r"^https://docs\.python\.org/3/library/.*",
            "objectDefinitions": [
                {"name": kind, "docCategory": "PUBLISHED_CONTENT"} for kind in KINDS
            ],
        }
    ],
)
