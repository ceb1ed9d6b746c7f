"""What an answer has beside its list that says that the list is not whole. Pure.

ServiceNow ends a list that took too long with an `error` behind its records, Elasticsearch says
`timed_out`, GitHub `incomplete_results`: with a 200, and with the records that there were by then.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from durable.decoding import decode
from durable.errors import UpstreamError
from durable.sources.rules import Action, Rules
from durable.sources.shape import names_of


HARMLESS = frozenset({"", "0", "200", "false", "no", "none", "null", "ok", "success"})
CODES = ("code", "status", "errcode")  # of an error: if one of them is harmless, it is


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


def _has(name: str) -> Callable[[Any], bool]:
    """Whether it is an object with a number that is not 0, or a truth, in that field."""
    return lambda value: isinstance(value, dict) and bool(value.get(name))


# By the name of a member of the answer: whether its value tells it.
TELLING: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("error", "errors", "exception", "fault"), _is_error),
    **dict.fromkeys(("ok", "success"), _is_false),
    **dict.fromkeys(("incomplete_results", "incompleteResults", "incompleteSearch"), _is_true),
    **dict.fromkeys(("partialResults", "partial_results"), _is_true),
    **dict.fromkeys(("terminated_early", "timed_out"), _is_true),
    "_shards": _has("failed"),
    "responseHeader": _has("partialResults"),
}


def looked_at(paths: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The members that are looked at, each with its type; none that is looked at otherwise.

    Args:
        paths: of the source.
    """
    taken = {names_of(path)[:1] for path, _ in paths}
    if () in taken:  # the answer is the list
        return []
    return [(name, Raw | UnsetType) for name in TELLING if (name,) not in taken]


def check_whole(values: Mapping[str, Any], known: Collection[str], rules: Rules) -> None:
    """Raises UpstreamError where a page says that it is not whole, and no rule takes it for one.

    Args:
        values: of the answer, by path.
        known: the paths that the paging itself looks at.
        rules: of the source.
    """
    for name, tells in TELLING.items():
        raw = values.get(name, UNSET)
        if not isinstance(raw, Raw) or name in known:
            continue
        try:
            value: Any = decode(bytes(raw))
        except (msgspec.DecodeError, UnicodeDecodeError):
            value = bytes(raw).decode(errors="replace")
        if tells(value) and not _is_waived(name, value, rules):
            raise UpstreamError(
                f"the source's page has {name} beside its records, so it may not be whole: "
                f"{bytes(raw)[:200].decode(errors='replace')}; if it is, declare "
                f"Rule(status=200, field={name!r}, then=Action.PAGE)",
                is_transient=True,
            )


def _is_waived(name: str, value: Any, rules: Rules) -> bool:
    return any(
        rule.then is Action.PAGE and rule.field == name and rule.value in (UNSET, value)
        for rule in rules
    )
