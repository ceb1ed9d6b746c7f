"""The endpoints of Glean's indexing API: a body in, an answer out. Blocking: SQLite's pace."""

import msgspec
from glean.api_client.models import (
    BulkIndexDocumentsRequest,
    CustomDatasourceConfig,
    DeleteDocumentRequest,
    GetDatasourceConfigRequest,
    IndexDocumentsRequest,
    ProcessAllDocumentsRequest,
)

from dev.local_glean.bodies import decoded, raw_documents
from dev.local_glean.database import Database
from dev.local_glean.errors import RefusedError
from dev.local_glean.index import Index
from dev.local_glean.readings import InForce
from dev.local_glean.rules import Datasource, check_datasource, check_documents, check_flags
from dev.local_glean.status import Status
from dev.local_glean.uploads import Page, Uploads


class Api:
    """Every method raises RefusedError, and gives the JSON of its answer, or None."""

    def __init__(self, database: Database, in_force: InForce) -> None:
        self._in_force = in_force
        self._index = Index(database)
        self._uploads = Uploads(database)
        self._status = Status(database)

    def bulk_index_documents(self, body: bytes) -> None:
        request = decoded(BulkIndexDocumentsRequest, body)
        check_flags(request)
        datasource = self._datasource(request.datasource)
        documents = check_documents(request.documents, raw_documents(body), datasource)
        self._uploads.take(
            Page(
                datasource=datasource.name,
                upload_id=request.upload_id,
                is_first=bool(request.is_first_page),
                is_last=bool(request.is_last_page),
                restarts=bool(request.force_restart_upload),
                deletes_unchecked=bool(request.disable_stale_document_deletion_check),
                documents=documents,
            ),
            self._in_force.readings,
        )

    def index_documents(self, body: bytes) -> None:
        request = decoded(IndexDocumentsRequest, body)
        datasource = self._datasource(request.datasource)
        documents = check_documents(request.documents, raw_documents(body), datasource)
        self._index.upsert(datasource.name, documents)

    def delete_document(self, body: bytes) -> None:
        request = decoded(DeleteDocumentRequest, body)
        datasource = self._datasource(request.datasource)
        if not request.id:
            raise RefusedError(400, "No value for required field id")
        if not datasource.has_default_type and request.object_type not in datasource.object_types:
            raise RefusedError(
                400, f"Object definitions not found for object types: {request.object_type}"
            )
        self._index.delete(datasource.name, request.object_type, request.id)

    def process_all_documents(self, body: bytes) -> None:
        request = decoded(ProcessAllDocumentsRequest, body or b"{}")
        if request.datasource is not None:
            self._datasource(request.datasource)
        self._uploads.process(request.datasource)

    def add_datasource(self, body: bytes) -> None:
        datasource = check_datasource(decoded(CustomDatasourceConfig, body))
        self._index.put_datasource(datasource.name, body)

    def get_datasource_config(self, body: bytes) -> bytes:
        name = decoded(GetDatasourceConfigRequest, body).datasource
        config = msgspec.json.decode(self._config(name))
        # Glean gives the name back in this form only.
        return msgspec.json.encode({**config, "name": f"CUSTOM_{name.upper()}"})

    def debug_status(self, name: str) -> bytes:
        config = CustomDatasourceConfig.model_validate_json(self._config(name))
        return msgspec.json.encode(
            self._status.debug(
                name, self._in_force.readings, is_test=bool(config.is_test_datasource)
            )
        )

    def _datasource(self, name: str) -> Datasource:
        return check_datasource(decoded(CustomDatasourceConfig, self._config(name)))

    def _config(self, name: str) -> bytes:
        config = self._index.datasource_config(name)
        if config is None:
            raise RefusedError(400, f"Invalid datasource {name}: there is none of this name")
        return config
