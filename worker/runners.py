"""Asks the objects of the connectors by RPC."""

from typing import Any, Protocol

import msgspec

from durable.connector.definition import Connectors
from durable.connector.staged import stage
from durable.engine.placement import namespace_stub
from durable.engine.questions import Reply, RunnerQuestion, decode_answer
from durable.environment import Environment


class Runners(Protocol):
    """The objects, one for each connector."""

    async def ask(self, connector: str, question: RunnerQuestion[Reply]) -> Reply:
        """The answer of the connector's object."""
        ...


class RemoteRunners:
    """`Runners` by RPC.

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
        """Ask an object. Raises ConfigurationError if it cannot be reached or does not start."""
        stage(self._connectors[connector], self._environment, self._connectors.values())
        stub = namespace_stub(self._namespace, self._environment)(connector)
        return decode_answer(question, await stub.ask(msgspec.json.encode(question).decode()))
