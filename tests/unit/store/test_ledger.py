"""What the ledger is sure of, whatever becomes of a crawl."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from durable.machine.ledger import Kind, PagePack, Put
from durable.machine.ledger_head import KindState, OpenCrawl
from durable.store.ledger import APPLIED_TOGETHER, RANGE_ROWS, RANGES, Ledger
from durable.store.ledger_rows import GoneRow
from durable.store.store import Store
from tests.fakes.ledgers import BEGUN_MS, DOUBTS_MAX, WHOLE, a_put, learn
from tests.fakes.storage import Storage


DOCUMENT = Kind.DOCUMENT
AT_MS = 2_000  # when the crawl began that the tests are about
CHANGES = OpenCrawl("changes", DOCUMENT, AT_MS, is_upload=False)
UPLOAD = OpenCrawl("upload", DOCUMENT, AT_MS, is_upload=True)
NEXT = OpenCrawl("next", DOCUMENT, AT_MS + 1_000, is_upload=False)
LATER = KindState(replaced_at_ms=AT_MS, fingerprint="g", recipe="r")


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def ledger(storage: Storage) -> Ledger:
    return Store(storage).ledger


def revived(storage: Storage) -> Ledger:
    """A new life of the object, on what was committed."""
    storage.commit()
    return Store(storage).ledger


def begin(
    ledger: Ledger, crawl: OpenCrawl, *, landed_count: int = 0, kept: Iterable[int] = ()
) -> None:
    ledger.begin(crawl, "glean", DOUBTS_MAX, kept, lambda _crawl: landed_count)


def a_pack(ledger: Ledger, *puts: Put, seen: Iterable[str] = (), deleted: str = "") -> PagePack:
    """Of puts, with the numbers of their rows or new ones, and of what is there just so."""
    rows = ledger.look_up(DOCUMENT, [*(put.key for put in puts), *seen])
    number_next, numbered = ledger.number_next(), list[Put]()
    for put in puts:
        row = rows.get(put.key)
        numbered.append(replace(put, number=row.put.number if row else number_next))
        number_next += row is None
    numbers = [*(put.number for put in numbered), *(rows[key].put.number for key in seen)]
    return PagePack(tuple(numbers), tuple(numbered), tuple(deleted), number_next=number_next)


def try_page(ledger: Ledger, page: int, *puts: Put, seen: Iterable[str] = ()) -> PagePack:
    pack = a_pack(ledger, *puts, seen=seen)
    ledger.add_pack(page, pack)
    return pack


def applied(ledger: Ledger, page_count: int, state: KindState = LATER) -> int:
    """In how many steps."""
    after: int | None = 0
    count = 0
    while after is not None:
        after = ledger.apply(page_count, after, state)
        count += 1
    return count


def sure(ledger: Ledger, *keys: str) -> set[str]:
    """Of which it is sure."""
    rows = ledger.look_up(DOCUMENT, keys or "abcdefgh")
    return {key for key, row in rows.items() if row.is_trusted}


def unsure(ledger: Ledger, *keys: str) -> set[str]:
    rows = ledger.look_up(DOCUMENT, keys or "abcdefgh")
    return {key for key, row in rows.items() if not row.is_trusted}


def gone(ledger: Ledger, page_count: int) -> list[str]:
    part = ledger.gone_part(page_count, "", is_patient=False)
    assert part.after is None
    return [row.key for row in part.rows]


# What is about to be sent is written before it is


def test_what_has_landed_is_sure(ledger: Ledger) -> None:
    begin(ledger, CHANGES)
    pack = try_page(ledger, 1, a_put("a"))

    assert sure(ledger) == set()
    ledger.land(DOCUMENT, pack, AT_MS)

    assert sure(ledger) == {"a"}


def test_what_an_earlier_life_had_under_way_is_in_doubt(storage: Storage, ledger: Ledger) -> None:
    """Glean may have heard it; and if the source loses it meanwhile, nobody would come by it."""
    learn(ledger, [a_put("a"), a_put("b")])
    begin(ledger, CHANGES)
    try_page(ledger, 1, a_put("a", content="d"), a_put("c"))

    ledger = revived(storage)
    ledger.doubt_lost_tries(page_count=0)

    assert (sure(ledger), unsure(ledger)) == ({"b"}, {"a", "c"})


def test_a_deletion_that_was_under_way_leaves_its_row_in_doubt(
    storage: Storage, ledger: Ledger
) -> None:
    learn(ledger, [a_put("a")])
    begin(ledger, CHANGES)
    ledger.add_pack(1, a_pack(ledger, deleted="a"))

    ledger = revived(storage)
    ledger.doubt_lost_tries(page_count=0)

    assert unsure(ledger) == {"a"}


def test_a_page_that_has_landed_before_a_death_stays_sure(storage: Storage, ledger: Ledger) -> None:
    begin(ledger, CHANGES)
    ledger.land(DOCUMENT, try_page(ledger, 1, a_put("a")), AT_MS)
    try_page(ledger, 2, a_put("b"))

    ledger = revived(storage)
    ledger.doubt_lost_tries(page_count=1)

    assert (sure(ledger), unsure(ledger)) == ({"a"}, {"b"})


# A page's pack is never overwritten by another reading of it


def test_what_the_first_reading_of_a_page_sent_is_in_doubt_whatever_the_second_has(
    storage: Storage, ledger: Ledger
) -> None:
    begin(ledger, CHANGES)
    try_page(ledger, 1, a_put("a"))
    ledger = revived(storage)
    ledger.doubt_lost_tries(page_count=0)

    ledger.land(DOCUMENT, try_page(ledger, 1, a_put("b")), AT_MS)

    assert (sure(ledger), unsure(ledger)) == ({"b"}, {"a"})


def test_what_a_lost_try_of_an_upload_has_staged_stays_as_a_doubt(
    storage: Storage, ledger: Ledger
) -> None:
    """The close makes all that was staged visible, of whatever try it was; unchanged or not."""
    learn(ledger, [a_put("a"), a_put("b"), a_put("c")])
    begin(ledger, UPLOAD)
    try_page(ledger, 1, a_put("d"), a_put("b", content="d"), seen="a")
    ledger = revived(storage)
    ledger.doubt_lost_tries(page_count=0)
    try_page(ledger, 1, seen="c")
    ledger.gone.add(AT_MS, ledger.gone_part(1, "", is_patient=False).rows)

    applied(ledger, 1)

    assert (sure(ledger), unsure(ledger)) == ({"c"}, {"a", "b", "d"})


@pytest.mark.parametrize("change", [{"content": "d"}, {"type": "page", "content": "d"}])
def test_what_a_lost_try_has_staged_as_it_was_may_be_there_beside_what_it_became(
    storage: Storage, ledger: Ledger, change: dict[str, str]
) -> None:
    """Its request may come late; and of another type, Glean may take it for another thing."""
    learn(ledger, [a_put("a")])
    begin(ledger, UPLOAD)
    try_page(ledger, 1, seen="a")
    ledger = revived(storage)
    try_page(ledger, 1, replace(a_put("a"), **change))

    applied(ledger, 1)

    row = ledger.look_up(DOCUMENT, "a")["a"]
    former = ("note",) if "type" in change else ()
    assert (row.is_trusted, row.put.content, row.put.former_types) == (False, "d", former)


def test_what_a_lost_try_has_staged_as_it_still_is_stays_sure(
    storage: Storage, ledger: Ledger
) -> None:
    learn(ledger, map(a_put, "ab"))
    begin(ledger, UPLOAD)
    try_page(ledger, 1, seen="ab")
    ledger = revived(storage)
    try_page(ledger, 1, a_put("b", content="d"), seen="a")

    applied(ledger, 1)

    assert (sure(ledger), unsure(ledger)) == ({"a"}, {"b"})


def test_what_only_a_page_of_a_lost_end_had_is_in_doubt(storage: Storage, ledger: Ledger) -> None:
    """It read three pages, died, and the source had but one by then."""
    begin(ledger, UPLOAD)
    for page, key in enumerate("abc", start=1):
        try_page(ledger, page, a_put(key))
    ledger = revived(storage)
    try_page(ledger, 1, a_put("d"))

    applied(ledger, 1)

    assert (sure(ledger), unsure(ledger)) == ({"d"}, {"a", "b", "c"})


# Crawls that are given up


def test_of_single_requests_what_had_not_landed_is_in_doubt(ledger: Ledger) -> None:
    learn(ledger, [a_put("a"), a_put("b")])
    begin(ledger, CHANGES)
    ledger.land(DOCUMENT, try_page(ledger, 1, a_put("a", content="d")), AT_MS)
    try_page(ledger, 2, a_put("b", content="d"))

    begin(ledger, NEXT, landed_count=1)

    assert (sure(ledger), unsure(ledger)) == ({"a"}, {"b"})
    assert ledger.state(DOCUMENT).replaced_at_ms is not None


def test_of_an_upload_that_nobody_closed_all_that_differed_is_in_doubt(ledger: Ledger) -> None:
    learn(ledger, [a_put("a"), a_put("b")])
    begin(ledger, UPLOAD)
    try_page(ledger, 1, a_put("a", content="d"), a_put("c"), seen="b")

    begin(ledger, NEXT, landed_count=1)

    assert (sure(ledger), unsure(ledger)) == ({"b"}, {"a", "c"})
    assert ledger.state(DOCUMENT).replaced_at_ms is not None


def test_of_an_upload_that_may_be_closed_nothing_is_sure(storage: Storage, ledger: Ledger) -> None:
    """Whatever was not in it, is gone then."""
    learn(ledger, [a_put("a"), a_put("b")])
    begin(ledger, UPLOAD)
    try_page(ledger, 1, seen="b")
    ledger.mark_closing()

    ledger = revived(storage)
    begin(ledger, NEXT)

    assert (sure(ledger), unsure(ledger)) == (set(), {"a", "b"})
    assert ledger.state(DOCUMENT).replaced_at_ms is None


@pytest.mark.parametrize(
    ("kind", "count", "is_closing", "is_lost"),
    [
        (DOCUMENT, DOUBTS_MAX, False, False),
        (DOCUMENT, DOUBTS_MAX + 1, False, True),
        (DOCUMENT, 1, True, True),
        (Kind.USER, 1, True, False),
    ],
    ids=["few doubts", "too many", "may be closed", "another kind's"],
)
def test_whether_all_is_in_doubt_is_known_before_the_next_crawl_begins(
    ledger: Ledger, kind: Kind, count: int, *, is_closing: bool, is_lost: bool
) -> None:
    """That chooses its way by it."""
    begin(ledger, UPLOAD)
    try_page(ledger, 1, *(a_put(f"k{number}") for number in range(count)))
    if is_closing:
        ledger.mark_closing()

    assert ledger.is_lost(kind, DOUBTS_MAX) is is_lost


def test_more_doubts_than_are_worth_sending_again_are_a_doubt_of_all(ledger: Ledger) -> None:
    learn(ledger, [a_put("a")])
    begin(ledger, UPLOAD)
    try_page(ledger, 1, *(a_put(f"k{number}") for number in range(DOUBTS_MAX + 1)))

    begin(ledger, NEXT)

    assert (sure(ledger), unsure(ledger)) == (set(), {"a"})
    assert ledger.state(DOCUMENT).replaced_at_ms is None
    assert ledger.count(DOCUMENT) == 1


def test_as_many_doubts_as_are_worth_it_are_rows(ledger: Ledger) -> None:
    begin(ledger, UPLOAD)
    try_page(ledger, 1, *(a_put(f"k{number}") for number in range(DOUBTS_MAX)))

    begin(ledger, NEXT)

    assert ledger.unconfirmed_count(DOCUMENT) == DOUBTS_MAX


def test_what_is_replaced_after_a_doubt_of_all_is_sure_again(ledger: Ledger) -> None:
    learn(ledger, [a_put("a")])
    begin(ledger, UPLOAD)
    ledger.mark_closing()
    upload = replace(UPLOAD, job_id="next", at_ms=NEXT.at_ms)
    begin(ledger, upload)
    try_page(ledger, 1, a_put("a"))

    applied(ledger, 1)

    assert sure(ledger) == {"a"}


def test_a_crawl_that_goes_on_is_not_begun_again(storage: Storage, ledger: Ledger) -> None:
    begin(ledger, UPLOAD)
    try_page(ledger, 1, a_put("a"))

    ledger = revived(storage)
    begin(ledger, UPLOAD)
    applied(ledger, 1)

    assert sure(ledger) == {"a"}


def test_crawls_of_other_jobs_kinds_and_times_are_others(ledger: Ledger) -> None:
    begin(ledger, UPLOAD)

    assert ledger.has_crawl("upload", DOCUMENT, AT_MS)
    assert not ledger.has_crawl("other", DOCUMENT, AT_MS)
    assert not ledger.has_crawl("upload", Kind.USER, AT_MS)
    assert not ledger.has_crawl("upload", DOCUMENT, AT_MS + 1)


def test_what_becomes_of_one_kind_is_nothing_to_another(ledger: Ledger) -> None:
    learn(ledger, [a_put("a")])
    learn(ledger, [a_put("a")], kind=Kind.USER)
    begin(ledger, replace(UPLOAD, kind=Kind.USER))
    ledger.mark_closing()

    begin(ledger, NEXT)

    assert sure(ledger) == {"a"}
    assert ledger.state(Kind.USER).replaced_at_ms is None
    assert not ledger.look_up(Kind.USER, "a")["a"].is_trusted


# Another Glean


@pytest.mark.parametrize("is_whole", [True, False], ids=["replaced before", "changes alone"])
def test_of_another_glean_nothing_is_sure(ledger: Ledger, *, is_whole: bool) -> None:
    begin(ledger, UPLOAD if is_whole else CHANGES)
    pack = try_page(ledger, 1, a_put("a"))
    if is_whole:
        applied(ledger, 1)
    else:
        ledger.land(DOCUMENT, pack, AT_MS)
    assert sure(ledger) == {"a"}

    ledger.begin(NEXT, "another", DOUBTS_MAX, (), lambda _crawl: 1)

    assert (sure(ledger), unsure(ledger)) == (set(), {"a"})
    assert ledger.state(DOCUMENT).replaced_at_ms is None


# Later jobs and lists of what is gone


def test_what_a_crawl_has_not_seen_is_gone(ledger: Ledger) -> None:
    learn(ledger, map(a_put, "abc"))
    begin(ledger, UPLOAD)
    try_page(ledger, 1, a_put("d"), seen="b")

    assert gone(ledger, 1) == ["a", "c"]


def test_what_another_job_has_put_since_is_not_on_the_list_of_a_crawl_after_it(
    ledger: Ledger,
) -> None:
    learn(ledger, [a_put("a")])
    begin(ledger, CHANGES)
    ledger.land(DOCUMENT, try_page(ledger, 1, a_put("b")), AT_MS)

    begin(ledger, replace(UPLOAD, at_ms=NEXT.at_ms), landed_count=1)
    try_page(ledger, 1, seen="ab")

    assert gone(ledger, 1) == []


def test_lists_that_are_still_needed_are_kept_and_no_others(ledger: Ledger) -> None:
    for at_ms in (1, 2, 3):
        ledger.gone.add(at_ms, [GoneRow("a", "note", "a")])

    begin(ledger, CHANGES, kept=(1, 3))

    assert [bool(list(ledger.gone.rows(at_ms))) for at_ms in (1, 2, 3)] == [True, False, True]


def test_what_is_listed_leaves_once_the_upload_is_applied(ledger: Ledger) -> None:
    learn(ledger, map(a_put, "abc"))
    begin(ledger, UPLOAD)
    try_page(ledger, 1, seen="b")
    ledger.gone.add(AT_MS, ledger.gone_part(1, "", is_patient=False).rows)

    assert ledger.count(DOCUMENT) == 3
    applied(ledger, 1)

    assert (sure(ledger), ledger.count(DOCUMENT)) == ({"b"}, 1)
    assert list(ledger.gone.rows(AT_MS)) == []


def test_what_is_put_again_under_a_new_number_does_not_leave_with_the_old_one(
    ledger: Ledger,
) -> None:
    learn(ledger, [a_put("a")])
    begin(ledger, UPLOAD)
    ledger.add_pack(1, PagePack((5,), (a_put("a", 5, "d"),), number_next=6))
    ledger.gone.add(AT_MS, ledger.gone_part(1, "", is_patient=False).rows)

    applied(ledger, 1)

    assert sure(ledger) == {"a"}
    assert ledger.look_up(DOCUMENT, "a")["a"].put.number == 5


@pytest.mark.parametrize(
    ("rejected", "kept"),
    [("A", "a"), ("r", "b"), ("", "abc"), ("unknown", "")],
    ids=["by its id", "by its record", "which one is not known", "another"],
)
def test_what_was_rejected_the_source_still_has_and_differences_leave_it(
    ledger: Ledger, rejected: str, kept: str
) -> None:
    puts = replace(a_put("a"), id="A"), replace(a_put("b"), record_key="r"), a_put("c")
    learn(ledger, puts)
    begin(ledger, CHANGES)
    ledger.add_pack(1, PagePack(rejected_keys=(rejected,), number_next=3))

    assert gone(ledger, 1) == sorted(set("abc") - set(kept))


@pytest.mark.parametrize(
    ("rejected", "listed"), [("a", "a"), ("", "ab"), ("c", "")], ids=["one", "some", "another"]
)
def test_an_upload_deletes_what_was_rejected_and_so_it_is_listed(
    ledger: Ledger, rejected: str, listed: str
) -> None:
    learn(ledger, map(a_put, "ab"))
    begin(ledger, UPLOAD)
    ledger.add_pack(1, PagePack(rejected_keys=(rejected,), number_next=2))

    part = ledger.gone_part(1, "", is_patient=False)

    assert [row.key for row in part.rows] == ["a", "b"]
    assert (part.listed_keys, part.is_unnamed) == (frozenset(listed), not rejected)


def test_pages_that_have_not_landed_have_seen_nothing(storage: Storage, ledger: Ledger) -> None:
    learn(ledger, map(a_put, "ab"))
    begin(ledger, UPLOAD)
    try_page(ledger, 1, seen="a")
    try_page(ledger, 2, seen="b")

    assert gone(revived(storage), 1) == ["b"]


def test_of_very_many_the_list_comes_in_parts_that_neither_miss_nor_repeat(
    storage: Storage, ledger: Ledger
) -> None:
    count = RANGES * RANGE_ROWS + 100
    rows = [(f"k{number:06}", number) for number in range(count)]
    insert = "INSERT INTO ledger (kind, key, number, type, content, access, state, crawl_at_ms)"
    for start in range(0, count, 10_000):
        values = ",".join(
            f"(0,'{key}',{number},'note','c','a',1,1)"
            for key, number in rows[start : start + 10_000]
        )
        storage.exec(f"{insert} VALUES {values}")
    begin(ledger, CHANGES)
    seen = tuple(number for _, number in rows if number % 1_000)
    ledger.add_pack(1, PagePack(seen, number_next=count))

    first = ledger.gone_part(1, "", is_patient=False)
    assert first.after is not None
    last = ledger.gone_part(1, first.after, is_patient=False)

    assert last.after is None
    listed = [row.key for row in (*first.rows, *last.rows)]
    assert listed == [key for key, number in rows if number % 1_000 == 0]


def test_a_list_is_kept_in_parts_and_read_in_order(ledger: Ledger) -> None:
    rows = [GoneRow(f"k{number:04}", "note", f"K{number}") for number in range(625)]
    ledger.gone.add(AT_MS, rows[:300])
    ledger.gone.add(AT_MS, rows[300:])
    ledger.gone.add(AT_MS + 1, rows[:1])

    assert list(ledger.gone.rows(AT_MS)) == rows
    assert [len(part) for _, part in ledger.gone.parts(AT_MS, 0, 9)] == [250, 50, 250, 75]


def test_a_page_that_moves_under_the_reader_loses_nothing_at_once(ledger: Ledger) -> None:
    """What one crawl has not seen, the next one may: it is gone when two in a row have not."""
    learn(ledger, map(a_put, "abc"))
    for times, at_ms in enumerate((AT_MS, AT_MS + 1)):
        begin(ledger, replace(CHANGES, at_ms=at_ms), landed_count=1)
        try_page(ledger, 1, seen="b" if times else "ab")

        part = ledger.gone_part(1, "", is_patient=True)

        assert ([row.key for row in part.rows], part.waiting_count) == (
            (["c"], 1) if times else ([], 1)
        )


# One id, one thing


def test_two_versions_of_one_thing_in_an_upload_are_a_doubt(ledger: Ledger) -> None:
    """Pages of an upload are sent side by side: either may be the one that Glean has."""
    begin(ledger, UPLOAD)
    for page, content in enumerate("cd", start=1):
        ledger.add_pack(page, PagePack((0,), (a_put("a", 0, content),), number_next=1))

    applied(ledger, 2)

    assert unsure(ledger) == {"a"}


@pytest.mark.parametrize("contents", ["cdd", "ccd", "cdc"])
def test_a_third_one_that_is_like_another_does_not_settle_it(ledger: Ledger, contents: str) -> None:
    begin(ledger, UPLOAD)
    for page, content in enumerate(contents, start=1):
        ledger.add_pack(page, PagePack((0,), (a_put("a", 0, content),), number_next=1))

    applied(ledger, 3)

    assert unsure(ledger) == {"a"}


@pytest.mark.parametrize("is_upload", [True, False])
def test_what_glean_may_have_or_not_is_in_doubt_from_its_landing(
    ledger: Ledger, *, is_upload: bool
) -> None:
    begin(ledger, UPLOAD if is_upload else CHANGES)
    pack = try_page(ledger, 1, a_put("a", content=""))
    if is_upload:
        applied(ledger, 1)
    else:
        ledger.land(DOCUMENT, pack, AT_MS)

    assert (unsure(ledger), ledger.unconfirmed_count(DOCUMENT)) == ({"a"}, 1)


def test_two_that_are_alike_are_none(ledger: Ledger) -> None:
    begin(ledger, UPLOAD)
    for page in (1, 2):
        ledger.add_pack(page, PagePack((0,), (a_put("a"),), number_next=1))

    applied(ledger, 2)

    assert sure(ledger) == {"a"}


@pytest.mark.parametrize("change", [{"type": "page"}, {"id": "A"}], ids=["type", "spelling"])
def test_two_of_another_type_or_spelling_are_a_doubt(
    ledger: Ledger, change: dict[str, str]
) -> None:
    begin(ledger, UPLOAD)
    ledger.add_pack(1, PagePack((0,), (a_put("a"),), number_next=1))
    # What else differs, the digest of the content has in it.
    other = replace(a_put("a", content="d"), **change)
    ledger.add_pack(2, PagePack((0,), (other,), number_next=1))

    applied(ledger, 2)

    assert unsure(ledger) == {"a"}


def test_of_two_types_in_an_upload_glean_may_have_both(ledger: Ledger) -> None:
    begin(ledger, UPLOAD)
    for page, type_ in enumerate(("note", "page", "wiki"), start=1):
        put = a_put("a", 0, type_, type_=type_)
        ledger.add_pack(page, PagePack((0,), (put,), number_next=1))

    applied(ledger, 3)

    put = ledger.look_up(DOCUMENT, "a")["a"].put
    assert (put.type, put.former_types) == ("wiki", ("note", "page"))


def test_two_of_single_requests_are_none_since_they_go_one_by_one(ledger: Ledger) -> None:
    begin(ledger, CHANGES)
    for page, content in enumerate("cd", start=1):
        ledger.land(DOCUMENT, try_page(ledger, page, a_put("a", content=content)), AT_MS)

    assert sure(ledger) == {"a"}
    assert ledger.look_up(DOCUMENT, "a")["a"].put.content == "d"


# Types


def test_a_type_that_was_under_way_is_one_that_glean_may_have(
    storage: Storage, ledger: Ledger
) -> None:
    learn(ledger, [a_put("a")])
    begin(ledger, CHANGES)
    for type_ in ("page", "wiki"):
        try_page(ledger, 1, a_put("a", type_=type_))
        ledger = revived(storage)
        ledger.doubt_lost_tries(page_count=0)

    row = ledger.look_up(DOCUMENT, "a")["a"]

    assert (row.is_trusted, row.put.type, row.put.former_types) == (False, "wiki", ("note", "page"))


def test_a_type_that_has_landed_is_the_only_one(ledger: Ledger) -> None:
    learn(ledger, [replace(a_put("a"), former_types=("page",))])
    begin(ledger, CHANGES)

    ledger.land(DOCUMENT, try_page(ledger, 1, a_put("a", type_="wiki")), AT_MS)

    row = ledger.look_up(DOCUMENT, "a")["a"]
    assert (row.is_trusted, row.put.type, row.put.former_types) == (True, "wiki", ())


# Applying


def test_an_upload_is_applied_in_steps_and_each_may_be_repeated(
    storage: Storage, ledger: Ledger
) -> None:
    count = APPLIED_TOGETHER // 2
    begin(ledger, UPLOAD)
    for page in range(1, 4):
        try_page(ledger, page, *(a_put(f"{page}-{number}") for number in range(count)))
    first = ledger.apply(3, 0, LATER)
    assert first is not None
    assert ledger.state(DOCUMENT).replaced_at_ms is None
    storage.commit()

    ledger.apply(3, first, LATER)
    storage.rollback()
    ledger = revived(storage)
    assert ledger.apply(3, 0, LATER) == first
    assert ledger.apply(3, first, LATER) is None

    assert ledger.count(DOCUMENT) == 3 * count
    assert sure(ledger, "1-0", "2-0", f"3-{count - 1}") == {"1-0", "2-0", f"3-{count - 1}"}
    assert ledger.state(DOCUMENT) == LATER


def test_ten_thousand_rows_of_long_ids_are_applied(ledger: Ledger) -> None:
    keys = [f"{number:0200}" for number in range(10_000)]
    begin(ledger, UPLOAD)
    for page in range(10):
        some = keys[page * 1_000 : (page + 1) * 1_000]
        try_page(ledger, page + 1, *(replace(a_put(key), title="t" * 200) for key in some))

    assert applied(ledger, 10) > 1
    assert sure(ledger, *keys) == set(keys)


def test_a_death_amid_applying_leaves_a_doubt_of_all_where_the_job_is_given_up(
    storage: Storage, ledger: Ledger
) -> None:
    begin(ledger, UPLOAD)
    try_page(ledger, 1, *(a_put(f"k{number}") for number in range(APPLIED_TOGETHER)))
    ledger.mark_closing()
    assert ledger.apply(1, 0, LATER) is not None

    ledger = revived(storage)
    begin(ledger, NEXT)

    assert sure(ledger, "k0", "k1") == set()


def test_texts_that_sql_or_json_might_mangle_are_rows_like_others(ledger: Ledger) -> None:
    keys = ["it's", '"quoted"', "\\", "\x01b", "\x01c", "é\u2028", "😀", "x" * 200, "';--"]
    begin(ledger, UPLOAD)
    try_page(ledger, 1, *(replace(a_put(key), id=key.upper()) for key in keys))
    applied(ledger, 1)

    rows = ledger.look_up(DOCUMENT, keys)

    assert {key: row.put.id for key, row in rows.items()} == {key: key.upper() for key in keys}
    begin(ledger, NEXT)
    ledger.add_pack(1, PagePack(number_next=9))
    assert sorted(gone(ledger, 1)) == sorted(keys)
    ledger.land(DOCUMENT, PagePack(deleted_keys=("\x01b",)), NEXT.at_ms)
    assert sure(ledger, *keys) == set(keys) - {"\x01b"}


# Numbers


def test_a_number_is_given_once_whatever_becomes_of_its_page(
    storage: Storage, ledger: Ledger
) -> None:
    """Of two things with one number, the crawl that sees one would never miss the other."""
    begin(ledger, UPLOAD)
    first = try_page(ledger, 1, a_put("a"), a_put("b"))
    second = try_page(ledger, 2, a_put("c"))
    ledger.amend_pack(1, replace(first, puts=first.puts[:1]))
    third = try_page(ledger, 3, a_put("d"))
    ledger = revived(storage)
    ledger.doubt_lost_tries(page_count=3)
    fourth = try_page(ledger, 4, a_put("e"))
    begin(ledger, NEXT)
    fifth = try_page(ledger, 1, a_put("f"))
    ledger = revived(storage)
    ledger.doubt_lost_tries(page_count=0)
    sixth = try_page(ledger, 1, a_put("g"))

    packs = first, second, third, fourth, fifth, sixth
    numbers = [put.number for pack in packs for put in pack.puts]
    assert len(set(numbers)) == len(numbers)


# What it costs


def test_an_upload_costs_a_row_a_page_and_a_row_a_change(storage: Storage, ledger: Ledger) -> None:
    learn(ledger, [a_put(f"k{number}") for number in range(100)])
    begin(ledger, UPLOAD)
    before = storage.row_count

    for page in range(10):
        keys = [f"k{number}" for number in range(page * 10, page * 10 + 10)]
        put = a_put(keys[0], content="d")
        try_page(ledger, page + 1, put, seen=keys[1:])
    applied(ledger, 10)

    pages, changes, head = 10, 10, 1
    assert storage.row_count - before <= pages + changes + head


def test_what_is_deleted_costs_a_row_each(storage: Storage, ledger: Ledger) -> None:
    learn(ledger, [a_put(f"k{number}") for number in range(100)])
    begin(ledger, UPLOAD)
    try_page(ledger, 1, seen=[f"k{number}" for number in range(90)])
    ledger.gone.add(AT_MS, ledger.gone_part(1, "", is_patient=False).rows)
    before = storage.row_count

    applied(ledger, 1)

    lists, head = 1, 1
    assert storage.row_count - before <= 10 + lists + head


def test_beginning_and_looking_up_costs_no_more_than_the_head(
    storage: Storage, ledger: Ledger
) -> None:
    learn(ledger, [a_put("a")])
    begin(ledger, NEXT)
    before = storage.row_count

    ledger.look_up(DOCUMENT, "abc")
    ledger.doubt_lost_tries(page_count=0)
    ledger.mark_closing()
    ledger.mark_closing()

    assert storage.row_count - before <= 1
    assert ledger.state(DOCUMENT) == replace(WHOLE, replaced_at_ms=BEGUN_MS)


def test_things_of_the_longest_texts_fit_into_what_a_value_may_have(
    storage: Storage, ledger: Ledger
) -> None:
    """The storage of these tests refuses one of more than 2 MB, as the platform does."""
    long, count = "\u754c" * 200, 1_200
    names = [f"{number:05}{long[5:]}" for number in range(count)]
    puts = tuple(
        Put(name, number, "note", "c" * 16, "a" * 16, f"N{name[1:]}", long, long, long)
        for number, name in enumerate(names)
    )
    rows = [GoneRow(put.key, put.type, put.id, long, long, long) for put in puts]
    begin(ledger, CHANGES)
    pack = PagePack(tuple(range(count)), puts, number_next=count)

    ledger.add_pack(1, pack)
    ledger.land(DOCUMENT, pack, AT_MS)
    ledger.gone.add(AT_MS, rows)

    assert set(ledger.look_up(DOCUMENT, names)) == set(names)
    assert list(ledger.gone.rows(AT_MS)) == rows
    assert revived(storage).number_next() == count


def test_what_is_distrusted_is_sure_again_once_a_later_crawl_has_brought_it(
    ledger: Ledger,
) -> None:
    learn(ledger, [a_put("staff")], kind=Kind.MEMBERSHIP)
    ledger.distrust(Kind.MEMBERSHIP, AT_MS)
    assert not ledger.look_up(Kind.MEMBERSHIP, ["staff"])["staff"].is_trusted

    ledger.land(Kind.MEMBERSHIP, PagePack(puts=(a_put("staff"),)), AT_MS)

    assert ledger.look_up(Kind.MEMBERSHIP, ["staff"])["staff"].is_trusted


@pytest.mark.parametrize("is_revived", [False, True])
def test_what_glean_has_never_had_and_has_refused_the_crawl_has_come_by(
    storage: Storage, *, is_revived: bool
) -> None:
    """Of a list that has the newest first, an older version follows that others may see."""
    ledger = Store(storage).ledger
    begin(ledger, CHANGES)
    ledger.has_seen(0, "a", None)
    pack = replace(try_page(ledger, 1, a_put("a")), puts=(), rejected_keys=("A",))
    ledger.amend_pack(1, pack)
    ledger.see(pack)
    if is_revived:
        ledger = revived(storage)

    assert ledger.has_seen(1, "a", None)
    assert not ledger.has_seen(1, "b", None)
