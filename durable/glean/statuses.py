"""What Glean's answer means to a job, by its status and its body. Pure.

The table of docs/operations.md, "What Glean's answers lead to", is this one. Glean's OpenAPI
description 0.9.0 has no body for a 200 to whatever writes, and JSON for one to a question.
Servers in front of Glean answer too: a proxy's page is not Glean's word, whatever its status.
"""

import re
from enum import StrEnum

import msgspec
from msgspec import Struct

from durable.decoding import decode
from durable.errors import UpstreamError


class Meaning(StrEnum):
    """What is done about an unexpected answer."""

    WAIT = "wait"  # asked again, as long as there is progress
    CONFLICT = "conflict"  # likewise; for a page of an upload, Glean is asked how that stands
    INVALID = "invalid"  # cut, until what is at fault stands alone and is rejected
    TOO_LARGE = "too large"  # cut too, and later requests are smaller
    END = "end"  # the job fails at once


MEANINGS = {
    400: Meaning.INVALID,
    408: Meaning.WAIT,
    409: Meaning.CONFLICT,
    413: Meaning.TOO_LARGE,
    423: Meaning.WAIT,
    425: Meaning.WAIT,
    429: Meaning.WAIT,
}
# What a page with one of these says is told as it is: who writes it does not matter.
OF_ANYBODY = frozenset({401, 403, 413, 429})
LIMITED_REMEDY = "and whether the token is limited to other datasources or to IP addresses"
PAGE_REMEDY = (
    "something in front of Glean answered, as a proxy's login or maintenance page does; if it "
    "lasts, see whether GLEAN_SERVER_URL is right"
)
PAGE = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*"
    rb"<(?:!doctype\s+html|html|head|body|title|h1|center)\b",
    re.IGNORECASE | re.DOTALL,
)
PAGE_BYTES_MAX = 4_096  # in which a page shows itself
BOM = b"\xef\xbb\xbf"
EXCERPT_CHARACTERS_MAX = 100
# As texts: who answers in Glean's place may write numbers and truths as such.
FAILURES = frozenset({"error", "failed", "failure"})
DENIALS = frozenset({"false", "0"})
ERROR = re.compile(r"([4-9][0-9]{2}|[1-9][0-9]{3,})(\.0)?")  # 400 or more


def meaning(status: int) -> Meaning:
    """The meaning of any status but 200."""
    if 200 <= status < 300 or status >= 500:
        return Meaning.WAIT  # another status of success is none that Glean has
    return MEANINGS.get(status, Meaning.END)


def statuses(*meanings: Meaning) -> frozenset[int]:
    """The statuses that have one of these meanings."""
    return frozenset(status for status, known in MEANINGS.items() if known in meanings)


INVALID = statuses(Meaning.INVALID)
REFUSED = statuses(Meaning.INVALID, Meaning.TOO_LARGE)  # what is sent may be cut in two


def is_page(body: bytes) -> bool:
    """Whether a body is HTML."""
    return PAGE.match(body.removeprefix(BOM)[:PAGE_BYTES_MAX]) is not None


def reinterpret(error: UpstreamError) -> UpstreamError:
    """A refusal by something in front of Glean, with its meaning to a job."""
    status = error.status
    if status is None:
        return error
    if is_page(error.words) and status not in OF_ANYBODY and not 300 <= status < 400:
        # Not Glean's word: no record is at fault for it, and no datasource is missing.
        is_over = meaning(status) is Meaning.END
        return UpstreamError(
            f"Glean answered {status} with a page of HTML: {PAGE_REMEDY}",
            is_transient=error.is_transient or not is_over,
            status=status if status >= 500 else None,
            retry_after=error.retry_after,
        )
    reason = str(error)
    if status == 403:
        told, separator, words = reason.partition(": ")
        reason = f"{told}, {LIMITED_REMEDY}{separator}{words}"
    return UpstreamError(
        reason,
        is_transient=error.is_transient or meaning(status) in {Meaning.WAIT, Meaning.CONFLICT},
        status=status,
        retry_after=error.retry_after,
        words=error.words,
    )


class _Result(Struct, frozen=True, rename="camel"):
    """What an object may say of how it went. Glean documents nothing of it."""

    error: object = None
    errors: object = None
    success: object = None
    ok: object = None
    status: object = None
    status_code: object = None
    code: object = None

    @property
    def is_failure(self) -> bool:
        is_denied = any(str(value).lower() in DENIALS for value in (self.success, self.ok))
        codes = [str(value).lower() for value in (self.status, self.status_code, self.code)]
        is_code = any(code in FAILURES or ERROR.fullmatch(code) for code in codes)
        return bool(self.error) or bool(self.errors) or is_denied or is_code


def write_fault(body: bytes) -> str | None:
    """Why the 200 of a write is not Glean's own; None if it may be.

    Right is nothing at all, or an object of JSON that tells of no error.
    """
    text = body.removeprefix(BOM).strip()
    return _object_fault(text) if text else None


def question_fault(body: bytes) -> str | None:
    """Why the 200 of a question is not Glean's own; None if it may be."""
    return _page_fault() if is_page(body) else None


def _object_fault(text: bytes) -> str | None:
    if is_page(text):
        return _page_fault()
    if not (text.startswith(b"{") and text.endswith(b"}")):
        return f"with {_excerpt(text)}, where nothing or an object of JSON is due"
    try:
        result = decode(text, _Result)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"with {_excerpt(text)}, which cannot be read: {error}"
    return f"with {_excerpt(text)}, which tells of an error" if result.is_failure else None


def _page_fault() -> str:
    return f"with a page of HTML: {PAGE_REMEDY}"


def _excerpt(text: bytes) -> str:
    return repr(text.decode(errors="replace")[:EXCERPT_CHARACTERS_MAX])
