"""The objects of the connectors, as `worker.routes.Runners`."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from durable.machine.commands import Command, Refusal
from durable.machine.job import Mode
from durable.views.connector_metrics import Measures
from durable.views.job_summary import Line
from durable.views.overview import Overview


JOB_ID = "notes-20251124T160000123Z-0a1b2c"
STATUS: Mapping[str, object] = {"id": JOB_ID, "connector": "notes", "state": "queued"}


class FakeRunners:
    """Objects that know one job, and keep what they were asked.

    Args:
        refusal: of whatever is asked of a job.
        rejects: of the job, in order.
        events: likewise.
        jobs: all that there are, of all connectors.
        silent: connectors whose objects do not answer.
    """

    def __init__(
        self,
        refusal: Refusal | None = None,
        rejects: Sequence[Mapping[str, object]] = (),
        *,
        events: Sequence[Mapping[str, object]] = (),
        jobs: Sequence[Line] = (),
        silent: Collection[str] = (),
    ) -> None:
        self._refusal = refusal
        self._rejects = rejects
        self._events = events
        self._jobs = jobs
        self._silent = silent
        self.overviews: dict[str, Overview] = {}
        self.measured: dict[str, Measures] = {}
        self.waits_ms: list[int] = []
        self.begun: list[tuple[str, Mode, str | None]] = []
        self.asked: list[tuple[str, str]] = []
        self.commanded: list[tuple[str, str, Command, int]] = []
        self.repeated: list[tuple[str, str]] = []
        self.checks: list[dict[str, str]] = []
        self.provisioned: Mapping[str, object] = {}

    @property
    def is_untouched(self) -> bool:
        return not (self.begun or self.asked or self.commanded)

    async def begin(
        self, connector: str, mode: Mode, trigger_key: str | None
    ) -> Mapping[str, object]:
        self.begun.append((connector, mode, trigger_key))
        return self._shown()

    async def status(
        self, connector: str, job_id: str, wait_ms: int
    ) -> Mapping[str, object] | None:
        self.asked.append((connector, job_id))
        self.waits_ms.append(wait_ms)
        return self._shown() if job_id == JOB_ID else None

    async def overview(self, connector: str) -> Mapping[str, object]:
        self._answer(connector)
        return {"overview": msgspec.to_builtins(self.overviews[connector])}

    async def measures(self, connector: str) -> Mapping[str, object]:
        self._answer(connector)
        return {"measures": msgspec.to_builtins(self.measured[connector])}

    async def jobs(
        self, connector: str, before_id: str, states: str, count: int
    ) -> Mapping[str, object]:
        """As an object does: it knows its own jobs alone, and compares texts."""
        self._answer(connector)
        wanted = states.split(",")
        own = [job for job in self._jobs if job.connector == connector and job.state in wanted]
        found = sorted((job for job in own if job.id < before_id), key=_id, reverse=True)
        return {"jobs": [msgspec.to_builtins(job) for job in found[:count]]}

    async def events(
        self, connector: str, job_id: str, after: int, count: int
    ) -> Mapping[str, object] | None:
        self.asked.append((connector, job_id))
        if job_id != JOB_ID:
            return None
        found = [event for event in self._events if int(str(event["number"])) > after]
        return {"total": len(self._events), "events": found[:count]}

    async def obey(
        self, connector: str, job_id: str, command: Command, deletion_count: int
    ) -> Mapping[str, object] | None:
        self.commanded.append((connector, job_id, command, deletion_count))
        return self._shown() if job_id == JOB_ID else None

    async def repeat(self, connector: str, job_id: str) -> Mapping[str, object] | None:
        self.repeated.append((connector, job_id))
        return self._shown() if job_id == JOB_ID else None

    async def check(self, connector: str) -> Mapping[str, object]:
        self.asked.append((connector, ""))
        return {"checks": self.checks}

    async def datasource(self, connector: str) -> Mapping[str, object]:
        self.asked.append((connector, "datasource"))
        return self.provisioned

    async def set_up(self, connector: str, difference_count: int) -> Mapping[str, object]:
        self.asked.append((connector, str(difference_count)))
        return self.provisioned

    async def rejects(
        self, connector: str, job_id: str, after: tuple[int, int], count: int
    ) -> Mapping[str, object] | None:
        self.asked.append((connector, job_id))
        if job_id != JOB_ID:
            return None
        found = [one for one in self._rejects if (one["page"], one["order"]) > after]
        return {"total": len(self._rejects), "rejects": found[:count]}

    def _answer(self, connector: str) -> None:
        self.asked.append((connector, ""))
        if connector in self._silent:
            raise ConnectionError("the object was overloaded")

    def _shown(self) -> Mapping[str, object]:
        if self._refusal is not None:
            return {"refusal": msgspec.to_builtins(self._refusal)}
        return {"status": STATUS}


def _id(line: Line) -> str:
    return line.id
