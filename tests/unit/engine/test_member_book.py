"""What the pages of a job mean to the sizes of groups."""

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from durable.engine.member_book import MemberBook
from durable.machine.effects import Packed
from durable.machine.job import FinishedStage, Job, Mode, Stage
from durable.machine.ledger import Kind
from durable.machine.members import GroupSize
from durable.machine.states import State
from durable.store.store import Store
from tests.fakes.jobs import a_job, alter
from tests.fakes.ledgers import a_put, learn
from tests.fakes.storage import Storage


DONE = FinishedStage(Stage.MEMBERSHIPS, 1, 0, 0, 0, 0)


@pytest.fixture
def store() -> Store:
    store = Store(Storage())
    learn(store.ledger, map(a_put, ("a", "b")), kind=Kind.GROUP)
    return store


def crawl(at_ms: int, mode: Mode = Mode.FULL) -> Job:
    job = replace(a_job(State.SENDING), mode=mode, stages=(Stage.MEMBERSHIPS, Stage.DOCUMENTS))
    return alter(job, begun_at_ms=at_ms)


def brought(store: Store, job: Job, sizes: Mapping[str, int]) -> None:
    """A stage of one page has come to its end."""
    book = MemberBook(store)
    book.record(job, alter(job, page_count=1), lambda _index: sizes)
    landed = alter(job, page_count=1)
    after = replace(alter(landed, page_count=0), stage_index=1, done=(DONE,))
    book.record(landed, after, lambda _index: {})


def counts(store: Store) -> dict[str, int]:
    return {key: size.count for key, size in store.group_sizes.known().items()}


def test_groups_that_a_crawl_has_not_brought_keep_their_sizes_while_they_are_there(
    store: Store,
) -> None:
    brought(store, crawl(5), {"A": 3, "b": 4, "gone": 5})

    brought(store, crawl(6), {"a": 2})

    assert counts(store) == {"a": 2, "b": 4}
    assert store.group_sizes.head().count == 6


def test_changes_are_known_where_a_crawl_is(store: Store) -> None:
    changes = crawl(6, Mode.INCREMENTAL)
    brought(store, changes, {"a": 9})
    assert counts(store) == {}

    brought(store, crawl(5), {"a": 3})
    brought(store, changes, {"a": 9})

    assert counts(store) == {"a": 9}


def test_groups_that_were_not_sent_are_as_they_were(store: Store) -> None:
    brought(store, crawl(5), {"a": 3})

    brought(store, alter(crawl(6, Mode.INCREMENTAL), is_withheld=True), {"a": 0})

    assert counts(store) == {"a": 3}


def test_a_page_tells_how_many_members_its_groups_have_lost(store: Store) -> None:
    brought(store, crawl(5), {"a": 30, "b": 4})
    packed, job = Packed(0, batch_count=1, document_count=1, deletion_count=0), crawl(6)

    weighed = MemberBook(store).weighed(job, packed, lambda _index: {"A": 1, "b": 6})

    assert weighed.lost_member_count == 29
    others = replace(job, stage_index=1)
    assert MemberBook(store).weighed(others, packed, lambda _index: {"a": 1}) == packed


def test_those_that_have_lost_some_are_listed_with_what_they_have_left(store: Store) -> None:
    brought(store, crawl(5), {"Staff": 30, "b": 4})
    job = crawl(6)
    store.group_sizes.add(6, 1, {"staff": GroupSize("Staff", 1), "b": GroupSize("b", 4)})

    gone = MemberBook(store).list_lost(job)
    ((_, (row,)),) = store.ledger.gone.parts(6, 0, 9)

    assert (gone.count, gone.new_count, gone.is_whole) == (1, 1, True)
    assert (row.id, row.type, row.count) == ("Staff", "group", 1)
    assert row.title is not None
    assert "30" in row.title
