"""What must hold for each document: Glean has what the ledger says, and nothing goes unnamed."""

from collections.abc import Iterable, Mapping
from functools import cache

import httpx
import msgspec
from msgspec import Struct

from durable.glean.digests import document_digests
from durable.glean.documents import Document, Permissions
from durable.limits import Limits
from durable.machine.job import Job, Mode, Stage
from durable.machine.ledger import Kind as LedgerKind
from durable.machine.ledger import Put, RowState
from durable.machine.ledger_head import KindState, LedgerHead
from durable.store.ledger_rows import GoneRow
from durable.store.packs import OtherKeys
from tests.fakes.storage import Storage
from tests.simulation.fates import Kind
from tests.simulation.glean import Glean
from tests.simulation.index import EVERYBODY, STAFF, Found
from tests.simulation.source import Row, Source


NEVER_MS = 10**15
TITLE_CHARACTERS = 200  # of the ledger's


class Entry(Struct, frozen=True):
    """A row of the ledger, as far as Glean can be compared with it."""

    id: str
    type: str
    title: str
    access: str  # a digest
    is_sure: bool  # the ledger says that Glean has it just so


class LedgerOracle:
    """Reads what is on disk, and raises AssertionError when it is not what Glean has.

    Args:
        storage: of the object under test.
        source: what the index has to come to.
        glean: the index.
        limits: that the jobs are given.
    """

    def __init__(self, storage: Storage, source: Source, glean: Glean, limits: Limits) -> None:
        self._storage = storage
        self._source = source
        self._glean = glean
        self._limits = limits
        self._listed: dict[str, set[str]] = {}  # by upload, what its close may delete
        self._approved: dict[str, set[str]] = {}  # by job, as the next
        self._known_counts: dict[str, int] = {}  # rows, as the job began with documents

    def stored(self, job: Job) -> None:
        """A job is on disk."""
        if job.stage is Stage.DOCUMENTS and job.known_count is not None:
            self._known_counts[job.id] = job.known_count

    def approve(self, job: Job) -> None:
        """A person lets go what is on the job's list."""
        self._approved[job.id] = self.gone(job.crawl.begun_at_ms)

    def forget_approval(self, job_id: str) -> None:
        self._approved.pop(job_id, None)

    def gone(self, crawl_at_ms: int) -> set[str]:
        """The keys that a crawl has not seen."""
        return self._going().get(crawl_at_ms, set())

    def _going(self) -> Mapping[int, set[str]]:
        """The keys of each list, by the beginning of its crawl."""
        lists: dict[int, set[str]] = {}
        for row in self._rows("SELECT crawl_at_ms, body FROM gone"):
            part = msgspec.json.decode(str(row["body"]), type=list[GoneRow])
            lists.setdefault(int(str(row["crawl_at_ms"])), set()).update(one.key for one in part)
        return lists

    def sent(self, job: Job, kind: Kind, request: httpx.Request) -> None:
        """A request leaves that may delete."""
        if kind is Kind.CLOSE and request.url.path.endswith("/bulkindexdocuments"):
            listed = self.gone(job.crawl.begun_at_ms)
            self._listed[job.upload.id] = listed
            self._check_guard(job, listed)
        elif kind is Kind.DELETE:
            self._check_deletion(job, request)
        elif kind is Kind.SHARE:
            self._check_share(request)

    def closed(self, upload_id: str) -> None:
        """Glean has closed an upload: what went by it, the ledger knew and had listed."""
        listed, known = self._listed.get(upload_id, set()), self.entries()
        for one in self._glean.found.removed:
            is_known = fold(one.id) in known and not self._is_retyped(one.id)
            assert not is_known or fold(one.id) in listed, f"{one.id} goes, and is on no list"

    def check_index(self, since_ms: int, excused: Iterable[str]) -> None:
        """Glean has what nobody has changed since then, as it is in the source."""
        found: dict[str, list[Found]] = {}
        for one in self._glean.found.documents.values():
            found.setdefault(fold(one.id), []).append(one)
        rows: dict[str, list[Row]] = {}
        for row in self._source.rows.values():
            rows.setdefault(fold(row.id), []).append(row)
        unsure = set(excused)
        for key, spelt in rows.items():
            if all(row.updated_at_ms < since_ms for row in spelt):
                self._check_access(spelt, found.get(key, []))
            is_unknown = any(row.updated_at_ms >= since_ms or row.id in unsure for row in spelt)
            expected = [document for row in spelt if (document := expected_of(row)) is not None]
            having = found.get(key, [])
            # While a record tells no id, nothing is deleted that it might be.
            if is_unknown or (not expected and self._source.nameless):
                continue
            if key in self._source.respelt:  # of those that are one to Glean, it has any
                is_gone = not having and len(expected) == len(spelt)
                assert not is_gone, f"Glean has nothing of {spelt}"
            else:
                assert having == expected, f"Glean has {having} for {spelt}"

    def _check_access(self, spelt: list[Row], having: list[Found]) -> None:
        """Nobody sees by an older version what Glean has refused, and they may see no longer."""
        untold = self._source.broken | self._source.nameless | self._source.untold
        is_refused = all(row.id in self._glean.unfit and row.id not in untold for row in spelt)
        if is_refused and not any(row.is_public for row in spelt):
            wider = [one for one in having if one.permissions == EVERYBODY]
            assert not wider, f"everybody sees {wider}, which Glean has refused since"

    def check_whole(self, unsure: Iterable[str]) -> None:
        """Glean has what the source has, and nothing else."""
        excused = set(unsure)
        self.check_index(NEVER_MS, excused)
        live = {fold(note_id) for note_id in self._source.live}
        found = {fold(one.id) for one in self._glean.found.documents.values()}
        different = (live ^ found) - {fold(note_id) for note_id in excused}
        assert not different, f"either Glean or the source has {different}"

    def check_ledger(self, unsure: Iterable[str]) -> None:
        """Whatever the ledger is sure of, Glean has; and nothing of which it does not know."""
        shared = self._rows("SELECT 1 FROM ledger GROUP BY kind, number HAVING count(*) > 1")
        assert not shared, "two rows have one number"
        known, under_way = self.entries(), self._under_way()
        skipped = {fold(note_id) for note_id in unsure} | under_way
        going = set().union(*self._going().values())  # a close deletes them before the ledger does
        found: dict[str, set[tuple[str, str, str]]] = {}
        for one in self._glean.found.documents.values():
            access = _access_digest(msgspec.json.encode(one.permissions))
            found.setdefault(fold(one.id), set()).add(
                (one.object_type, one.title[:TITLE_CHARACTERS], access)
            )
        if self._is_whole:
            unknown = found.keys() - known.keys() - skipped
            assert not unknown, f"Glean has {unknown}, of which nobody knows"
        for key, entry in known.items():
            if entry.is_sure and key not in skipped | going:
                having = found.get(key, set())
                expected = {(entry.type, entry.title, entry.access)}
                assert having == expected, f"Glean has {having}, not {entry}"

    def entries(self) -> Mapping[str, Entry]:
        """The rows of documents, by key."""
        trusted_from_ms = self._kind.trusted_from_ms
        return {
            str(row["key"]): Entry(
                str(row["id"] or row["key"]),
                str(row["type"]),
                str(row["title"]),
                str(row["access"]),
                is_sure=row["state"] in {RowState.CONFIRMED, RowState.MISSING}
                and int(str(row["crawl_at_ms"])) >= trusted_from_ms,
            )
            for row in self._rows("SELECT * FROM ledger WHERE kind = 0")
        }

    @property
    def _kind(self) -> KindState:
        heads = self._rows("SELECT body FROM summary WHERE name = 'ledger'")
        if not heads:
            return KindState()
        head = msgspec.json.decode(str(heads[0]["body"]), type=LedgerHead)
        return head.kinds.get(LedgerKind.DOCUMENT, KindState())

    @property
    def _is_whole(self) -> bool:
        return self._kind.replaced_at_ms is not None

    def _under_way(self) -> set[str]:
        """What packs say that was sent, or is about to be."""
        packs = self._rows("SELECT number, others, puts FROM pack")
        more = self._rows("SELECT puts FROM more_puts")
        puts = [row["puts"] for row in (*packs, *more) if row["puts"] is not None]
        others = [row["others"] for row in packs if row["others"] is not None]
        keys = {put.key for text in puts for put in msgspec.json.decode(str(text), type=list[Put])}
        for text in others:
            keys |= set(msgspec.json.decode(str(text), type=OtherKeys).deleted)
        return keys

    def _check_guard(self, job: Job, listed: set[str]) -> None:
        """What a FULL job is about to delete, is approved of or no more than usual."""
        new_count = len(listed - self._approved.get(job.id, set()))
        known_count = self._known_counts.get(job.id, 0)
        is_little = new_count <= self._limits.shrink_count
        is_usual = known_count > 0 and new_count / known_count <= self._limits.shrink_max
        assert is_little or is_usual, f"{new_count} of {known_count} go unasked"

    def _check_deletion(self, job: Job, request: httpx.Request) -> None:
        asked = msgspec.json.decode(request.content)
        note_id = asked["id"]
        if self._is_retyped(note_id) and job.stage is not Stage.DELETIONS:
            return  # it is brought again, of another type
        if job.stage is Stage.DOCUMENTS and note_id in self._glean.unfit:
            is_known = fold(note_id) in {*self.entries(), *self._source.tombstones}
            assert is_known, f"{note_id} is refused and deleted, and nobody knows it"
            return  # its older version may be seen by others
        if job.mode is Mode.FULL:
            assert job.stage is Stage.DELETIONS, f"{note_id} is deleted before all was read"
            listed = self.gone(job.gone_at_ms)
            assert fold(note_id) in listed, f"{note_id} is deleted, and is on no list"
            self._check_guard(job, listed)
        elif job.stage is not Stage.DELETIONS:  # of which the source has a list of its own
            is_tombstone = fold(note_id) in self._source.tombstones
            assert is_tombstone, f"{note_id} is deleted, and the source has never said so"

    def _check_share(self, request: httpx.Request) -> None:
        """Who may see a document is sent alone where Glean certainly has all else of it."""
        asked = msgspec.json.decode(request.content)
        note_id = asked["id"]
        entry = self.entries().get(fold(note_id))
        assert entry is not None, f"{note_id} is shared, and nobody knows it"
        assert entry.is_sure, f"{note_id} is shared, and it is in doubt"
        assert entry.type == asked["objectType"], f"{note_id} is of another type"

    def _is_retyped(self, note_id: str) -> bool:
        return len(self._source.types(note_id)) > 1

    def _rows(self, query: str) -> list[dict[str, object]]:
        return [dict(row) for row in self._storage.exec(query).toArray()]


def expected_of(row: Row) -> Found | None:
    """What Glean is to have of a note."""
    if row.text is None:
        return None
    permissions = EVERYBODY if row.is_public else STAFF
    return Found(id=row.id, object_type=row.type, title=row.text, permissions=permissions)


@cache
def _access_digest(encoded: bytes) -> str:
    permissions = msgspec.json.decode(encoded, type=Permissions)
    return document_digests(Document(id="", object_type="", permissions=permissions)).access


def fold(note_id: str) -> str:
    """What is the same to Glean."""
    return note_id.casefold()
