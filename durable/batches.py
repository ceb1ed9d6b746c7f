"""Pages of changes cut into requests that Glean takes. Pure."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec
from msgspec import Struct

from durable.documents import Change, Deletion, Document
from durable.errors import UpstreamError
from durable.job import Limits


class Endpoint(StrEnum):
    """Where a batch goes, below the root of Glean's indexing API."""

    BULK_DOCUMENTS = "/bulkindexdocuments"
    DOCUMENTS = "/indexdocuments"
    DELETION = "/deletedocument"


class Batch(Struct, frozen=True, kw_only=True):
    """One request, encoded."""

    endpoint: Endpoint
    body: bytes
    document_count: int = 0
    deletion_count: int = 0


def batches(
    changes: Iterable[Change], datasource: str, upload_id: str, limits: Limits
) -> Iterator[Batch]:
    """The requests that bring the changes to Glean, in the order of the changes.

    Args:
        changes: in the order of the source.
        datasource: Glean's name of it.
        upload_id: the bulk upload they are pages of; empty for single changes.
        limits: how large a request may be.

    Raises:
        UpstreamError: one document alone is larger than a request may be, or is not JSON.
    """
    envelope = _Envelope(datasource, upload_id)
    documents: list[bytes] = []
    byte_count = envelope.byte_count
    for change in changes:
        if isinstance(change, Deletion):
            if upload_id:
                continue  # what is not in a bulk upload is deleted by its close
            if documents:
                yield envelope.around(documents)
                documents, byte_count = [], envelope.byte_count
            yield _deletion(change, datasource)
            continue
        encoded = envelope.document(change)
        if envelope.byte_count + len(encoded) > limits.batch_bytes_max:
            raise UpstreamError(
                f"document {change.id!r} takes {len(encoded)} bytes, more than a request to Glean "
                f"may hold ({limits.batch_bytes_max}): shorten its body in the connector",
                is_transient=False,
            )
        is_full = len(documents) == limits.batch_documents_max
        if is_full or byte_count + len(encoded) > limits.batch_bytes_max:
            yield envelope.around(documents)
            documents, byte_count = [], envelope.byte_count
        documents.append(encoded)
        byte_count += len(encoded) + 1  # and a comma
    if documents:
        yield envelope.around(documents)


class _Envelope:
    """What surrounds the documents of a request."""

    def __init__(self, datasource: str, upload_id: str) -> None:
        name = msgspec.json.encode(datasource)
        upload = b'"uploadId":' + msgspec.json.encode(upload_id) + b"," if upload_id else b""
        self._endpoint = Endpoint.BULK_DOCUMENTS if upload_id else Endpoint.DOCUMENTS
        self._head = b"{" + upload + b'"datasource":' + name + b',"documents":['
        self._member = b'{"datasource":' + name + b","
        self.byte_count = len(self._head) + len(b"]}")

    def document(self, document: Document) -> bytes:
        try:
            encoded = msgspec.json.encode(document)
        except (TypeError, ValueError, OverflowError) as error:
            raise UpstreamError(
                f"document {document.id!r} cannot be written as JSON: {error}; "
                "give its fields the types that Document declares",
                is_transient=False,
            ) from error
        # Encoded, a document is an object with at least an id: it starts with `{"`.
        return self._member + encoded[1:]

    def around(self, documents: list[bytes]) -> Batch:
        body = self._head + b",".join(documents) + b"]}"
        return Batch(endpoint=self._endpoint, body=body, document_count=len(documents))


def _deletion(deletion: Deletion, datasource: str) -> Batch:
    request = {"datasource": datasource, "objectType": deletion.object_type, "id": deletion.id}
    return Batch(endpoint=Endpoint.DELETION, body=msgspec.json.encode(request), deletion_count=1)
