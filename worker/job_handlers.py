"""Handlers of the endpoints about jobs."""

import asyncio
from urllib.parse import urlencode

from msgspec.structs import asdict, replace

from durable.engine.questions import (
    BeginJob,
    ObeyCommand,
    ReadEvents,
    ReadJobs,
    ReadMissing,
    ReadRejects,
    ReadStatus,
    RepeatRejects,
)
from durable.machine.commands import Refusal, RefusalCode
from durable.machine.job import Mode
from durable.machine.job_id import connector_name
from durable.machine.states import Command, State
from durable.store.event_log import Event
from durable.timestamps import rfc3339
from durable.views.status import Status
from durable.views.views import LAST_ID
from worker import problems
from worker.bodies import (
    Accepted,
    Approval,
    Events,
    Jobs,
    MissingDocument,
    MissingDocuments,
    Occurred,
    Rejected,
    Rejects,
    Trigger,
)
from worker.call import Call
from worker.problems import ProblemError
from worker.request import decode_body


JOBS_SHOWN = 20  # where nobody says how many
EVENTS_MAX = 100  # in one answer
REJECTS_MAX = 100  # likewise
MISSING_MAX = 100  # likewise
STAMP_CHARACTERS = len("20261124T020000000Z")


async def trigger(call: Call) -> Accepted:
    example = '{"mode": "FULL"} or {"mode": "INCREMENTAL", "connector": "name"}'
    wanted = await decode_body(call.request, Trigger, example)
    name, key = wanted.connector, call.request.headers.get("idempotency-key")
    if name is None and len(call.connectors) == 1:
        (name,) = call.connectors
    if name is None:
        text = f"Name the connector, one of: {call.names}."
        raise ProblemError(problems.describe(400, text, RefusalCode.UNNAMED_CONNECTOR))
    if name not in call.connectors:
        text = call.describe_unknown(name)
        raise ProblemError(problems.describe(400, text, RefusalCode.UNKNOWN_CONNECTOR))
    if wanted.replace and wanted.mode is not Mode.FULL:
        text = '`replace` is of a FULL job: send "mode": "FULL" with it, or leave it out.'
        raise ProblemError(problems.describe(400, text, RefusalCode.BAD_BODY))
    question = BeginJob(wanted.mode, None if key is None else f"request {key}", wanted.replace)
    return _accept(await call.runners.ask(name, question))


async def list_jobs(call: Call) -> Jobs:
    """List jobs, the newest first, of one or all connectors, in some or all states.

    Raises:
        Exception: an object does not answer. Without its jobs, the list would not be one.
    """
    query = call.query
    count = int(query.get("limit", JOBS_SHOWN))
    states = [State(state) for state in query.get("state", ",".join(State)).split(",")]
    names = (
        [call.require_connector(query["connector"])]
        if "connector" in query
        else list(call.connectors)
    )
    bounds = [_id_bound(name, query.get("before")) for name in names]
    asked = [ReadJobs(bound, states, count + 1) for bound in bounds]
    found = await asyncio.gather(*map(call.runners.ask, names, asked))
    lines = [line for lines in found for line in lines]
    lines.sort(key=lambda line: _order(line.id), reverse=True)
    if len(lines) <= count:
        return Jobs(lines, None)
    lines = lines[:count]
    return Jobs(lines, "/jobs?" + urlencode({**query, "before": lines[-1].id}, safe=","))


async def show_status(call: Call) -> Status:
    return await call.ask(ReadStatus(call.name, 1_000 * int(call.query.get("wait", 0))))


async def list_events(call: Call) -> Events:
    after = int(call.query.get("after", 0))
    found = await call.ask(ReadEvents(call.name, after, EVENTS_MAX + 1))
    is_more, events = len(found.items) > EVENTS_MAX, found.items[:EVENTS_MAX]
    return Events(
        job=call.name,
        total=found.total,
        events=[_show_event(event) for event in events],
        next=f"/events/{call.name}?after={events[-1].number}" if is_more else None,
    )


async def list_rejects(call: Call) -> Rejects:
    found = await call.ask(ReadRejects(call.name, _place(call), REJECTS_MAX + 1))
    shown, more = found.items[:REJECTS_MAX], None
    if len(found.items) > REJECTS_MAX:
        at, last = shown[-1]
        more = f"/rejects/{call.name}?after={at}.{last.order}"
    rejects = [
        Rejected(
            page=page,
            record=reject.place,
            key=reject.key or None,
            reason=reject.reason,
            code=reject.code or None,
            field=reject.field or None,
            excerpt=reject.excerpt,
        )
        for page, reject in shown
    ]
    return Rejects(job=call.name, total=found.total, rejects=rejects, next=more)


async def list_missing(call: Call) -> MissingDocuments:
    found = await call.ask(ReadMissing(call.name, _place(call), MISSING_MAX + 1))
    shown, more = found.items[:MISSING_MAX], None
    if len(found.items) > MISSING_MAX:
        number, index = shown[-1].place
        more = f"/missing/{call.name}?after={number}.{index}"
    missing = [
        MissingDocument(
            id=item.row.id,
            type=item.row.type or None,
            title=item.row.title,
            url=item.row.url,
        )
        for item in shown
    ]
    return MissingDocuments(
        job=call.name,
        stage=found.stage,
        total=found.gone.count if found.gone else None,
        list=found.gone.digest if found.gone else None,
        unnamed=found.is_unnamed,
        missing=missing,
        next=more,
    )


async def approve(call: Call) -> Accepted:
    approval = await decode_body(call.request, Approval, '{"list": "8c1f0e2d7a9b4c35"}')
    question = ObeyCommand(call.name, Command.APPROVE, approval.list)
    return _accept(await call.ask(question))


async def cancel(call: Call) -> Accepted:
    return _accept(await call.ask(ObeyCommand(call.name, Command.CANCEL)))


async def retry(call: Call) -> Accepted:
    if call.query.get("rejects", "false") == "false":
        return _accept(await call.ask(ObeyCommand(call.name, Command.RETRY)))
    return _accept(await call.ask(RepeatRejects(call.name)))


def _place(call: Call) -> tuple[int, int]:
    """After which the wanted part of a list begins."""
    page, order = call.query.get("after", "0.0").split(".")
    return int(page), int(order)


def _accept(shown: Status | Refusal) -> Accepted:
    """A job after it was asked for something. Raises ProblemError: that is refused."""
    if isinstance(shown, Status):
        return Accepted(**asdict(shown), status_url=f"/status/{shown.id}")
    if shown.code is RefusalCode.KEY_REUSED:
        raise ProblemError(problems.describe(422, shown.reason, shown.code, shown.remedy))
    legal = [command.value for command in shown.legal]
    raise ProblemError(problems.describe(409, shown.reason, shown.code, shown.remedy, legal))


def _order(job_id: str) -> tuple[str, str]:
    """Of jobs of all connectors: by time, and those of one moment by their ids."""
    stamp, _, _ = job_id.rpartition("-")
    return stamp[-STAMP_CHARACTERS:], job_id


def _id_bound(connector: str, before_id: str | None) -> str:
    """The id before which a connector's jobs come that are older than a job of any connector."""
    if before_id is None:
        return LAST_ID
    if connector_name(before_id) == connector:
        return before_id
    moment = f"{connector}-{_order(before_id)[0]}"
    return f"{moment}\x7f" if moment < before_id else moment


def _show_event(event: Event) -> Occurred:
    happening, worked = event.happening, event.happening.worked
    occurred = Occurred(
        number=event.number,
        at=rfc3339(happening.at_ms),
        kind=happening.kind,
        what=happening.text,
        cause=happening.cause or None,
    )
    if worked is None:
        return occurred
    return replace(
        occurred,
        pages=worked.page_count,
        documents=worked.document_count,
        deleted=worked.deletion_count,
        rejected=worked.reject_count,
        seconds=None if worked.duration_ms is None else worked.duration_ms / 1_000,
    )
