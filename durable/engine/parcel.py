"""A page that is ready to be sent, and what becomes of it until it is in Glean."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from durable.engine.comparison import LedgerPage
from durable.glean.batches import Batch
from durable.machine.effects import Packed, Send
from durable.machine.open_rejects import reject_name
from durable.machine.page_progress import Landing, encode_entry
from durable.machine.rejects import Reject


WITHDRAWN = "Glean may have shown its older version to others, which is deleted there: "


class Parcel(Struct):
    """A page that is ready to be sent."""

    batches: list[Batch | None]  # None: acknowledged
    rejects: list[Reject]
    packed: Packed
    # By the place of a change, where it is remembered.
    marks: Mapping[int, tuple[bytes, Landing]] = {}
    told_count: int = 0  # rejects that somebody has asked for
    ledger: LedgerPage | None = None  # None: it knows nothing of what the stage brings
    # By the place of a change: deletes the older version, which others may see, if it is refused.
    withdrawals: Mapping[int, Batch] = {}
    # Of these batches, which stood there before, and why Glean refused it.
    refused: dict[int, tuple[Batch, str]] = {}
    group_sizes: Mapping[str, int] = {}  # the members of its groups
    watched: Iterable[tuple[str, int]] = ()  # of what is watched for, the names and the places

    def accepted(self) -> set[str]:
        """The names of what is watched for, and was not rejected."""
        places = {reject.place for reject in self.rejects}
        keys = {reject_name(reject.key) for reject in self.rejects}
        rejected = keys | {name for name, place in self.watched if place in places}
        return {name for name, _ in self.watched} - rejected

    def entries(self, batch: Batch, *, is_refused: bool = False) -> bytes:
        """What is to be remembered of a batch that Glean took, or refused."""
        if not self.marks:
            return b""
        refusal = Landing.REFUSED if is_refused else Landing.TAKEN
        places = [place for place in self._places(batch) if place in self.marks]
        marks = [self.marks[place] for place in places]
        return b"".join(encode_entry(mark, fate | refusal) for mark, fate in marks)

    def document_count(self, send: Send) -> int:
        """That a request under way counts for by Glean's rate."""
        batch = self.batches[send.batch_index]
        assert batch is not None, f"{send} was acknowledged"
        return batch.paced_count

    def _places(self, batch: Batch) -> list[int]:
        """Of the changes that are over with this batch.

        Of a group that lacks a member nothing is remembered: Glean's reason is not, either.
        """
        part = batch.group_part
        if part is None:
            return [item.place for item in batch.items]
        refused = self.rejects[self.packed.reject_count :]
        is_whole = part.closes and not any(reject.place == part.place for reject in refused)
        return [part.place] if is_whole else []
