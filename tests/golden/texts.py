"""All texts of codes on each surface, of refusals and of events, as `texts.txt` holds them.

`PYTHONPATH=cli .venv/bin/python -m tests.golden.texts` writes them anew.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from durable.machine.remedies import Remedy
from durable.views.texts import WORDINGS, Surface, say, to_message
from glean_sync import texts
from glean_sync.answers import Message
from tests.golden.events import events, refusals


FILE = Path(__file__).with_suffix(".txt")
SAMPLE: Mapping[str, str | int] = {
    "job": "tickets-20261125T020000123Z-0a1b2c",
    "connector": "tickets",
    "datasource": "tickets",
    "deletions": 120,
    "list": "8c1f0e2d7a9b4c35",
    "differences": 3,
    "stage": "documents",
    "page": 5,
    "page_count": 2,
    "batch_count": 7,
    "sent_count": 1,
    "begun_count": 3,
    "next_page": 7,
    "since": "2026-11-25T02:00:00.000Z",
    "documents_per_minute": 300,
    "documents_per_minute_max": 600,
    "changed": 1_150,
    "known": 1_200,
    "count": 2,
}


def text() -> str:
    """What the file is to hold."""
    codes = [line for code in WORDINGS for line in _lines(code)]
    others = [f"{code}\n  {words}\n" for code, words in (*refusals(), *events())]
    return "\n".join((*codes, *others))


def said(code: str) -> dict[str, str]:
    """The words of a code, by surface."""
    remedy = Remedy(code, SAMPLE)
    message = to_message(remedy)
    assert message is not None, "it is known"
    of_cli = texts.say(Message(message.code, dict(message.parameters), message.text))
    return {**{surface.value: say(remedy, surface) for surface in Surface}, "cli": of_cli}


def _lines(code: str) -> Iterator[str]:
    yield str(code)
    for surface, words in said(code).items():
        yield f"  {surface:9}  {words}"
    yield ""


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
