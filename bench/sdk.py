"""Glean's own SDK at the same: `python sdk.py SOURCE SINK PAGES DOCUMENTS WARM_PAGES`.

Run by the SDK's own virtual environment, which has nothing of this project in it.
"""

import json
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from glean.api_client.models import (
    ContentDefinition,
    DocumentDefinition,
    DocumentPermissionsDefinition,
)
from glean.indexing.connectors import (  # type: ignore[import-untyped]
    BaseStreamingDatasourceConnector,
)
from glean.indexing.models import CustomDatasourceConfig  # type: ignore[import-untyped]
from glean.indexing.recipes.pull import (  # type: ignore[import-untyped]
    BasePullHttpStreamingDataClient,
)


class Entries(BasePullHttpStreamingDataClient[dict[str, Any]]):  # type: ignore[misc]
    """As the SDK's documentation writes one, but for an end that can be set.

    Args:
        base_url: of the source.
        count: of the records that are read.
    """

    def __init__(self, base_url: str, count: int) -> None:
        super().__init__(
            base_url=base_url,
            path="/pages",
            items_key="items",
            pagination="cursor",
            cursor_param="cursor",
            cursor_key="next_cursor",
        )
        self.count = count

    def get_source_data(self, **options: Any) -> Iterator[dict[str, Any]]:
        return islice(super().get_source_data(**options), self.count)


class Synthetic(BaseStreamingDatasourceConnector[dict[str, Any]]):  # type: ignore[misc]
    configuration = CustomDatasourceConfig(name="synthetic", display_name="Synthetic")

    def transform(self, data: Sequence[dict[str, Any]]) -> list[DocumentDefinition]:
        return [
            DocumentDefinition(
                id=entry["id"],
                datasource="synthetic",
                object_type="entry",
                title=entry["title"],
                view_url=entry["url"],
                body=ContentDefinition(mime_type="text/plain", text_content=entry["text"]),
                updated_at=int(datetime.fromisoformat(entry["updated_at"]).timestamp()),
                permissions=DocumentPermissionsDefinition(allow_anonymous_access=True),
            )
            for entry in data
        ]


def sync(source: str, count: int, documents: int) -> None:
    connector = Synthetic("synthetic", Entries(source, count))
    connector.batch_size = documents  # a page of the source is one of Glean's, as with the others
    connector.index_data()


def main() -> None:
    source, sink, pages, documents, warm_pages = sys.argv[1:]
    os.environ |= {"GLEAN_SERVER_URL": sink, "GLEAN_INDEXING_API_TOKEN": "bench"}
    sync(source, int(warm_pages) * int(documents), int(documents))
    print("warm", flush=True)
    sys.stdin.readline()
    sync(source, int(pages) * int(documents), int(documents))
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"peak_bytes": peak_kib * 1024}))


if __name__ == "__main__":
    main()
