"""What every source is to a job: a declaration, and a reader that needs nothing but a cursor."""

from collections.abc import Callable
from typing import ClassVar, Protocol

import httpx
from msgspec import Raw, Struct

from durable.environment import Environment
from durable.job import Crawl, Rate
from durable.tokens import Tokens


CURSOR_CHARACTERS_MAX = 8_192  # it is stored with the job


class Records(Struct, frozen=True, kw_only=True):
    """One page of undecoded records."""

    records: list[Raw]
    next_cursor: str | None  # None: the source said that there is no more
    byte_count: int
    total_count: int | None = None  # of all pages, if the source says so
    request_count: int = 1  # that it took
    wait_ms: int = 0  # before the source is asked for anything more


class Surroundings(Struct, frozen=True):
    """What a reader has to work with."""

    environment: Environment
    transport: httpx.AsyncBaseTransport
    now_ms: Callable[[], int]
    page_bytes_max: int  # a larger page is refused
    tokens: Tokens  # that were asked for, in this turn or in those before it


class Reader(Protocol):
    """Reads one source, for as long as a turn takes.

    The next turn has another reader, after a crash in another isolate. So whatever is
    to be known of the pages before a page, its cursor holds. What a reader remembers
    besides saves requests and no more.
    """

    async def fetch(self, cursor: str | None, crawl: Crawl) -> Records:
        """The page at the cursor, None being the first.

        Raises:
            UpstreamError: it could not be had, or is not of the shape that was declared.
        """


class Source(Protocol):
    """Where records are, as a connector's author declares it."""

    is_delegated: ClassVar[bool]  # what it asks for, brings the documents to Glean by itself

    def reader(self, surroundings: Surroundings) -> Reader:
        """Raises ConfigurationError where a variable or a secret is not right."""

    def secrets(self) -> frozenset[str]:
        """The names of all that it takes from the environment and nobody may see."""

    @property
    def rate(self) -> Rate | None:
        """How often it may be asked; None: as often as there is need."""

    @property
    def kept_ms(self) -> int | None:
        """For so long it can tell what has changed; None: for ever."""

    @property
    def tells_changes(self) -> bool:
        """Whether it can be asked for what has changed, and for that alone."""

    def located(self, environment: Environment) -> str:
        """Where it is, with variables filled in: another place is another crawl.

        Raises:
            ConfigurationError: a variable is not set, or what comes of it is no URL.
        """
