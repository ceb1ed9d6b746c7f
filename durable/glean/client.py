"""Glean's indexing API, as far as a job needs it.

Facts are from Glean's OpenAPI description 0.9.0 and its page on the bulk upload
model. What its answers mean to a job, and which of them are believed, is told in
durable/glean/statuses.py.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from durable.decoding import decode
from durable.errors import Cause, UpstreamError
from durable.glean.batches import Batch, Item
from durable.glean.payloads import UPLOADS
from durable.glean.status_report import document_counts, holdings
from durable.glean.statuses import question_fault, reinterpret, write_fault
from durable.http.client import Answer, HttpClient
from durable.machine.effects import UploadQueried
from durable.machine.index_status import Deletions, Holdings, deletions_of
from durable.machine.job import CONFIRMED, Stage, UploadStatus
from durable.machine.job_id import connector_name


# Of an answer to a question: a history of uploads has one for each group and night.
ANSWER_BYTES_MAX = 8 * 1024 * 1024
RESULT_BYTES_MAX = 64 * 1024  # of an answer to a request that writes, which has no body
Decoded = TypeVar("Decoded")
CLOSED_STATES = frozenset({"UPLOAD COMPLETED", "DELETION PAUSED", "INDEXING COMPLETED"})


class _ListedUpload(Struct, frozen=True, rename="camel"):
    upload_id: object
    status: object = None  # "ACTIVE" or "SUCCESSFUL"; what else there may be, tells nothing
    processing_state: object = None
    start_time: object = None

    @property
    def is_closed(self) -> bool:
        return self.status == "SUCCESSFUL" or str(self.processing_state) in CLOSED_STATES

    @property
    def started_at(self) -> float:
        """Unix seconds; 0 where it cannot be told, since the format is not documented."""
        try:
            at = datetime.fromisoformat(str(self.start_time))
        except ValueError:
            return 0
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


class _ListedUploads(Struct, frozen=True, rename="camel"):
    bulk_upload_history: list[_ListedUpload] | None = None


class _IdentityStatus(Struct, frozen=True):
    users: _ListedUploads | None = None
    groups: _ListedUploads | None = None


class _UploadHistory(Struct, frozen=True):
    documents: _ListedUploads
    identity: _IdentityStatus | None = None

    def history(self, stage: Stage) -> list[_ListedUpload]:
        """The uploads of one kind of thing."""
        identity = self.identity or _IdentityStatus()
        parts = {
            Stage.DOCUMENTS: self.documents,
            Stage.USERS: identity.users,
            Stage.GROUPS: identity.groups,
        }
        part = parts[stage]
        return (part.bulk_upload_history or []) if part else []


class _ObjectDefinition(Struct, frozen=True):
    name: str | None = None


class _Config(Struct, frozen=True, rename="camel"):
    """What a datasource has at the least."""

    name: str
    object_definitions: list[_ObjectDefinition] | None = None


class Glean:
    """One kind of thing in one datasource. Every method raises UpstreamError.

    Args:
        upstream: Glean's server, with the indexing token.
        url: the root of the indexing API, without a slash at its end.
        datasource: the name of the datasource.
        stage: the kind of thing.
    """

    def __init__(
        self, upstream: HttpClient, url: str, datasource: str, stage: Stage = Stage.DOCUMENTS
    ) -> None:
        self._stage = stage
        self._upstream = upstream
        self._url = url
        self._datasource = datasource

    @property
    def tells_uploads(self) -> bool:
        """Whether Glean can be asked how an upload of this kind stands."""
        return self._stage in CONFIRMED

    async def open(self, upload_id: str) -> None:
        """Open a bulk upload. Glean discards whichever of this kind was open before."""
        await self._send_boundary(upload_id, {"isFirstPage": True, "forceRestartUpload": True})

    async def send(self, batch: Batch) -> None:
        """Send a batch."""
        await self._write(batch.endpoint, batch.body)

    async def close(
        self, upload_id: str, *, is_only_page: bool = False, is_deletion_checked: bool = True
    ) -> None:
        """Close the upload; Glean deletes what was not in it. Not to be repeated.

        Args:
            upload_id: of an upload that is open.
            is_only_page: begin it again with the same request, so that there is nothing in it;
                Glean's own tools empty a datasource like that.
            is_deletion_checked: let Glean pause before it deletes much. If not, it deletes all that
                was not in the upload, so each of these must be known and allowed.
        """
        beginning = {"isFirstPage": True, "forceRestartUpload": True} if is_only_page else {}
        await self._send_boundary(upload_id, {**beginning, **self._closing(is_deletion_checked)})

    async def close_with(
        self, upload_id: str, item: Item, *, is_deletion_checked: bool = True
    ) -> None:
        """Close the upload with one of its things, sent once more. Else like `close`."""
        await self._send_boundary(
            upload_id, self._closing(is_deletion_checked), [Raw(item.encoded)]
        )

    def _closing(self, is_deletion_checked: bool) -> dict[str, bool]:  # noqa: FBT001 - is named so
        unchecked = UPLOADS[self._stage].unchecked  # Glean never checks those that have no flag
        flags = {"isLastPage": True}
        return flags if is_deletion_checked or not unchecked else {**flags, unchecked: True}

    async def standing(self, upload_id: str) -> UploadStatus:
        """The upload's status, by Glean's history of uploads."""
        return (await self.query_upload(upload_id)).standing

    async def query_upload(self, upload_id: str) -> UploadQueried:
        """The upload's status, and whether Glean has deleted what was not in it."""
        history = (await self._histories()).history(self._stage)
        states = [one.processing_state for one in history if one.upload_id == upload_id]
        deletions = deletions_of(states[0]) if states else Deletions.PENDING
        return UploadQueried(
            _standing(upload_id, history), deletions, _foreign_id(upload_id, history)
        )

    async def deletions(self) -> Mapping[str, Deletions]:
        """Whether Glean has deleted what its uploads no longer had, by the upload's id."""
        return (await self.holdings("")).deletions

    async def _histories(self) -> _UploadHistory:
        answer = await self._status()
        return self._decode(answer, self._status_path, _UploadHistory)

    async def holdings(self, upload_id: str) -> Holdings:
        """What Glean holds of the datasource's documents, and how the upload of them stands."""
        return holdings((await self._status()).body, upload_id)

    async def count_documents(self) -> Mapping[str, int]:
        """How many documents Glean has, of each type. See `DocumentsCounted`."""
        return document_counts((await self._status()).body)

    async def process(self) -> None:
        """Have Glean process the documents now. It accepts this once in three hours."""
        content = msgspec.json.encode({"datasource": self._datasource})
        await self._write("/processalldocuments", content)

    async def config(self) -> dict[str, Any]:
        """The datasource's CustomDatasourceConfig in Glean."""
        body = msgspec.json.encode({"datasource": self._datasource})
        answer = await self._ask("/getdatasourceconfig", body)
        self._decode(answer, "/getdatasourceconfig", _Config)  # or it is no datasource
        return self._decode(answer, "/getdatasourceconfig", dict[str, Any])

    async def set_up(self, config: Mapping[str, Any]) -> None:
        """Create the datasource, or overwrite its configuration."""
        await self._write("/adddatasource", msgspec.json.encode(config))

    def _decode(self, answer: Answer, path: str, kind: type[Decoded]) -> Decoded:
        try:
            return decode(answer.body, kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            reason = f"Glean's answer to {path} cannot be read: {error}"
            raise UpstreamError(reason, is_transient=True) from error

    async def _send_boundary(
        self, upload_id: str, flags: Mapping[str, bool], items: Sequence[Raw] = ()
    ) -> None:
        """Send the page that opens or closes an upload."""
        form = UPLOADS[self._stage]
        around = {"datasource": self._datasource} if form.has_datasource else {}
        page = {"uploadId": upload_id, **around, form.field: items, **flags}
        await self._write(form.endpoint, msgspec.json.encode(page))

    @property
    def _status_path(self) -> str:
        return f"/debug/{self._datasource}/status"

    async def _status(self) -> Answer:
        return await self._ask(self._status_path, b"{}")

    async def _ask(self, path: str, body: bytes) -> Answer:
        """The answer to a question, which is JSON or cannot be read."""
        answer = await self._post(path, body, ANSWER_BYTES_MAX)
        self._believe(path, question_fault(answer.body))
        return answer

    async def _write(self, path: str, body: bytes) -> None:
        """Have something changed; an answer that is not Glean's is none."""
        answer = await self._post(path, body, RESULT_BYTES_MAX)
        self._believe(path, write_fault(answer.body))

    def _believe(self, path: str, fault: str | None) -> None:
        if fault is not None:
            raise UpstreamError(
                f"Glean answered 200 to {path} {fault}", cause=Cause.UNREADABLE, is_transient=True
            )

    async def _post(self, path: str, body: bytes, bytes_max: int) -> Answer:
        try:
            return await self._upstream.post(self._url + path, body, bytes_max=bytes_max)
        except UpstreamError as error:
            if error.status is None and not error.is_transient:
                # The URL is right, so this is all that it can be.
                reason = f"Glean's answer to {path} has more than {bytes_max} bytes"
                raise UpstreamError(reason, cause=Cause.TOO_LARGE, is_transient=True) from error
            raise reinterpret(error) from error


def _foreign_id(upload_id: str, history: Sequence[_ListedUpload]) -> str:
    """A later upload that no job of the connector has begun; empty if there is none."""
    begun = max((one.started_at for one in history if one.upload_id == upload_id), default=0)
    name = _connector(upload_id)
    others = (one for one in history if begun and one.started_at > begun)
    return next((str(one.upload_id) for one in others if _connector(one.upload_id) != name), "")


def _connector(upload_id: object) -> str | None:
    """That has a job which began the upload."""
    job_id, _, _ = str(upload_id).rpartition("-")
    return connector_name(job_id)


def _standing(upload_id: str, history: Sequence[_ListedUpload]) -> UploadStatus:
    ours = [upload for upload in history if upload.upload_id == upload_id]
    if any(upload.is_closed for upload in ours):
        return UploadStatus.CLOSED
    if not ours:
        return UploadStatus.UNLISTED
    # One upload is open at a time, so a later one has discarded ours. Of two that began at
    # the same moment ours may be either, and a crawl too many is better than one too few.
    begun = max(upload.started_at for upload in ours)
    others = (upload for upload in history if upload.upload_id != upload_id)
    is_replaced = begun > 0 and any(upload.started_at >= begun for upload in others)
    return UploadStatus.REPLACED if is_replaced else UploadStatus.OPEN
