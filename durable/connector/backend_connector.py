"""A connector whose documents another service crawls and sends."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from msgspec import Struct

from durable.connector.definition import AnyConnector
from durable.connector.stream import AnyStream, Stream
from durable.machine.job import Stage
from durable.sources.backend import Backend


class BackendConnector(AnyConnector, frozen=True, kw_only=True, eq=False):
    """When a service of your own crawls and sends to Glean.

        connector = BackendConnector(
            name="crawler",
            datasource=Datasource("crawled"),
            backend=Backend(url=Secret("CONNECTOR_API_URL")),
            schedule={"0 2 * * *": Mode.FULL},
        )

    A job begins the crawl, follows it, and ends as it ends. Nobody counts the documents here, so
    they are not verified.

    Attributes:
        backend: the service, and how it is asked.

    Those of `AnyConnector` besides; people are brought by streams of their own, or by the backend.

    Raises:
        ConfigurationError: with all that is not right.
    """

    backend: Backend

    is_delegated: ClassVar[bool] = True

    def content(self) -> Mapping[Stage, AnyStream | None]:
        return {Stage.DOCUMENTS: Stream(source=self.backend, key="id", record=Struct, map=_nothing)}

    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        backend: object = self.backend
        if not isinstance(backend, Backend):
            yield f"backend: write Backend(...), and not {backend!r:.80}"


def _nothing(_record: Any) -> None:
    """Its pages have no records."""
