"""Glean's indexing API, as far as a job needs it.

Facts are from Glean's OpenAPI description 0.9.0 and its page on the bulk upload
model. Glean documents no status for an upload that is in its way, so whatever
is not a 200 is passed on as it came.
"""

from datetime import UTC, datetime

import msgspec
from msgspec import Raw, Struct

from durable.batches import Batch, Endpoint, Item
from durable.errors import UpstreamError
from durable.job import Standing
from durable.upstream import Answer, Upstream


ANSWER_BYTES_MAX = 1024 * 1024
CLOSED_STATES = frozenset({"UPLOAD COMPLETED", "DELETION PAUSED", "INDEXING COMPLETED"})


class _Boundary(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An empty page that opens or closes an upload."""

    upload_id: str
    datasource: str
    documents: tuple[()]
    is_first_page: bool = False
    is_last_page: bool = False
    force_restart_upload: bool = False


class _Upload(Struct, frozen=True, rename="camel"):
    upload_id: object
    status: object = None  # "ACTIVE" or "SUCCESSFUL"; what else there may be, tells nothing
    processing_state: object = None
    start_time: object = None

    @property
    def is_closed(self) -> bool:
        return self.status == "SUCCESSFUL" or self.processing_state in CLOSED_STATES

    @property
    def started_at(self) -> float:
        """Unix seconds; 0 where it cannot be told, since the format is not documented."""
        try:
            at = datetime.fromisoformat(str(self.start_time))
        except ValueError:
            return 0
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


class _Documents(Struct, frozen=True, rename="camel"):
    bulk_upload_history: list[_Upload] | None = None


class _DatasourceStatus(Struct, frozen=True):
    documents: _Documents


class Glean:
    """One datasource. Every method raises UpstreamError.

    Args:
        upstream: Glean's server, with the indexing token.
        url: the root of the indexing API, without a slash at its end.
        datasource: the name of the datasource.
    """

    def __init__(self, upstream: Upstream, url: str, datasource: str) -> None:
        self._upstream = upstream
        self._url = url
        self._datasource = datasource

    async def open(self, upload_id: str) -> None:
        """Open a bulk upload. Glean discards whichever was open before."""
        await self._bound(
            _Boundary(
                upload_id=upload_id,
                datasource=self._datasource,
                documents=(),
                is_first_page=True,
                force_restart_upload=True,
            )
        )

    async def send(self, batch: Batch) -> None:
        await self._post(batch.endpoint, batch.body)

    async def close(self, upload_id: str, *, is_only_page: bool = False) -> None:
        """Close the upload; Glean deletes what was not in it. Not to be repeated.

        Args:
            upload_id: of an upload that is open.
            is_only_page: begin it again with the same request, so that there is nothing in it;
                Glean's own tools empty a datasource like that.
        """
        await self._bound(
            _Boundary(
                upload_id=upload_id,
                datasource=self._datasource,
                documents=(),
                is_first_page=is_only_page,
                is_last_page=True,
                force_restart_upload=is_only_page,
            )
        )

    async def close_with(self, upload_id: str, item: Item) -> None:
        """Close the upload with one of its documents, sent once more."""
        page = {"uploadId": upload_id, "datasource": self._datasource, "isLastPage": True}
        body = msgspec.json.encode({**page, "documents": [Raw(item.encoded)]})
        await self._post(Endpoint.BULK_DOCUMENTS, body)

    async def standing(self, upload_id: str) -> Standing:
        """How the upload stands, by Glean's history of uploads."""
        path = f"/debug/{self._datasource}/status"
        answer = await self._post(path, b"{}")
        try:
            status = msgspec.json.decode(answer.body, type=_DatasourceStatus)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            reason = f"Glean's answer to {path} cannot be read: {error}"
            raise UpstreamError(reason, is_transient=True) from error
        history = status.documents.bulk_upload_history or []
        ours = [upload for upload in history if upload.upload_id == upload_id]
        if any(upload.is_closed for upload in ours):
            return Standing.CLOSED
        if not ours:
            return Standing.UNLISTED
        # One upload is open at a time, so a later one has discarded ours. Of two that began at
        # the same moment ours may be either, and a crawl too many is better than one too few.
        begun = max(upload.started_at for upload in ours)
        others = (upload for upload in history if upload.upload_id != upload_id)
        is_replaced = begun > 0 and any(upload.started_at >= begun for upload in others)
        return Standing.REPLACED if is_replaced else Standing.OPEN

    async def _bound(self, boundary: _Boundary) -> None:
        await self._post(Endpoint.BULK_DOCUMENTS, msgspec.json.encode(boundary))

    async def _post(self, path: str, body: bytes) -> Answer:
        return await self._upstream.post(self._url + path, body, bytes_max=ANSWER_BYTES_MAX)
