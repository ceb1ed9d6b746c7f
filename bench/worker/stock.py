"""httpx as it comes, in the same runtime: its own connections, over the sockets of Pyodide.

Never deployed. There it would not even reach Glean, having no TLS.
"""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pyodide_js
from connectors.synthetic import Entry, connector, document
from msgspec import Struct
from workers import DurableObject, Response, WorkerEntrypoint

from durable.glean.documents import Document


class Runner(DurableObject):  # type: ignore[misc] # the platform's class has no types
    """Only there because wrangler.toml names it."""


class Watch(DurableObject):  # type: ignore[misc] # likewise
    """Likewise."""


class Page(Struct, frozen=True):
    items: list[Entry]
    next_cursor: str | None


class Upload(Struct, frozen=True, rename="camel"):
    """A page of a bulk upload."""

    upload_id: str
    datasource: str
    documents: list[Document]


class Default(WorkerEntrypoint):  # type: ignore[misc] # the platform's class has no types
    async def fetch(self, request: Any) -> Any:
        url = urlsplit(request.url)
        if url.path == "/sync":
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            await sync(query["source"], query["sink"], int(query["pages"]))
        memory = pyodide_js._module.HEAP8  # noqa: SLF001 - nobody else knows it
        return Response(json.dumps({"peak_bytes": memory.length}))


async def sync(source: str, sink: str, pages: int) -> None:
    decoder, encoder = msgspec.json.Decoder(Page), msgspec.json.Encoder()
    params: dict[str, str] = {}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        for _ in range(pages):
            answer = await http.get(f"{source}/pages", params=params)
            page = decoder.decode(answer.content)
            documents = [document(entry) for entry in page.items]
            upload = Upload("stock", connector.datasource.name, documents)
            url = f"{sink}/api/index/v1/bulkindexdocuments"
            (await http.post(url, content=encoder.encode(upload))).raise_for_status()
            params = {"cursor": page.next_cursor or ""}
