"""Who gets the dashboard's page, and who the data."""

import pytest

from worker.negotiation import prefers_html


CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;"
    "q=0.8,application/signed-exchange;v=b3;q=0.7"
)
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    "accept",
    [
        *(CHROMIUM, FIREFOX, "text/html", "TEXT/HTML", "text/*", "text/html;charset=utf-8"),
        "text/html, application/json;q=0.9",
        "application/json;q=0.5,text/html;q=0.51",
        "*/*, application/json;q=0",
        "text/html ; q=1.000 , */*;q=0.999",
        "application/json;version=2, text/html;q=0.1",
        'text/plain;title="a, text/html;q=0", text/html',
    ],
)
def test_who_would_rather_have_html_gets_the_page(accept: str) -> None:
    assert prefers_html(accept)


@pytest.mark.parametrize(
    "accept",
    [
        *(None, "", "*/*", "application/json", "application/*", "text/plain", "image/*"),
        *("text/html, application/json", "text/html;q=0.5, */*", "text/html;q=0"),
        "text/*;q=0.9, application/json",
        "text/html;level=1, application/json;q=0.2",
        "*/*;q=0.1",
        'application/json;q=0.5, text/plain;title=", text/html, "',
        *("text/html;q=2", "text/html;q=x", "text/html;q=", "text/html;q=0.1234"),
        *(
            "text",
            "text/",
            "/html",
            "text/html/x",
            "*/html",
            ",,;;,",
            "text/html\x00",
            '"text/html',
        ),
    ],
)
def test_everybody_else_gets_the_data(accept: str | None) -> None:
    assert not prefers_html(accept)


def test_a_malformed_part_does_not_spoil_the_others() -> None:
    assert prefers_html(";q=1, , text/html, application/json;q=nothing")


def test_a_long_header_is_read_as_fast_as_it_is_long() -> None:
    for accept in ('"' * 100_001, ',"' * 50_000, "a/b;" * 25_000, '"\\' * 50_000):
        assert not prefers_html(accept)
