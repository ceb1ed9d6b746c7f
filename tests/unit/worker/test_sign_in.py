"""Sign-in of browsers, as the routes answer it."""

import pytest

from durable.machine.commands import RefusalCode
from durable.timestamps import rfc3339
from tests.fakes.edge import NONCE, NOW_MS, an_edge
from tests.fakes.requests import (
    BEARER,
    LOCAL,
    ORIGIN,
    a_request,
    answered,
    check_problem,
    content,
)
from tests.fakes.team import A_PERSON, AUDIENCE, ISSUER, Team
from worker import sessions


SET_COOKIE = sessions.begin_session("t0ken", NONCE, NOW_MS)
COOKIE = {"cookie": SET_COOKIE.partition(";")[0]}
RIGHT = b'{"token": "t0ken"}'


def test_who_shows_the_token_gets_a_cookie_and_no_body() -> None:
    response = answered(a_request("POST", "/session", RIGHT, headers={}))

    assert (response.status, response.body) == (204, b"")
    assert response.headers["set-cookie"] == SET_COOKIE
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("token", ["", "t0ke", "t0kens", "T0KEN", " t0ken", "t0kén"])
def test_who_shows_a_wrong_token_gets_none(token: str) -> None:
    response = answered(a_request("POST", "/session", f'{{"token": "{token}"}}'.encode(), {}))

    check_problem(response, 401, "TRIGGER_TOKEN")
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"token": 7}', b'{"token": "x", "y": 1}'])
def test_who_shows_nothing_that_could_be_a_token_is_told_what_to_send(body: bytes) -> None:
    check_problem(
        answered(a_request("POST", "/session", body, {})),
        400,
        '{"token": "..."}',
        code=RefusalCode.BAD_BODY,
    )


@pytest.mark.parametrize("token", ["", "two\nlines"])
def test_where_the_token_is_not_usable_nobody_signs_in(token: str) -> None:
    response = answered(a_request("POST", "/session", RIGHT, {}), TRIGGER_TOKEN=token)

    check_problem(response, 503, "TRIGGER_TOKEN")


def test_a_session_says_who_asks_and_until_when() -> None:
    by_token = answered(a_request("GET", "/session", headers=BEARER))
    by_cookie = answered(a_request("GET", "/session", headers=COOKIE))

    assert content(by_token) == {"via": "token", "who": None, "expires_at": None}
    expires_at = rfc3339(NOW_MS + sessions.LIFE_MS)
    assert content(by_cookie) == {"via": "cookie", "who": None, "expires_at": expires_at}


def test_a_session_of_cloudflare_access_says_whom_it_let_through() -> None:
    team = Team()
    headers = {"cf-access-jwt-assertion": team.assertion()}

    response = answered(
        a_request("GET", "/session", headers=headers),
        edge=an_edge(team=team.access),
        ACCESS_TEAM_DOMAIN=ISSUER,
        ACCESS_AUD=AUDIENCE,
    )

    expires_at = rfc3339((NOW_MS // 1_000 + 300) * 1_000)
    assert content(response) == {"via": "access", "who": A_PERSON, "expires_at": expires_at}


def test_where_nobody_is_asked_the_session_says_so() -> None:
    response = answered(
        a_request("GET", "/session", headers={}, origin=LOCAL),
        TRIGGER_TOKEN="",
        ALLOW_UNAUTHENTICATED_FOR_LOCAL_USE="true",
    )

    assert content(response)["via"] == "nobody asked"


def test_who_is_not_signed_in_has_no_session() -> None:
    check_problem(answered(a_request("GET", "/session", headers={})), 401)
    check_problem(answered(a_request("DELETE", "/session", headers={})), 401)


def test_to_sign_out_takes_the_cookie_away() -> None:
    response = answered(a_request("DELETE", "/session", headers={**COOKIE, "origin": ORIGIN}))

    assert (response.status, response.body) == (204, b"")
    assert response.headers["set-cookie"] == sessions.end_session()


def test_another_sites_page_signs_nobody_out() -> None:
    check_problem(answered(a_request("DELETE", "/session", headers=COOKIE)), 403, ORIGIN)


def test_of_the_methods_those_of_all_its_endpoints_are_told() -> None:
    response = answered(a_request("PUT", "/session"))

    check_problem(response, 405, "PUT")
    assert response.headers["allow"] == "POST, GET, HEAD, DELETE"
