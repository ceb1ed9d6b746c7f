"""The objects of the connectors, at work in this process, as `worker.routes.Runners`.

What durable/runner.py adds is the platform; the answers are made as there.
"""

from collections.abc import Mapping

from durable.connector.definition import Connectors
from durable.engine.checks import Checks
from durable.engine.processor import Begun
from durable.engine.provision import Provision
from durable.machine.commands import Command, Instruction, Refusal
from durable.machine.job import Job, Mode, State
from durable.views.serialization import plain, provisioned, refused
from tests.fakes.bench import Bench


Answer = Mapping[str, object]


class Objects:
    """One of each connector, made when it is first asked.

    Args:
        connectors: all that there are.
    """

    def __init__(self, connectors: Connectors) -> None:
        self._connectors = connectors
        self._benches: dict[str, Bench] = {}

    def bench(self, connector: str) -> Bench:
        """What the object of a connector stands on."""
        if connector not in self._benches:
            self._benches[connector] = Bench(connector=self._connectors[connector])
        return self._benches[connector]

    async def begin(self, connector: str, mode: Mode, trigger_key: str | None) -> Answer:
        begun = await self.bench(connector).processor.begin(mode, trigger_key)
        return self._begun(connector, begun)

    async def status(self, connector: str, job_id: str, wait_ms: int) -> Answer | None:
        job = await self.bench(connector).views.awaited(job_id, wait_ms)
        return None if job is None else self._shown(connector, job)

    async def overview(self, connector: str) -> Answer:
        return {"overview": plain(self.bench(connector).views.overview())}

    async def measures(self, connector: str) -> Answer:
        return {"measures": plain(self.bench(connector).views.measures())}

    async def jobs(self, connector: str, before_id: str, states: str, count: int) -> Answer:
        wanted = [State(state) for state in states.split(",")]
        lines = self.bench(connector).views.lines(before_id, wanted, count)
        return {"jobs": [plain(line) for line in lines]}

    async def events(self, connector: str, job_id: str, after: int, count: int) -> Answer | None:
        views = self.bench(connector).views
        if views.job(job_id) is None:
            return None
        events = [plain(event) for event in views.events(job_id, after, count)]
        return {"total": views.event_count(job_id), "events": events}

    async def obey(
        self, connector: str, job_id: str, command: Command, deletion_count: int
    ) -> Answer | None:
        instruction = Instruction(command, deletion_count)
        job = await self.bench(connector).processor.obey(job_id, instruction)
        if isinstance(job, Refusal):
            return refused(job)
        return None if job is None else self._shown(connector, job)

    async def repeat(self, connector: str, job_id: str) -> Answer | None:
        begun = await self.bench(connector).processor.repeat(job_id)
        return None if begun is None else self._begun(connector, begun)

    async def check(self, connector: str) -> Answer:
        bench = self.bench(connector)
        found = await Checks(bench.connector, bench.environment, bench.host).run()
        return {"checks": [plain(check) for check in found]}

    async def datasource(self, connector: str) -> Answer:
        bench = self.bench(connector)
        provision = Provision(bench.connector, bench.environment, bench.host)
        return provisioned(await provision.found())

    async def set_up(self, connector: str, difference_count: int) -> Answer:
        bench = self.bench(connector)
        provision = Provision(bench.connector, bench.environment, bench.host)
        return provisioned(await provision.set_up(difference_count))

    async def rejects(
        self, connector: str, job_id: str, after: tuple[int, int], count: int
    ) -> Answer | None:
        views = self.bench(connector).views
        if (job := views.job(job_id)) is None:
            return None
        found = [{"page": at, **plain(one)} for at, one in views.rejects(job_id, after, count)]
        return {"total": job.reject_count + job.pending_reject_count, "rejects": found}

    def _begun(self, connector: str, begun: Begun | Refusal) -> Answer:
        return refused(begun) if isinstance(begun, Refusal) else self._shown(connector, begun.job)

    def _shown(self, connector: str, job: Job) -> Answer:
        return {"status": plain(self.bench(connector).views.shown(job))}
