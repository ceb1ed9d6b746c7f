"""What the object of a connector can be asked, and what it answers: the one table of its RPC.

A question and its answer travel as texts of JSON: between objects the platform refuses tuples,
makes texts of exceptions, and turns integers of 2^53 and more into something else.
"""

from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Raw, Struct, to_builtins

from durable.decoding import Decoder, decode
from durable.engine.checks import Check
from durable.engine.processor import Begun
from durable.engine.services import Services
from durable.glean.differences import Provisioned, Unprovisioned
from durable.machine.commands import Instruction, Refusal
from durable.machine.gone import Gone
from durable.machine.job import Mode, Stage
from durable.machine.rejects import Reject
from durable.machine.staleness import Heartbeat
from durable.machine.states import Command, State
from durable.store.event_log import Event
from durable.views.job_summary import JobSummary, missing_list, totals
from durable.views.log import Level
from durable.views.overview import ConnectorMetrics, Overview
from durable.views.status import Status
from durable.views.views import MissingItem


Reply = TypeVar("Reply")
Item = TypeVar("Item")


class RunnerQuestion(Struct, Generic[Reply], frozen=True, tag=True):
    """A kind of question: its fields, the type of its answer, and who answers it."""

    async def answer(self, by: Services) -> Reply:
        """The answer of a connector's object."""
        raise NotImplementedError


class Excerpt(Struct, Generic[Item], frozen=True):
    """Some of a job's, in order, and how many there were."""

    total: int
    items: list[Item]


class MissingPart(Struct, frozen=True):
    """Some of what a FULL job would delete, in order."""

    stage: Stage
    gone: Gone | None  # of the whole list; None: it is not known to its end
    items: list[MissingItem]
    is_unnamed: bool = False  # they are types: what Glean has of them, nobody here has brought


class BeginJob(RunnerQuestion[Status | Refusal], frozen=True):
    """Ask for a job. Requests with the same key are one request."""

    mode: Mode
    trigger_key: str | None = None
    is_replace_asked: bool = False  # FULL: all documents anew, whatever the ledger has

    async def answer(self, by: Services) -> Status | Refusal:
        begun = await by.processor.begin(
            self.mode, self.trigger_key, is_replace_asked=self.is_replace_asked
        )
        return _show_begun(by, begun, trigger=self.trigger_key)


class RepeatRejects(RunnerQuestion[Status | Refusal | None], frozen=True):
    """Have a new job read this one's rejects again. None: there is no such job."""

    job_id: str

    async def answer(self, by: Services) -> Status | Refusal | None:
        begun = await by.processor.repeat(self.job_id)
        return None if begun is None else _show_begun(by, begun, repeats=self.job_id)


class ObeyCommand(RunnerQuestion[Status | Refusal | None], frozen=True):
    """Ask something of a job. None: there is no such job."""

    job_id: str
    command: Command
    list_digest: str = ""

    async def answer(self, by: Services) -> Status | Refusal | None:
        instruction = Instruction(self.command, self.list_digest)
        job = await by.processor.obey(self.job_id, instruction)
        if job is None or isinstance(job, Refusal):
            return job
        by.say(f"{self.command} on request", job)
        by.tell()
        return by.views.show(job)


class ReadStatus(RunnerQuestion[Status | None], frozen=True):
    """See how a job stands, as soon as its state changes, or after so long. None: as above.

    It waits for nothing where the job is in no state that passes by itself.
    """

    job_id: str
    wait_ms: int = 0

    async def answer(self, by: Services) -> Status | None:
        job = await by.views.wait_for_change(self.job_id, self.wait_ms)
        return None if job is None else by.views.show(job)


class ReadEvents(RunnerQuestion[Excerpt[Event] | None], frozen=True):
    """Read so many events of a job that come after a number. None: as above."""

    job_id: str
    after: int
    count: int

    async def answer(self, by: Services) -> Excerpt[Event] | None:
        if by.views.job(self.job_id) is None:
            return None
        events = by.views.events(self.job_id, self.after, self.count)
        return Excerpt(by.views.event_count(self.job_id), events)


class ReadRejects(RunnerQuestion[Excerpt[tuple[int, Reject]] | None], frozen=True):
    """Read so many rejects with their pages, after a page and a `Reject.order`. None: as above."""

    job_id: str
    after: tuple[int, int]
    count: int

    async def answer(self, by: Services) -> Excerpt[tuple[int, Reject]] | None:
        if (job := by.views.job(self.job_id)) is None:
            return None
        rejects = by.views.rejects(self.job_id, self.after, self.count)
        return Excerpt(totals(job).reject_count, rejects)


class ReadMissing(RunnerQuestion[MissingPart | None], frozen=True):
    """Read so many of what a FULL job would delete, after a place in its list. None: as above."""

    job_id: str
    after: tuple[int, int]
    count: int

    async def answer(self, by: Services) -> MissingPart | None:
        if (job := by.views.job(self.job_id)) is None:
            return None
        listed = missing_list(job)
        items = by.views.missing(job, self.after, self.count)
        gone = listed[1] if listed else None
        return MissingPart(job.stage, gone, items, is_unnamed=bool(job.unnamed))


class ReadJobs(RunnerQuestion[list[JobSummary]], frozen=True):
    """Read so many jobs in some states that come before an id, the newest first."""

    before_id: str
    states: list[State]
    count: int

    async def answer(self, by: Services) -> list[JobSummary]:
        return by.views.lines(self.before_id, self.states, self.count)


class ReadOverview(RunnerQuestion[Overview], frozen=True):
    """See the connector at a glance."""

    async def answer(self, by: Services) -> Overview:
        by.processor.see()
        return by.views.overview()


class ReadMeasures(RunnerQuestion[ConnectorMetrics], frozen=True):
    """Read what the metrics are made of."""

    async def answer(self, by: Services) -> ConnectorMetrics:
        return by.views.measures()


class CheckConnector(RunnerQuestion[list[Check]], frozen=True):
    """Check all that has to be right for a job to succeed."""

    async def answer(self, by: Services) -> list[Check]:
        return await by.checks.run()


class CompareDatasource(RunnerQuestion[Provisioned | Unprovisioned], frozen=True):
    """Compare Glean's datasource with what is declared."""

    async def answer(self, by: Services) -> Provisioned | Unprovisioned:
        return await by.provision.found()


class SetUpDatasource(RunnerQuestion[Provisioned | Unprovisioned], frozen=True):
    """Make Glean's datasource what is declared. The answer is how it stood before."""

    difference_count: int

    async def answer(self, by: Services) -> Provisioned | Unprovisioned:
        shown = await by.provision.set_up(self.difference_count)
        name = "found" if isinstance(shown, Provisioned) else "fault"
        by.report("the datasource was to be set up", Level.INFO, **{name: to_builtins(shown)})
        return shown


class TendObject(RunnerQuestion[Heartbeat], frozen=True):
    """Bring back what the platform has lost: an alarm, earlier ticks."""

    ticked_at_ms: int

    async def answer(self, by: Services) -> Heartbeat:
        if await by.processor.tend():
            by.report("a lost alarm was set again", Level.ERROR)
        for job in await by.processor.catch_up(self.ticked_at_ms):
            by.say("queued, as cron did not tick", job)
        return by.views.pulse()


QUESTIONS = tuple(RunnerQuestion.__subclasses__())
_DECODER: Decoder[RunnerQuestion[object]] = Decoder(Union[QUESTIONS])  # noqa: UP007 - as many as there are


async def answer_question(text: str, by: Services) -> str:
    """The answer to a question, both as they travel. Raises as `decode`: it is none of these."""
    return encode_answer(await _DECODER.decode(text).answer(by))


def encode_answer(answer: object) -> str:
    """An answer as it travels: with the name of its type, which JSON does not tell."""
    return msgspec.json.encode((type(answer).__name__, answer)).decode()


def decode_answer(question: RunnerQuestion[Reply], text: str) -> Reply:
    """The answer to a question, as `encode_answer` made it travel."""
    name, content = decode(text, tuple[str, Raw])
    reply: Reply = decode(content, _types(type(question))[name])
    return reply


@cache
def _types(kind: type[RunnerQuestion[Any]]) -> Mapping[str, Any]:
    """Of its answers, by their names."""
    (base,) = kind.__orig_bases__  # type: ignore[attr-defined] # every generic class has them
    (reply,) = get_args(base)
    members = get_args(reply) if get_origin(reply) in {Union, UnionType} else (reply,)
    return {(get_origin(member) or member).__name__: member for member in members}


def _show_begun(
    by: Services, begun: Begun | Refusal, trigger: str | None = None, repeats: str | None = None
) -> Status | Refusal:
    if isinstance(begun, Refusal):
        return begun
    if begun.is_new:
        by.say("queued", begun.job, trigger=trigger, repeats=repeats)
    return by.views.show(begun.job)
