"""What was noticed of a connector: a part of its store."""

from msgspec import Struct

from durable.machine.job import Job
from durable.machine.observations import ForeignUploads, Steadiness, observe_crawl, observe_upload
from durable.store.sql import Query, read_summary, write_summary


class _DocumentCount(Struct, frozen=True):
    """Persisted: add fields with defaults, never rename."""

    count: int | None = None


class Observations:
    """Of one connector.

    Args:
        query: the store's, so that all is written together.
    """

    def __init__(self, query: Query) -> None:
        self._query = query

    def steadiness(self) -> Steadiness:
        return read_summary(self._query, "steadiness", Steadiness)

    def foreign_uploads(self) -> ForeignUploads:
        return read_summary(self._query, "foreign uploads", ForeignUploads)

    def document_count(self) -> int | None:
        """In Glean, as the last FULL job that succeeded has left them; None: there was none."""
        return read_summary(self._query, "documents", _DocumentCount).count

    def keep_document_count(self, count: int) -> None:
        if count != self.document_count():
            write_summary(self._query, "documents", _DocumentCount(count))

    def add_crawl(self, job: Job) -> None:
        """Note what a job has come by that has just succeeded."""
        before = self.steadiness()
        after = observe_crawl(before, job)
        if after != before:
            write_summary(self._query, "steadiness", after)

    def add_upload(self, upload_id: str, job: Job) -> None:
        """Note an upload of Glean's history that is none of this connector's; "": there is none."""
        before = self.foreign_uploads()
        after = observe_upload(before, upload_id, job)
        if after != before:
            write_summary(self._query, "foreign uploads", after)
