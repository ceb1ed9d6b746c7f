"""Paging through a connection of GraphQL. Pure."""

import re
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from durable.decoding import decode
from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.http.error_rules import LIMIT, LIMIT_SECONDS
from durable.json_paths import names_of
from durable.sources.paging.param_location import (
    ParamLocation,
    check_names,
    check_placed,
    check_size,
    place_cursor,
    place_param,
)
from durable.sources.paging.protocol import Ask, Refused, Told
from durable.sources.paging.typed import to_cursor


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


# As these and others name who may not ask.
DENIED = frozenset(
    {
        "ACCESS_DENIED",
        "AUTHENTICATION_ERROR",
        "FORBIDDEN",
        "INSUFFICIENT_SCOPES",
        "INVALID_TOKEN",
        "NOT_AUTHENTICATED",
        "NOT_AUTHORIZED",
        "UNAUTHENTICATED",
        "UNAUTHORIZED",
    }
)
EXPIRED = re.compile(r"\bcursor\b", re.IGNORECASE)  # in a message or a code, to a cursor


class GraphQLConnection(Struct, frozen=True, kw_only=True):
    """A connection tells in its `pageInfo` whether there is more, and the cursor after it.

        HttpSource(
            url="${API}/graphql",
            body={"query": "query ($first: Int, $after: String, $since: DateTime) {...}"},
            records="data/issues/nodes",
            paging=GraphQLConnection(connection="data/issues", size=100),
            since=Since(param="variables/since", location=ParamLocation.BODY),
        )

    The query asks for `pageInfo { hasNextPage endCursor }`. With `edges` in the place of
    `nodes` a record is what is in an edge, `{"node": {...}}`.

    An error whose `path` leads into one node rejects that node alone. An answer with any other
    `errors` is no page, even where it has data: what is null there may be something that could
    not be read. It may pass if it comes after a page that was good, or if its code says so, as
    RATE_LIMITED does.

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
        check_placed(self, ask, ParamLocation.BODY, *map(_path, variables))
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

    def prepare(self, ask: Ask, cursor: str | None) -> Ask:
        if self.size is not None:
            ask = place_param(ask, ParamLocation.BODY, _path(self.size_param), self.size)
        return place_cursor(ask, ParamLocation.BODY, _path(self.after), cursor)

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        if any(self._place(error, told) is None for error in _errors(told)):
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
                cause=Cause.BAD_CURSOR,
            )
        return to_cursor(end_cursor)

    def faults(self, told: Told) -> Mapping[int, str | None]:
        reasons: dict[int, str | None] = {}
        for error in _errors(told):
            if (place := self._place(error, told)) is not None:
                reason = f"the source answered with an error of the record: {_message(error)}"
                reasons.setdefault(place, reason)
        return reasons

    def _place(self, error: Any, told: Told) -> int | None:
        """Of the node that an error is about, from 1; None: it is about more, or may pass."""
        path = error.get("path") if isinstance(error, dict) else None
        names = [*names_of(self.connection)]
        if names[0] == "data":
            del names[0]
        count = len(names)
        if not isinstance(path, list) or path[:count] != names or len(path) < count + 2:
            return None
        index = path[count + 1]
        is_place = type(index) is int and 0 <= index < len(told.records)
        return index + 1 if is_place and not _codes(error) & PASSING else None

    def refusal(self, refused: Refused) -> UpstreamError | None:
        try:
            errors = decode(refused.body, _GraphqlAnswer).errors
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if not errors:
            return None
        every = errors if isinstance(errors, list) else [errors]
        first, codes = every[0], frozenset[str]().union(*map(_codes, every))
        is_cursor_at_fault = refused.cursor is not None and (
            EXPIRED.search(_message(first)) or any("CURSOR" in code for code in _codes(first))
        )
        is_limited = any(LIMIT.search(_message(error)) for error in every)
        is_denied = bool(codes & DENIED) and not (codes & PASSING or is_limited)
        may_pass = bool(codes & PASSING) or is_limited or refused.cursor is not None
        more = f" (one of {len(every)})" if len(every) > 1 else ""
        return UpstreamError(
            f"the source answered with an error{more}: {_message(first)}",
            cause=Cause.REFUSED,
            is_transient=may_pass and not (is_denied or is_cursor_at_fault),
            retry_after=refused.headers.get("retry-after", LIMIT_SECONDS if is_limited else ""),
            recourse=Recourse.RESTART if is_cursor_at_fault else None,
            is_denied=is_denied,
        )


class _GraphqlAnswer(Struct):
    errors: Any = None


def _errors(told: Told) -> list[Any]:
    """Those beside a page; none where there is nothing in their place."""
    found = told.values["errors"]
    errors: Any = None if found is UNSET else decode(bytes(found))
    if not errors:
        return []
    return errors if isinstance(errors, list) else [errors]


def _codes(error: Any) -> frozenset[str]:
    known = error if isinstance(error, dict) else {}
    extensions = known.get("extensions")
    extensions = extensions if isinstance(extensions, dict) else {}
    codes = (known.get("type"), known.get("code"), extensions.get("code"), extensions.get("type"))
    return frozenset(str(code).upper() for code in codes if code is not None)


def _message(error: Any) -> str:
    return str(error.get("message", error) if isinstance(error, dict) else error)


def _path(variable: str) -> str:
    return f"variables/{variable}"
