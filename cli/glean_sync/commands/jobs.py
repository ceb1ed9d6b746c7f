"""Commands that look at jobs."""

from typing import Annotated

import typer

from glean_sync.answers import Events, Jobs, MissingDocuments, Rejects
from glean_sync.arguments import ShownJob
from glean_sync.exits import ExitCode
from glean_sync.lookup import about, find_current_job, find_job, gather, path, status
from glean_sync.phrases import (
    JOB_COLUMNS,
    MISSING_COLUMNS,
    REJECT_COLUMNS,
    event_words,
    job_facts,
    job_row,
    lost,
    missing_row,
    reject_row,
)
from glean_sync.session import Session, command
from glean_sync.states import State
from glean_sync.viewer import watch_jobs
from glean_sync.watching import happening


PANEL = "Look at jobs"
LIMIT_DEFAULT, LIMIT_MAX = 20, 100  # of the Worker, in one answer

Watched = Annotated[
    list[str],
    typer.Argument(
        metavar="JOB|CONNECTOR...",
        help="Ids of jobs; a connector's name stands for its current job, else for its latest.",
    ),
]
OfConnector = Annotated[
    str | None, typer.Option("--connector", metavar="CONNECTOR", help="Of this one only.")
]
OfStates = Annotated[
    list[State] | None, typer.Option("--state", help="In this state only; may be given again.")
]
Limit = Annotated[
    int, typer.Option("--limit", min=1, max=LIMIT_MAX, help="So many, the newest first.")
]
All = Annotated[bool, typer.Option("--all", help="All that the Worker remembers.")]
Follow = Annotated[bool, typer.Option("--follow", help="Go on until the job rests.")]

commands = typer.Typer()


@command(commands, PANEL)
async def watch(session: Session, jobs: Watched) -> ExitCode:
    """Follow jobs until all of them rest, with a bar for each."""
    async with session.worker() as worker:
        job_ids = [await find_current_job(worker, text) for text in jobs]
        return await watch_jobs(session, worker, [*dict.fromkeys(job_ids)])


@command(commands, PANEL, "status")
async def show_status(session: Session, job: ShownJob) -> None:
    """Show how a job stands, why it waits, and what it takes."""
    async with session.worker() as worker:
        answer, found = await status(worker, await find_job(worker, job))
    if session.output.is_json:
        session.output.json(answer.body)
    else:
        session.output.facts(job_facts(found))


@command(commands, PANEL, "jobs")
async def list_jobs(
    session: Session,
    *,
    connector: OfConnector = None,
    state: OfStates = None,
    limit: Limit = LIMIT_DEFAULT,
    is_all: All = False,
) -> None:
    """List jobs, the newest first."""
    parameters = {"limit": str(LIMIT_MAX if is_all else limit)}
    if connector is not None:
        parameters["connector"] = connector
    if state:
        parameters["state"] = ",".join(state)
    async with session.worker() as worker, about(worker, connector):
        if is_all:
            answer = await gather(worker, "/jobs", "jobs", parameters)
        else:
            answer = await worker.get("/jobs", parameters)
    if session.output.is_json:
        session.output.json(answer.body)
        return
    found = answer.read(Jobs)
    session.output.table(JOB_COLUMNS, map(job_row, found.jobs), beneath=3)
    if found.next:
        session.output.note("There are older ones: --all lists them.")


@command(commands, PANEL)
async def events(session: Session, job: ShownJob, *, follow: Follow = False) -> None:
    """Show what happened to a job, the oldest first."""
    output = session.output
    async with session.worker() as worker:
        job_id = await find_job(worker, job)
        if follow:
            async for event, body in happening(worker, session.machine, job_id):
                if output.is_json:
                    output.json_line(body)
                else:
                    output.words(*event_words(event))
            return
        answer = await gather(worker, path("events", job_id), "events")
    if output.is_json:
        output.json(answer.body)
    else:
        for event in answer.read(Events).events:
            output.words(*event_words(event))


@command(commands, PANEL)
async def rejects(session: Session, job: ShownJob) -> None:
    """List the records that a job has rejected, each with its reason."""
    async with session.worker() as worker:
        job_id = await find_job(worker, job)
        answer = await gather(worker, path("rejects", job_id), "rejects")
    if session.output.is_json:
        session.output.json(answer.body)
        return
    found = answer.read(Rejects)
    session.output.table(REJECT_COLUMNS, map(reject_row, found.rejects), beneath=2)
    if found.total > len(found.rejects):
        session.output.note(f"{found.total:,} were rejected; the others are not remembered.")


@command(commands, PANEL)
async def missing(session: Session, job: ShownJob) -> None:
    """List what a FULL job would delete in Glean: what a held one waits for."""
    async with session.worker() as worker:
        job_id = await find_job(worker, job)
        answer = await gather(worker, path("missing", job_id), "missing")
    if session.output.is_json:
        session.output.json(answer.body)
        return
    found = answer.read(MissingDocuments)
    session.output.table(MISSING_COLUMNS, map(missing_row, found.missing), beneath=2)
    if found.total is None:
        session.output.note("The source is not read to its end: nothing is known to be missing.")
    elif found.unnamed:
        session.output.note(
            f"Glean has {found.total:,} {found.stage} that nobody here has brought: what would go "
            f"of them cannot be told. The list is {found.list}."
        )
    elif found.total > len(found.missing):
        session.output.note(f"{found.total:,} were missing; their names are not kept any more.")
    elif found.total:
        session.output.note(f"{lost(found.total, found.stage)}, whose list is {found.list}.")
