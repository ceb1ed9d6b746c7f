"""What Glean tells of single documents: whether each is uploaded and indexed, and for whom."""

from typing import Any

import msgspec
from glean.api_client.models import (
    DebugDocumentRequest,
    DebugDocumentsRequest,
    DocumentPermissionsDefinition,
)

from dev.local_glean.bodies import decoded
from dev.local_glean.database import Database
from dev.local_glean.datasources import Datasource
from dev.local_glean.errors import RefusedError
from dev.local_glean.in_force import InForce
from dev.local_glean.pages import check_count
from dev.local_glean.permissions import check_named, named
from dev.local_glean.records import Records
from dev.local_glean.rules import identity
from dev.local_glean.status import told_time
from dev.local_glean.uploads import Entity, Place


class DocumentStatus:
    """All methods raise RefusedError, and give the JSON of an answer."""

    def __init__(self, database: Database, in_force: InForce) -> None:
        self._rows = database.rows
        self._in_force = in_force
        self._records = Records(database, in_force)

    def of_one(self, datasource: Datasource, body: bytes) -> bytes:
        return msgspec.json.encode(self._told(datasource, decoded(DebugDocumentRequest, body)))

    def of_many(self, datasource: Datasource, body: bytes) -> bytes:
        asked = decoded(DebugDocumentsRequest, body).debug_documents
        check_count(asked, Place(Entity.DOCUMENTS, datasource.name))
        statuses = [
            {
                "docId": document.doc_id,
                "objectType": document.object_type,
                "debugInfo": self._told(datasource, document),
            }
            for document in asked
        ]
        return msgspec.json.encode({"documentStatuses": statuses})

    def _told(self, datasource: Datasource, asked: DebugDocumentRequest) -> dict[str, Any]:
        by_type = self._in_force.readings.keys_by_type
        key = identity(asked.doc_id, asked.object_type, by_type=by_type)
        place = (datasource.name, key, asked.object_type)
        live = self._rows(
            "SELECT body, uploaded_at_ms, indexed_at_ms FROM document "
            "WHERE datasource = ? AND identity = ? AND object_type = ?",
            *place,
        )
        # What was sent to an upload that is open is newer, though not found yet.
        staged = self._rows(
            "SELECT body, uploaded_at_ms FROM staged WHERE upload = "
            "(SELECT sequence FROM upload WHERE entity = 'documents' AND datasource = ? "
            "AND state = 'open') AND identity = ? AND object_type = ?",
            *place,
        )
        if not live and not staged:
            return {"status": {"uploadStatus": "NOT_UPLOADED", "indexingStatus": "NOT_INDEXED"}}
        content, uploaded_at_ms = (staged or live)[0][:2]
        indexed = {"indexingStatus": "NOT_INDEXED"}
        if live:
            indexed = {"indexingStatus": "INDEXED", "lastIndexedAt": told_time(live[0][2])}
        permissions = msgspec.json.decode(content).get("permissions")
        told: dict[str, Any] = {
            "status": {
                "uploadStatus": "UPLOADED",
                "lastUploadedAt": told_time(uploaded_at_ms),
                **indexed,
                "permissionIdentityStatus": self._identities(datasource, permissions),
            }
        }
        return told if permissions is None else {**told, "uploadedPermissions": permissions}

    def _identities(self, datasource: Datasource, permissions: dict[str, Any] | None) -> str:
        """Whether everybody who is named is there: they may be deleted, and the document stays."""
        if datasource.identities != datasource.name:
            return "STATUS_UNKNOWN"  # as documented
        if permissions is None:
            return "UPLOADED"
        shared = DocumentPermissionsDefinition.model_validate(permissions)
        try:
            check_named([named(shared, "", datasource)], datasource, self._records)
        except RefusedError:
            return "NOT_UPLOADED"
        return "UPLOADED"
