"""The cookie that stands for the token."""

import re

import pytest

from worker import sessions


NOW_MS = 1_764_000_000_000
HOUR_MS = 3_600_000
TOKEN = "t0ken"
NONCE = "0123456789abcdef" * 2


def a_cookie(nonce: str = NONCE) -> str:
    return sessions.session_value(sessions.begin_session(TOKEN, nonce, NOW_MS))


def test_a_cookie_is_for_this_host_over_https_and_no_script_reads_it() -> None:
    name, *attributes = sessions.begin_session(TOKEN, NONCE, NOW_MS).split("; ")

    assert name.startswith("__Host-session=")
    assert set(attributes) == {
        *("Max-Age=43200", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"),
    }


def test_a_session_lasts_twelve_hours() -> None:
    cookie = a_cookie()

    expires_at_ms = sessions.expires_at_ms(cookie, TOKEN, NOW_MS)

    assert expires_at_ms == NOW_MS + 12 * HOUR_MS
    assert sessions.expires_at_ms(cookie, TOKEN, expires_at_ms - 1) == expires_at_ms
    assert sessions.expires_at_ms(cookie, TOKEN, expires_at_ms) is None


def test_a_changed_token_ends_every_session() -> None:
    assert sessions.expires_at_ms(a_cookie(), "another", NOW_MS) is None


def test_a_cookie_tells_nothing_of_the_token() -> None:
    first, second = a_cookie(), a_cookie(nonce=NONCE[::-1])

    assert TOKEN not in first
    assert first.rpartition(".")[2] != second.rpartition(".")[2]


@pytest.mark.parametrize(
    "forged",
    [
        *("", "x", "..", f"{NOW_MS}.{NONCE}.", "9" * 2_000, "9" * 16 + f".{NONCE}." + "0" * 64),
        f"{NOW_MS + HOUR_MS}.{NONCE}." + "0" * 64,
        a_cookie().replace(str(NOW_MS + 12 * HOUR_MS), str(NOW_MS + 13 * HOUR_MS)),
        a_cookie().replace(NONCE, NONCE[::-1]),
        a_cookie().upper(),
        *(f"{a_cookie()}0", f"0{a_cookie()}", f"{a_cookie()}\n", f' "{a_cookie()}"'),
    ],
)
def test_a_cookie_that_was_not_given_here_is_none(forged: str) -> None:
    assert sessions.expires_at_ms(forged, TOKEN, NOW_MS) is None


@pytest.mark.parametrize(
    ("cookies", "value"),
    [
        ("__Host-session=a", "a"),
        ("other=x; __Host-session=a; more=y", "a"),
        ("other=x;__Host-session=a", "a"),
        ("__Host-session=a; __Host-session=b", "a"),
        ("__Host-session=a=b", "a=b"),
        *(
            ("", ""),
            (";;=;", ""),
            ("session=a", ""),
            ("x__Host-session=a", ""),
            ("__Host-session", ""),
        ),
        ("__host-session=a", ""),
    ],
)
def test_among_other_cookies_it_is_found_by_its_name(cookies: str, value: str) -> None:
    assert sessions.session_value(cookies) == value


def test_the_end_of_a_session_takes_the_same_cookie_away() -> None:
    attributes = set(sessions.end_session().split("; "))

    assert {"__Host-session=", "Max-Age=0", "Path=/", "Secure"} <= attributes


OWN = "https://sync.example"


@pytest.mark.parametrize(
    ("method", "origin", "is_forged"),
    [
        *(("GET", None, False), ("HEAD", "https://evil.example", False), ("POST", OWN, False)),
        *(("POST", None, True), ("DELETE", None, True), ("POST", "null", True), ("POST", "", True)),
        *(("POST", "http://sync.example", True), ("POST", f"{OWN}:8443", True)),
        *(("POST", f"{OWN}.evil.example", True), ("POST", f"{OWN}/", True)),
        *(("PATCH", "https://evil.example", True), ("POST", f"{OWN}, {OWN}", True)),
    ],
)
def test_what_another_sites_page_could_have_sent_is_told_by_its_origin(
    method: str, origin: str | None, *, is_forged: bool
) -> None:
    assert sessions.is_forged(method, origin, OWN) is is_forged


def test_a_session_is_written_as_it_is_read() -> None:
    assert re.fullmatch(r"\d{13}\.[0-9a-f]{32}\.[0-9a-f]{64}", a_cookie())
