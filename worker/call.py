"""A call of an endpoint, and what its handler works with."""

import asyncio
from collections.abc import Callable, Mapping

from msgspec import Struct

from durable.connector.definition import Connectors
from durable.engine.questions import Reply, RunnerQuestion
from durable.errors import ConfigurationError
from durable.machine.commands import RefusalCode
from durable.machine.job_id import connector_name
from worker import problems
from worker.access import Access
from worker.auth import Authentication, Caller
from worker.problems import ProblemError
from worker.request import Request
from worker.runners import Runners


class Edge(Struct, frozen=True):
    """The platform's clock and randomness, and what outlives a request."""

    now_ms: Callable[[], int]
    nonce: Callable[[], str]  # 32 hexadecimal digits that nobody can guess
    team: Access  # with the keys of Cloudflare Access


class Call(Struct, frozen=True, kw_only=True):
    """One authenticated request, and what answers it."""

    request: Request
    caller: Caller
    name: str = ""  # of the job or the connector in its path, which may be none
    connectors: Connectors
    runners: Runners
    auth: Authentication
    edge: Edge
    commit: str | None  # that is deployed

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query

    @property
    def names(self) -> str:
        """The names of all connectors."""
        return ", ".join(self.connectors) or "none"

    @property
    def connector(self) -> str:
        """The connector in the path. Raises ProblemError if there is none."""
        return self.require_connector(self.name)

    def require_connector(self, name: str) -> str:
        """Check the name of a connector. Raises ProblemError if there is none."""
        if name not in self.connectors:
            text = self.describe_unknown(name)
            raise ProblemError(problems.describe(404, text, RefusalCode.UNKNOWN_CONNECTOR))
        return name

    def describe_unknown(self, name: str) -> str:
        """The text of a problem about a name that no connector has."""
        return f"There is no connector {name!r:.200}; there are: {self.names}."

    async def ask(self, question: RunnerQuestion[Reply | None]) -> Reply:
        """Ask the object of the job in the path.

        Only objects of known connectors are asked: asking an object makes it.

        Raises:
            ProblemError: there is no such job.
        """
        name = connector_name(self.name)
        if name is not None and name in self.connectors:
            reply = await self.runners.ask(name, question)
            if reply is not None:
                return reply
        text = f"There is no job {self.name!r:.200}."
        raise ProblemError(problems.describe(404, text, RefusalCode.UNKNOWN_JOB))

    async def ask_each(self, question: RunnerQuestion[Reply]) -> dict[str, Reply | None]:
        """Ask the objects of all connectors; None where one does not answer.

        Raises:
            ConfigurationError: none of them can be asked.
        """
        asked = (self.runners.ask(name, question) for name in self.connectors)
        found = await asyncio.gather(*asked, return_exceptions=True)
        for fault in found:
            if isinstance(fault, ConfigurationError):
                raise fault
        return {
            name: None if isinstance(reply, BaseException) else reply
            for name, reply in zip(self.connectors, found, strict=True)
        }
