"""Keeps the ledger along with a job: what is written of each of its steps."""

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b

from durable.connector.definition import AnyConnector
from durable.engine.comparison import LedgerPage
from durable.engine.member_book import MemberBook
from durable.environment import Environment
from durable.errors import ConfigurationError
from durable.glean.digests import RECIPE
from durable.http.glean_address import glean_url
from durable.limits import Limits
from durable.machine.effects import (
    ApplyPacks,
    DocumentsCounted,
    Event,
    GoneListed,
    LedgerEffect,
    ListGone,
    Packed,
    PacksApplied,
    Sent,
    Woke,
)
from durable.machine.gone import Gone
from durable.machine.job import UPLOADED, Job, Mode, Stage, Way
from durable.machine.ledger import Kind, LedgerRow, PagePack
from durable.machine.ledger_head import (
    KINDS,
    SINGLY,
    KindState,
    LedgerFacts,
    OpenCrawl,
    kind_of,
)
from durable.machine.states import WORKING, State
from durable.machine.window import landed_pages
from durable.store.ledger_rows import GoneRow
from durable.store.store import Store


BEGINNING = frozenset({State.QUEUED, State.OPENING})  # a retried job is, at whatever page
DIGEST_BYTES = 8  # of a list: a person compares them


class LedgerBook:
    """Of one turn. All that it writes commits with the job.

    Args:
        store: the object's memory.
        connector: whose job it is.
        environment: says which Glean it is.
    """

    def __init__(self, store: Store, connector: AnyConnector, environment: Environment) -> None:
        self._datasource = connector.datasource.name
        self._environment = environment
        self._store = store
        self._ledger = store.ledger
        self._approved: tuple[int, set[str]] = (0, set())  # keys, by the crawl that listed them
        documents = connector.streams(Mode.FULL)[Stage.DOCUMENTS].source
        self._has_moving_pages = documents.has_moving_pages
        clock = documents.clock
        # Of what a page lists and is not to be sent, an older version may follow.
        self._is_newest_first = clock is not None and clock.is_newest_first
        self._page_count = 0  # that have landed of the crawl
        self.members = MemberBook(store)

    def look_up(self, kind: Kind, keys: Iterable[str]) -> dict[str, LedgerRow]:
        return self._ledger.look_up(kind, keys)

    def number_next(self) -> int:
        return self._ledger.number_next()

    def is_whole(self, kind: Kind) -> bool:
        return self._ledger.state(kind).replaced_at_ms is not None

    def has_seen(self, key: str, row: LedgerRow | None) -> bool:
        return self._ledger.has_seen(self._page_count, key, row)

    def known_counts(self, job: Job | None) -> Mapping[Stage, int]:
        """How much Glean has for each stage that a FULL job is about to begin; members for each.

        Only where that is known in full.
        """
        is_begun = job is not None and job.crawl.page_count and job.state not in BEGINNING
        if job is None or is_begun:
            return {}
        members = self._store.group_sizes.head()
        counts = {Stage.MEMBERSHIPS: members.count} if members.crawl_at_ms else {}
        if job.mode is not Mode.FULL:
            return counts
        kinds = {stage: KINDS[stage] for stage in UPLOADED}
        return counts | {
            stage: self._ledger.count(kind) for stage, kind in kinds.items() if self.is_whole(kind)
        }

    def documents(self, job: Job | None, limits: Limits) -> LedgerFacts:
        """What a FULL job that is about to begin chooses its way by."""
        if job is None or job.state is not State.QUEUED:
            return LedgerFacts()
        named_count = self._named_count()
        is_lost = self._ledger.is_lost(Kind.DOCUMENT, limits.changes_max)
        if is_lost or self._ledger.head.destination not in {"", self._destination()}:
            return LedgerFacts(named_count=named_count)
        state = self._ledger.state(Kind.DOCUMENT)
        return LedgerFacts(
            state.replaced_at_ms,
            state.upload_id,
            state.fingerprint,
            has_recipe=state.recipe == RECIPE,
            unconfirmed_count=self._ledger.unconfirmed_count(Kind.DOCUMENT),
            named_count=named_count,
        )

    def _named_count(self) -> int | None:
        """The documents that are known, where Glean may have others; else None."""
        head = self._ledger.head
        if head.destination not in {"", self._destination()}:
            return 0
        is_ours = head.is_ours or self.is_whole(Kind.DOCUMENT)
        return None if is_ours else self._ledger.count(Kind.DOCUMENT, head.since_ms)

    def has_packs(self, job: Job) -> bool:
        """Whether the ledger has the packs of the job's crawl."""
        kind = kind_of(job)
        return kind is None or self._ledger.has_crawl(job.id, kind, job.crawl.begun_at_ms)

    def record(  # noqa: C901 - what each step means
        self,
        before: Job,
        after: Job,
        event: Event,
        page_of: Callable[[int], LedgerPage | None],
        limits: Limits,
    ) -> None:
        """Write what a step means to the ledger.

        Args:
            before: the job.
            after: the same, once the event has happened.
            event: what has happened.
            page_of: what a page that is packed is to the ledger, by its index.
            limits: of the deployment.
        """
        landed = landed_pages(before, after)
        landed_count = before.crawl.page_count + len(landed)
        if (kind := kind_of(before)) is not None and before.state in WORKING:
            self._record_page(before, event, page_of)
            for index in landed:
                if (page := page_of(index)) is None:
                    continue
                self._ledger.see(page.pack)
                if not page.is_upload:
                    self._ledger.land(kind, page.pack, before.crawl.begun_at_ms)
            if after.state is State.CLOSING and before.state is not State.CLOSING:
                self._ledger.mark_closing()
        self._page_count = after.crawl.page_count
        if isinstance(event, DocumentsCounted):
            self._record_counts(after, event.counts)
        if (kind := kind_of(after)) is None or after.state not in WORKING:
            return
        if not self._ledger.has_crawl(after.id, kind, after.crawl.begun_at_ms):
            crawl = OpenCrawl(after.id, kind, after.crawl.begun_at_ms, after.is_upload)
            self._ledger.begin(
                crawl,
                self._destination(),
                limits.changes_max,
                self._kept_lists(after),
                lambda open_crawl: self._landed_count(open_crawl, before, landed_count),
            )
            if kind in SINGLY and after.mode is Mode.FULL and after.way is Way.REPLACE:
                self._ledger.distrust(kind, after.crawl.begun_at_ms)  # all are brought anew
        if isinstance(event, Woke):
            self._ledger.doubt_lost_tries(after.crawl.page_count)

    def _record_counts(self, after: Job, counts: Mapping[str, int]) -> None:
        """Where Glean has nothing, all that it has later was brought from here."""
        if not counts:
            self._ledger.claim()
        elif after.state is State.HELD:
            rows = [
                GoneRow(name, name, "", title=f"{count} documents")
                for name, count in sorted(counts.items())
            ]
            self._ledger.gone.add(after.crawl.begun_at_ms, rows)

    def _kept_lists(self, after: Job) -> set[int]:
        """The crawls whose lists a job deletes by, or is or was approved by."""
        kept = {job.crawl.begun_at_ms for job in self._store.held()}
        for job in (after, *self._store.pending()):
            kept |= {job.gone_at_ms, *job.approved.values()}
        return kept

    def _landed_count(self, crawl: OpenCrawl, before: Job, count: int) -> int:
        """How many pages a crawl has landed that is over: that of the job itself, or an earlier."""
        if (crawl.job_id, crawl.at_ms) == (before.id, before.crawl.begun_at_ms):
            return count
        job = self._store.load(crawl.job_id)
        is_it = job is not None and job.crawl.begun_at_ms == crawl.at_ms
        return job.crawl.page_count if job is not None and is_it else 0

    def _record_page(
        self, before: Job, event: Event, page_of: Callable[[int], LedgerPage | None]
    ) -> None:
        match event:
            case Packed(page_index=index):
                page = page_of(index)
                if page is not None and self._is_needed(before, page.pack, event):
                    self._ledger.add_pack(index + 1, page.pack)
            case Sent(page_index=index) if event.is_refusal:
                page = page_of(index)
                if page is not None:
                    self._ledger.amend_pack(index + 1, page.pack)

    def _is_needed(self, job: Job, pack: PagePack, packed: Packed) -> bool:
        """Each pack costs a row: one of changes that Glean has already tells nothing."""
        is_list = job.mode is Mode.FULL or self._is_newest_first
        return is_list or bool(pack.puts or packed.deletion_count)

    def perform(self, effect: LedgerEffect, job: Job) -> Event:
        match effect:
            case ListGone() if job.stage is Stage.MEMBERSHIPS:
                return GoneListed(self.members.list_lost(job))
            case ListGone(gone):
                return GoneListed(self._list_gone(job, gone))
            case ApplyPacks(after):
                if job.stage is Stage.DOCUMENTS:
                    self._ledger.claim()
                state = KindState(job.started_at_ms, job.upload.id, job.fingerprint, RECIPE)
                return PacksApplied(self._ledger.apply(job.crawl.page_count, after, state))

    def _destination(self) -> str:
        """Where the jobs bring things; as it was where that is not configured, and none comes."""
        try:
            url = glean_url(self._environment)
        except ConfigurationError:
            return self._ledger.head.destination
        named = f"{url} {self._datasource}"
        return blake2b(named.encode(), digest_size=DIGEST_BYTES).hexdigest()

    def _list_gone(self, job: Job, gone: Gone) -> Gone:
        crawl = job.crawl
        part = self._ledger.gone_part(
            crawl.page_count, gone.after, is_patient=self._has_moving_pages
        )
        self._ledger.gone.add(crawl.begun_at_ms, part.rows)
        approved = self._approved_keys(job.approved.get(job.stage))
        digest = blake2b(gone.digest.encode(), digest_size=DIGEST_BYTES)
        for row in part.rows:
            digest.update(f"{row.key}\n".encode())
        return Gone(
            gone.count + len(part.rows),
            gone.new_count + sum(row.key not in approved for row in part.rows),
            part.after or "",
            is_whole=part.after is None,
            digest=digest.hexdigest(),
            waiting_count=gone.waiting_count + part.waiting_count,
            outdated_count=gone.outdated_count + part.outdated_count,
            new_listed_count=gone.new_listed_count + len(part.listed_keys - approved),
            is_unnamed=part.is_unnamed,
        )

    def _approved_keys(self, crawl_at_ms: int | None) -> set[str]:
        if crawl_at_ms is None:
            return set()
        known_at_ms, keys = self._approved
        if known_at_ms != crawl_at_ms:
            keys = {row.key for row in self._ledger.gone.rows(crawl_at_ms)}
            self._approved = crawl_at_ms, keys
        return keys
