"""Random lives of a ledger beside a small Glean: at the end of each, one clean crawl is enough.

Jobs read changes, compare all there is, or replace it. The object dies anywhere, people give
jobs up, the source changes under the reader, and Glean refuses what it likes.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from random import Random

import pytest
from msgspec import Struct

from durable.machine.ledger import Kind, Put, fold
from durable.machine.ledger_head import KindState, OpenCrawl
from durable.machine.page_changes import Candidate, Compared, compare, without
from durable.store.ledger import Ledger
from durable.store.store import Store
from tests.fakes.storage import Storage


DOCUMENT = Kind.DOCUMENT
IDS = [*"abcdefgh", "A", "C"]  # two are one to Glean with others
TYPES = ("note", "page")
LIVES = 400 if os.environ.get("CI") else 60  # of each kind of Glean
JOBS = 12
PAGE = 3
DOUBTS_MAX = 3
TRIES = 4  # of a job, before somebody gives it up


class DeathError(Exception):
    """The object dies, and whatever is not committed with it."""


class Version(Struct, frozen=True):
    id: str
    type: str
    number: int


class Glean:
    """What is indexed.

    Args:
        by_type: whether two types of one id are two documents.
        shows: whether what is staged can be seen at once.
    """

    def __init__(self, *, by_type: bool, shows: bool) -> None:
        self._by_type = by_type
        self._shows = shows
        self._staged: dict[object, Version] = {}
        self.documents: dict[object, Version] = {}

    def _key(self, version: Version) -> object:
        return (version.type, fold(version.id)) if self._by_type else fold(version.id)

    def index(self, version: Version) -> None:
        self.documents[self._key(version)] = version

    def delete(self, document_id: str, kind: str) -> None:
        self.documents.pop(self._key(Version(document_id, kind, 0)), None)

    def open(self) -> None:
        self._staged = {}

    def stage(self, version: Version) -> None:
        self._staged[self._key(version)] = version
        if self._shows:
            self.index(version)

    def close(self) -> None:
        self.documents, self._staged = self._staged, {}


class Life:
    """One connector's, whose jobs are carried out one after the other."""

    def __init__(self, random: Random, *, by_type: bool, shows: bool) -> None:
        self._random = random
        self._storage = Storage()
        self._ledger: Ledger = Store(self._storage).ledger
        self._now_ms = 1_000
        self._number = 0
        self._changed: list[str] = []  # since the last job that read changes
        self._trouble = 0.06
        self.glean = Glean(by_type=by_type, shows=shows)
        self.source: dict[str, Version] = {}

    def live(self) -> None:
        for _ in range(JOBS):
            self._edit(self._random.randrange(5))
            self._job(self._random.randrange(3))
        self._trouble = 0
        self._job(1)

    def rows(self) -> list[tuple[str, str, str, bool]]:
        keys = {fold(one) for one in IDS}
        rows = self._ledger.look_up(DOCUMENT, keys).values()
        return [(row.put.id, row.put.type, row.put.content, row.is_trusted) for row in rows]

    # What goes wrong

    def _edit(self, count: int) -> None:
        for _ in range(count):
            name = self._random.choice(IDS)
            self._changed.append(name)
            if self._random.random() < 0.35:
                self.source.pop(name, None)
                continue
            back = self._random.random() < 0.4  # to what it may have been before
            self._number += 1
            kind = TYPES[self._random.random() < 0.2]
            number = self._random.randrange(2) if back else self._number
            self.source[name] = Version(name, kind, number)

    def _happens(self) -> bool:
        return self._random.random() < self._trouble

    def _pause(self) -> None:
        """Something is awaited: it is stored by then, or the object dies."""
        if self._happens():
            raise DeathError
        self._storage.commit()
        if self._trouble and self._random.random() < 0.1:
            self._edit(1)

    def _revive(self) -> None:
        self._storage.rollback()
        self._ledger = Store(self._storage).ledger

    # Jobs

    def _job(self, kind: int) -> None:
        self._now_ms += 1_000
        state, is_lost = self._ledger.state(DOCUMENT), self._ledger.is_lost(DOCUMENT, DOUBTS_MAX)
        is_whole = state.replaced_at_ms is not None and not is_lost
        if kind == 0:
            names, self._changed = list(self._changed), []
            if not self._read(self._pages_of(names), is_full=False):
                self._changed = names + self._changed
        elif kind == 1 and is_whole:
            self._reconcile()
        else:
            self._replace()

    def _begin(self, *, is_upload: bool, landed_count: int = 0) -> OpenCrawl:
        self._now_ms += 1
        crawl = OpenCrawl(f"job-{self._now_ms}", DOCUMENT, self._now_ms, is_upload)
        self._landed = landed_count
        landed = self._before
        self._ledger.begin(crawl, "", DOUBTS_MAX, {crawl.at_ms}, lambda _crawl: landed)
        self._storage.commit()
        return crawl

    _before = 0  # pages that the crawl before has landed
    _landed = 0

    def _pages_of(self, names: Sequence[str]) -> list[list[str]]:
        return [list(names[at : at + PAGE]) for at in range(0, len(names), PAGE)]

    def _read(self, pages: list[list[str]], *, is_full: bool) -> bool:
        """Send what differs of these, one after the other; False: it is given up."""
        crawl = self._begin(is_upload=False)
        for page, names in enumerate(pages, start=1):
            if not self._carried(lambda p=page, n=names: self._page(crawl, p, n, is_full=is_full)):
                self._before = page - 1
                return False
        self._before = len(pages)
        return True

    def _carried(self, step: object) -> bool:
        """Whether a step was taken, after some deaths."""
        for _ in range(TRIES):
            try:
                step()  # type: ignore[operator]
            except DeathError:
                self._revive()
                self._edit(self._random.randrange(3))  # before the next life
                self._ledger.doubt_lost_tries(self._landed)
                self._storage.commit()
            else:
                return True
        return False

    def _page(self, crawl: OpenCrawl, page: int, names: list[str], *, is_full: bool) -> None:
        candidates = [self._candidate(name) for name in names]
        compared = self._compared(
            [one for one in candidates if not (is_full and one.is_deletion)], is_full=is_full
        )
        candidates = [one for one in candidates if not (is_full and one.is_deletion)]
        self._ledger.add_pack(page, compared.pack)
        refused = set[str]()
        for index, candidate in enumerate(candidates):
            if index in compared.to_send and not self._send(
                candidate, compared.former_types.get(index, ())
            ):
                refused.add(candidate.put.key)
        pack = without(compared.pack, refused, compared.numbers, compared.doubts, is_upload=False)
        self._ledger.see(pack)
        self._ledger.land(DOCUMENT, pack, crawl.at_ms)
        self._landed = page
        self._storage.commit()

    def _candidate(self, name: str) -> Candidate:
        version = self.source.get(name)
        if version is None:
            kind = self._random.choice(TYPES)
            return Candidate(Put(fold(name), 0, kind, "", "", name), is_deletion=True)
        content = f"{version.id} {version.type} {version.number}"
        return Candidate(Put(fold(name), 0, version.type, content, "", name))

    def _compared(
        self, candidates: Sequence[Candidate], *, is_full: bool, is_upload: bool = False
    ) -> Compared:
        return compare(
            candidates,
            self._ledger.look_up(DOCUMENT, {one.put.key for one in candidates}),
            self._ledger.number_next(),
            lambda key, row: self._ledger.has_seen(self._landed, key, row),
            is_full=is_full,
            is_whole=self._ledger.state(DOCUMENT).replaced_at_ms is not None,
            is_in_any_order=is_upload,
        )

    def _send(self, candidate: Candidate, former: Sequence[str]) -> bool:
        """Whether Glean has taken all that is to be asked of one thing."""
        put, is_taken = candidate.put, True
        kinds = [*former, put.type] if candidate.is_deletion else former
        for kind in kinds:
            self._pause()
            if self._happens():
                is_taken = False
            else:
                self.glean.delete(put.id, kind)
        if candidate.is_deletion:
            self._pause()
            return is_taken
        self._pause()
        if self._happens():
            return False
        self.glean.index(version_of(put))
        self._pause()
        return is_taken

    def _listed(self) -> Iterator[list[str]]:
        """All there is, in order of names: each page is what the source has by then."""
        last = ""
        while rest := sorted(name for name in self.source if name > last):
            last = rest[:PAGE][-1]
            yield rest[:PAGE]

    def _reconcile(self) -> None:
        crawl = self._begin(is_upload=False)
        page = 0
        for page, names in enumerate(self._listed(), start=1):
            if not self._carried(lambda p=page, n=names: self._page(crawl, p, n, is_full=True)):
                self._before = page - 1
                return
        self._before = page
        if not self._carried(lambda: self._list_gone(crawl, page)):
            return
        gone = [row.id for row in self._ledger.gone.rows(crawl.at_ms)]
        types = {row.id: row.type for row in self._ledger.gone.rows(crawl.at_ms)}
        deletions = [
            Candidate(Put(fold(i), 0, types[i], "", "", i), is_deletion=True) for i in gone
        ]
        self._delete(crawl, deletions)

    def _delete(self, listed: OpenCrawl, deletions: list[Candidate]) -> None:
        self._now_ms += 1
        crawl = OpenCrawl(listed.job_id, DOCUMENT, self._now_ms, is_upload=False)
        before, self._landed = self._before, 0
        self._ledger.begin(crawl, "", DOUBTS_MAX, {listed.at_ms}, lambda _crawl: before)
        self._storage.commit()
        for page in range(len(deletions)):
            some = deletions[page : page + 1]

            def step(page: int = page + 1, some: list[Candidate] = some) -> None:
                compared = self._compared(some, is_full=False)
                self._ledger.add_pack(page, compared.pack)
                refused = {
                    one.put.key
                    for index, one in enumerate(some)
                    if index in compared.to_send
                    and not self._send(one, compared.former_types.get(index, ()))
                }
                numbers, doubts = compared.numbers, compared.doubts
                pack = without(compared.pack, refused, numbers, doubts, is_upload=False)
                self._ledger.see(pack)
                self._ledger.land(DOCUMENT, pack, crawl.at_ms)
                self._landed = page
                self._storage.commit()

            if not self._carried(step):
                self._before = page
                return
        self._before = len(deletions)

    def _list_gone(self, crawl: OpenCrawl, page_count: int) -> None:
        part = self._ledger.gone_part(page_count, "", is_patient=False)
        assert part.after is None
        self._ledger.gone.add(crawl.at_ms, part.rows)
        self._pause()

    def _replace(self) -> None:
        crawl = self._begin(is_upload=True)
        self._before = 0
        self.glean.open()
        page = 0
        for page, names in enumerate(self._listed(), start=1):
            if not self._carried(lambda p=page, n=names: self._stage(p, n)):
                return
        if not self._carried(lambda: self._list_gone(crawl, page)):
            return
        self._ledger.mark_closing()
        self._storage.commit()
        if self._happens():
            return
        self.glean.close()
        if self._happens():
            return  # nobody has heard of it
        state, after = KindState(replaced_at_ms=crawl.at_ms), list[int | None]([0])

        def step() -> None:
            while after[-1] is not None:
                after.append(self._ledger.apply(page, after[-1], state))
            self._storage.commit()

        assert self._carried(step)

    def _stage(self, page: int, names: list[str]) -> None:
        candidates = [self._candidate(name) for name in names if name in self.source]
        candidates *= 1 + (self._trouble > 0 and self._random.random() < 0.1)
        compared = self._compared(candidates, is_full=True, is_upload=True)
        self._ledger.add_pack(page, compared.pack)
        pack = compared.pack
        unsent = {*compared.respelt, *compared.superseded}
        for index in (one for one in range(len(candidates)) if one not in unsent):
            self._pause()
            if self._happens():
                key = candidates[index].put.key
                numbers, doubts = compared.numbers, compared.doubts
                pack = without(pack, {key}, numbers, doubts, is_upload=True)
                self._ledger.amend_pack(page, pack)
                continue
            self.glean.stage(version_of(candidates[index].put))
        self._pause()
        self._ledger.see(pack)
        self._landed = page


def version_of(put: Put) -> Version:
    name, kind, number = put.content.split()
    assert (name, kind) == (put.id, put.type)
    return Version(name, kind, int(number))


def expected(source: Mapping[str, Version]) -> dict[str, set[Version]]:
    """What Glean may have of each key: of two spellings, either."""
    versions: dict[str, set[Version]] = {}
    for version in source.values():
        versions.setdefault(fold(version.id), set()).add(version)
    return versions


@pytest.mark.parametrize("shows", [True, False], ids=["staged is seen", "staged is not seen"])
@pytest.mark.parametrize("by_type", [True, False], ids=["by type", "by id"])
def test_after_whatever_life_a_clean_crawl_makes_glean_the_source(
    *, by_type: bool, shows: bool
) -> None:
    for seed in range(LIVES):
        life = Life(Random(f"{seed} {by_type} {shows}"), by_type=by_type, shows=shows)
        life.live()
        wanted, found = expected(life.source), list(life.glean.documents.values())
        assert {fold(one.id) for one in found} == set(wanted), seed
        assert all(one in wanted[fold(one.id)] for one in found), seed
        assert len(set(found)) == len(found), seed
        for name, kind, content, is_trusted in life.rows():
            assert is_trusted or len(wanted[fold(name)]) > 1, seed
            number = int(content.split()[-1]) if content else 0
            assert not is_trusted or Version(name, kind, number) in found, seed
        assert len(life.rows()) == len(wanted), seed
