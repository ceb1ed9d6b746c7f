"""What the object of one connector works with and logs, without the platform."""

from collections.abc import Callable
from typing import Any

from durable.connector.definition import AnyConnector
from durable.engine.checks import Checks
from durable.engine.handling import harmless
from durable.engine.platform import Platform, RunnerContext
from durable.engine.processor import Processor
from durable.engine.provision import Provision
from durable.environment import Environment
from durable.machine.job import Job
from durable.store.store import Store
from durable.views import log
from durable.views.analytics import Analytics, Dataset
from durable.views.log import Level, LogLine
from durable.views.views import Views


class Services:
    """Of one connector.

    Args:
        connector: whose jobs these are.
        environment: variables and secrets.
        store: the object's memory.
        host: clock, randomness and network.
        dataset: the Analytics Engine; None if there is none.
        write: takes a line of the log.
    """

    def __init__(  # noqa: PLR0913 - all that the object is given
        self,
        connector: AnyConnector,
        environment: Environment,
        store: Store,
        host: Platform,
        *,
        dataset: Dataset | None,
        write: Callable[[LogLine], None],
    ) -> None:
        self.processor = Processor(RunnerContext(connector, environment, store, host))
        self.views = Views(connector, environment, store, host)
        self.checks = Checks(connector, environment, host)
        self.provision = Provision(connector, environment, host)
        self._analytics = Analytics(dataset, store.chronicle.taken)
        self._environment = environment
        self._write = write

    @harmless
    def say(self, event: str, job: Job, **fields: Any) -> None:
        """Log what happened to a job."""
        self._write(log.job_line(event, self.views.show(job), **fields))

    @harmless
    def report(self, event: str, level: Level, text: str = "", **fields: Any) -> None:
        """Log what happened to the connector."""
        clean, connector = self._environment.redacted(text) or None, self.views.connector_name
        self._write(log.log_line(event, level, connector=connector, text=clean, **fields))

    @harmless
    def tell(self) -> None:
        """Hand to the Analytics Engine what has happened."""
        if (fault := self._analytics.tell()) is not None:
            self.report("the Analytics Engine took no data", Level.WARNING, fault)
