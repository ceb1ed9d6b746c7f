import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from durable.glean.content_validation import content_fault
from durable.glean.documents import Content


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
    reason = content_fault("body", Content(mime_type=mime_type, text_content="a"))

    assert reason == f"body.mime_type is {mime_type!r}: write it as in text/plain"


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
    reason = content_fault("summary", Content(mime_type=mime_type, text_content="a"))

    assert reason == (
        f"summary.mime_type is {mime_type!r}, of which Glean reads nothing: send its text as "
        "text/plain, or leave summary out"
    )


def test_a_content_has_a_text_or_a_file() -> None:
    neither = Content(mime_type="text/plain")
    both = Content(mime_type="text/plain", text_content="a", binary_content="YQ==")

    assert content_fault("comments[0].content", neither) == (
        "comments[0].content has neither text_content nor binary_content: give it one of them, "
        "or leave comments[0].content out"
    )
    assert content_fault("body", both) == (
        "body has both text_content and binary_content: leave one of them out"
    )


@pytest.mark.parametrize("text", ["a", "YQ", "YQ=", "YQ==\n", "Y Q==", "_-8=", "YQ==YQ==", "é==="])
def test_what_is_not_base64_is_a_fault(text: str) -> None:
    reason = content_fault("body", Content(mime_type="application/pdf", binary_content=text))

    assert reason is not None
    assert reason.startswith("body.binary_content is no base64, which Content.file makes: ")


@given(st.binary())
def test_any_file_can_be_sent(data: bytes) -> None:
    assert content_fault("body", Content.file(data, "application/pdf")) is None
