"""A connector as its author writes it."""

from collections.abc import Iterator, Mapping
from typing import Any

from durable.connector.definition import AnyConnector, stream_faults
from durable.connector.stream import AnyStream
from durable.machine.job import Stage
from durable.sources.since import reaches_further


class Connector(AnyConnector, frozen=True, kw_only=True, eq=False):
    """What is read, how it becomes documents, and when.

        connector = Connector(
            name="tickets",
            datasource=Datasource("tickets"),
            documents=Stream(source=HttpSource(...), key="id", record=Ticket, map=document),
            schedule={"0 2 * * *": Mode.FULL, "0 * * * *": Mode.INCREMENTAL},
        )

    Attributes:
        documents: its mapping gives a `Document`, a `Deletion` if the source deleted the record,
            or None if it is none of Glean's business.
        deletions: what the source lists apart as deleted, mapped to a `Deletion`; INCREMENTAL
            jobs read it before the changes, and delete it, so what was restored since is brought
            again. A FULL job needs none.
        verify: ask Glean after a FULL job's success, for some hours, whether it holds as many
            documents as were sent; only where nothing else brings documents to the datasource.

    Those of `AnyConnector` besides.

    Raises:
        ConfigurationError: with all that is not right.
    """

    documents: AnyStream
    deletions: AnyStream | None = None
    verify: bool = False

    @property
    def is_verified(self) -> bool:
        return self.verify

    def content(self) -> Mapping[Stage, AnyStream | None]:
        return {Stage.DELETIONS: self.deletions, Stage.DOCUMENTS: self.documents}

    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        faults = [
            *stream_faults(Stage.DOCUMENTS, self.documents, is_optional=False),
            *stream_faults(Stage.DELETIONS, self.deletions, is_optional=True),
        ]
        yield from faults or self._deletion_faults()

    def _deletion_faults(self) -> Iterator[str]:
        """What is restored is in the documents' list, as far back as that is read."""
        if self.deletions is None:
            return
        deleted: Any = getattr(self.deletions.source, "since", None)
        changed: Any = getattr(self.documents.source, "since", None)
        if deleted is not None and changed is not None and reaches_further(deleted, changed):
            yield (
                "deletions: they are asked for from further back than the documents, so that a "
                "document which was restored would be deleted again: give both the same "
                "`overlap` and `format`, or the documents the larger ones"
            )
