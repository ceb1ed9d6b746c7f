import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from durable.glean.content_validation import content_fault
from durable.glean.documents import Content


def at_fault(field: str, content: Content) -> str | None:
    """The field that Glean would refuse; None if there is none."""
    found = content_fault(field, content)
    return None if found is None else found.field


@pytest.mark.parametrize(
    "content",
    [
        UNSET,
        Content.text("a"),
        Content.text(""),
        Content.html("<p>"),
        Content(mime_type="text/plain; charset=utf-8", text_content="a"),
        Content(mime_type="Text/HTML", text_content="a"),
        Content(mime_type="application/epub+zip", binary_content=""),
        Content(mime_type="application/vnd.apple.keynote", binary_content="AAA="),
        Content(mime_type="application/x-something-else", binary_content="AAA="),
    ],
)
def test_what_glean_reads_has_no_fault(content: Content) -> None:
    assert content_fault("body", content) is None


@pytest.mark.parametrize("mime_type", ["", "html", "text/", "/plain", "text/pl ain", "text plain"])
def test_a_mime_type_is_written_as_one(mime_type: str) -> None:
    content = Content(mime_type=mime_type, text_content="a")

    assert at_fault("body", content) == "body.mime_type"


@pytest.mark.parametrize(
    "mime_type",
    [
        "application/json",
        "application/xml",
        "text/xml",
        "text/css",
        "application/zip",
        "application/mp4",
        "image/png",
        "audio/mpeg",
        "video/mp4",
        "IMAGE/SVG+XML",
        "application/json; charset=utf-8",
    ],
)
def test_a_mime_type_that_glean_does_not_read_is_a_fault(mime_type: str) -> None:
    content = Content(mime_type=mime_type, text_content="a")

    assert at_fault("summary", content) == "summary.mime_type"


def test_a_content_has_a_text_or_a_file() -> None:
    neither = Content(mime_type="text/plain")
    both = Content(mime_type="text/plain", text_content="a", binary_content="YQ==")

    assert at_fault("comments[0].content", neither) == "comments[0].content"
    assert at_fault("body", both) == "body"


@pytest.mark.parametrize("text", ["a", "YQ", "YQ=", "YQ==\n", "Y Q==", "_-8=", "YQ==YQ==", "é==="])
def test_what_is_not_base64_is_a_fault(text: str) -> None:
    content = Content(mime_type="application/pdf", binary_content=text)

    assert at_fault("body", content) == "body.binary_content"


@given(st.binary())
def test_any_file_can_be_sent(data: bytes) -> None:
    assert content_fault("body", Content.file(data, "application/pdf")) is None
