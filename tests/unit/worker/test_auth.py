"""Who may pass, and who is turned away."""

import asyncio
from collections.abc import Mapping

import pytest

from durable.environment import Environment
from tests.fakes.edge import NONCE, NOW_MS
from tests.fakes.environment import an_environment
from tests.fakes.requests import LOCAL, ORIGIN, a_request
from tests.fakes.team import A_PERSON, AUDIENCE, ISSUER, Team
from worker import sessions
from worker.auth import Authentication, Caller, Via
from worker.problems import Problem


TOKEN = "t0ken"
GUARDED = an_environment(TRIGGER_TOKEN=TOKEN)
TEAMED = {"ACCESS_TEAM_DOMAIN": ISSUER, "ACCESS_AUD": AUDIENCE}
COOKIE = {"cookie": sessions.begin_session(TOKEN, NONCE, NOW_MS).partition(";")[0]}
OPEN = {"ALLOW_UNAUTHENTICATED_FOR_LOCAL_USE": "true"}


def asked(  # noqa: PLR0913, PLR0917 - each but the first has a default
    environment: Environment,
    headers: Mapping[str, str],
    method: str = "GET",
    team: Team | None = None,
    now_ms: int = NOW_MS,
    origin: str = ORIGIN,
) -> Caller | Problem:
    auth = Authentication(environment, (team or Team()).access, lambda: now_ms)
    request = a_request(method, "/trigger", headers=headers, origin=origin)
    return asyncio.run(auth.caller(request))


def refusal(
    environment: Environment,
    headers: Mapping[str, str],
    method: str = "GET",
    origin: str = ORIGIN,
) -> Problem:
    problem = asked(environment, headers, method, origin=origin)
    assert isinstance(problem, Problem), problem
    return problem


@pytest.mark.parametrize("authorization", ["Bearer t0ken", "bearer t0ken", "BEARER  t0ken "])
def test_the_token_lets_a_caller_pass(authorization: str) -> None:
    assert asked(GUARDED, {"authorization": authorization}) == Caller(Via.TOKEN)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer t0ke",
        "Bearer t0kens",
        "Bearer T0KEN",
        "Bearer t0kén",
        "t0ken",
        "Basic t0ken",
        "Bearer Bearer t0ken",
        "Bearer t0ken t0ken",
    ],
)
def test_anything_else_is_turned_away(authorization: str | None) -> None:
    problem = refusal(GUARDED, {} if authorization is None else {"authorization": authorization})

    assert problem.status == 401
    assert "TRIGGER_TOKEN" in problem.detail
    assert "t0ken" not in problem.detail


@pytest.mark.parametrize("token", [None, ""], ids=["unset", "empty"])
@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer x"])
def test_without_a_token_nobody_passes(token: str | None, authorization: str) -> None:
    problem = refusal(an_environment(TRIGGER_TOKEN=token), {"authorization": authorization})

    assert problem.status == 503
    assert "npx wrangler secret put TRIGGER_TOKEN" in problem.detail


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer x"},
        {"origin": LOCAL},
        {"host": "localhost:8787"},
        {"host": "[::1]:8787"},
    ],
)
def test_for_local_use_everybody_may_pass(headers: Mapping[str, str]) -> None:
    assert asked(an_environment(**OPEN), headers, "POST", origin=LOCAL) == Caller(Via.NOBODY)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://evil.example:8787", "evil.example:8787"),
        ("http://evil.example:8787", None),
        ("http://evil.example:8787", "localhost:8787"),
        (LOCAL, "evil.example:8787"),
        (LOCAL, "localhost.evil.example"),
        (LOCAL, ""),
    ],
)
def test_the_open_door_is_at_names_of_this_machine_alone(
    method: str, origin: str, host: str | None
) -> None:
    """Another site's name may lead here: its page would read and do everything."""
    headers = {"origin": origin} | ({} if host is None else {"host": host})

    problem = refusal(an_environment(**OPEN), headers, method, origin)

    assert problem.status == 503
    assert "127.0.0.1" in problem.detail


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:3000"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_for_local_use_another_sites_page_may_not_pass(headers: Mapping[str, str]) -> None:
    problem = refusal(an_environment(**OPEN), headers, "POST", LOCAL)

    assert problem.status == 403


@pytest.mark.parametrize("value", ["", "false", "1", "True", "yes"])
def test_only_true_opens_the_door(value: str) -> None:
    environment = an_environment(ALLOW_UNAUTHENTICATED_FOR_LOCAL_USE=value)

    assert refusal(environment, {}).status == 503


@pytest.mark.parametrize(
    "closing", [{"TRIGGER_TOKEN": TOKEN}, {"ACCESS_AUD": AUDIENCE}, {"ACCESS_TEAM_DOMAIN": ISSUER}]
)
def test_who_asks_is_asked_for_even_where_the_door_was_opened(closing: Mapping[str, str]) -> None:
    assert refusal(an_environment(**OPEN, **closing), {}).status in {401, 503}


def test_a_session_lets_a_browser_pass_until_it_ends() -> None:
    ends_at_ms = NOW_MS + sessions.LIFE_MS

    assert asked(GUARDED, COOKIE) == Caller(Via.COOKIE, expires_at_ms=ends_at_ms)
    assert isinstance(asked(GUARDED, COOKIE, now_ms=ends_at_ms), Problem)
    assert refusal(an_environment(TRIGGER_TOKEN="another"), COOKIE).status == 401
    assert refusal(an_environment(), COOKIE).status == 503


def test_who_shows_a_wrong_token_is_not_let_pass_by_a_cookie() -> None:
    assert refusal(GUARDED, {**COOKIE, "authorization": "Bearer wrong"}).status == 401


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_cookie_that_another_sites_page_has_sent_does_nothing(
    method: str, origin: str | None
) -> None:
    headers = COOKIE if origin is None else {**COOKIE, "origin": origin}

    problem = refusal(GUARDED, headers, method)

    assert problem.status == 403
    assert ORIGIN in problem.detail


def test_a_cookie_that_the_dashboard_sends_does_something() -> None:
    caller = asked(GUARDED, {**COOKIE, "origin": ORIGIN}, "POST")

    assert isinstance(caller, Caller)
    assert caller.via is Via.COOKIE


def test_a_token_needs_no_origin() -> None:
    headers = {"authorization": "Bearer t0ken", "origin": "https://evil.example"}

    assert asked(GUARDED, headers, "POST") == Caller(Via.TOKEN)


@pytest.mark.parametrize(
    "variables", [TEAMED, {**TEAMED, "TRIGGER_TOKEN": TOKEN}, {**TEAMED, **OPEN}]
)
def test_whom_cloudflare_access_let_through_may_pass(variables: Mapping[str, str]) -> None:
    team = Team()
    headers = {"cf-access-jwt-assertion": team.assertion()}

    caller = asked(an_environment(**variables), headers, team=team)

    assert caller == Caller(Via.ACCESS, A_PERSON, (NOW_MS // 1_000 + 300) * 1_000)


def test_whom_cloudflare_access_let_through_another_sites_page_may_have_sent() -> None:
    team = Team()
    headers = {"cf-access-jwt-assertion": team.assertion()}
    environment = an_environment(**TEAMED)

    foreign = asked(environment, headers, "POST", team)
    own = asked(environment, {**headers, "origin": ORIGIN}, "POST", team)

    assert isinstance(foreign, Problem)
    assert foreign.status == 403
    assert isinstance(own, Caller)


def test_an_assertion_that_is_wrong_is_told_what_is_wrong() -> None:
    team = Team()
    assertion = team.assertion({"aud": ["another"]})

    headers = {"cf-access-jwt-assertion": assertion}
    problem = asked(an_environment(**TEAMED), headers, team=team)

    assert isinstance(problem, Problem)
    assert problem.status == 401
    assert "is for another application than ACCESS_AUD names" in problem.detail
    assert assertion not in problem.detail


def test_where_no_team_is_named_an_assertion_is_not_looked_at() -> None:
    team = Team()

    problem = asked(GUARDED, {"cf-access-jwt-assertion": team.assertion()}, team=team)

    assert isinstance(problem, Problem)
    assert problem.status == 401
    assert team.fetched == []


@pytest.mark.parametrize(
    "variables",
    [
        {"ACCESS_AUD": AUDIENCE},
        {"ACCESS_TEAM_DOMAIN": ISSUER},
        {"ACCESS_AUD": AUDIENCE, "ACCESS_TEAM_DOMAIN": "team.cloudflareaccess.com"},
        {"ACCESS_AUD": AUDIENCE, "ACCESS_TEAM_DOMAIN": f"{ISSUER}/cdn-cgi/access/certs"},
        {"ACCESS_AUD": AUDIENCE, "ACCESS_TEAM_DOMAIN": "http://team.cloudflareaccess.com"},
    ],
)
def test_a_team_that_is_named_in_part_or_wrongly_is_told_what_to_set(
    variables: Mapping[str, str],
) -> None:
    headers = {"cf-access-jwt-assertion": Team().assertion()}

    problem = refusal(an_environment(TRIGGER_TOKEN=TOKEN, **variables), headers)

    assert problem.status == 503
    assert "ACCESS_" in problem.detail


def test_a_session_is_good_where_the_keys_of_access_cannot_be_had() -> None:
    team = Team(fault="it is down")
    headers = {"cf-access-jwt-assertion": team.assertion()}
    environment = an_environment(TRIGGER_TOKEN=TOKEN, **TEAMED)

    alone = asked(environment, headers, team=team)
    beside = asked(environment, {**headers, **COOKIE}, team=team)

    assert isinstance(alone, Problem)
    assert (alone.status, "it is down" in alone.detail) == (503, True)
    assert isinstance(beside, Caller)


def test_what_has_proven_who_asks_is_redacted_from_then_on() -> None:
    team = Team()
    environment = an_environment(TRIGGER_TOKEN=TOKEN, **TEAMED)
    assertion, cookie = team.assertion(), COOKIE["cookie"].partition("=")[2]

    asked(environment, {"cf-access-jwt-assertion": assertion}, team=team)
    asked(environment, COOKIE, team=team)

    assert environment.redacted(f"it is {assertion}") == "it is ***"
    assert environment.redacted(f"it is {cookie}") == "it is ***"
