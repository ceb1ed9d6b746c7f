"""How the next page is asked for, and how the last one is told. Pure.

A kind of paging is its declaration: a frozen Struct whose methods make one request
of another, and a cursor of an answer. Nothing is kept between two pages but the
cursor, so a crawl goes on from there after a crash.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

from msgspec import Raw, Struct

from durable.errors import Cause, Recourse, UpstreamError


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
    total_count: int | None = None  # of all pages, if the source declares where it says so
    has_more: bool | None = None  # whether there is a next page, likewise
    hides_rows: bool = False  # what the asker may not see is cut out of a page


class Paging(Protocol):
    """One way of paging. See `durable.sources.source.Reader` for what a cursor is."""

    is_linked: ClassVar[bool]  # a cursor is the URL of its page; the source may give it relative
    is_given: ClassVar[bool]  # a cursor is the source's own, which it may forget

    @property
    def name(self) -> str:
        """By which a person knows the cursor, in errors: the field that holds it, for example."""

    def check(self, ask: Ask, tells: Collection[str]) -> None:
        """Whether the rest of the source's declaration fits.

        Args:
            ask: the source's request, before anything is added.
            tells: which of `total`, `has_more`, `is_last` and `hides_rows` the source declares.

        Raises:
            ConfigurationError: it does not.
        """

    def paths(self) -> Mapping[str, Any]:
        """The places in an answer's body that it looks at, each with its type."""

    def prepare(self, ask: Ask, cursor: str | None) -> Ask:
        """The request of the page at the cursor, made of that of the source."""

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        """That of the next page; None where the source said that there is none.

        Raises:
            UpstreamError: the answer does not say, or contradicts itself.
        """


@runtime_checkable
class Refusing(Protocol):
    """A paging whose sources may answer 200 and say in the body that they refuse."""

    def refusal(self, told: "Refused") -> UpstreamError | None:
        """What is said instead of a page; None where it is something else."""


@runtime_checkable
class Faulting(Protocol):
    """A paging whose sources may tell of an error in one record of a page."""

    def faults(self, told: Told) -> Mapping[int, str | None]:
        """What is told, by the record's place from 1."""


@runtime_checkable
class Partial(Protocol):
    """A paging whose sources may tell of the same records in several answers."""

    def is_partial(self, told: Told) -> bool:
        """Whether what lies at the next cursor tells more of these records."""

    def join(self, first: Sequence[Raw], second: Sequence[Raw]) -> list[Raw]:
        """The records of two such answers. Raises msgspec.DecodeError where one is no object."""


class Refused(Struct, frozen=True, kw_only=True):
    """An answer that has not the shape of a page."""

    body: bytes
    headers: Mapping[str, str]
    cursor: str | None  # that was asked for


def foreign(name: str, cursor: str) -> UpstreamError:
    """A cursor that is none of this paging's: nothing but a start of the list helps."""
    return UpstreamError(
        f"the cursor {cursor!r:.200} is none of {name}",
        cause=Cause.BAD_CURSOR,
        recourse=Recourse.RESTART,
    )
