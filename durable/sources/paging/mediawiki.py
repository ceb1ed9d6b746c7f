"""Paging as MediaWiki's action API has it. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from durable.decoding import decode
from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.json_paths import Lacking
from durable.sources.paging.mediawiki_parts import join_parts
from durable.sources.paging.param_location import (
    ParamLocation,
    check_placed,
    check_size,
    place_size,
    size_param,
)
from durable.sources.paging.protocol import Ask, Refused, Told, foreign


PASSING = frozenset({"maxlag", "ratelimited", "readonly"})  # and what begins with internal_api_

# Whoever asks may not. What begins with these is of the kind, as is what ends with "denied".
DENIED = (
    "assert",
    "autoblocked",
    "badaccess",
    "blocked",
    "mustbeloggedin",
    "mwoauth",
    "notloggedin",
)

Continue = dict[str, str | int]


class MediaWikiPaging(Struct, frozen=True, kw_only=True):
    """An answer has in `continue` the parameters of the next one; the last has none.

        HttpSource(
            url="${WIKI}/api.php",
            params={"action": "query", "format": "json", "generator": "allpages", ...},
            records="query/pages",
            records_key="pageid",
            paging=MediaWikiPaging(size=50, size_param="gaplimit"),
        )

    With `formatversion=2` the pages are a list, and have no records_key.

    A wiki may tell of the same pages in several answers, some of their properties in each,
    and says `batchcomplete` with the last of these. They are put together, and count as one
    page. Ask for no more pages at a time than each of the properties is given for, mostly 50,
    to save requests; for long texts fewer, as a wiki stops at 12 MB.

    An answer with `error` is no page. It may pass if it comes after a page that was good,
    or if its code is that of a wiki which is busy; not if whoever asks may not read. Without
    records there is no `query`.

    Attributes:
        size: of a page, if it is to be asked for.
        size_param: the parameter that takes the size.

    Raises:
        ConfigurationError: the size is none, or has no parameter.
    """

    size: int | None = None
    size_param: str = ""

    is_linked: ClassVar[bool] = False
    is_given: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_size(self)

    @property
    def name(self) -> str:
        return "continue"

    def check(self, ask: Ask, _tells: Collection[str]) -> None:
        if ask.body is not None:
            raise ConfigurationError(
                f"MediaWikiPaging: the source has a body={ask.body!r}, and MediaWiki takes no "
                "JSON: declare params"
            )
        if ask.params.get("format", "json") != "json":
            raise ConfigurationError(
                f"MediaWikiPaging: the source's params have format={ask.params['format']!r}: it "
                "has to be 'json'"
            )
        check_placed(self, ask, ParamLocation.QUERY, size_param(self))

    def paths(self) -> Mapping[str, Any]:
        maybe = Raw | UnsetType
        return {
            "continue": Continue | UnsetType,
            "batchcomplete": maybe,
            "error": maybe,
            "errors": maybe,
            "query": Lacking.WHOLE,
        }

    def prepare(self, ask: Ask, cursor: str | None) -> Ask:
        ask = place_size(ask, ParamLocation.QUERY, self)
        if cursor is None:
            return ask
        try:
            further = decode(cursor, Continue)
        except msgspec.DecodeError as error:
            raise foreign("MediaWiki's", cursor) from error
        params = {name: str(value) for name, value in further.items()}
        return replace(ask, params={**ask.params, **params})

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        for name in ("error", "errors"):  # as its errorformat is
            if told.values[name] is UNSET:
                continue
            error = b'{"%s":%s}' % (name.encode(), bytes(told.values[name]))
            refused = Refused(body=error, headers=told.headers, cursor=cursor)
            raise self.refusal(refused) or _incomplete()
        further = told.values["continue"]
        if further is UNSET and self.is_partial(told):
            raise _incomplete()
        return None if further is UNSET else msgspec.json.encode(further).decode()

    def is_partial(self, told: Told) -> bool:
        is_complete = told.values["batchcomplete"]
        return is_complete is UNSET or bytes(is_complete) == b"false"

    def join(self, first: Sequence[Raw], second: Sequence[Raw]) -> list[Raw]:
        return join_parts(first, second)

    def refusal(self, refused: Refused) -> UpstreamError | None:
        try:
            answer = decode(refused.body, _WikiAnswer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        error = next(iter([*filter(None, [answer.error]), *answer.errors]), None)
        if error is None:
            return None
        is_expired = error.code == "badcontinue"
        may_pass = error.code in PASSING or error.code.startswith("internal_api_")
        is_denied = error.code.startswith(DENIED) or error.code.endswith("denied")
        return UpstreamError(
            f"the source answered with an error: {error.code}: {error.info or error.text}",
            cause=Cause.REFUSED,
            is_transient=not (is_expired or is_denied) and (may_pass or refused.cursor is not None),
            retry_after=refused.headers.get("retry-after", ""),
            recourse=Recourse.RESTART if is_expired else None,
            is_denied=is_denied,
        )


class _Error(Struct):
    code: str
    info: str = ""
    text: str = ""  # the same, of the other formats


class _WikiAnswer(Struct):
    error: _Error | None = None
    errors: list[_Error] = []


def _incomplete() -> UpstreamError:
    return UpstreamError(
        "the source's answer is not marked as batchcomplete, so its records have parts missing, "
        "and it has no `continue` that leads to them",
        cause=Cause.INCOMPLETE,
    )
