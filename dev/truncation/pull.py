"""Reads sources with the official SDK's pull client: `python pull.py URL ...`.

Run by the SDK's own virtual environment, which has nothing of this project in it. Prints one JSON
object: the SDK's version, and for each URL what came of reading it.
"""

import json
import sys
from importlib.metadata import version
from itertools import islice
from typing import Any

from glean.indexing.recipes.pull import (  # type: ignore[import-untyped]
    BasePullHttpStreamingDataClient,
)


RECORDS_MAX = 60  # ten times what there is: whoever reads as many reads on for ever


class Notes(BasePullHttpStreamingDataClient[dict[str, Any]]):  # type: ignore[misc]
    """As the SDK's documentation writes one, with the SDK's own defaults but for the paging."""

    def __init__(self, base_url: str) -> None:
        super().__init__(
            base_url=base_url,
            path="/notes",
            items_key="items",
            pagination="cursor",
            cursor_param="cursor",
            cursor_key="next_cursor",
        )


def read(base_url: str) -> dict[str, Any]:
    """Either the ids that came before the end, or the name of what was raised."""
    client = Notes(base_url)
    try:
        records = list(islice(client.get_source_data(), RECORDS_MAX))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the table is about
        return {"raised": type(error).__name__}
    finally:
        client.close()
    return {"ids": [record["id"] for record in records], "ended": len(records) < RECORDS_MAX}


if __name__ == "__main__":
    outcomes = [read(url) for url in sys.argv[1:]]
    print(json.dumps({"version": version("glean-indexing-sdk"), "outcomes": outcomes}))
