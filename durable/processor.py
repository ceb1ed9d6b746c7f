"""The jobs of one connector: begun, carried from turn to turn, looked up.

Knows neither the platform nor the clock: the object that owns it hands them in.
"""

import re
from datetime import UTC, datetime

from msgspec import Struct

from durable.connector import AnyConnector
from durable.environment import Environment
from durable.job import Job, Limits, Mode
from durable.machine import ALARM_MS_MIN
from durable.store import Store
from durable.turn import Host, Turn


JOB_ID = re.compile(r"(?P<connector>[a-z0-9-]{1,40})-\d{8}T\d{9}Z-[0-9a-f]+")


class Begun(Struct, frozen=True):
    """The answer to a request for a job."""

    job: Job
    is_new: bool  # False: the request was already being served


class Processor:
    """All that the object of one connector does.

    Args:
        connector: whose jobs these are.
        environment: variables and secrets.
        store: the object's memory.
        host: clock, randomness and network.
    """

    def __init__(
        self, connector: AnyConnector, environment: Environment, store: Store, host: Host
    ) -> None:
        self._connector = connector
        self._environment = environment
        self._store = store
        self._host = host

    async def begin(self, mode: Mode, trigger_key: str | None) -> Begun:
        """Queue a job, unless one of this mode is unended or the same trigger made one before."""
        if trigger_key is not None and (job := self._store.triggered_by(trigger_key)) is not None:
            return Begun(job, is_new=False)
        unended = self._store.unended()
        for job in unended:
            if job.mode is mode:
                self._store.remember(trigger_key, job)
                return Begun(job, is_new=False)
        now_ms = self._host.now_ms()
        job = Job(
            id=_job_id(self._connector.name, now_ms, self._host.nonce()),
            connector=self._connector.name,
            mode=mode,
            created_at_ms=now_ms,
        )
        # Where a job is working, its alarm is armed already, and its end arms the next.
        alarm_at_ms = None if unended else now_ms + ALARM_MS_MIN
        await self._store.add(job, trigger_key, alarm_at_ms)
        return Begun(job, is_new=True)

    def job(self, job_id: str) -> Job | None:
        return self._store.load(job_id)

    async def turn(self) -> Job | None:
        """Carry on with the connector's first job until it waits, yields or ends.

        Returns:
            The job as the turn left it; None if there was nothing to do.
        """
        self._store.disarmed()
        unended = self._store.unended()
        if not unended:
            return None
        # Before anything that may fail or kill: from here on the object is woken again.
        await self._store.arm(self._host.now_ms() + Limits().lease_ms)
        job_id = unended[0].id
        await Turn(job_id, self._connector, self._environment, self._store, self._host).run()
        return self._store.load(job_id)


def connector_name(job_id: str) -> str | None:
    """The connector that a job's id names; None if it is no job's id."""
    match = JOB_ID.fullmatch(job_id)
    return match["connector"] if match else None


def _job_id(connector: str, now_ms: int, nonce: str) -> str:
    """Names the connector and sorts by time."""
    moment = datetime.fromtimestamp(now_ms / 1_000, UTC)
    return f"{connector}-{moment:%Y%m%dT%H%M%S}{now_ms % 1_000:03}Z-{nonce}"
