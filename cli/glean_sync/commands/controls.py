"""Commands that begin, end and resume jobs."""

import asyncio
from typing import Annotated

import typer

from glean_sync.answers import MissingDocuments, Status
from glean_sync.arguments import ChangedJob, Connector, Mode, Watch, Yes
from glean_sync.asking import confirm
from glean_sync.exits import ExitCode, RefusedError
from glean_sync.lookup import about, path, require_job, status
from glean_sync.phrases import MEMBERSHIPS, lost, missing_row
from glean_sync.session import Session, command
from glean_sync.viewer import watch_jobs
from glean_sync.worker import Answer, Worker


PANEL = "Run jobs"

OfMode = Annotated[
    Mode,
    typer.Option(
        "--mode",
        case_sensitive=False,
        help="FULL sends all and has Glean delete the rest; INCREMENTAL sends what changed.",
    ),
]
OfRejects = Annotated[
    bool, typer.Option("--rejects", help="Read again only what the job has rejected.")
]
OfList = Annotated[
    str | None,
    typer.Option("--list", metavar="DIGEST", help="Of `glean-sync missing`: what may go."),
]
Replaces = Annotated[
    bool, typer.Option("--replace", help="FULL: send all documents, not the differences alone.")
]
MISSING_SHOWN = 20

commands = typer.Typer()


@command(commands, PANEL)
async def trigger(
    session: Session,
    connector: Connector,
    *,
    mode: OfMode,
    replace: Replaces = False,
    watch: Watch = False,
) -> ExitCode:
    """Ask for a job. Where one of the mode is queued or running, that is the answer."""
    async with session.worker() as worker:
        async with about(worker, connector):
            content: dict[str, object] = {"mode": mode.value, "connector": connector}
            if replace:  # a Worker of before knows no such field
                content["replace"] = True
            # With a key of its own it is one request, however often the network loses it.
            key = session.machine.key()
            answer = await worker.post("/trigger", content, key)
        return await _show_answer(session, worker, answer, is_watched=watch)


@command(commands, PANEL)
async def cancel(session: Session, job: ChangedJob) -> ExitCode:
    """End a job. Glean keeps what it had."""
    job_id = require_job(job, "cancel")
    async with session.worker() as worker:
        answer = await worker.post(path("cancel", job_id))
        return await _show_answer(session, worker, answer)


@command(commands, PANEL)
async def retry(
    session: Session, job: ChangedJob, *, rejects: OfRejects = False, watch: Watch = False
) -> ExitCode:
    """Queue a job again that failed or was cancelled; or what any job has rejected."""
    job_id = require_job(job, "retry")
    async with session.worker() as worker:
        query = "?rejects=true" if rejects else ""
        answer = await worker.post(path("retry", job_id) + query)
        events = answer.read(Status).events
        if events and not rejects:  # such as that it starts over, as its cursor is of no use
            session.output.note(events[-1].what)
        return await _show_answer(session, worker, answer, is_watched=watch)


@command(commands, PANEL)
def approve(
    session: Session, job: ChangedJob, *, list_digest: OfList = None, yes: Yes = False
) -> ExitCode:
    """Let a held job read the source again, and delete what is on its list, and nothing else.

    Without --list it shows the list, and asks.
    """
    job_id = require_job(job, "approve")
    if list_digest is None:
        # Asked between two event loops: within one, Ctrl+C would not reach the question.
        list_digest = _confirm_list(
            session, *asyncio.run(_fetch_held(session, job_id)), is_agreed=yes
        )
    return asyncio.run(_approve(session, job_id, list_digest))


async def _fetch_held(session: Session, job_id: str) -> tuple[Status, MissingDocuments]:
    async with session.worker() as worker:
        _, held = await status(worker, job_id)
        if held.state != "held":
            raise RefusedError(
                f"The job is {held.state}, and not held: there is nothing to approve."
            )
        answer = await worker.get(path("missing", job_id))
    return held, answer.read(MissingDocuments)


def _question(held: Status, found: MissingDocuments) -> str:
    what = f"{lost(found.total or 0, found.stage)} of {held.connector} in Glean"
    if found.unnamed:
        return f"Of {what}, delete all that the source does not have"
    return f"{'Take members out of' if found.stage == MEMBERSHIPS else 'Delete'} {what}"


def _confirm_list(
    session: Session, held: Status, found: MissingDocuments, *, is_agreed: bool
) -> str:
    """The digest of the list that was agreed to."""
    output, total, digest = session.output, found.total or 0, found.list or ""
    output.note(f"{held.id} is held: {held.waits_because}")
    if found.unnamed:
        output.note(f"Glean has {found.stage} that nobody here has brought, by type:")
    elif found.stage == MEMBERSHIPS:
        output.note("These groups would lose members:")
    else:
        output.note(f"Glean has these {found.stage}, and the source has not:")
    for missing in found.missing[:MISSING_SHOWN]:
        output.note("  " + " · ".join(filter(None, missing_row(missing))))
    if total > MISSING_SHOWN and not found.unnamed:
        output.note(f"  and {total - MISSING_SHOWN:,} more: `glean-sync missing {held.id}`")
    confirm(
        session,
        _question(held, found),
        f"--list {digest}, or --yes",
        is_agreed=is_agreed,
    )
    return digest


async def _approve(session: Session, job_id: str, list_digest: str) -> ExitCode:
    async with session.worker() as worker:
        answer = await worker.post(path("approve", job_id), {"list": list_digest})
        return await _show_answer(session, worker, answer)


async def _show_answer(
    session: Session, worker: Worker, answer: Answer, *, is_watched: bool = False
) -> ExitCode:
    """Show the job that was asked for something; where that is wanted, follow it."""
    found, output = answer.read(Status), session.output
    if output.is_json and is_watched:
        output.json_line(answer.body)
    elif output.is_json:
        output.json(answer.body)
    else:
        output.words(found.id, found.state)
    return await watch_jobs(session, worker, [found.id]) if is_watched else ExitCode.DONE
