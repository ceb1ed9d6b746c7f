"""The requests that the source and the local Glean got, as they logged them."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct, field

from dev.stack import Stack


OPENING, CLOSING = "open", "close"
INTRUDER = "intruder"  # an upload that is none of the Worker's


class Asked(Struct, frozen=True, kw_only=True):
    """A request, whatever became of it. The names are those of the two logs."""

    sequence: int
    path: str
    fault: str | None = None
    status: int | None = None
    updated_since: str | None = None  # the source's: None in a FULL job
    document_count: int = 0
    upload_id: str | None = field(default=None, name="uploadId")
    is_first: bool = field(default=False, name="isFirstPage")
    is_last: bool = field(default=False, name="isLastPage")

    @property
    def what(self) -> str:
        name = self.path.rpartition("/")[2]
        if name != "bulkindexdocuments":
            return name
        return OPENING if self.is_first else CLOSING if self.is_last else "page"

    @property
    def trouble(self) -> str | None:
        """The fault's kind, without its measure."""
        if self.fault is None or not self.fault.startswith("delay"):
            return self.fault
        return "delay"


class Window(Struct, frozen=True):
    """What was asked during a step."""

    source: list[Asked]
    glean: list[Asked]

    def __iter__(self) -> Iterator[Asked]:
        yield from self.source
        yield from self.glean

    def troubles(self) -> Counter[tuple[str, str]]:
        """What was asked, and what befell it."""
        return Counter((asked.what, asked.trouble) for asked in self if asked.trouble is not None)

    def jobs(self) -> set[str]:
        """The ids of the jobs that sent something to an upload."""
        names = {asked.upload_id or "" for asked in self.glean}
        return {name.rpartition("-")[0] for name in names if not name.startswith(INTRUDER)} - {""}

    def has_status(self, status: int, *, is_source: bool) -> bool:
        """Whether a fault made the source, or Glean, answer with it."""
        asked = self.source if is_source else self.glean
        return any(one.fault == str(status) for one in asked)


class Log:
    """Both logs, read from where they were read last.

    Args:
        stack: of the source and the local Glean.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._source_at = self._glean_at = 0

    def window(self) -> Window:
        """Since the last `turn_page`."""
        return Window(
            msgspec.convert(self._stack.source_requests(self._source_at), list[Asked]),
            msgspec.convert(self._stack.glean_requests(self._glean_at), list[Asked]),
        )

    def write(self, folder: Path) -> None:
        """All that the servers still know, for whoever looks for a cause."""
        for name, asked in (
            ("source", self._stack.source_requests()),
            ("glean", self._stack.glean_requests()),
        ):
            path = folder / f"{name}-requests.jsonl"
            path.write_bytes(msgspec.json.Encoder().encode_lines(asked))

    def turn_page(self) -> Window:
        """As `window`; the next one begins after it."""
        window = self.window()
        self._source_at = window.source[-1].sequence if window.source else self._source_at
        self._glean_at = window.glean[-1].sequence if window.glean else self._glean_at
        return window
