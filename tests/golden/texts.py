"""All texts that tell a person what to do, on each surface, as `texts.txt` beside this holds them.

`PYTHONPATH=cli .venv/bin/python -m tests.golden.texts` writes them anew.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from durable.machine.remedies import Remedy, RemedyCode
from durable.views.texts import Surface, advise, say
from glean_sync import texts
from glean_sync.answers import Advice


FILE = Path(__file__).with_suffix(".txt")
SAMPLE: Mapping[str, str | int] = {
    "job": "tickets-20261125T020000123Z-0a1b2c",
    "connector": "tickets",
    "datasource": "tickets",
    "deletions": 120,
    "differences": 3,
}


def text() -> str:
    """What the file is to hold."""
    return "\n".join(line for code in RemedyCode for line in _lines(code))


def said(code: RemedyCode) -> dict[str, str]:
    """The words of a code, by surface."""
    remedy = Remedy(code, SAMPLE)
    advice = advise(remedy)
    assert advice is not None, "it is known"
    of_cli = texts.say(Advice(advice.code, dict(advice.parameters), advice.text))
    return {**{surface.value: say(remedy, surface) for surface in Surface}, "cli": of_cli}


def _lines(code: RemedyCode) -> Iterator[str]:
    yield code.value
    for surface, words in said(code).items():
        yield f"  {surface:9}  {words}"
    yield ""


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
