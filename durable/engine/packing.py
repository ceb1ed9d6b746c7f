"""A page of records becomes requests to Glean, without what Glean has of it already."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from msgspec.structs import replace

from durable.connector.context import Contexts
from durable.connector.mapping import changes, digest
from durable.connector.stream import AnyStream
from durable.engine.comparison import Comparison, LedgerPage, LedgerView
from durable.engine.parcel import WITHDRAWN, Parcel
from durable.glean.access import access_of
from durable.glean.batches import batches, deletion_batch, document_count, sizes_of
from durable.glean.documents import Deletion, EncodedDocument, PermissionsUpdate
from durable.glean.mapped_record import MappedRecord
from durable.glean.payloads import Envelope
from durable.limits import Limits
from durable.machine.effects import Pack, Packed
from durable.machine.job import Stage
from durable.machine.ledger_head import KINDS
from durable.machine.open_rejects import reject_name
from durable.machine.pacing import single_requests_max
from durable.machine.page_progress import PageProgress, remaining
from durable.machine.pages import Page
from durable.machine.rejects import Reject, RejectCode
from durable.sources.clock import Clock
from durable.sources.source import Records


REFUSED_BEFORE = "Glean refused it when the page was read before"


class Packing:
    """Makes parcels of the pages of one stage.

    Args:
        contexts: of the connector whose records they are.
        stream: gives the records' type and their mapping.
        stage: says what they may become.
        limits: of the deployment.
        ledger: what Glean has.
        clock: how its records tell when they changed; None: they do not.
        refusals: Glean's reasons for what it refused of the page as it was read before, by key.
        watched: the names of what was rejected before, and is looked out for.
    """

    def __init__(  # noqa: PLR0913 - all that a page is looked at by
        self,
        contexts: Contexts,
        stream: AnyStream,
        stage: Stage,
        limits: Limits,
        *,
        ledger: LedgerView,
        clock: Clock | None,
        refusals: Mapping[str, str],
        watched: frozenset[str] = frozenset(),
    ) -> None:
        self._connector = contexts.connector
        self._stream = stream
        self._stage = stage
        self._limits = limits
        self._contexts = contexts
        self._ledger = ledger
        self._is_newest_first = clock is not None and clock.is_newest_first
        self._refusals = refusals
        self._watched = watched

    def parcel(self, pack: Pack, page: Records) -> Parcel:
        rejects: list[Reject] = []
        news: Iterable[MappedRecord] = changes(
            self._stream, self._stage, page, rejects, self._contexts
        )
        found: Sequence[tuple[str, int]] = ()
        if self._watched:
            news = list(news)
            found = self._found(page, news)
        sizes: Mapping[str, int] = {}
        if self._stage is Stage.MEMBERSHIPS:
            news = list(news)
            sizes = {placed.key: document_count(placed.change) for placed in news}
        compared: LedgerPage | None = None
        known_count = 0  # of the rejects that the comparison knows of
        if (comparison := self._comparison(pack)) is not None:
            news, compared = comparison.news(news, rejects)
            compared = compared.with_rejected(comparison.keys_of(rejects))
            known_count = len(rejects)
        access = compared.access if compared is not None else frozenset[int]()
        if pack.landed is None:
            left_ids: list[str] = []
            parcel = self._cut(pack, self._slimmed(news, access), rejects)
        else:
            parcel, left_ids = self._rest(pack, pack.landed, list(news), rejects, access)
        parcel.watched = found
        if compared is not None:
            # By ids: those before are known by what their records are called.
            lost = [reject.key for reject in parcel.rejects[known_count:]]
            parcel.ledger = compared.without([*lost, *left_ids])
            parcel.packed = replace(parcel.packed, changes=compared.changes)
            self._withdraw(parcel, known_count)
        parcel.group_sizes = sizes
        return parcel

    def _withdraw(self, parcel: Parcel, known_count: int) -> None:
        """Have the older versions deleted of what is rejected unasked, or Glean may refuse yet."""
        if parcel.ledger is None or not (withdrawals := parcel.ledger.withdrawals):
            return
        envelope = Envelope(self._stage, self._connector.datasource.name, "")
        rejected = {reject.place for reject in parcel.rejects[known_count:]} & withdrawals.keys()
        made = {place: deletion_batch(one, place, envelope) for place, one in withdrawals.items()}
        parcel.batches += [made[place] for place in sorted(rejected)]
        parcel.withdrawals = made
        parcel.rejects[known_count:] = [
            _withdrawn(reject) if reject.place in rejected else reject
            for reject in parcel.rejects[known_count:]
        ]
        parcel.ledger = parcel.ledger.with_withdrawn(withdrawals[place].id for place in rejected)
        parcel.packed = replace(
            parcel.packed,
            batch_count=len(parcel.batches),
            deletion_count=parcel.packed.deletion_count + len(rejected),
        )

    def _found(self, page: Records, mapped: Iterable[MappedRecord]) -> list[tuple[str, int]]:
        """What is watched for: each by its record's own id, and by its document's."""
        key_of = self._stream.key_of
        keys = [(key_of(raw), place) for place, raw in enumerate(page.records, start=1)]
        keys += [(change.key, change.place) for change in mapped]
        named = ((reject_name(key), place) for key, place in keys)
        return [(name, place) for name, place in named if name in self._watched]

    def _comparison(self, pack: Pack) -> Comparison | None:
        """None where the ledger knows nothing of what the stage brings."""
        kind = KINDS.get(self._stage)
        if kind is None:
            return None
        return Comparison(
            kind,
            self._stream,
            self._ledger,
            is_upload=pack.is_all_sent,
            is_full=pack.lists_all,
            is_newest_first=self._is_newest_first,
            clean=self._contexts.environment.redacted,
        )

    def _rest(
        self,
        pack: Pack,
        landed: PageProgress,
        placed: list[MappedRecord],
        rejects: list[Reject],
        access: frozenset[int],
    ) -> tuple[Parcel, list[str]]:
        """Without what is in Glean. That is counted with the page all the same.

        And the ids of what is left as it is, since it has changed too often.
        """
        rest = remaining(landed, placed, self._limits.resends_max)
        rejects += [self._refused(placed[index]) for index in rest.refused]
        news = self._slimmed((placed[index] for index in rest.to_send), access)
        there = [placed[index] for index in chain(rest.taken, rest.left)]
        parcel = self._cut(pack, news, rejects, there=there)
        parcel.packed = replace(parcel.packed, doubts=rest.doubts, left_count=len(rest.left))
        places = [change.place for change in placed]
        parcel.marks = dict(zip(places, zip(rest.marks, rest.fates, strict=True), strict=True))
        return parcel, [placed[index].key for index in rest.left]

    def _slimmed(
        self, news: Iterable[MappedRecord], access: frozenset[int]
    ) -> Iterable[MappedRecord]:
        """With permissions alone where these will do: before all else, which stays together.

        Each is a request. So many that a turn has too few for them, are sooner sent whole.
        """
        if not access or len(access) > single_requests_max(self._limits):
            return news
        slimmed = [_access_of(one) if one.place in access else one for one in news]
        return sorted(slimmed, key=lambda one: not isinstance(one.change, PermissionsUpdate))

    def _shortfall(self, rejects: Iterable[Reject]) -> str:
        """Why the memberships are not those of the source, if a whole group is rejected."""
        if self._stage is not Stage.MEMBERSHIPS:
            return ""
        whole = next((reject for reject in rejects if not reject.part), None)
        if whole is None:
            return ""
        return (
            f"the group {whole.key or f'of record {whole.place}'} is rejected, so that whoever "
            f"was in it keeps what it gives: {whole.reason}"
        )

    def _refused(self, placed: MappedRecord) -> Reject:
        return placed.reject(RejectCode.REFUSED, self._refusals.get(placed.key, REFUSED_BEFORE))

    def _cut(
        self,
        pack: Pack,
        news: Iterable[MappedRecord],
        rejects: list[Reject],
        *,
        there: Iterable[MappedRecord] = (),
    ) -> Parcel:
        envelope = Envelope(self._stage, self._connector.datasource.name, pack.upload_id)
        first_max = pack.landed.batch_changes_max if pack.landed else None
        sizes = sizes_of(
            envelope, self._limits, pack.batch_bytes_max, first_max, pack.documents_per_minute
        )
        cut = list(batches(news, envelope, sizes, rejects))
        known = [placed.change for placed in there]
        known_deletion_count = sum(isinstance(change, Deletion) for change in known)
        packed = Packed(
            pack.page_index,
            batch_count=len(cut),
            document_count=sum(batch.document_count for batch in cut)
            + sum(map(document_count, known)),
            deletion_count=sum(batch.deletion_count for batch in cut) + known_deletion_count,
            reject_count=len(rejects),
            shortfall=self._shortfall(rejects),
        )
        return Parcel([*cut], rejects, packed, told_count=len(rejects))


def _withdrawn(reject: Reject) -> Reject:
    """With what became of the older version; its reason may say so from an earlier reading."""
    return replace(reject, reason=WITHDRAWN + reject.reason.removeprefix(WITHDRAWN))


def _access_of(placed: MappedRecord) -> MappedRecord:
    assert isinstance(placed.change, EncodedDocument), "only documents have permissions"
    update = access_of(placed.change)
    return placed if update is None else replace(placed, change=update)


def measure_page(page: Records) -> Page:
    """What the machine is told of a page that was read."""
    return Page(
        next_cursor=page.next_cursor,
        byte_count=page.byte_count,
        record_count=len(page.records),
        total_count=page.total_count,
        digest=digest(page.records),
        request_count=page.request_count,
        wait_ms=page.wait_ms,
        wait_reason=page.wait_reason,
        is_bounded=page.is_bounded,
    )
