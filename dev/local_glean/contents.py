"""The content of a document: whether Glean takes it, and its text for the search."""

import base64
import binascii
import re
from html.parser import HTMLParser

from glean.api_client.models import ContentDefinition

from dev.local_glean.errors import RefusedError


# Glean's page on MIME types names these as supported, and says that there are many others.
NAMED = frozenset(
    {
        "application/epub+zip",
        "application/msword",
        "application/onenote",
        "application/pdf",
        "application/rtf",
        "application/vnd.apple.keynote",
        "application/vnd.apple.pages",
        "application/vnd.google-apps.form",
        "application/vnd.google-apps.site",
        "application/vnd.ms-excel",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/x-apple-diskimage",
        "application/x-executable",
        "application/x-shockwave-flash",
        "text/csv",
        "text/html",
        "text/markdown",
        "text/plain",
        "text/tab-separated-values",
        "text/vcard",
    }
)
# And these as not supported: JSON, XML, CSS, ZIP, RAR, images, audio and video.
UNSUPPORTED = re.compile(
    r"(?:image|audio|video)/.*|text/(?:css|xml)"
    r"|application/(?:json|xml|mp4|vnd\.rar|(?:x-)?(?:zip|rar)(?:-compressed)?)"
)
MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


def check_content(content: ContentDefinition | None, field: str, document: str) -> None:
    """Raise RefusedError for a content that Glean does not take.

    Args:
        content: None is fine.
        field: its name, for the error.
        document: the document's name, for the error.
    """
    if content is None:
        return
    if not _is_taken(_mime_type(content)):
        raise RefusedError(
            400, f"{document} has unsupported mimeType in field {field}: {content.mime_type}"
        )
    if (content.text_content is None) == (content.binary_content is None):
        raise RefusedError(
            400,
            f"{document} has invalid value for field {field}: "
            "expected exactly one of textContent and binaryContent",
        )
    if content.binary_content is not None:
        try:
            base64.b64decode(content.binary_content, validate=True)
        except (binascii.Error, ValueError) as error:
            raise RefusedError(
                400,
                f"{document} has invalid value for field {field}: binaryContent is not base64",
            ) from error


def searched_text(content: ContentDefinition | None) -> str:
    """What the search finds of a content that was checked. Nothing of PDF and Office files."""
    if content is None:
        return ""
    text = content.text_content
    if text is None:
        if not _mime_type(content).startswith("text/"):
            return ""
        text = base64.b64decode(content.binary_content or "").decode(errors="replace")
    return _Text.of(text) if _mime_type(content) == "text/html" else text


def _mime_type(content: ContentDefinition) -> str:
    return content.mime_type.partition(";")[0].strip().lower()


def _is_taken(mime_type: str) -> bool:
    is_known = mime_type in NAMED or UNSUPPORTED.fullmatch(mime_type) is None
    return is_known and MIME_TYPE.fullmatch(mime_type) is not None


class _Text(HTMLParser):
    """The text of an HTML page, without its scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._hidden = 0

    @classmethod
    def of(cls, html: str) -> str:
        parser = cls()
        parser.feed(html)
        parser.close()
        return " ".join(" ".join(parser._parts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in {"script", "style"}))

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._parts.append(data)
