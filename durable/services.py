"""What the object of one connector works with and logs, without the platform."""

from collections.abc import Callable
from typing import Any

from durable import log
from durable.analytics import Analytics, Dataset
from durable.checks import Checks
from durable.connector import AnyConnector
from durable.environment import Environment
from durable.handling import harmless
from durable.host import Host
from durable.job import Job
from durable.log import Level, Line
from durable.processor import Processor
from durable.provision import Provision
from durable.store import Store
from durable.views import Views


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
        host: Host,
        *,
        dataset: Dataset | None,
        write: Callable[[Line], None],
    ) -> None:
        self.processor = Processor(connector, environment, store, host)
        self.views = Views(connector, environment, store, host)
        self.checks = Checks(connector, environment, host)
        self.provision = Provision(connector, environment, host)
        self._analytics = Analytics(dataset, store.chronicle.taken)
        self._environment = environment
        self._write = write

    @harmless
    def say(self, event: str, job: Job, **fields: Any) -> None:
        """Log what happened to a job."""
        self._write(log.job_line(event, self.views.shown(job), **fields))

    @harmless
    def report(self, event: str, level: Level, text: str = "", **fields: Any) -> None:
        """Log what happened to the connector."""
        clean, connector = self._environment.redacted(text) or None, self.views.connector_name
        self._write(log.line(event, level, connector=connector, text=clean, **fields))

    @harmless
    def tell(self) -> None:
        """Hand to the Analytics Engine what has happened."""
        if (fault := self._analytics.tell()) is not None:
            self.report("the Analytics Engine took no data", Level.WARNING, fault)
