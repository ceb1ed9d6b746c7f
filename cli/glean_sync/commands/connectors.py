"""Commands that look at connectors, and set up what they need in Glean."""

import asyncio
from typing import Annotated

import typer

from glean_sync.answers import Checked, Connectors, Provisioned
from glean_sync.arguments import Connector, Yes
from glean_sync.asking import confirm
from glean_sync.exits import ExitCode, RefusedError
from glean_sync.lookup import about, path
from glean_sync.phrases import (
    CONNECTOR_COLUMNS,
    DIFFERENCE_COLUMNS,
    check_row,
    connector_row,
    difference_row,
)
from glean_sync.session import Session, command
from glean_sync.worker import Answer


PANEL = "Connectors"

Differences = Annotated[
    int | None,
    typer.Option("--differences", min=0, metavar="N", help="So many were seen, and no others."),
]

commands = typer.Typer()


@command(commands, PANEL)
async def connectors(session: Session) -> None:
    """List the connectors: how each is, and what comes next."""
    async with session.worker() as worker:
        answer = await worker.get("/connectors")
    if session.output.is_json:
        session.output.json(answer.body)
        return
    now = session.machine.moment()
    found = answer.read(Connectors).connectors
    session.output.table(CONNECTOR_COLUMNS, (connector_row(each, now) for each in found), beneath=2)


@command(commands, PANEL)
async def check(session: Session, connector: Connector) -> ExitCode:
    """Find out whether a connector can work: its source, its mapping, Glean. Sends nothing."""
    async with session.worker() as worker, about(worker, connector):
        answer = await worker.post(path("check", connector))
    found = answer.read(Checked)
    if session.output.is_json:
        session.output.json(answer.body)
    else:
        rows = (check_row(each) for each in found.checks)
        session.output.table(("check", "outcome", "detail"), rows, beneath=1)
    return ExitCode.DONE if found.passed else ExitCode.FAILED


@command(commands, PANEL)
async def datasource(session: Session, connector: Connector) -> None:
    """Show how Glean's datasource differs from what the connector declares."""
    answer = await _datasource(session, connector)
    _show(session, answer)


@command(commands, PANEL)
def setup(
    session: Session,
    connector: Connector,
    *,
    differences: Differences = None,
    yes: Yes = False,
) -> None:
    """Make Glean's datasource what the connector declares.

    Without --differences it shows them, and asks.
    """
    if differences is None:
        # Asked between two event loops: within one, Ctrl+C would not reach the question.
        answer = asyncio.run(_datasource(session, connector))
        differences = _confirm_differences(session, answer.read(Provisioned), is_agreed=yes)
    answer = asyncio.run(_set_up(session, connector, differences))
    if session.output.is_json:
        session.output.json(answer.body)
    else:
        session.output.line(f"{answer.read(Provisioned).datasource} is what is declared.")


def _confirm_differences(session: Session, found: Provisioned, *, is_agreed: bool) -> int:
    if not found.is_declared:
        raise RefusedError(
            f"The datasource {found.datasource} is only named by its connector, and not declared: "
            "give its Datasource a category, or set it up in Glean's admin console."
        )
    number = len(found.differences)
    for each in found.differences:
        session.output.note(": ".join(difference_row(each)))
    confirm(
        session,
        f"Change {number:,} settings of {found.datasource} in Glean"
        if found.exists
        else f"Add the datasource {found.datasource} to Glean",
        f"--differences {number}, or --yes",
        is_agreed=is_agreed,
    )
    return number


async def _datasource(session: Session, connector: str) -> Answer:
    async with session.worker() as worker, about(worker, connector):
        return await worker.get(path("datasource", connector))


async def _set_up(session: Session, connector: str, differences: int) -> Answer:
    async with session.worker() as worker, about(worker, connector):
        return await worker.post(path("setup", connector), {"differences": differences})


def _show(session: Session, answer: Answer) -> None:
    if session.output.is_json:
        session.output.json(answer.body)
        return
    found = answer.read(Provisioned)
    session.output.table(DIFFERENCE_COLUMNS, map(difference_row, found.differences))
    if not found.is_declared:
        told = "is only named by its connector, and not declared: it is not compared"
    elif not found.exists:
        told = "is not in Glean yet"
    else:
        told = f"differs in {len(found.differences)} settings" if found.differences else "is right"
    session.output.note(f"{found.datasource} {told}.")
