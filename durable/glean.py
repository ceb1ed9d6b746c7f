"""Glean's indexing API, as far as a job needs it.

Facts are from Glean's OpenAPI description 0.9.0 and its page on the bulk upload
model. Glean documents no status for an upload that is in its way, so whatever
is not a 200 is passed on as it came.
"""

from typing import Literal

import msgspec
from msgspec import Struct

from durable.batches import Batch, Endpoint
from durable.errors import UpstreamError
from durable.upstream import Answer, Upstream


ANSWER_BYTES_MAX = 1024 * 1024


class _Boundary(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An empty page that opens or closes an upload."""

    upload_id: str
    datasource: str
    documents: tuple[()]
    is_first_page: bool = False
    is_last_page: bool = False
    force_restart_upload: bool = False


class _Upload(Struct, frozen=True, rename="camel"):
    upload_id: str
    status: Literal["ACTIVE", "SUCCESSFUL"]


class _Documents(Struct, frozen=True, rename="camel"):
    bulk_upload_history: list[_Upload] = []


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

    async def close(self, upload_id: str) -> None:
        """Close the upload; Glean deletes what was not in it. Not to be repeated."""
        await self._bound(
            _Boundary(
                upload_id=upload_id, datasource=self._datasource, documents=(), is_last_page=True
            )
        )

    async def is_closed(self, upload_id: str) -> bool:
        """Whether Glean already holds this upload for finished."""
        path = f"/debug/{self._datasource}/status"
        answer = await self._post(path, b"{}")
        try:
            status = msgspec.json.decode(answer.body, type=_DatasourceStatus)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            reason = f"Glean's answer to {path} cannot be read: {error}"
            raise UpstreamError(reason, is_transient=True) from error
        uploads = {upload.upload_id: upload for upload in status.documents.bulk_upload_history}
        return upload_id in uploads and uploads[upload_id].status == "SUCCESSFUL"

    async def _bound(self, boundary: _Boundary) -> None:
        await self._post(Endpoint.BULK_DOCUMENTS, msgspec.json.encode(boundary))

    async def _post(self, path: str, body: bytes) -> Answer:
        return await self._upstream.post(self._url + path, body, bytes_max=ANSWER_BYTES_MAX)
