"""How the next page is asked for, and how the last one is told. Pure.

A kind of paging is its declaration: a frozen Struct whose methods make one request
of another, and a cursor of an answer. Nothing is kept between two pages but the
cursor, so a crawl goes on from there after a crash.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from msgspec import Raw, Struct


class Ask(Struct, frozen=True, kw_only=True):
    """One request to a source. With a body, JSON, it is a POST."""

    url: str
    params: Mapping[str, str] = {}  # added to the query that the URL has
    headers: Mapping[str, str] = {}
    body: Mapping[str, Any] | None = None


class Told(Struct, frozen=True, kw_only=True):
    """What an answer tells of the pages after it."""

    url: str  # that was asked
    headers: Mapping[str, str]  # looked up in whatever case
    values: Mapping[str, Any]  # by the paths that the paging names
    records: Sequence[Raw]


class Paging(Protocol):
    """One way of paging. See `durable.sources.source.Reader` for what a cursor is."""

    is_linked: ClassVar[bool]  # a cursor is the URL of its page; the source may give it relative

    @property
    def name(self) -> str:
        """By which a person knows the cursor, in errors: the field that holds it, for example."""

    def paths(self) -> Mapping[str, Any]:
        """The places in an answer's body that it looks at, each with its type."""

    def asked(self, ask: Ask, cursor: str | None) -> Ask:
        """The request of the page at the cursor, made of that of the source."""

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        """That of the next page; None where the source said that there is none.

        Raises:
            UpstreamError: the answer does not say, or contradicts itself.
        """
