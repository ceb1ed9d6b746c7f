"""What is wrong with a connector, as its author reads it."""

from collections.abc import Sequence

from msgspec import Struct


SHOWN_MAX = 5  # of one check: the others are mostly the same


class Finding(Struct, frozen=True):
    """One fault."""

    check: str  # its name, as docs/connectors.md has it
    where: str  # the page, and the record if it is one
    fault: str
    remedy: str = ""  # empty where the fault says it


def report(connector: str, findings: Sequence[Finding]) -> str:
    """All of them, each check's first ones at length."""
    count = len(findings)
    lines = [f"connector {connector!r}: {count} fault{'' if count == 1 else 's'}"]
    for check in dict.fromkeys(finding.check for finding in findings):
        of_check = [finding for finding in findings if finding.check == check]
        for finding in of_check[:SHOWN_MAX]:
            lines += ["", f"[{check}] {finding.where}".rstrip(), f"    {finding.fault}"]
            lines += [f"    Remedy: {finding.remedy}"] if finding.remedy else []
        if len(of_check) > SHOWN_MAX:
            lines += ["", f"[{check}] and {len(of_check) - SHOWN_MAX} more"]
    return "\n".join(lines)
