"""What is to be done about an answer that is an error, by rules of the source's author. Pure.

The first rule that an answer matches is followed. Where there is none: 401 renews the
token, 429 waits, and so does 403 where a limit of requests is told with it, in its headers or in
its body; 202, 408, 425 and 5xx are tried again; 410 to a cursor of a list means that it has
expired, and so do 404 and 400 to one that the source gave itself; all others fail.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from durable.errors import ConfigurationError
from durable.http import retry_after
from durable.http.charset import utf8
from durable.json_paths import Shape, shape_of
from durable.timestamps import MILLISECOND, is_span


TRANSIENT_STATUSES = frozenset({202, 408, 425, 429, *range(500, 600)})  # 202: not ready yet
CLASS = re.compile(r"[1-5]xx")
HEADER_PARTS = 2  # its name and a pattern
BODY_BYTES_MAX = 4_096  # that a pattern is looked for in
FIELD_BYTES_MAX = 64 * 1024  # of an error's body, which is read to look at a field

# As GitHub, Google and Salesforce tell in a 403 that it is not the proof that is at fault.
LIMIT = re.compile(
    r"rate[ _-]?limit|(?:limit|quota)[ _-]?exceeded|too many requests|throttl|abuse detection",
    re.IGNORECASE,
)
LIMIT_SECONDS = "60"  # to be left alone where the body alone tells a limit: GitHub's least

Status = int | str  # such as 503, or "5xx"


class Action(StrEnum):
    """What is done about an answer."""

    RETRY = "retry"  # ask again, after a back-off
    WAIT = "wait"  # ask again, when the answer or the rule says so
    FAIL = "fail"  # end the job
    SKIP = "skip"  # rejected the one record that was asked for; where none was, end the job
    REFRESH = "refresh"  # ask again at once with a new token; if it does not help, as without rules
    RESTART = "restart"  # the cursor has expired: read on as `resume` says, else from the start
    FULL = "full"  # read all of the source: it no longer tells what changed since then
    PAGE = "page"  # as where an API answers 206, or has an `error` beside a list that is whole
    END = "end"  # nothing is there; past the last page of a count, if a page before it was short


class Rule(Struct, frozen=True, kw_only=True):
    """What is done about answers of one kind: those that match all that is named here.

        Rule(status=404, then=Action.SKIP)
        Rule(status=403, header=("x-error", "quota"), then=Action.WAIT, until="x-quota-reset")
        Rule(status=410, body="cursor .* expired", then=Action.RESTART)
        Rule(status=200, path="error", value="ratelimited", then=Action.WAIT, wait_ms=60_000)
        Rule(status=206, then=Action.PAGE)
        Rule(status=200, path="error", value="none so far", then=Action.PAGE)
        Rule(status=404, body="page out of range", then=Action.END)

    Attributes:
        then: what is done.
        status: one such as 503, a class such as "5xx", or several of these. None: all that are
            not an answer. One of 200 is looked at only where a rule names it, or "2xx".
        header: its name, and a pattern that is found in its value.
        body: a pattern that is found in the first 4 KiB of the body.
        path: the path of a place in the body, as in `error/code`.
        value: what is at that place, a text, a number, a truth value or None; by
            default anything but null.
        until: WAIT only: the header that says for how long, or until when (see
            `durable.http.retry_after`); by default Retry-After and those of the limits of requests.
        wait: WAIT only: how long, where no header says it.

    Raises:
        ConfigurationError: a field is not right, or nothing is named.
    """

    then: Action
    status: Status | tuple[Status, ...] | None = None
    header: tuple[str, str] | None = None
    body: str = ""
    path: str = ""
    value: str | float | bool | UnsetType | None = UNSET
    until: str = ""
    wait: timedelta | None = None

    def __post_init__(self) -> None:
        if (fault := next(self._faults(), None)) is not None:
            raise ConfigurationError(f"a source's rule is not right: {fault}")

    @property
    def statuses(self) -> tuple[Status, ...] | None:
        """All that it is for, one by one."""
        if isinstance(self.status, tuple):
            return self.status or None
        return None if self.status is None else (self.status,)

    def _faults(self) -> Iterator[str]:
        if self.then not in set(Action):
            yield f"then is {self.then!r}; it takes one of {', '.join(Action)}"
        for status in self.statuses or ():
            if not _is_status(status):
                yield f"status is {status!r}; it takes one such as 503, or a class such as '5xx'"
        is_narrow = bool(self.header or self.body or self.path)
        if self.statuses is None and not is_narrow:
            yield "it names nothing that it is for: add a status, a header, a body or a path"
        if not is_narrow and any(_is_for(status, 200) for status in self.statuses or ()):
            yield f"status is {self.status!r}, which is every page: add a header, a body or a path"
        if self.header is not None:
            yield from _header_faults(self.header)
        yield from _pattern_faults("body", self.body)
        if self.value is not UNSET and not self.path:
            yield f"value is {self.value!r}, and there is no path: name the place that has it"
        if self.wait is not None and not is_span(self.wait, MILLISECOND):
            yield f"wait is {self.wait!r}; it takes a timedelta, as in timedelta(minutes=1)"
        if (self.until or self.wait) and self.then is not Action.WAIT:
            yield f"until and wait are for Action.WAIT alone, not for {self.then!r}"


Rules = tuple[Rule, ...]


class Reply(Struct, frozen=True, kw_only=True):
    """What came back, as far as it was read."""

    status: int
    headers: Mapping[str, str]  # looked up in whatever case
    body: bytes
    is_answer: bool  # by its status, it is what was asked for


class RuleVerdict(Struct, frozen=True):
    """What is to be done about an error."""

    action: Action
    retry_after: str = ""  # says when, as `durable.http.retry_after.wait_ms` understands it
    told_by: str = ""  # what says so
    is_unproven: bool = False  # whoever asked may not, even with a new token
    is_usual: bool = False  # no rule is for it, and it is to be an error


class Rulebook:
    """The rules of a source, ready to be used.

    Args:
        rules: the first one that matches is followed.
    """

    def __init__(self, rules: Rules) -> None:
        self._all = [_Matcher(rule) for rule in rules]
        self._of_answers = [matcher for matcher in self._all if matcher.is_for_answers]
        looks_at_fields = any(rule.path for rule in rules)
        self.body_bytes_max = FIELD_BYTES_MAX if looks_at_fields else BODY_BYTES_MAX

    def may_be_page(self, status: int) -> bool:
        """Whether a rule takes some answers of this status for pages."""
        return any(
            matcher.action is Action.PAGE and matcher.is_for(status) for matcher in self._all
        )

    def verdict(self, reply: Reply) -> RuleVerdict | None:
        """What is to be done; None about what is no error."""
        for matcher in self._of_answers if reply.is_answer else self._all:
            if matcher.matches(reply):
                return None if matcher.action is Action.PAGE else matcher.verdict(reply)
        return None if reply.is_answer else usual_rules(reply)

    def second_verdict(self, reply: Reply) -> RuleVerdict | None:
        """What is to be done, where a new token did not help."""
        verdict = self.verdict(reply)
        if verdict is None or verdict.action is not Action.REFRESH:
            return verdict
        passing = reply.status in TRANSIENT_STATUSES
        action = Action.RETRY if passing else Action.FAIL
        return replace(_verdict_of(action, reply), is_unproven=True)


def usual_rules(reply: Reply) -> RuleVerdict:
    """What is done about an error that no rule is for."""
    if reply.status == 401:
        return RuleVerdict(Action.REFRESH)
    is_limited = (
        "retry-after" in reply.headers or retry_after.from_exhausted(reply.headers) is not None
    )
    if reply.status == 429 or (reply.status == 403 and is_limited):
        return _verdict_of(Action.WAIT, reply)
    if reply.status == 403 and LIMIT.search(_beginning(reply)):
        return RuleVerdict(Action.WAIT, LIMIT_SECONDS, "its body")
    if reply.status in TRANSIENT_STATUSES:
        return _verdict_of(Action.RETRY, reply)
    return replace(_verdict_of(Action.FAIL, reply), is_usual=True)


class _Matcher:
    """A rule with its patterns compiled."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._body = re.compile(rule.body)
        self._header = re.compile(rule.header[1]) if rule.header else None
        self._shape = shape_of((rule.path, Any | UnsetType)) if rule.path else None
        self.is_for_answers = rule.statuses is not None
        self.action = rule.then

    def is_for(self, met: int) -> bool:
        statuses = self._rule.statuses
        return statuses is None or any(_is_for(status, met) for status in statuses)

    def matches(self, reply: Reply) -> bool:
        rule = self._rule
        if not self.is_for(reply.status):
            return False
        if rule.header is not None and self._header is not None:
            value = reply.headers.get(rule.header[0])
            if value is None or self._header.search(value) is None:
                return False
        if rule.body and self._body.search(_beginning(reply)) is None:
            return False
        return self._shape is None or self._has_value(self._shape, reply)

    def _has_value(self, shape: Shape, reply: Reply) -> bool:
        try:
            found = shape.read(utf8(reply.body, reply.headers))[self._rule.path]
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        if self._rule.value is UNSET:
            return found is not UNSET and found is not None
        is_truth = isinstance(found, bool) or isinstance(self._rule.value, bool)
        return found is self._rule.value if is_truth else bool(found == self._rule.value)

    def verdict(self, reply: Reply) -> RuleVerdict:
        rule = self._rule
        if rule.then is not Action.WAIT:
            return _verdict_of(rule.then, reply)
        if rule.until and (when := reply.headers.get(rule.until, "")):
            return RuleVerdict(rule.then, when, f"its header {rule.until}")
        if not rule.until and (verdict := _verdict_of(rule.then, reply)).retry_after:
            return verdict
        when = str(rule.wait.total_seconds()) if rule.wait else ""
        return RuleVerdict(rule.then, when, "a rule" if when else "")


def _verdict_of(action: Action, reply: Reply) -> RuleVerdict:
    """An action, and what the answer says of when to come back."""
    wish = retry_after.from_error(reply.status, reply.headers)
    return RuleVerdict(action, wish.when, f"its header {wish.header}" if wish.when else "")


def _beginning(reply: Reply) -> str:
    return utf8(reply.body[:BODY_BYTES_MAX], reply.headers).decode(errors="replace")


def _is_status(status: Any) -> bool:
    if isinstance(status, str):
        return CLASS.fullmatch(status) is not None
    return isinstance(status, int) and 100 <= status < 600


def _is_for(status: Status, met: int) -> bool:
    return status == (f"{met // 100}xx" if isinstance(status, str) else met)


def _header_faults(header: Sequence[str]) -> Iterator[str]:
    if len(header) != HEADER_PARTS or not header[0]:
        yield f"header is {header!r}; it takes a name and a pattern, as in ('x-error', 'quota')"
    else:
        yield from _pattern_faults("header", header[1])


def _pattern_faults(name: str, pattern: str) -> Iterator[str]:
    try:
        re.compile(pattern)
    except re.error as error:
        yield f"{name} is {pattern!r}, which is no regular expression: {error}"
