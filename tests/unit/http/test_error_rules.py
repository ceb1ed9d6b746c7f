from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable.environment import Secret
from durable.errors import ConfigurationError, Recourse, UpstreamError
from durable.http.auth import ApiKey
from durable.http.error_rules import Action, Reply, Rule, Rulebook, RuleVerdict
from durable.http.retry_after import wait_ms
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor
from tests.fakes.network import Network
from tests.fakes.source import context, page_of, read


class Parts(httpx.AsyncByteStream):
    """A body that comes in parts of 1 KiB."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for place in range(0, len(self._body), 1_024):
            yield self._body[place : place + 1_024]


STATUSES = (*range(201, 600),)
TRANSIENT = {202, 408, 425, 429, *range(500, 600)}
ISSUES = {"errors": {"code": "expired", "count": 0, "is_fatal": True, "none": None}, "list": []}


def a_reply(
    status: int = 400, body: Any = b"", *, is_answer: bool = False, **headers: str
) -> Reply:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=httpx.Headers(names), body=content, is_answer=is_answer)


def an_answer(body: Any = b"", **headers: str) -> Reply:
    return a_reply(200, body, is_answer=True, **headers)


def action(reply: Reply, *rules: Rule) -> Action | None:
    verdict = Rulebook(rules).verdict(reply)
    return None if verdict is None else verdict.action


def is_met(reply: Reply, rule: Rule) -> bool:
    """Whether the rule is for it. None of those here would do it without."""
    return action(reply, rule) is rule.then


# Without rules


@pytest.mark.parametrize("status", STATUSES)
def test_the_usual_is_done_where_no_rule_is_for_an_error(status: int) -> None:
    usual = {401: Action.REFRESH, 429: Action.WAIT}
    passing = Action.RETRY if status in TRANSIENT else Action.FAIL
    expected = usual.get(status, passing)

    assert action(a_reply(status)) is expected
    assert action(a_reply(status), Rule(header=("x-error", ""), then=Action.FULL)) is expected


def test_an_answer_is_no_error() -> None:
    assert action(an_answer(ISSUES)) is None
    assert action(a_reply(404, is_answer=True)) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"retry_after": "7"},
        {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "7"},
        {"x_ratelimit_remaining": "0", "retry_after": "7"},
        {"RateLimit": '"a";r=0;t=7'},
    ],
    ids=str,
)
def test_403_may_tell_a_limit_of_requests(headers: dict[str, str]) -> None:
    header = next(reversed(headers)) if "retry_after" in headers else next(iter(headers))
    told_by = f"its header {header.lower().replace('_', '-')}"

    verdict = Rulebook(()).verdict(a_reply(403, is_answer=False, **headers))

    assert verdict == RuleVerdict(Action.WAIT, "7", told_by)


def test_403_with_requests_left_is_what_it_says() -> None:
    assert action(a_reply(403, x_ratelimit_remaining="1", x_ratelimit_reset="7")) is Action.FAIL
    assert action(a_reply(403, x_ratelimit_remaining="0")) is Action.WAIT


@pytest.mark.parametrize(
    "message",
    [
        "You have exceeded a secondary rate limit. Please wait a few minutes.",
        "You have triggered an abuse detection mechanism.",
        '{"errors": [{"reason": "userRateLimitExceeded"}]}',
        '{"errors": [{"reason": "dailyLimitExceeded"}]}',
        '{"errors": [{"reason": "quotaExceeded"}]}',
        '[{"errorCode": "REQUEST_LIMIT_EXCEEDED"}]',
        "Too Many Requests",
        "Request was throttled",
    ],
)
def test_403_may_tell_a_limit_of_requests_in_its_body(message: str) -> None:
    reply = a_reply(
        403, message.encode(), x_ratelimit_remaining="4321", x_ratelimit_reset="1792571280"
    )

    assert Rulebook(()).verdict(reply) == RuleVerdict(Action.WAIT, "60", "its body")
    later = a_reply(403, message.encode(), retry_after="90")
    assert Rulebook(()).verdict(later) == RuleVerdict(Action.WAIT, "90", "its header retry-after")
    assert action(a_reply(404, message.encode())) is Action.FAIL
    assert action(a_reply(403, message.encode()), Rule(status=403, then=Action.FAIL)) is Action.FAIL


def test_whoever_is_to_wait_is_not_told_that_the_secret_is_at_fault() -> None:
    limited = {"message": "You have exceeded a secondary rate limit."}
    key = ApiKey(Secret("KEY"), header="x-key")
    source = HttpSource(
        records="items", url="https://notes.example/list", paging=BodyCursor(), auth=key
    )
    network = Network(httpx.Response(403, json=limited), httpx.Response(403, json={"no": 1}))

    with pytest.raises(UpstreamError) as waiting:
        page_of(source, network, KEY="k3y")
    with pytest.raises(UpstreamError) as refusing:
        page_of(source, network, KEY="k3y")

    assert (waiting.value.is_transient, waiting.value.retry_after) == (True, "60")
    assert "KEY" not in str(waiting.value)
    assert not refusing.value.is_transient
    assert "KEY" in str(refusing.value)


@pytest.mark.parametrize("status", [429, 503])
def test_the_time_to_come_back_is_told(status: int) -> None:
    verdict = Rulebook(()).verdict(a_reply(status, retry_after="7"))

    assert verdict is not None
    assert verdict.retry_after == "7"


def test_where_too_many_asked_the_reset_tells_it_too() -> None:
    reply = a_reply(429, x_ratelimit_remaining="0", x_ratelimit_reset="1792567710")

    told_by = "its header x-ratelimit-remaining"
    assert Rulebook(()).verdict(reply) == RuleVerdict(Action.WAIT, "1792567710", told_by)


# What a rule is for


@pytest.mark.parametrize(
    ("status", "met"),
    [
        (404, {404}),
        ((404, 410), {404, 410}),
        ("4xx", set(range(400, 500))),
        (("3xx", 500), {*range(300, 400), 500}),
        (("5xx", "4xx"), set(range(400, 600))),
    ],
)
def test_a_rule_is_for_statuses(status: Any, met: set[int]) -> None:
    rule = Rule(status=status, then=Action.FULL)

    assert {code for code in STATUSES if is_met(a_reply(code), rule)} == met


def test_a_rule_without_a_status_is_for_all_that_is_no_answer() -> None:
    rule = Rule(body="expired", then=Action.FULL)

    assert all(is_met(a_reply(status, b"expired"), rule) for status in STATUSES)
    assert action(an_answer(b"expired"), rule) is None
    assert action(a_reply(204, b"expired", is_answer=True), rule) is None


@pytest.mark.parametrize("value", ["quota used up", "the quota"])
def test_a_rule_is_for_a_header(value: str) -> None:
    rule = Rule(header=("X-Error", "quota|limit"), then=Action.FULL)

    assert is_met(a_reply(x_error=value), rule)
    assert not is_met(a_reply(x_error="Quota"), rule)
    assert not is_met(a_reply(x_fault=value), rule)


def test_an_empty_pattern_asks_whether_a_header_is_there() -> None:
    rule = Rule(header=("x-error", ""), then=Action.FULL)

    assert is_met(a_reply(x_error=""), rule)
    assert not is_met(a_reply(), rule)


def test_a_rule_is_for_a_pattern_in_the_body() -> None:
    rule = Rule(body=r"(?i)cursor \w+ expired", then=Action.FULL)

    assert is_met(a_reply(400, b'{"message": "The cursor abc expired."}'), rule)
    assert is_met(a_reply(400, b"\xff Cursor 7 expired"), rule)
    assert not is_met(a_reply(400, b"cursor expired"), rule)


def test_a_pattern_is_looked_for_in_the_beginning_of_the_body() -> None:
    rule = Rule(body="expired", then=Action.FULL)

    assert is_met(a_reply(400, b"x" * 4_089 + b"expired"), rule)
    assert not is_met(a_reply(400, b"x" * 4_090 + b"expired"), rule)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("errors/code", "expired"),
        ("errors/count", 0),
        ("errors/is_fatal", True),
        ("errors/none", None),
    ],
)
def test_a_rule_is_for_a_value_in_the_body(field: str, value: Any) -> None:
    assert is_met(a_reply(400, ISSUES), Rule(path=field, value=value, then=Action.FULL))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("errors/code", "expire"),
        ("errors/code", None),
        ("errors/count", False),
        ("errors/count", "0"),
        ("errors/is_fatal", 1),
        ("errors/is_fatal", False),
        ("errors/none", "null"),
        ("errors/missing", None),
        ("missing/code", None),
        ("list/code", None),
        ("errors/code/deeper", None),
    ],
)
def test_another_value_in_the_body_is_not_that_one(field: str, value: Any) -> None:
    assert not is_met(a_reply(400, ISSUES), Rule(path=field, value=value, then=Action.FULL))


@pytest.mark.parametrize(
    ("field", "is_there"),
    [
        ("errors", True),
        ("errors/code", True),
        ("errors/count", True),
        ("list", True),
        ("errors/none", False),
        ("errors/missing", False),
        ("missing/code", False),
        ("list/code", False),
    ],
)
def test_without_a_value_anything_but_null_is_one(field: str, *, is_there: bool) -> None:
    assert is_met(a_reply(400, ISSUES), Rule(path=field, then=Action.FULL)) is is_there


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"errors": {"co', b"[]", b"null", b"\xff"])
def test_a_body_that_is_none_has_no_values(body: bytes) -> None:
    assert not is_met(a_reply(400, body), Rule(path="errors", then=Action.FULL))


def test_all_that_a_rule_names_has_to_be_there() -> None:
    rule = Rule(
        status=400, header=("x-error", "a"), body="code", path="errors/count", then=Action.FULL
    )

    assert is_met(a_reply(400, ISSUES, x_error="a"), rule)
    assert not is_met(a_reply(409, ISSUES, x_error="a"), rule)
    assert not is_met(a_reply(400, ISSUES, x_error="b"), rule)
    assert not is_met(a_reply(400, {"errors": {"count": 1}}, x_error="a"), rule)
    assert not is_met(a_reply(400, b'{"errors": {"code": 1}}', x_error="a"), rule)


def test_the_first_rule_that_is_met_is_followed() -> None:
    rules = Rule(status=400, then=Action.SKIP), Rule(status="4xx", then=Action.RESTART)

    assert action(a_reply(400), *rules) is Action.SKIP
    assert action(a_reply(404), *rules) is Action.RESTART
    assert action(a_reply(400), *reversed(rules)) is Action.RESTART


def test_a_rule_goes_before_the_usual() -> None:
    assert action(a_reply(503), Rule(status=503, then=Action.FAIL)) is Action.FAIL
    assert action(a_reply(401), Rule(status=401, then=Action.RETRY)) is Action.RETRY
    assert action(a_reply(429), Rule(status="4xx", then=Action.SKIP)) is Action.SKIP


@pytest.mark.parametrize("status", [200, "2xx", (404, 200)])
def test_an_answer_with_an_error_in_it_is_one_where_a_rule_says_so(status: Any) -> None:
    rule = Rule(status=status, path="ok", value=False, then=Action.RETRY)

    assert is_met(an_answer({"ok": False, "items": [1]}), rule)
    assert action(an_answer({"ok": True, "items": [1]}), rule) is None
    assert action(an_answer({"items": [1]}), rule) is None


# When to try again


def told(reply: Reply, rule: Rule) -> str:
    verdict = Rulebook((rule,)).verdict(reply)
    assert verdict is not None
    assert verdict.action is rule.then
    return verdict.retry_after


def test_a_wait_is_as_long_as_the_answer_says() -> None:
    rule = Rule(status=420, then=Action.WAIT, wait=timedelta(milliseconds=5_000))

    assert told(a_reply(420, retry_after="7"), rule) == "7"
    assert told(a_reply(420, x_ratelimit_remaining="0", x_ratelimit_reset="8"), rule) == "8"


def test_a_wait_may_be_told_by_a_header_of_the_sources_own() -> None:
    rule = Rule(
        status=420, then=Action.WAIT, until="X-Quota-Reset", wait=timedelta(milliseconds=5_000)
    )

    assert told(a_reply(420, x_quota_reset="9", retry_after="7"), rule) == "9"


@pytest.mark.parametrize(("declared_ms", "waited_ms"), [(5_000, 5_000), (1, 1), (1_500, 1_500)])
def test_a_wait_may_be_the_same_each_time(declared_ms: int, waited_ms: int) -> None:
    rule = Rule(
        status=420,
        then=Action.WAIT,
        until="x-quota-reset",
        wait=timedelta(milliseconds=declared_ms),
    )

    assert wait_ms(told(a_reply(420, retry_after="7"), rule), 0) == waited_ms


def test_a_wait_of_which_nothing_is_told_is_a_back_off() -> None:
    assert told(a_reply(420), Rule(status=420, then=Action.WAIT)) == ""


# What becomes of it


PAGE: dict[str, object] = {"items": [], "next_cursor": None}


def refused(*answers: httpx.Response, rules: tuple[Rule, ...]) -> UpstreamError:
    source = HttpSource(
        records="items", url="https://notes.example/list", paging=BodyCursor(), rules=rules
    )
    network = Network(*answers)
    with pytest.raises(UpstreamError) as error:
        read(source.reader(context(network)))
    assert len(network.requests) == 1
    return error.value


@pytest.mark.parametrize(
    ("then", "is_transient", "recourse"),
    [
        (Action.RETRY, True, None),
        (Action.WAIT, True, None),
        (Action.FAIL, False, None),
        (Action.SKIP, False, Recourse.SKIP),
        (Action.RESTART, False, Recourse.RESTART),
        (Action.FULL, False, Recourse.FULL),
    ],
)
@pytest.mark.parametrize("status", [404, 503])
def test_an_error_is_what_the_rule_says(
    status: int, then: Action, recourse: Recourse | None, *, is_transient: bool
) -> None:
    answer = httpx.Response(status, text="the reason", headers={"retry-after": "7"})

    error = refused(answer, rules=(Rule(status=status, then=then),))

    assert (error.is_transient, error.recourse) == (is_transient, recourse)
    assert (error.status, error.retry_after) == (status, "7")


QUOTA = Rule(status=403, header=("x-error", "quota"), then=Action.WAIT, until="x-quota-reset")


@pytest.mark.parametrize(
    ("rule", "headers", "says"),
    [
        (QUOTA, {"x-quota-reset": "7"}, ", and is left alone as its header x-quota-reset says"),
        (replace(QUOTA, wait=timedelta(seconds=9)), {}, ", and is left alone as a rule says"),
        (
            replace(QUOTA, until=""),
            {"retry-after": "7"},
            ", and is left alone as its header retry-",
        ),
        (
            replace(QUOTA, until="", wait=timedelta(seconds=9)),
            {},
            ", and is left alone as a rule says",
        ),
        (replace(QUOTA, until=""), {}, ""),
    ],
)
def test_a_wait_says_who_has_told_it(rule: Rule, headers: dict[str, str], says: str) -> None:
    """Whoever is told to come back is let in: no secret is to be checked."""
    answer = httpx.Response(403, headers={"x-error": "quota", **headers})
    key = ApiKey(Secret("KEY"), header="x-key")
    source = HttpSource(
        records="items",
        url="https://notes.example/list",
        paging=BodyCursor(),
        rules=(rule,),
        auth=key,
    )

    with pytest.raises(UpstreamError) as error:
        page_of(source, Network(answer), KEY="k3y")

    assert str(error.value).startswith(f"the source answered 403{says}")


def test_every_action_has_been_met() -> None:
    met = {Action.RETRY, Action.WAIT, Action.FAIL, Action.SKIP, Action.RESTART, Action.FULL}
    elsewhere = {Action.REFRESH, Action.PAGE, Action.END}  # test_refreshing.py, test_http_source.py

    assert set(Action) - met == elsewhere


def test_an_answer_that_is_an_error_by_a_rule_says_so() -> None:
    answer = httpx.Response(200, json={"ok": False, "error": "ratelimited", **PAGE})
    rule = Rule(
        status=200, path="ok", value=False, then=Action.WAIT, wait=timedelta(milliseconds=60_000)
    )

    error = refused(answer, rules=(rule,))

    assert str(error).startswith(
        "the source answered 200, which one of its rules takes for an error, and is left alone as "
        'a rule says: {"ok":false,'
    )
    assert error.is_transient
    assert wait_ms(error.retry_after, 0) == 60_000


def test_a_page_that_no_rule_is_for_is_a_page() -> None:
    rules = (Rule(status=200, path="ok", value=False, then=Action.FAIL),)
    source = HttpSource(
        records="items", url="https://notes.example/list", paging=BodyCursor(), rules=rules
    )
    network = Network(httpx.Response(200, json={"ok": True, **PAGE}))

    assert read(source.reader(context(network))).next_cursor is None


@pytest.mark.parametrize(
    ("length", "is_met"), [(3_000, True), (60_000, True), (70_000, False)], ids=str
)
def test_a_long_error_is_read_as_far_as_a_field_may_be(length: int, *, is_met: bool) -> None:
    body = msgspec.json.encode({"trace": "x" * length, "error": "expired"})
    answer = httpx.Response(400, stream=Parts(body))

    error = refused(answer, rules=(Rule(path="error", value="expired", then=Action.RESTART),))

    assert error.recourse is (Recourse.RESTART if is_met else None)
    assert len(str(error)) < 5_000


# Rules that are not right


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"status": 99}, "status is 99; it takes one such as 503, or a class such as '5xx'"),
        ({"status": 600}, "status is 600; it takes"),
        ({"status": "5XX"}, "status is '5XX'; it takes"),
        ({"status": "503"}, "status is '503'; it takes"),
        ({"status": "6xx"}, "status is '6xx'; it takes"),
        ({"status": (404, "x")}, "status is 'x'; it takes"),
        ({"status": True}, "status is True; it takes"),
        ({"status": 404.0}, "status is 404.0; it takes"),
        ({}, "it names nothing that it is for: add a status, a header, a body or a path"),
        ({"status": ()}, "it names nothing that it is for"),
        ({"status": 200}, "status is 200, which is every page: add a header, a body or a path"),
        ({"status": "2xx"}, "status is '2xx', which is every page"),
        ({"status": (404, 200)}, "status is (404, 200), which is every page"),
        ({"header": ("x-error",)}, "header is ('x-error',); it takes a name and a pattern"),
        ({"header": ("", "a")}, "header is ('', 'a'); it takes a name and a pattern"),
        ({"header": ("a", "(")}, "header is '(', which is no regular expression: missing )"),
        ({"body": "["}, "body is '[', which is no regular expression: unterminated"),
        ({"status": 400, "value": "a"}, "value is 'a', and there is no path: name the place"),
        ({"status": 400, "value": None}, "value is None, and there is no path"),
        (
            {"status": 400, "wait": timedelta(-1)},
            "wait is datetime.timedelta(days=-1); it takes a timedelta, as in timedelta(minutes=1)",
        ),
        (
            {"status": 400, "wait": timedelta(1)},
            "until and wait are for Action.WAIT alone, not for",
        ),
        ({"status": 400, "until": "a"}, "until and wait are for Action.WAIT alone, not for"),
        ({"status": 400, "then": "again"}, "then is 'again'; it takes one of retry, wait, fail,"),
    ],
    ids=str,
)
def test_a_rule_that_is_not_right_is_named_with_the_remedy(
    fields: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        Rule(**{"then": Action.FAIL, **fields})

    assert str(error.value).startswith(f"a source's rule is not right: {fault}")
