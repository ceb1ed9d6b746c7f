"""The objects of the connectors, as the Worker calls them."""

from collections.abc import Mapping
from typing import Any, Protocol

from durable.machine.commands import Command
from durable.machine.job import Mode


class Runners(Protocol):
    """The objects of the connectors, by the connector's name. See durable/runner.py."""

    async def begin(
        self, connector: str, mode: Mode, trigger_key: str | None
    ) -> Mapping[str, Any]: ...

    async def status(
        self, connector: str, job_id: str, wait_ms: int
    ) -> Mapping[str, Any] | None: ...

    async def overview(self, connector: str) -> Mapping[str, Any]: ...

    async def measures(self, connector: str) -> Mapping[str, Any]: ...

    async def jobs(
        self, connector: str, before_id: str, states: str, count: int
    ) -> Mapping[str, Any]: ...

    async def events(
        self, connector: str, job_id: str, after: int, count: int
    ) -> Mapping[str, Any] | None: ...

    async def obey(
        self, connector: str, job_id: str, command: Command, deletion_count: int
    ) -> Mapping[str, Any] | None: ...

    async def repeat(self, connector: str, job_id: str) -> Mapping[str, Any] | None: ...

    async def check(self, connector: str) -> Mapping[str, Any]: ...

    async def datasource(self, connector: str) -> Mapping[str, Any]: ...

    async def set_up(self, connector: str, difference_count: int) -> Mapping[str, Any]: ...

    async def rejects(
        self, connector: str, job_id: str, after: tuple[int, int], count: int
    ) -> Mapping[str, Any] | None: ...
