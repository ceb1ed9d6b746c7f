"""Glean's indexing API; where its documentation is silent, in both readings."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import httpx
import msgspec
from msgspec import UNSET, Struct, UnsetType

from dev.local_glean.readings import DEFAULTS, Readings
from durable.limits import Limits
from durable.timestamps import rfc3339
from tests.simulation.clock import Clock
from tests.simulation.connector import DATASOURCE, GLEAN_TOKEN, SOURCE_HOST
from tests.simulation.index import Found, Index, SharedWith
from tests.simulation.people import People


ROOT = "/api/index/v1"
ObjectType = Literal["Note", "Memo"]
PROCESSING_MS = 3 * 60 * 60 * 1_000  # in which it takes one call


class _Document(Struct, forbid_unknown_fields=True, rename="camel"):
    datasource: str
    id: str
    view_url: str = msgspec.field(name="viewURL")
    object_type: ObjectType
    permissions: SharedWith
    title: str
    updated_at: int | UnsetType = UNSET


class _Bulk(Struct, forbid_unknown_fields=True, rename="camel"):
    upload_id: str
    datasource: str
    documents: list[_Document]
    is_first_page: bool = False
    is_last_page: bool = False
    force_restart_upload: bool = False
    disable_stale_document_deletion_check: bool = False


class _Documents(Struct, forbid_unknown_fields=True):
    datasource: str
    documents: list[_Document]


class _Processing(Struct, forbid_unknown_fields=True):
    datasource: str


class _Deletion(Struct, forbid_unknown_fields=True, rename="camel"):
    datasource: str
    object_type: ObjectType
    id: str


class _PermissionsUpdate(Struct, forbid_unknown_fields=True, rename="camel"):
    datasource: str
    object_type: ObjectType
    id: str
    permissions: SharedWith


class _Question(Struct, forbid_unknown_fields=True, rename="camel"):
    object_type: str
    doc_id: str


class _Questions(Struct, forbid_unknown_fields=True, rename="camel"):
    debug_documents: list[_Question]


class _RefusalError(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Upload(Struct):
    started_at_ms: int
    status: str = "ACTIVE"
    has_expired: bool = False


class TokenRate:
    """How many single documents Glean takes of a token: a minute's, which leak at that rate.

    Args:
        per_minute: documents.
    """

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self.refused_at_ms: list[int] = []
        self._repaid_at_ms = 0

    def take(self, count: int, now_ms: int) -> None:
        repaid_at_ms = max(self._repaid_at_ms, now_ms) + count * 60_000 // self.per_minute
        if repaid_at_ms > now_ms + 60_000:
            self.refused_at_ms.append(now_ms)
            raise _RefusalError(429, "too many documents a minute")
        self._repaid_at_ms = repaid_at_ms


class Glean:
    """One datasource: what can be found in it, and the uploads to it.

    Args:
        limits: how much it takes in one request.
        clock: of the world.
        readings: of what Glean does not document.
    """

    def __init__(self, limits: Limits, clock: Clock, readings: Readings) -> None:
        self._limits = limits
        self._clock = clock
        self._readings = readings
        self._staged: dict[str, Found] = {}  # by what it knows them by
        self.rate = TokenRate(limits.documents_per_minute_max)  # of its own, or others' too
        self.people = People(clock, _require, limits.batch_documents_max)
        self._open_id: str | None = None
        # All there ever were. It is not the first time that it is used.
        first = f"{DATASOURCE}-20251231T000000000Z-000000-1"
        self._uploads = {first: _Upload(clock.now_ms - 1, "SUCCESSFUL")}
        self.request_bytes_max = limits.batch_bytes_max
        self.unfit: set[str] = set()  # documents that it refuses
        self.undeletable: set[str] = set()  # documents whose deletion it refuses
        self.refusing = ""  # the words in which it refuses all that is sent to be indexed
        self.busy_until_ms = 0  # with something that single documents and deletions wait for
        self.staging_from_ms = 0  # from then on it takes the pages between first and last
        self.found = Index(by_type=readings.keys_by_type)
        self.deletion_share_max: float | None = None  # more are not deleted by a close unasked
        self.indexing_ms = 0  # after a close, until its documents can be found
        self._indexed_at_ms = 0  # of the latest close
        self._counts_before = self.found.counts
        self.paused_ms = 0  # after a close, until its deletions take place
        self._paused_until_ms = 0
        self.processed_at_ms: list[int] = []
        self.closed: list[str] = []
        self.refusals: list[str] = []

    @property
    def is_picky(self) -> bool:
        """Whether it may refuse what is sent as it should be."""
        is_smaller = self.request_bytes_max < self._limits.batch_bytes_max
        is_strict = bool(self.unfit or self.undeletable) or is_smaller or self._readings != DEFAULTS
        is_busy = self.busy_until_ms > 0 or self.staging_from_ms > 0
        return is_strict or is_busy or bool(self.refusing)

    @property
    def index(self) -> Mapping[str, str]:
        """Titles by id."""
        return MappingProxyType(self.found.titles)

    @index.setter
    def index(self, titles: Mapping[str, str]) -> None:
        self.found.put(titles)

    def expire(self) -> None:
        """The open upload was left open for too long."""
        if self._open_id is not None:
            self._uploads[self._open_id].has_expired = True
            self._open_id, self._staged = None, {}

    def open_elsewhere(self) -> None:
        """Something else begins an upload to the datasource, and does not end it."""
        upload_id = f"elsewhere-{len(self._uploads)}"
        self._uploads[upload_id] = _Upload(self._clock.now_ms)
        self._open_id, self._staged = upload_id, {}

    def upload_elsewhere(self, titles: Mapping[str, str]) -> None:
        """Something else brings all documents anew, in one upload that it closes."""
        self.open_elsewhere()
        assert self._open_id is not None
        self._uploads[self._open_id].status = "SUCCESSFUL"
        self._open_id = None
        self.found.put(titles)

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
        _require(len(request.content) <= self.request_bytes_max, "too large", 413)
        is_write = "index" in request.url.path.removeprefix(ROOT)
        _require(not (is_write and self.refusing), self.refusing)
        is_refusing = self._readings.refuses_single_writes and self._open_id is not None
        is_free = self._clock.now_ms >= self.busy_until_ms and not is_refusing
        match request.url.path.removeprefix(ROOT):
            case "/indexdocuments" | "/deletedocument" | "/updatepermissions" if not is_free:
                raise _RefusalError(409, "another upload is under way")
            case "/bulkindexdocuments":
                self._bulk(msgspec.json.decode(request.content, type=_Bulk))
            case "/indexdocuments":
                upsert = msgspec.json.decode(request.content, type=_Documents)
                _require(bool(upsert.documents), "no documents")
                self.rate.take(len(upsert.documents), self._clock.now_ms)
                self.found.show(self._checked(upsert.datasource, upsert.documents))
            case "/deletedocument":
                deletion = msgspec.json.decode(request.content, type=_Deletion)
                _require(deletion.datasource == DATASOURCE, "no such datasource")
                _require(deletion.id not in self.undeletable, f"{deletion.id} is locked")
                self.found.delete(deletion.id, deletion.object_type)
            case "/updatepermissions":
                self._share(msgspec.json.decode(request.content, type=_PermissionsUpdate))
            case "/processalldocuments":
                processing = msgspec.json.decode(request.content, type=_Processing)
                _require(processing.datasource == DATASOURCE, "no such datasource")
                self._process()
            case "/bulkindexusers" | "/bulkindexgroups" as path:
                self.people.take(path.removeprefix("/bulkindex"), request.content)
            case "/bulkindexmemberships":
                self.people.take_members(request.content)
            case path:
                return self._told(path, request.content)
        return b""  # the success of a write has no documented body

    def _told(self, path: str, content: bytes) -> bytes:
        """What is asked, and changes nothing."""
        match path.removeprefix(f"/debug/{DATASOURCE}"):
            case "/status":
                return msgspec.json.encode(
                    {"identity": self.people.history(), "documents": self._status()}
                )
            case "/document":
                asked = msgspec.json.decode(content, type=_Question)
                return msgspec.json.encode(self.found.told(asked.doc_id, asked.object_type))
            case "/documents":
                return self._told_together(msgspec.json.decode(content, type=_Questions))
        raise _RefusalError(404, f"there is no {path}")

    def _process(self) -> None:
        now_ms = self._clock.now_ms
        is_free = all(now_ms - at_ms >= PROCESSING_MS for at_ms in self.processed_at_ms)
        _require(is_free, "once in three hours", 429)
        self.processed_at_ms.append(now_ms)
        self._indexed_at_ms = min(self._indexed_at_ms, now_ms)
        self.found.process()

    def _share(self, update: _PermissionsUpdate) -> None:
        _require(update.datasource == DATASOURCE, "no such datasource")
        one = self.found.get(update.id, update.object_type)
        if one is None:
            raise _RefusalError(400, f"Document {update.id} not found")
        _require(update.id not in self.unfit, f"Document {update.id} is not valid")
        self._check_named(update.permissions)
        # What a field means that is left out, is not documented: here it stays as it was.
        self.found.share(one, update.permissions.over(one.permissions))

    def _told_together(self, questions: _Questions) -> bytes:
        statuses = [
            {
                "docId": asked.doc_id,
                "objectType": asked.object_type,
                "debugInfo": self.found.told(asked.doc_id, asked.object_type),
            }
            for asked in questions.debug_documents
        ]
        return msgspec.json.encode({"documentStatuses": statuses})

    def _status(self) -> dict[str, object]:
        is_indexed = self._clock.now_ms >= self._indexed_at_ms
        closed = "INDEXING COMPLETED" if is_indexed else "UPLOAD COMPLETED"
        is_paused = self._clock.now_ms < self._paused_until_ms or self.found.has_paused
        closed = "DELETION PAUSED" if is_paused else closed
        history = [
            {
                "uploadId": upload_id,
                "status": upload.status,
                "processingState": closed if upload.status == "SUCCESSFUL" else "UPLOAD STARTED",
                "startTime": rfc3339(upload.started_at_ms),
                "endTime": "NA",
            }
            for upload_id, upload in self._uploads.items()
            if self._is_listed(upload_id, upload)
        ]
        found = {"Note": 0, **(self.found.counts if is_indexed else self._counts_before)}
        counts = [{"objectType": kind, "count": count} for kind, count in found.items()]
        return {"bulkUploadHistory": history, "counts": {"indexed": counts}}

    def _bulk(self, page: _Bulk) -> None:
        _require(not page.force_restart_upload or page.is_first_page, "a restart is a first page")
        is_unchecked = page.disable_stale_document_deletion_check
        _require(not is_unchecked or page.is_last_page, "unchecked, and not a last page")
        if page.is_first_page:
            self._open(page)
        elif page.upload_id != self._open_id:
            self._refuse_unless_ignored(page)
            return
        is_boundary = page.is_first_page or page.is_last_page
        is_staging = is_boundary or self._clock.now_ms >= self.staging_from_ms
        _require(is_staging, "no page is taken for now", 409)
        _require(is_boundary or bool(page.documents), "an empty page in the middle")
        if page.is_last_page and not page.is_first_page and self._readings.refuses_empty_last:
            _require(bool(page.documents), "an empty last page")
        documents = self._checked(page.datasource, page.documents)
        keyed = self.found.keyed(documents)
        if self._readings.refuses_repeated_middle and not is_boundary:
            repeated = keyed.keys() & self._staged.keys()
            _require(not repeated, f"staged already: {repeated}", 409)
        self._staged |= keyed
        if self._readings.shows_unclosed:
            self.found.show(documents)
        if page.is_last_page:
            self._counts_before = self.found.counts
            self._indexed_at_ms = self._clock.now_ms + self.indexing_ms
            self._paused_until_ms = self._clock.now_ms + self.paused_ms
            self.found.replace(self._staged, None if is_unchecked else self.deletion_share_max)
            self._staged, self._open_id = {}, None
            self._uploads[page.upload_id].status = "SUCCESSFUL"
            self.closed.append(page.upload_id)

    def ignores(self, upload_id: str) -> bool:
        """Whether pages of an upload that came to no end are answered as if they were taken."""
        upload = self._uploads.get(upload_id)
        if upload is None or upload.status == "SUCCESSFUL" or upload_id == self._open_id:
            return False
        readings = self._readings
        is_refused = readings.refuses_expired if upload.has_expired else readings.refuses_discarded
        return not is_refused

    def _refuse_unless_ignored(self, page: _Bulk) -> None:
        """A page of an upload that is not open: it has no effect, whatever the answer."""
        upload, readings = self._uploads.get(page.upload_id), self._readings
        is_refused = not self.ignores(page.upload_id)
        if upload is not None and upload.status == "SUCCESSFUL":
            is_refused = (
                readings.refuses_repeated_last if page.is_last_page else readings.refuses_finished
            )
        _require(not is_refused, f"{page.upload_id} is not the open upload", 409)

    def _open(self, page: _Bulk) -> None:
        is_used = page.upload_id in self._uploads and page.upload_id != self._open_id
        _require(
            not (is_used and self._readings.refuses_repeated_first),
            f"{page.upload_id} was used before",
            409,
        )
        is_free = self._open_id is None or page.force_restart_upload
        _require(is_free, f"{self._open_id} is still open", 409)
        self._open_id, self._staged = page.upload_id, {}
        self._uploads[page.upload_id] = _Upload(self._clock.now_ms)

    def _is_listed(self, upload_id: str, upload: _Upload) -> bool:
        is_over = upload.status == "SUCCESSFUL" or upload_id == self._open_id
        return is_over or (self._readings.lists_discarded and not upload.has_expired)

    def _checked(self, datasource: str, documents: list[_Document]) -> list[Found]:
        _require(datasource == DATASOURCE, "no such datasource")
        _require(len(documents) <= self._limits.batch_documents_max, "too many documents", 413)
        for document in documents:
            _require(document.id not in self.unfit, f"Document {document.id} is not valid")
            _require(document.datasource == DATASOURCE, f"{document.id}: another datasource")
            view_url = f"https://{SOURCE_HOST}/notes/{document.id}"
            _require(document.view_url == view_url, f"{document.id}: not of the urlRegex")
            self._check_named(document.permissions)
        return [
            Found(
                id=one.id,
                object_type=one.object_type,
                title=one.title,
                permissions=one.permissions,
            )
            for one in documents
        ]

    def _check_named(self, permissions: SharedWith) -> None:
        unknown = permissions.users - self.people.users
        _require(not unknown, f"no such user: {unknown}: index the user before")
        unknown = permissions.groups - self.people.groups
        _require(not unknown, f"no such group: {unknown}: index the group before")


def _require(claim: bool, text: str, status: int = 400) -> None:  # noqa: FBT001 - reads as a claim
    if not claim:
        raise _RefusalError(status, text)
