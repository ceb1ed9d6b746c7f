import pytest

from durable.http.retry_after import RetryHint, from_error, from_exhausted, wait_ms
from tests.fakes.zone import nine_hours_ahead


NOW_MS = 1_792_567_680_000  # Wed, 21 Oct 2026 07:28:00 GMT


@pytest.mark.parametrize(
    ("header", "waited_ms"),
    [
        ("7", 7_000),
        ("0", 0),
        ("007", 7_000),
        ("3600", 3_600_000),
        ("12.5", 12_500),
        ("999999999", 999_999_999_000),
    ],
)
def test_a_time_may_be_seconds_from_now(header: str, waited_ms: int) -> None:
    assert wait_ms(header, NOW_MS) == waited_ms


@pytest.mark.parametrize(
    ("header", "waited_ms"),
    [
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30_000),
        ("Wed, 21 Oct 2026 07:28:30 -0000", 30_000),
        ("Wed, 21 Oct 2026 07:28:30", 30_000),
        ("Wed, 21 Oct 2026 09:28:30 +0200", 30_000),
        ("Wednesday, 21-Oct-26 07:28:30 GMT", 30_000),
        ("Wed Oct 21 07:28:30 2026", 30_000),
        ("21 Oct 2026 07:28:30 GMT", 30_000),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2026 07:27:59 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 251_609_733_119_000),
        ("2026-10-21T07:28:30Z", 30_000),
        ("2026-10-21T07:28:30", 30_000),
        ("2026-10-21T09:28:30.500+02:00", 30_500),
        ("2026-10-21T07:28Z", 0),
    ],
    ids=[
        "ahead",
        "without a zone",
        "without any zone",
        "in another zone",
        "RFC 850",
        "asctime",
        "without a day",
        "now",
        "just past",
        "long past",
        "far ahead",
        "ISO 8601",
        "ISO 8601 without a zone",
        "ISO 8601 in another zone",
        "ISO 8601 without seconds",
    ],
)
def test_a_time_may_be_a_date(header: str, waited_ms: int) -> None:
    assert wait_ms(header, NOW_MS) == waited_ms


@pytest.mark.parametrize("zone", ["", " GMT", " -0000"])
def test_a_date_without_a_zone_is_in_utc_wherever_it_is_read(zone: str) -> None:
    with nine_hours_ahead():
        assert wait_ms(f"Wed, 21 Oct 2026 07:28:30{zone}", NOW_MS) == 30_000


def test_a_date_is_waited_for_to_the_millisecond() -> None:
    assert wait_ms("Wed, 21 Oct 2026 07:28:30 GMT", NOW_MS + 1) == 29_999


@pytest.mark.parametrize(
    "header",
    [
        "",
        "-1",
        "1.5.2",
        ".5",
        "1e3",
        "+7",
        "7x",
        "7s later",
        "s",
        "1" * 60 + "s",
        "soon",
        "30 days ago",
        "\N{SUPERSCRIPT TWO}",
        "\N{ARABIC-INDIC DIGIT SEVEN}",
        ",",
        "Wed,",
        "Wed, 41 Oct 2026 07:28:00 GMT",
        "Wed, 21 Oct 2026 25:28:00 GMT",
        "Wed, 21 Oct 99999 07:28:00 GMT",
        "2026-10-41T07:28:30Z",
        "2026-10-21T99:28:30Z",
        "2026-10-21 or later",
    ],
)
def test_anything_else_asks_for_nothing(header: str) -> None:
    assert wait_ms(header, NOW_MS) == 0


@pytest.mark.parametrize(
    "header",
    [
        "Wed, 21 Oct 2026 07:28:00 +99999999999999",
        "99999999999999999999 Oct 2026 07:28:00 GMT",
        "Wed, 21 Oct 2026 07:28:99999999999999999999 GMT",
    ],
    ids=["zone", "day", "seconds"],
)
def test_a_date_with_absurd_numbers_asks_for_nothing(header: str) -> None:
    assert wait_ms(header, NOW_MS) == 0


@pytest.mark.parametrize(
    ("header", "waited_ms"),
    [
        ("60s", 60_000),
        ("60 s", 60_000),
        ("1m30s", 90_000),
        ("1M30S", 90_000),
        ("1m 30s", 90_000),
        ("1h2m3.5s", 3_723_500),
        ("500ms", 500),
        ("2 minutes", 120_000),
        ("30 seconds", 30_000),
        ("1 hour", 3_600_000),
    ],
)
def test_a_time_may_be_a_span_with_its_units(header: str, waited_ms: int) -> None:
    assert wait_ms(header, NOW_MS) == waited_ms


@pytest.mark.parametrize(
    ("header", "waited_ms"),
    [
        ("30, 30", 30_000),
        ("30,60", 60_000),
        ("60s, 30", 60_000),
        ("soon, 30", 30_000),
        ("7, Wed, 21 Oct 2026 07:28:30 GMT", 30_000),
        ("Wed, 21 Oct 2026 07:28:30 GMT, 7", 30_000),
        ("Wed, 21 Oct 2026 07:28:30 GMT, Wed, 21 Oct 2026 07:28:10 GMT", 30_000),
        ("Wednesday, 21-Oct-26 07:28:30 GMT, 7", 30_000),
        ("1792567710, 7", 30_000),
    ],
)
def test_of_two_times_the_later_one_counts(header: str, waited_ms: int) -> None:
    assert wait_ms(header, NOW_MS) == waited_ms


@pytest.mark.parametrize("header", ["soon", "-1", ""])
def test_a_retry_after_that_tells_no_time_leaves_it_to_the_limits(header: str) -> None:
    limits = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}

    assert from_error(429, {"retry-after": header, **limits}).when == "30"
    assert from_error(503, {"retry-after": header}) == RetryHint()


@pytest.mark.parametrize(
    ("header", "waited_ms"),
    [
        ("1792567710", 30_000),
        ("1792567710.25", 30_250),
        ("1792567710000", 30_000),
        ("1792567680", 0),
        ("1792567679000", 0),
        ("1000000000", 0),
        ("99999999999", 98_207_432_319_000),
        ("100000000000", 0),
        pytest.param("9" * 5_000, 998_207_432_319_999, id="absurd"),
    ],
)
def test_a_large_number_is_a_time_since_1970_in_seconds_or_milliseconds(
    header: str, waited_ms: int
) -> None:
    assert wait_ms(header, NOW_MS) == waited_ms


# Limits of requests


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"},
        {"x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "30"},
        {"x-ratelimit-remaining": "7, 0", "x-ratelimit-reset": "30"},
        {"x-rate-limit-remaining": "0", "x-rate-limit-reset": "30"},
        {"ratelimit-remaining": "0", "ratelimit-reset": " 30"},
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset-after": "30"},
        {"ratelimit": "limit=100, remaining=0, reset=30"},
        {"ratelimit": '"default";r=0;t=30'},
        {"ratelimit": '"minute";r=0;t=30, "day";r=7;t=9000'},
        {"ratelimit": '"second";r=0;t=1, "minute"; r=0; t=30'},
    ],
    ids=str,
)
def test_an_answer_says_when_no_request_is_left(headers: dict[str, str]) -> None:
    wish = from_error(500, headers)

    assert wish.when == "30"
    assert wish.header == next(iter(headers))
    assert from_exhausted(headers) == wish


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-reset": "30"},
        {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "30"},
        {"x-ratelimit-remaining": "", "x-ratelimit-reset": "30"},
        {"x-ratelimit-remaining": "none", "x-ratelimit-reset": "30"},
        {"ratelimit": "limit=100, remaining=10, reset=30"},
        {"ratelimit": '"minute";r=1;t=30, "day";r=7;t=9000'},
        {"ratelimit": "limit=0;w=60"},
    ],
    ids=str,
)
def test_an_answer_with_requests_left_asks_for_nothing(headers: dict[str, str]) -> None:
    assert from_exhausted(headers) is None
    assert from_error(500, headers) == RetryHint()


@pytest.mark.parametrize("headers", [{"x-ratelimit-remaining": "0"}, {"ratelimit": '"a";r=0'}])
def test_an_answer_may_have_none_left_and_not_say_until_when(headers: dict[str, str]) -> None:
    wish = from_exhausted(headers)

    assert wish is not None
    assert wait_ms(wish.when, NOW_MS) == 0
    assert wish.header == next(iter(headers))


def test_a_wish_is_told_with_its_header() -> None:
    assert (
        RetryHint("30", "ratelimit").reason("Glean") == "Glean's header ratelimit asks for a pause"
    )
    assert not RetryHint().reason("Glean")


def test_a_refusal_for_too_many_requests_needs_no_count_of_them() -> None:
    headers = {"x-ratelimit-remaining": "3", "x-ratelimit-reset": "30"}

    assert from_error(429, headers) == RetryHint("30", "x-ratelimit-reset")
    assert from_error(503, headers) == RetryHint()


def test_retry_after_goes_before_the_limits() -> None:
    headers = {"retry-after": "7", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}

    assert from_error(429, headers) == RetryHint("7", "retry-after")
