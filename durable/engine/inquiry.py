"""Whether Glean refuses one record, or whatever is sent: asked before records are rejected.

A refusal of the second kind, as of a datasource that Glean does not know, rejects a thousand
records with two thousand requests where it is taken for one of the first. So of each page that
is refused in words that name none of its records, the same request is sent once with nothing in
it. Where Glean says the same of that, three records are sent alone: a record at fault among good
ones never ends a job.
"""

import re
from collections.abc import Sequence

from msgspec.structs import replace

from durable.errors import UpstreamError
from durable.glean.batches import Batch
from durable.glean.client import Glean
from durable.glean.payloads import GleanEndpoint
from durable.glean.statuses import INVALID


CONFLICT = 409
# Of these no datasource can be asked about.
OF_NO_DATASOURCE = frozenset({GleanEndpoint.EMPLOYEE, GleanEndpoint.TEAM})
ALIKE_MAX = 10  # refusals of one record each, one after the other: one more is meant for all
VAGUE = frozenset({"", "bad request", "invalid request", "invalid", "400 bad request", "error"})


class Inquiry:
    """Of one turn: at most one for each page."""

    def __init__(self) -> None:
        self._over: set[int] = set()  # the pages
        self._words = b""  # of the latest refusal of one record
        self._alike_count = 0  # refusals in these words, one after the other

    def taken(self) -> None:
        """Glean has taken something."""
        self._alike_count = 0

    async def is_meant_for_all(
        self, page_index: int, batch: Batch, refusal: UpstreamError, glean: Glean
    ) -> bool:
        """Whether a refusal is of whatever is sent to the batch's endpoint.

        Raises:
            UpstreamError: nobody can tell for now, or there is something else.
        """
        if refusal.status not in INVALID or _names_one(refusal.words, batch):
            return False
        if not batch.head:
            is_alike = refusal.words == self._words
            self._words, self._alike_count = refusal.words, self._alike_count * is_alike + 1
        if batch.endpoint in OF_NO_DATASOURCE:
            return self._alike_count > ALIKE_MAX
        is_first = not batch.head and self._alike_count == 1
        if is_first or page_index in self._over:
            return False
        self._over.add(page_index)  # for those that are refused meanwhile, too
        return await self._is_found(batch, refusal, glean)

    async def is_conflict_of_all(self, batch: Batch, glean: Glean) -> bool:
        """Whether Glean takes no page of an open upload for now, whatever is on it.

        Else it has the batch's record from an earlier try.

        Raises:
            UpstreamError: nobody can tell for now.
        """
        # Its words may name the record by chance: an id may be any number.
        try:
            await glean.send(replace(batch, items=()))
        except UpstreamError as error:
            if error.is_transient and error.status != CONFLICT:
                raise
            return error.status == CONFLICT
        return False

    async def _is_found(self, batch: Batch, refusal: UpstreamError, glean: Glean) -> bool:
        if not batch.head:
            return await _is_unknown(glean)
        if len(batch.items) == 1 and _is_vague(refusal.words):
            # An upload was opened, so its datasource is there.
            return not batch.upload_id and await _is_unknown(glean)
        if not await _is_refused_alike(replace(batch, items=()), refusal, glean):
            return False
        if len(batch.items) == 1:
            return True
        for sample in _samples(batch):
            if not await _is_refused_alike(sample, refusal, glean):
                return False
        return True


def _samples(batch: Batch) -> Sequence[Batch]:
    """Its first, middle and last record, each alone."""
    last = len(batch.items) - 1
    places = sorted({0, last // 2, last})
    return [replace(batch, items=batch.items[place : place + 1]) for place in places]


async def _is_refused_alike(batch: Batch, refusal: UpstreamError, glean: Glean) -> bool:
    try:
        await glean.send(batch)
    except UpstreamError as error:
        # A part of it may be there from an earlier try, or an upload take no page of nothing.
        if error.is_transient and error.status != CONFLICT:
            raise
        return error.status in INVALID and error.words == refusal.words
    return False


async def _is_unknown(glean: Glean) -> bool:
    """Whether Glean refuses to speak of the datasource at all."""
    try:
        await glean.standing("")
    except UpstreamError as error:
        if error.is_transient:
            raise
        return error.status in {*INVALID, 404}
    return False


def _names_one(words: bytes, batch: Batch) -> bool:
    """Whether the words have the id of a record in them."""
    text = words.decode(errors="replace").casefold()
    keys = (item.key.casefold() for item in batch.items)
    return any(
        key in text and re.search(rf"(?<!\w){re.escape(key)}(?!\w)", text) is not None
        for key in keys
    )


def _is_vague(words: bytes) -> bool:
    return words.decode(errors="replace").strip(" .\r\n").casefold() in VAGUE
