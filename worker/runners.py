"""The objects of the connectors, as the Worker asks them by RPC."""

from typing import Any, Protocol

import msgspec

from durable.connector.definition import Connectors
from durable.connector.staged import stage
from durable.engine.placement import namespace_stub
from durable.engine.questions import Reply, RunnerQuestion, decode_answer
from durable.environment import Environment


class Runners(Protocol):
    """One for each connector."""

    async def ask(self, connector: str, question: RunnerQuestion[Reply]) -> Reply:
        """The answer of the connector's object."""
        ...


class RemoteRunners:
    """As `Runners`, by RPC.

    Args:
        namespace: the binding of their class.
        environment: says where they are.
        connectors: all there are.
    """

    def __init__(self, namespace: Any, environment: Environment, connectors: Connectors) -> None:
        self._namespace = namespace
        self._environment = environment
        self._connectors = connectors

    async def ask(self, connector: str, question: RunnerQuestion[Reply]) -> Reply:
        """Raises ConfigurationError: objects cannot be asked, or would not begin."""
        stage(self._connectors[connector], self._environment, self._connectors.values())
        stub = namespace_stub(self._namespace, self._environment)(connector)
        return decode_answer(question, await stub.ask(msgspec.json.encode(question).decode()))
