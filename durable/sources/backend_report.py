"""What a backend says of a crawl, in one of the usual ways. Pure."""

from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from durable.decoding import decode
from durable.http.charset import utf8
from durable.http.client import Answer


class RunOutcome(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


WORDS = {
    **dict.fromkeys(
        (
            "running",
            "pending",
            "queued",
            "accepted",
            "started",
            "starting",
            "in_progress",
            "processing",
            "active",
        ),
        RunOutcome.RUNNING,
    ),
    **dict.fromkeys(
        ("succeeded", "success", "successful", "completed", "complete", "done", "finished", "ok"),
        RunOutcome.SUCCEEDED,
    ),
    **dict.fromkeys(
        (
            "failed",
            "failure",
            "error",
            "errored",
            "cancelled",
            "canceled",
            "aborted",
            "timed_out",
            "timeout",
            "terminated",
        ),
        RunOutcome.FAILED,
    ),
}
TEXT_CHARACTERS_MAX = 300  # of what a person is shown


class Report(Struct, frozen=True, kw_only=True):
    """What a backend's answer says of the crawl."""

    outcome: RunOutcome
    url: str  # where to ask next; empty where it does not say
    text: str  # of what went wrong; the beginning of the answer, where it has no words for that
    is_json: bool


class _ReportBody(Struct, frozen=True):
    status: Any = None
    state: Any = None
    error: Any = None
    message: Any = None
    status_url: Any = None


def report_of(answer: Answer) -> Report:
    """Read any answer. The outcome is UNKNOWN where it cannot be understood."""
    try:
        body, is_json = decode(utf8(answer.body, answer.headers), _ReportBody), True
    except (msgspec.DecodeError, UnicodeDecodeError):
        body, is_json = _ReportBody(), False
    word = next((word for word in (body.status, body.state) if isinstance(word, str)), "")
    location = answer.headers.get("location", "")
    beginning = repr(answer.body[:TEXT_CHARACTERS_MAX].decode(errors="replace"))
    return Report(
        outcome=WORDS.get(word.lower().replace(" ", "_").replace("-", "_"), RunOutcome.UNKNOWN),
        url=location or (body.status_url if isinstance(body.status_url, str) else ""),
        text=_text(body.error) or _text(body.message) or beginning,
        is_json=is_json,
    )


def _text(value: Any) -> str:
    """Of an error: a text, or an object that may have one."""
    if isinstance(value, dict):
        value = value.get("message") or value.get("detail") or value
    if not value:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text[:TEXT_CHARACTERS_MAX]
