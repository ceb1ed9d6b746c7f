"""The table of docs/truncation.md, between two markers."""

from collections.abc import Sequence

from dev.staging import ROOT
from dev.truncation.cases import CASES


DOCUMENT = ROOT / "docs/truncation.md"
BEGIN, END = "<!-- table -->", "<!-- /table -->"


def table(version: str, theirs: Sequence[str], ours: Sequence[str]) -> str:
    """Markdown: what came of each case.

    Args:
        version: of the SDK.
        theirs: with the SDK, in the order of the cases.
        ours: with this project.
    """
    lines = [
        f"| page 2 of 3 is | `glean-indexing-sdk` {version}, pull client | this project |",
        "|---|---|---|",
    ]
    for case, *outcomes in zip(CASES, theirs, ours, strict=True):
        cells = [case.name, *map(escaped, outcomes)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def written(text: str, between: str, name: str = DOCUMENT.name) -> str:
    """The text with this between the two markers. Raises ValueError if one is missing.

    Args:
        text: of the document.
        between: what the markers are to hold.
        name: of the document, for the error.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{name} has no {BEGIN} with an {END} after it")
    return f"{head}{BEGIN}\n{between}\n{END}{tail}"


def escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("<", "&lt;")
