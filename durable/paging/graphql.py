"""Paging through a connection of GraphQL. Pure."""

import re
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from durable.decoding import decode
from durable.errors import ConfigurationError, UpstreamError
from durable.paging.placing import Place, check_names, check_placed, check_size, placed, resumed_at
from durable.paging.protocol import Ask, Refused, Told
from durable.paging.typed import stored


# As Apollo's servers, GitHub, Linear and Shopify name what may pass, in upper case.
PASSING = frozenset(
    {
        "INTERNAL_SERVER_ERROR",
        "RATE_LIMITED",
        "RATELIMITED",
        "SERVICE_UNAVAILABLE",
        "THROTTLED",
        "TIMEOUT",
    }
)


class GraphQLConnection(Struct, frozen=True, kw_only=True):
    """A connection tells in its `pageInfo` whether there is more, and the cursor after it.

        HttpSource(
            url="{API}/graphql",
            body={"query": "query ($first: Int, $after: String, $since: DateTime) {...}"},
            records="data/issues/nodes",
            paging=GraphQLConnection(connection="data/issues", size=100),
            since=Since(param="variables/since", place=Place.BODY),
        )

    The query asks for `pageInfo { hasNextPage endCursor }`. With `edges` in the place of
    `nodes` a record is what is in an edge, `{"node": {...}}`.

    An answer with `errors` is no page, even where it has data: what is null there may be
    something that could not be read. It may pass if it comes after a page that was good,
    or if its code says so, as RATE_LIMITED does.

    Attributes:
        connection: the path of the connection in the answer.
        after: the query's variable that takes the cursor.
        size: of a page, if it is to be asked for.
        size_param: the query's variable that takes the size.

    Raises:
        ConfigurationError: a name is empty, or the size is none.
    """

    connection: str
    after: str = "after"
    size: int | None = None
    size_param: str = "first"

    is_linked: ClassVar[bool] = False
    is_given: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_names(self, "connection", "after")
        check_size(self)

    @property
    def name(self) -> str:
        return f"{self.connection}/pageInfo/endCursor"

    @property
    def _more(self) -> str:
        return f"{self.connection}/pageInfo/hasNextPage"

    def check(self, ask: Ask, _tells: Collection[str]) -> None:
        variables = [self.after] if self.size is None else [self.after, self.size_param]
        check_placed(self, ask, Place.BODY, *map(_path, variables))
        query = str((ask.body or {}).get("query", ""))  # none where the server knows it by an id
        for variable in variables if query else ():
            if not re.search(rf"\${re.escape(variable)}\b", query):
                raise ConfigurationError(
                    f"GraphQLConnection: the query in the source's body has no variable "
                    f"${variable}: declare it there, and give it to the connection"
                )

    def paths(self) -> Mapping[str, Any]:
        return {
            self._more: bool,
            self.name: str | int | None | UnsetType,
            "errors": Raw | UnsetType,
        }

    def asked(self, ask: Ask, cursor: str | None) -> Ask:
        if self.size is not None:
            ask = placed(ask, Place.BODY, _path(self.size_param), self.size)
        return resumed_at(ask, Place.BODY, _path(self.after), cursor)

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        if told.values["errors"] is not UNSET:
            errors = b'{"errors":' + bytes(told.values["errors"]) + b"}"
            refused = Refused(body=errors, headers=told.headers, cursor=cursor)
            if (refusal := self.refusal(refused)) is not None:
                raise refusal
        if not told.values[self._more]:
            return None
        end_cursor: str | int | UnsetType | None = told.values[self.name]
        if end_cursor is UNSET or end_cursor is None or end_cursor == "":
            raise UpstreamError(
                f"the source's {self._more} is true, and there is no endCursor beside it",
                is_transient=False,
            )
        return stored(end_cursor)

    def refusal(self, refused: Refused) -> UpstreamError | None:
        try:
            errors = decode(refused.body, _Answer).errors
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if not errors:
            return None
        first = errors[0] if isinstance(errors, list) else errors
        known = first if isinstance(first, dict) else {}
        extensions = known.get("extensions") or {}
        codes = [known.get("type"), extensions.get("code"), extensions.get("type")]
        may_pass = any(str(code).upper() in PASSING for code in codes)
        more = f" (one of {len(errors)})" if isinstance(errors, list) and len(errors) > 1 else ""
        return UpstreamError(
            f"the source answered with an error{more}: {known.get('message', first)}",
            is_transient=may_pass or refused.cursor is not None,
            retry_after=refused.headers.get("retry-after", ""),
        )


class _Answer(Struct):
    errors: Any = None


def _path(variable: str) -> str:
    return f"variables/{variable}"
