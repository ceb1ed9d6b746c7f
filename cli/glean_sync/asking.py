"""A person asked before something is done that cannot be undone."""

import typer

from glean_sync.exits import UsageError
from glean_sync.session import Session


def confirm(session: Session, question: str, remedy: str, *, is_agreed: bool) -> None:
    """Come back only where somebody agrees.

    Args:
        session: of the command.
        question: without its question mark.
        remedy: options that say it on the command line.
        is_agreed: it was said there.

    Raises:
        UsageError: nobody can be asked, or whoever was asked said no.
    """
    if is_agreed:
        return
    if not session.machine.is_asking:
        raise UsageError(f"Nobody is here to be asked: {question}? Give {remedy}.")
    if not typer.confirm(f"{question}?", err=True):
        raise UsageError("Nothing was done.")
