"""Glean's indexing API, strict where its documentation is silent: it refuses all it might."""

from typing import Literal

import httpx
import msgspec
from msgspec import Struct

from durable.job import Limits
from tests.simulation.connector import DATASOURCE, GLEAN_TOKEN, SOURCE_HOST


ROOT = "/api/index/v1"


class _Permissions(Struct, forbid_unknown_fields=True, rename="camel"):
    allow_anonymous_access: Literal[True]


class _Document(Struct, forbid_unknown_fields=True, rename="camel"):
    datasource: str
    id: str
    view_url: str = msgspec.field(name="viewURL")
    object_type: Literal["Note"]
    permissions: _Permissions
    title: str
    updated_at: int


class _Bulk(Struct, forbid_unknown_fields=True, rename="camel"):
    upload_id: str
    datasource: str
    documents: list[_Document]
    is_first_page: bool = False
    is_last_page: bool = False
    force_restart_upload: bool = False


class _Documents(Struct, forbid_unknown_fields=True):
    datasource: str
    documents: list[_Document]


class _Deletion(Struct, forbid_unknown_fields=True, rename="camel"):
    datasource: str
    object_type: Literal["Note"]
    id: str


class _RefusalError(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Glean:
    """One datasource: what can be found in it, and the uploads to it.

    Args:
        limits: how much it takes in one request.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._staged: dict[str, str] = {}
        self._open_id: str | None = None
        # All there ever were, with their status. It is not the first time that it is used.
        self._uploads = {f"{DATASOURCE}-20251231T000000000Z-000000-1": "SUCCESSFUL"}
        self.index: dict[str, str] = {}  # titles by id
        self.closed: list[str] = []
        self.refusals: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        try:
            return httpx.Response(200, content=self._take(request))
        except msgspec.DecodeError as error:
            refusal = _RefusalError(400, str(error))
        except _RefusalError as error:
            refusal = error
        self.refusals.append(str(refusal))
        return httpx.Response(refusal.status, text=str(refusal))

    def _take(self, request: httpx.Request) -> bytes:
        _require(request.headers.get("authorization") == f"Bearer {GLEAN_TOKEN}", "no token", 401)
        _require(request.method == "POST", "everything here is a POST", 405)
        _require(request.headers.get("content-type") == "application/json", "not JSON", 415)
        _require(len(request.content) <= self._limits.batch_bytes_max, "too large", 413)
        match request.url.path.removeprefix(ROOT):
            case "/bulkindexdocuments":
                self._bulk(msgspec.json.decode(request.content, type=_Bulk))
            case "/indexdocuments":
                upsert = msgspec.json.decode(request.content, type=_Documents)
                _require(bool(upsert.documents), "no documents")
                self.index |= self._titles(upsert.datasource, upsert.documents)
            case "/deletedocument":
                deletion = msgspec.json.decode(request.content, type=_Deletion)
                _require(deletion.datasource == DATASOURCE, "no such datasource")
                self.index.pop(deletion.id, None)  # silent where there is none, as documented
            case path if path == f"/debug/{DATASOURCE}/status":
                history = [
                    {"uploadId": upload_id, "status": status, "startTime": "", "endTime": "NA"}
                    for upload_id, status in self._uploads.items()
                ]
                return msgspec.json.encode({"documents": {"bulkUploadHistory": history}})
            case path:
                raise _RefusalError(404, f"there is no {path}")
        return b""  # the success of a write has no documented body

    def _bulk(self, page: _Bulk) -> None:
        if page.is_first_page:
            self._open(page)
        _require(not page.force_restart_upload or page.is_first_page, "a restart is a first page")
        _require(page.upload_id == self._open_id, f"{page.upload_id} is not the open upload", 409)
        is_boundary = page.is_first_page or page.is_last_page
        _require(is_boundary or bool(page.documents), "an empty page in the middle")
        self._staged |= self._titles(page.datasource, page.documents)
        if page.is_last_page:
            self.index, self._staged, self._open_id = self._staged, {}, None
            self._uploads[page.upload_id] = "SUCCESSFUL"
            self.closed.append(page.upload_id)

    def _open(self, page: _Bulk) -> None:
        _require(page.upload_id not in self._uploads, f"{page.upload_id} was used before", 409)
        is_free = self._open_id is None or page.force_restart_upload
        _require(is_free, f"{self._open_id} is still open", 409)
        self._open_id, self._staged = page.upload_id, {}
        self._uploads[page.upload_id] = "ACTIVE"  # a discarded one, too: there is no other status

    def _titles(self, datasource: str, documents: list[_Document]) -> dict[str, str]:
        _require(datasource == DATASOURCE, "no such datasource")
        _require(len(documents) <= self._limits.batch_documents_max, "too many documents", 413)
        for document in documents:
            _require(document.datasource == DATASOURCE, f"{document.id}: another datasource")
            view_url = f"https://{SOURCE_HOST}/notes/{document.id}"
            _require(document.view_url == view_url, f"{document.id}: not of the urlRegex")
        return {document.id: document.title for document in documents}


def _require(claim: bool, text: str, status: int = 400) -> None:  # noqa: FBT001 - reads as a claim
    if not claim:
        raise _RefusalError(status, text)
