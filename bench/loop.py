"""The shortest loop in CPython that does the same: `python -m bench.loop SOURCE SINK PAGES ...`.

httpx as it comes, msgspec for both JSONs, one request after the other; nothing survives a crash.
"""

import json
import resource
import sys

import httpx
import msgspec
from msgspec import Struct

from bench.connectors.synthetic import Entry, connector, document
from durable.glean.documents import Document


class Page(Struct, frozen=True):
    items: list[Entry]
    next_cursor: str | None


class Upload(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A page of a bulk upload."""

    upload_id: str
    datasource: str
    documents: list[Document]
    is_first_page: bool = False
    is_last_page: bool = False


def sync(http: httpx.Client, source: str, sink: str, pages: int) -> None:
    decoder, encoder = msgspec.json.Decoder(Page), msgspec.json.Encoder()
    params: dict[str, str] = {}
    for index in range(pages):
        page = decoder.decode(http.get(f"{source}/pages", params=params).content)
        upload = Upload(
            upload_id="loop",
            datasource=connector.datasource.name,
            documents=[document(entry) for entry in page.items],
            is_first_page=index == 0,
            is_last_page=page.next_cursor is None,
        )
        url = f"{sink}/api/index/v1/bulkindexdocuments"
        http.post(url, content=encoder.encode(upload)).raise_for_status()
        params = {"cursor": page.next_cursor or ""}


def main() -> None:
    source, sink, pages, _, warm_pages = sys.argv[1:]
    with httpx.Client(trust_env=False, timeout=60) as http:
        sync(http, source, sink, int(warm_pages))
        print("warm", flush=True)
        sys.stdin.readline()
        sync(http, source, sink, int(pages))
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"peak_bytes": peak_kib * 1024}))


if __name__ == "__main__":
    main()
