"""A processor, with all that it stands on."""

import asyncio
from collections.abc import Mapping
from itertools import count

import httpx
import msgspec

from durable.connector.definition import AnyConnector
from durable.engine.platform import Platform
from durable.engine.processor import Begun
from durable.engine.services import Services
from durable.environment import Environment
from durable.limits import Limits
from durable.machine.commands import Instruction, Refusal
from durable.machine.job import Job, Mode
from durable.machine.ledger import Kind
from durable.machine.ledger_head import KindState
from durable.machine.rejects import Reject
from durable.machine.states import Command
from durable.store.store import Store
from durable.views.log import LogLine
from tests.fakes.connections import Connections
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.ledgers import a_put, learn
from tests.fakes.network import Network, no_wait
from tests.fakes.storage import Storage


NOW_MS = 1_764_000_000_123
SET = {"GLEAN_INSTANCE": "acme", "GLEAN_INDEXING_API_TOKEN": "t0ken"}


class Bench:
    """What one connector's object does, called as the platform would call it.

    Args:
        answers: of the network, in order.
        limits: where they differ from the defaults.
        environment: in place of one that is right.
        connector: in place of the notes.
        is_ours: Glean has nothing that somebody else may have brought.
    """

    def __init__(
        self,
        *answers: httpx.Response | Exception,
        limits: Mapping[str, float] | None = None,
        environment: Environment | None = None,
        connector: AnyConnector = NOTES,
        is_ours: bool = True,
    ) -> None:
        nonces = count()
        self.now_ms = NOW_MS
        self.network = Network(*answers)
        self.storage = Storage()
        self.logged: list[LogLine] = []
        self.connector = connector
        self.environment = environment or an_environment(
            LIMITS=msgspec.json.encode(limits or {}).decode(), **SET
        )
        self.host = Platform(
            now_ms=lambda: self.now_ms,
            nonce=lambda: f"{next(nonces):06x}",
            draw=lambda: 1.0,
            transport=Connections(self.network),
            wait=no_wait,
        )
        self.restarted()
        if is_ours:
            self.store.ledger.claim()

    def restarted(self) -> None:
        """The object is made again on what is stored."""
        self.store = Store(self.storage)
        made = (self.connector, self.environment, self.store, self.host)
        self.services = Services(*made, dataset=None, write=self.logged.append)
        self.processor, self.views = self.services.processor, self.services.views

    def begun(self, mode: Mode, trigger_key: str | None = None) -> Job:
        begun = asyncio.run(self.processor.begin(mode, trigger_key))
        assert isinstance(begun, Begun), begun
        return begun.job

    def knows(self, *keys: str, kind: Kind = Kind.DOCUMENT) -> None:
        """Glean has these, and the ledger knows; a FULL job replaces them all the same."""
        learn(self.store.ledger, map(a_put, keys), KindState(replaced_at_ms=1), kind=kind)

    def put(self, *jobs: Job, alarm_at_ms: int | None = None) -> None:
        """These jobs are stored, and the object's alarm is armed or not."""

        async def put() -> None:
            for job in jobs:
                await self.store.add(job, None, None)
            await self.store.arm(alarm_at_ms)

        asyncio.run(put())

    def turned(self) -> Job | None:
        """The job as the next turn left it."""
        self.storage.fire()
        return asyncio.run(self.processor.turn())

    def left(self) -> Job:
        """The job as the next turn left it; there must be one."""
        job = self.turned()
        assert job is not None
        return job

    def job(self, job_id: str) -> Job:
        """As it is now; there must be one."""
        job = self.views.job(job_id)
        assert job is not None
        return job

    def obeyed(self, job: Job, command: Command, list_digest: str = "") -> Job | Refusal | None:
        return asyncio.run(self.processor.obey(job.id, Instruction(command, list_digest)))

    def commanded(self, job: Job, command: Command, list_digest: str = "") -> Job:
        """The job after a command that it takes."""
        after = self.obeyed(job, command, list_digest)
        assert isinstance(after, Job), after
        return after

    def tended(self) -> bool:
        return asyncio.run(self.processor.tend())

    def rejects(self, job: Job) -> list[tuple[int, Reject]]:
        return self.views.rejects(job.id, (0, 0), Limits().rejects_kept_max)
