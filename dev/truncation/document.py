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
        cells = [case.name, *map(escape, outcomes)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def insert_table(text: str, between: str, name: str = DOCUMENT.name, mark: str = "table") -> str:
    """The text with this between the two markers. Raises ValueError if one is missing.

    Args:
        text: of the document.
        between: what the markers are to hold.
        name: of the document, for the error.
        mark: what the markers say, as a document may have several pairs.
    """
    begin, end = (each.replace("table", mark) for each in (BEGIN, END))
    head, is_begun, rest = text.partition(begin)
    _, is_ended, tail = rest.partition(end)
    if not is_begun or not is_ended:
        raise ValueError(f"{name} has no {begin} with an {end} after it")
    return f"{head}{begin}\n{between}\n{end}{tail}"


def escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("<", "&lt;")
