"""Signs in an answer that its list is not whole. Pure.

ServiceNow ends a list that took too long with an `error` behind its records, Elasticsearch says
`timed_out`, GitHub `incomplete_results`: with a 200, and with the records that there were by then.
And where the field is misspelt that is to tell the end by its absence, each page is the last one,
though there is a `nextPageToken` for all to see.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from durable.decoding import decode
from durable.errors import Cause, UpstreamError
from durable.http.error_rules import Action, Rules
from durable.json_paths import names_of


HARMLESS = frozenset({"", "0", "200", "false", "no", "none", "null", "ok", "success"})
CODES = ("code", "status", "errcode")  # of an error: if one of them is harmless, it is
# Objects that APIs tell of the next page in, beside the answer itself.
PLACES = (
    *("_links", "links", "meta", "metadata", "page", "pageInfo", "page_info"),
    *("pages", "paging", "pagination", "response_metadata"),
)
Tells = Callable[[Any], bool]


def _is_error(value: Any) -> bool:
    match value:
        case dict() if codes := [value[name] for name in CODES if name in value]:
            return not any(str(code).lower() in HARMLESS for code in codes)
        case dict() | list():
            return bool(value)
    return value is not None and str(value).strip().lower() not in HARMLESS


def _is_true(value: Any) -> bool:
    return value is True


def _is_false(value: Any) -> bool:
    return value is False


def _has(name: str) -> Tells:
    """Whether it is an object with a number that is not 0, or a truth, in that field."""
    return lambda value: isinstance(value, dict) and bool(value.get(name))


def _leads_on(value: Any) -> bool:
    match value:
        case dict():
            return any(map(_leads_on, value.values()))
        case str() | bool():
            return str(value).strip().lower() not in HARMLESS
    return isinstance(value, int) and value > 0


# By the name of a member of the answer: whether its value tells that the page is not whole.
PARTIAL: Mapping[str, Tells] = {
    **dict.fromkeys(("error", "errors", "exception", "fault"), _is_error),
    **dict.fromkeys(("ok", "success"), _is_false),
    **dict.fromkeys(("incomplete_results", "incompleteResults", "incompleteSearch"), _is_true),
    **dict.fromkeys(("partialResults", "partial_results"), _is_true),
    **dict.fromkeys(("terminated_early", "timed_out"), _is_true),
    "_shards": _has("failed"),
    "responseHeader": _has("partialResults"),
}
# Likewise, of one of its PLACES too: whether there is another page.
UNENDED: Mapping[str, Tells] = {
    **dict.fromkeys(("has_more", "hasMore", "has_next", "hasNext", "hasNextPage"), _is_true),
    **dict.fromkeys(("has_next_page", "hasMoreItems", "more_records", "moreRecords"), _is_true),
    **dict.fromkeys(("isTruncated", "IsTruncated", "is_truncated"), _is_true),
    **dict.fromkeys(("isLast", "is_last", "isLastPage", "is_last_page", "last"), _is_false),
    **dict.fromkeys(("done", "end_of_stream", "endOfStream"), _is_false),
    **dict.fromkeys(("next", "nextPage", "next_page", "nextPageToken"), _leads_on),
    **dict.fromkeys(("next_page_token", "nextToken", "next_token", "NextToken"), _leads_on),
    **dict.fromkeys(("nextCursor", "next_cursor", "nextLink", "next_link"), _leads_on),
    **dict.fromkeys(("nextUrl", "next_url", "nextPageUrl", "next_page_url"), _leads_on),
    **dict.fromkeys(("nextRecordsUrl", "@odata.nextLink", "odata.nextLink"), _leads_on),
}


def watched_paths(paths: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The paths where such signs may be, each with its type, without those that are read anyway.

    Args:
        paths: of the source.
    """
    declared = [names_of(path) for path, _ in paths]
    if () in declared:  # the answer is the list
        return []
    wanted: list[tuple[str, ...]] = [(name,) for name in (*PARTIAL, *UNENDED, *PLACES)]
    for place in PLACES:
        if any(names[0] == place and len(names) > 1 for names in declared):
            wanted += [(place, name) for name in UNENDED]
    free = [
        names
        for names in wanted
        if not any(
            other[: len(names)] == names or names[: len(other)] == other for other in declared
        )
    ]
    return [("/".join(names), Raw | UnsetType) for names in free]


class Signs:
    """Looks for the signs, except those that a rule of the source declares harmless.

    Args:
        known: the paths that the paging itself looks at.
        rules: of the source.
    """

    def __init__(self, known: Collection[str], rules: Rules) -> None:
        self._known = frozenset(known)
        self._rules = rules

    def check_whole(self, values: Mapping[str, Any]) -> None:
        """Check a page; `values` are by path. Raises UpstreamError if it is not whole."""
        for path, value in self._find(values, PARTIAL):
            raise UpstreamError(
                f"the source's page has {path} beside its records, so it may not be whole: "
                f"{_excerpt(value)}; if it is, declare {_waiver(path)}",
                cause=Cause.INCOMPLETE,
                is_transient=True,
            )

    def check_ended(self, values: Mapping[str, Any]) -> None:
        """Check the last page. Raises UpstreamError if it says that there is another."""
        for path, value in self._find(values, UNENDED):
            raise UpstreamError(
                f"the source's page is the last one by what is declared, and its {path} is "
                f"{_excerpt(value)}: declare that, or if it means nothing, {_waiver(path)}",
                cause=Cause.BAD_END,
            )

    def _find(
        self, values: Mapping[str, Any], telling: Mapping[str, Tells]
    ) -> Iterator[tuple[str, Any]]:
        for path, value in _members(values, self._known):
            tells = telling.get(names_of(path)[-1])
            if tells is not None and tells(value) and not _is_waived(path, value, self._rules):
                yield path, value


def _members(values: Mapping[str, Any], known: Collection[str]) -> Iterator[tuple[str, Any]]:
    """All that is looked at besides, by its path."""
    for path, raw in values.items():
        if not isinstance(raw, Raw) or path in known:
            continue
        try:
            value: Any = decode(bytes(raw))
        except (msgspec.DecodeError, UnicodeDecodeError):
            value = bytes(raw).decode(errors="replace")
        yield path, value
        if path in PLACES and isinstance(value, dict):
            yield from ((f"{path}/{name}", below) for name, below in value.items())


def _is_waived(path: str, value: Any, rules: Rules) -> bool:
    return any(
        rule.then is Action.PAGE and rule.path == path and rule.value in (UNSET, value)
        for rule in rules
    )


def _waiver(path: str) -> str:
    return f"Rule(status=200, path={path!r}, then=Action.PAGE)"


def _excerpt(value: Any) -> str:
    return msgspec.json.encode(value).decode()[:200]
