"""The objects of the connectors, as `worker.runners.Runners`."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from durable.engine.checks import Check
from durable.engine.questions import (
    BeginJob,
    CheckConnector,
    Excerpt,
    MissingPart,
    ReadEvents,
    ReadJobs,
    ReadMeasures,
    ReadMissing,
    ReadOverview,
    ReadRejects,
    Reply,
    RunnerQuestion,
    decode_answer,
    encode_answer,
)
from durable.glean.differences import Provisioned, Unprovisioned
from durable.machine.commands import Refusal, RefusalCode
from durable.machine.gone import Gone
from durable.machine.job import Job, Mode, Stage
from durable.machine.rejects import Reject
from durable.store.event_log import Event
from durable.views.job_summary import JobSummary
from durable.views.overview import ConnectorMetrics, Overview
from durable.views.status import status
from durable.views.views import MissingItem


DIGEST = "8c1f0e2d7a9b4c35"  # of a list of what is missing
JOB_ID = "notes-20251124T160000123Z-0a1b2c"
SHOWN = status(Job(id=JOB_ID, connector="notes", mode=Mode.FULL, created_at_ms=0))
STATUS: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(SHOWN))


class FakeRunners:
    """Objects that know one job, and keep what they were asked.

    Args:
        refusal: of whatever is asked of a job.
        rejects: of the job, in order, with their pages.
        events: likewise.
        jobs: all that there are, of all connectors.
        missing: what the job would delete, in order.
        silent: connectors whose objects do not answer.
    """

    def __init__(  # noqa: PLR0913 - a list of each kind
        self,
        refusal: Refusal | None = None,
        rejects: Sequence[tuple[int, Reject]] = (),
        *,
        events: Sequence[Event] = (),
        jobs: Sequence[JobSummary] = (),
        missing: Sequence[MissingItem] | None = None,
        silent: Collection[str] = (),
    ) -> None:
        self._refusal = refusal
        self._rejects = rejects
        self._events = events
        self._jobs = jobs
        self._missing = missing
        self._silent = silent
        self.asked: list[tuple[str, RunnerQuestion[Any]]] = []
        self.overviews: dict[str, Overview] = {}
        self.measured: dict[str, ConnectorMetrics] = {}
        self.checks: list[Check] = []
        self.provisioned: Provisioned | Unprovisioned = Unprovisioned(
            "no", RefusalCode.NOT_DECLARED
        )

    async def ask(self, connector: str, question: RunnerQuestion[Reply]) -> Reply:
        self.asked.append((connector, question))
        if connector in self._silent:
            raise ConnectionError("the object was overloaded")
        return decode_answer(question, encode_answer(self._answer(connector, question)))

    def _answer(  # noqa: C901, PLR0911 - a return for each
        self, connector: str, question: object
    ) -> object:
        if getattr(question, "job_id", JOB_ID) != JOB_ID:
            return None
        match question:
            case ReadOverview():
                return self.overviews[connector]
            case ReadMeasures():
                return self.measured[connector]
            case ReadJobs():
                return self._found(connector, question)
            case ReadEvents(after=number):
                events = [event for event in self._events if event.number > number]
                return Excerpt(len(self._events), events[: question.count])
            case ReadRejects(after=place):
                after = [(page, one) for page, one in self._rejects if (page, one.order) > place]
                return Excerpt(len(self._rejects), after[: question.count])
            case ReadMissing(after=place):
                if self._missing is None:
                    return MissingPart(Stage.DOCUMENTS, None, [])
                rest = [item for item in self._missing if item.place > place]
                gone = Gone(count=len(self._missing), is_whole=True, digest=DIGEST)
                return MissingPart(Stage.DOCUMENTS, gone, rest[: question.count])
            case CheckConnector():
                return self.checks
            case _ if hasattr(question, "job_id") or isinstance(question, BeginJob):
                return self._refusal or SHOWN
        return self.provisioned

    def _found(self, connector: str, question: ReadJobs) -> list[JobSummary]:
        """As an object does: it knows its own jobs alone, and compares texts."""
        own = [job for job in self._jobs if job.connector == connector]
        found = [job for job in own if job.state in question.states and job.id < question.before_id]
        return sorted(found, key=lambda line: line.id, reverse=True)[: question.count]
