"""The endpoints for datasources and documents: a body in, an answer out.

Blocking: SQLite's pace. Every endpoint raises RefusedError, and gives the JSON of its answer,
or None.
"""

from collections.abc import Callable, Mapping

import msgspec
from glean.api_client.models import (
    BulkIndexDocumentsRequest,
    DeleteDocumentRequest,
    DocumentDefinition,
    GetDatasourceConfigRequest,
    IndexDocumentsRequest,
    ProcessAllDocumentsRequest,
)

from dev.local_glean.bodies import decoded, raw_items
from dev.local_glean.database import Database
from dev.local_glean.datasources import Datasource, Datasources
from dev.local_glean.documents import Documents
from dev.local_glean.errors import RefusedError
from dev.local_glean.in_force import InForce
from dev.local_glean.pages import bulk_page, check_count
from dev.local_glean.permissions import check_named
from dev.local_glean.records import Records
from dev.local_glean.rules import Document, check_documents
from dev.local_glean.status import Status
from dev.local_glean.uploads import Entity, Place, Uploads


ALL = "all datasources"  # no name of one: it has a space

Work = Callable[[bytes], bytes | None]


class Api:
    def __init__(self, database: Database, in_force: InForce) -> None:
        self._in_force = in_force
        self._datasources = Datasources(database)
        self._documents = Documents(database, in_force)
        self._records = Records(database, in_force)
        self._uploads = Uploads(database, in_force)
        self._status = Status(database, in_force)

    def endpoints(self) -> Mapping[str, Work]:
        return {
            "bulkindexdocuments": self._bulk_index_documents,
            "indexdocuments": self._index_documents,
            "deletedocument": self._delete_document,
            "processalldocuments": self._process_all_documents,
            "adddatasource": self._datasources.put,
            "getdatasourceconfig": self._get_datasource_config,
        }

    def debug_status(self, name: str) -> bytes:
        return msgspec.json.encode(self._status.debug(self._datasources.get(name)))

    def _bulk_index_documents(self, body: bytes) -> None:
        request = decoded(BulkIndexDocumentsRequest, body)
        datasource = self._datasources.get(request.datasource)
        place = Place(Entity.DOCUMENTS, datasource.name)
        unchecked = request.disable_stale_document_deletion_check
        disabling = ("disableStaleDocumentDeletionCheck", unchecked)
        documents = self._checked(request.documents, body, datasource)
        self._uploads.take(bulk_page(request, place, documents, disabling), self._documents)

    def _index_documents(self, body: bytes) -> None:
        request = decoded(IndexDocumentsRequest, body)
        datasource = self._datasources.get(request.datasource)
        documents = self._checked(request.documents, body, datasource)
        self._documents.upsert(datasource.name, documents)

    def _delete_document(self, body: bytes) -> None:
        request = decoded(DeleteDocumentRequest, body)
        datasource = self._datasources.get(request.datasource)
        if not request.id:
            raise RefusedError(400, "No value for required field id")
        if not datasource.has_default_type and request.object_type not in datasource.object_types:
            raise RefusedError(
                400, f"Object definitions not found for object types: {request.object_type}"
            )
        self._documents.delete(datasource.name, request.object_type, request.id)

    def _process_all_documents(self, body: bytes) -> None:
        name = decoded(ProcessAllDocumentsRequest, body or b"{}").datasource
        if name is not None:
            self._datasources.get(name)
        target = ALL if name is None else name
        # A processing of one does not hold up that of all, but the other way round.
        now_ms = self._in_force.clock.now_ms()
        self._in_force.processing_limit.take(target, (target, ALL), now_ms)
        self._documents.process(name)

    def _get_datasource_config(self, body: bytes) -> bytes:
        name = decoded(GetDatasourceConfigRequest, body).datasource
        config = msgspec.json.decode(self._datasources.config(name))
        # Glean gives the name back in this form only.
        return msgspec.json.encode({**config, "name": self._datasources.get(name).glean_name})

    def _checked(
        self, definitions: list[DocumentDefinition], body: bytes, datasource: Datasource
    ) -> list[Document]:
        check_count(definitions, Place(Entity.DOCUMENTS, datasource.name))
        documents = check_documents(definitions, raw_items(body, "documents"), datasource)
        check_named([document.named for document in documents], datasource, self._records)
        return documents
