import msgspec
import pytest
from msgspec.structs import replace

from connectors.python_docs import Entry, connector, document
from durable.glean import Deletion


RECORD = b"""{
  "id": "library/json#json.loads", "kind": "function", "name": "json.loads",
  "url": "https://docs.example/library/json.html#json.loads", "text": "Deserialize s.",
  "updated_at": "2026-11-24T02:00:00.500+01:00", "deleted": false, "is_new": true
}"""
ENTRY = msgspec.json.decode(RECORD, type=Entry)


def test_an_entry_becomes_a_document_that_everybody_may_find() -> None:
    assert msgspec.to_builtins(document(ENTRY)) == {
        "id": "library/json#json.loads",
        "objectType": "function",
        "title": "json.loads",
        "viewURL": "https://docs.example/library/json.html#json.loads",
        "body": {"mimeType": "text/plain", "textContent": "Deserialize s."},
        "updatedAt": 1_795_482_000,  # seconds, in UTC
        "permissions": {"allowAnonymousAccess": True},
    }


def test_a_deleted_entry_becomes_a_deletion() -> None:
    deletion = document(replace(ENTRY, deleted=True))

    assert deletion == Deletion(id="library/json#json.loads", object_type="function")


@pytest.mark.parametrize("name", ["id", "kind", "name", "url", "text", "updated_at", "deleted"])
def test_a_record_without_a_field_is_refused(name: str) -> None:
    record = msgspec.json.decode(RECORD)
    del record[name]

    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert(record, connector.documents.record)
