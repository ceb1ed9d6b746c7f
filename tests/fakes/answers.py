"""What the source of the notes and Glean answer."""

from collections.abc import Mapping, Sequence

import httpx


BULK = "POST /api/index/v1/bulkindexdocuments"
INDEX = "POST /api/index/v1/indexdocuments"
DELETE = "POST /api/index/v1/deletedocument"
STATUS = "POST /api/index/v1/debug/notes/status"
PROCESS = "POST /api/index/v1/processalldocuments"
SHARE = "POST /api/index/v1/updatepermissions"
LIST = "GET /list"


def ok() -> httpx.Response:
    return httpx.Response(200)


def a_page(*names: str, next_cursor: str | None = None) -> httpx.Response:
    """Of good notes."""
    return a_page_of([a_note(name) for name in names], next_cursor)


def a_page_of(items: Sequence[object], next_cursor: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"items": items, "next_cursor": next_cursor})


def a_note(name: str, **fields: object) -> Mapping[str, object]:
    return {"id": name, "text": f"about {name}", **fields}


def a_history(*uploads: tuple[str, str]) -> httpx.Response:
    """Glean's list of uploads: each an id and ACTIVE or SUCCESSFUL, the first one begun first."""
    states = {"SUCCESSFUL": "INDEXING COMPLETED"}
    history = [
        {
            "uploadId": name,
            "status": status,
            "processingState": states.get(status, "UPLOAD IN PROGRESS"),
            "startTime": f"2026-11-24T00:00:{second:02}Z",
        }
        for second, (name, status) in enumerate(uploads)
    ]
    return httpx.Response(200, json={"documents": {"bulkUploadHistory": history}})


def a_count(
    upload_id: str, found: int | None, state: str = "INDEXING COMPLETED", uploaded: int = 0
) -> httpx.Response:
    """What Glean says that it holds after an upload; None: nothing of its index."""
    documents = {
        "bulkUploadHistory": [{"uploadId": upload_id, "processingState": state}],
        "counts": {
            "uploaded": [{"objectType": "note", "count": uploaded}],
            "indexed": None if found is None else [{"objectType": "note", "count": found}],
        },
    }
    return httpx.Response(200, json={"documents": documents})
