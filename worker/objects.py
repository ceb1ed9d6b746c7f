"""The Durable RemoteRunners, called by RPC: one for each connector, by its name."""

from collections.abc import Mapping
from typing import Any

from durable.connector.definition import Connectors
from durable.connector.staged import staged
from durable.engine.placement import namespace_stub
from durable.environment import Environment
from durable.machine.commands import Command
from durable.machine.job import Mode


class RemoteRunners:
    """As `worker.runners.Runners`.

    Args:
        namespace: the binding of their class.
        environment: says where they are.
        connectors: all there are.
    """

    def __init__(self, namespace: Any, environment: Environment, connectors: Connectors) -> None:
        self._namespace = namespace
        self._environment = environment
        self._connectors = connectors

    async def begin(self, connector: str, mode: Mode, trigger_key: str | None) -> Mapping[str, Any]:
        begun: Mapping[str, Any] = await self._stub(connector).begin(mode.value, trigger_key)
        return begun

    async def status(self, connector: str, job_id: str, wait_ms: int) -> Mapping[str, Any] | None:
        status: Mapping[str, Any] | None = await self._stub(connector).status(job_id, wait_ms)
        return status

    async def overview(self, connector: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._stub(connector).overview()
        return found

    async def measures(self, connector: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._stub(connector).measures()
        return found

    async def jobs(
        self, connector: str, before_id: str, states: str, count: int
    ) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._stub(connector).jobs(before_id, states, count)
        return found

    async def events(
        self, connector: str, job_id: str, after: int, count: int
    ) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = await self._stub(connector).events(job_id, after, count)
        return found

    async def obey(
        self, connector: str, job_id: str, command: Command, deletion_count: int
    ) -> Mapping[str, Any] | None:
        stub = self._stub(connector)
        obeyed: Mapping[str, Any] | None = await stub.obey(job_id, command.value, deletion_count)
        return obeyed

    async def repeat(self, connector: str, job_id: str) -> Mapping[str, Any] | None:
        begun: Mapping[str, Any] | None = await self._stub(connector).repeat(job_id)
        return begun

    async def check(self, connector: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._stub(connector).check()
        return found

    async def datasource(self, connector: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._stub(connector).datasource()
        return found

    async def set_up(self, connector: str, difference_count: int) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._stub(connector).set_up(difference_count)
        return found

    async def rejects(
        self, connector: str, job_id: str, after: tuple[int, int], count: int
    ) -> Mapping[str, Any] | None:
        stub = self._stub(connector)
        rejects: Mapping[str, Any] | None = await stub.rejects(job_id, *after, count)
        return rejects

    async def tend(self, connector: str, ticked_at_ms: int) -> Mapping[str, Any]:
        tended: Mapping[str, Any] = await self._stub(connector).tend(ticked_at_ms)
        return tended

    def _stub(self, connector: str) -> Any:
        """Raises ConfigurationError: objects cannot be asked, or would not begin."""
        staged(self._connectors[connector], self._environment, self._connectors.values())
        return namespace_stub(self._namespace, self._environment)(connector)
