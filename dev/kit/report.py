"""What the kit has seen of a connector that passed."""

from collections.abc import Sequence
from typing import Any

import httpx
from msgspec import Struct

from dev.kit.crawl import PageRead
from durable.glean.documents import Deletion, Document
from durable.machine.job import Mode, Stage
from durable.machine.rejects import Reject


class Report(Struct, frozen=True, kw_only=True):
    """Of one uninterrupted job of each mode.

    Attributes:
        pages: in the order in which they were read, those of the FULL job first.
        requests: to the sources, likewise.
    """

    pages: Sequence[PageRead]
    requests: Sequence[httpx.Request]

    @property
    def documents(self) -> list[Document]:
        """That a FULL job sends."""
        changes = self.changes(Mode.FULL)
        return [change for change in changes if isinstance(change, Document)]

    @property
    def deletions(self) -> list[Deletion]:
        """That an INCREMENTAL job sends."""
        changes = self.changes(Mode.INCREMENTAL) + self.changes(Mode.INCREMENTAL, Stage.DELETIONS)
        return [change for change in changes if isinstance(change, Deletion)]

    @property
    def rejects(self) -> list[Reject]:
        """Of both jobs."""
        return [reject for page in self.pages for reject in page.rejects]

    def changes(self, mode: Mode, stage: Stage = Stage.DOCUMENTS) -> list[Any]:
        """What the records of one stage became, in the order of the source."""
        return [
            placed.change
            for page in self.pages
            if page.mode is mode and page.stage is stage
            for placed in page.changes
        ]
