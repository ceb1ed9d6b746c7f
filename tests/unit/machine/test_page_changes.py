"""A page beside what Glean has: what of it is sent, and what is remembered of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from durable.machine.ledger import LedgerRow, PagePack, Put
from durable.machine.page_changes import Candidate, Compared, compare, without
from durable.machine.pages import ChangeCounts
from tests.fakes.ledgers import a_put


NEXT = 100  # the first number that is free
OLD = a_put("a", 7)


def put(key: str = "a", **changes: Any) -> Candidate:
    return Candidate(a_put(key, **changes))


def deletion(key: str = "a", type_: str = "note") -> Candidate:
    return Candidate(a_put(key, content="", access="", type_=type_), is_deletion=True)


def rows(*puts: Put, is_trusted: bool = True) -> Mapping[str, LedgerRow]:
    return {one.key: LedgerRow(one, is_trusted) for one in puts}


def compared(
    candidates: Sequence[Candidate],
    known: Mapping[str, LedgerRow] | None = None,
    seen: Iterable[str] = (),
    *,
    is_full: bool = True,
    **options: bool,
) -> Compared:
    keys = set(seen)
    return compare(
        candidates, known or {}, NEXT, lambda key, _row: key in keys, is_full=is_full, **options
    )


EITHER = pytest.mark.parametrize("is_full", [True, False], ids=["list", "changes"])


@EITHER
def test_an_upload_has_one_request_for_what_has_changed_its_type(*, is_full: bool) -> None:
    page = compare(
        [put(type_="page")],
        rows(OLD),
        NEXT,
        lambda _key, _row: False,
        is_full=is_full,
        is_in_any_order=True,
    )

    assert page.doubts == {}


@EITHER
def test_what_is_new_is_sent_and_gets_a_number(*, is_full: bool) -> None:
    page = compared([put("a"), put("b")], is_full=is_full)

    assert sorted(page.to_send) == [0, 1]
    assert page.pack == PagePack((100, 101), (a_put("a", 100), a_put("b", 101)), number_next=102)
    assert page.changes == ChangeCounts(added=2)


@EITHER
def test_what_has_changed_is_sent_and_keeps_its_number(*, is_full: bool) -> None:
    page = compared([put(content="d")], rows(OLD), is_full=is_full)

    assert sorted(page.to_send) == [0]
    assert page.pack == PagePack((7,), (a_put("a", 7, "d"),), number_next=NEXT)
    assert page.changes == ChangeCounts(changed=1, rewritten=1)


@EITHER
def test_access_alone_that_has_changed_is_sent_and_counted_apart(*, is_full: bool) -> None:
    page = compared([put(access="b")], rows(OLD), is_full=is_full)

    assert (sorted(page.to_send), page.changes) == ([0], ChangeCounts(access=1))
    assert sorted(page.access) == [0]


@pytest.mark.parametrize(
    "changes", [{"content": "d"}, {"type_": "page"}, {"access": "b", "content": "d"}, {}]
)
@EITHER
def test_of_what_differs_otherwise_not_only_the_access_is_sent(
    changes: Mapping[str, str], *, is_full: bool
) -> None:
    assert not compared([put(**changes)], rows(OLD), is_full=is_full).access


@EITHER
def test_of_what_is_in_doubt_not_only_the_access_is_sent(*, is_full: bool) -> None:
    assert not compared([put(access="b")], rows(OLD, is_trusted=False), is_full=is_full).access


@EITHER
def test_of_what_may_be_there_under_another_type_not_only_the_access_is_sent(
    *, is_full: bool
) -> None:
    known = rows(replace(OLD, former_types=("page",)))

    assert not compared([put(access="b")], known, is_full=is_full).access


@EITHER
def test_of_what_an_earlier_page_has_brought_not_only_the_access_is_sent(*, is_full: bool) -> None:
    """Glean may refuse that page's version yet."""
    assert not compared([put(access="b")], rows(OLD), "a", is_full=is_full).access


def test_an_upload_has_all_of_what_has_another_access() -> None:
    assert not compared([put(access="b")], rows(OLD), is_in_any_order=True).access


@EITHER
def test_what_is_as_it_was_is_seen_and_not_sent(*, is_full: bool) -> None:
    page = compared([put()], rows(OLD), is_full=is_full)

    assert (sorted(page.to_send), page.pack) == ([], PagePack((7,), number_next=NEXT))
    assert page.changes == ChangeCounts(unchanged=1)


@EITHER
def test_what_is_in_doubt_is_sent_though_it_is_as_it_was(*, is_full: bool) -> None:
    page = compared([put()], rows(OLD, is_trusted=False), is_full=is_full)

    assert (sorted(page.to_send), page.pack.puts) == ([0], (OLD,))
    assert page.changes == ChangeCounts(changed=1)


# Several changes of one id


@EITHER
def test_of_what_comes_several_times_the_last_is_sent(*, is_full: bool) -> None:
    page = compared([put(), put(content="d"), put("b"), put(content="e")], is_full=is_full)

    assert (sorted(page.to_send), sorted(page.superseded)) == ([2, 3], [0, 1])
    assert page.pack.puts == (a_put("b", 100), a_put("a", 101, "e"))
    assert page.changes == ChangeCounts(added=2, unchanged=2)


@EITHER
def test_what_changes_and_changes_back_is_not_sent_at_all(*, is_full: bool) -> None:
    page = compared([put(content="d"), put()], rows(OLD), is_full=is_full)

    assert (sorted(page.to_send), page.pack.puts, page.pack.seen) == ([], (), (7,))


@EITHER
def test_no_type_on_the_way_to_the_last_one_is_ever_there(*, is_full: bool) -> None:
    page = compared([put(type_="page"), put(type_="wiki")], rows(OLD), is_full=is_full)

    assert (sorted(page.to_send), page.former_types) == ([1], {1: ("note",)})


# Pages side by side


def test_what_an_upload_has_had_before_is_in_doubt_where_it_differs() -> None:
    """Either may be the one that Glean has once it is closed."""
    page = compared([put(content="d")], rows(OLD), "a", is_in_any_order=True)

    (doubt,) = page.pack.puts
    assert (doubt.number, doubt.content, sorted(page.to_send)) == (7, "", [0])


def test_what_is_as_it_was_is_told_beside_another_version_of_an_earlier_page() -> None:
    page = compared([put()], rows(OLD), "a", is_in_any_order=True)

    assert page.pack.puts == (OLD,)
    assert page.changes == ChangeCounts(unchanged=1)


def test_of_two_versions_on_one_page_of_an_upload_one_is_sent() -> None:
    page = compared([put(type_="page"), put(type_="wiki")], rows(OLD), is_in_any_order=True)

    assert sorted(page.superseded) == [0]
    assert page.pack.puts == (a_put("a", 7, type_="wiki"),)


def test_what_single_requests_have_brought_before_is_sure() -> None:
    page = compared([put(content="d")], rows(OLD), "a")

    assert page.pack.puts == (a_put("a", 7, "d"),)


# Spellings


def test_another_spelling_of_what_the_page_has_is_none_of_its_own() -> None:
    page = compared([put(), Candidate(replace(OLD, id="A"))], rows(OLD))

    assert (page.respelt, sorted(page.to_send)) == ((1,), [])
    assert page.pack.seen == (7,)


def test_another_spelling_of_what_an_earlier_page_had_is_none_either() -> None:
    page = compared([Candidate(replace(OLD, id="A"))], rows(OLD), seen="a")

    assert (page.respelt, page.pack.seen) == ((0,), ())


def test_what_is_spelt_in_another_way_since_the_last_crawl_takes_the_place() -> None:
    page = compared([Candidate(replace(OLD, id="A", content="d"))], rows(OLD))

    assert (page.respelt, sorted(page.to_send)) == ((), [0])
    assert page.pack.puts == (replace(OLD, id="A", content="d"),)


def test_changes_may_be_spelt_as_they_are() -> None:
    """Of two changes the later one holds, whatever the list of all would say."""
    page = compared([put(), Candidate(replace(OLD, id="A", content="d"))], is_full=False)

    assert (page.respelt, sorted(page.to_send)) == ((), [0, 1])


# Types


@EITHER
def test_what_has_another_type_is_deleted_under_its_old_one_before(*, is_full: bool) -> None:
    page = compared([put(type_="page")], rows(OLD), is_full=is_full)

    assert (sorted(page.to_send), page.former_types) == ([0], {0: ("note",)})
    assert page.pack.puts == (a_put("a", 7, type_="page"),)


def test_what_may_be_there_under_several_types_is_deleted_under_all_others() -> None:
    known = rows(replace(OLD, former_types=("page", "wiki")), is_trusted=False)

    page = compared([put(type_="page")], known)

    assert page.former_types == {0: ("note", "wiki")}
    assert page.pack.puts[0].former_types == ()


def test_a_deletion_is_of_all_types_that_it_may_have() -> None:
    known = rows(replace(OLD, former_types=("wiki",)))

    page = compared([deletion(type_="page")], known, is_full=False)

    assert (sorted(page.to_send), page.former_types) == ([0], {0: ("note", "wiki")})


# Deletions


def test_a_deletion_of_what_has_a_row_is_sent() -> None:
    page = compared([deletion()], rows(OLD), is_full=False, is_whole=True)

    assert (sorted(page.to_send), page.pack) == (
        [0],
        PagePack(deleted_keys=("a",), number_next=NEXT),
    )


@pytest.mark.parametrize(("is_whole", "to_send"), [(False, [0]), (True, [])])
def test_a_deletion_of_what_has_none_is_sent_while_the_ledger_is_not_whole(
    *, is_whole: bool, to_send: list[int]
) -> None:
    page = compared([deletion()], is_full=False, is_whole=is_whole)

    assert (sorted(page.to_send), page.pack.puts) == (to_send, ())


def test_a_deletion_of_what_the_page_has_put_is_sent_alone() -> None:
    page = compared([put(content="d"), deletion()], rows(OLD), is_full=False, is_whole=True)

    assert (sorted(page.to_send), page.pack.deleted_keys) == ([1], ("a",))
    assert (page.pack.puts, page.pack.seen) == ((), ())


def test_what_was_never_there_and_is_gone_is_not_heard_of() -> None:
    page = compared([put(), deletion()], is_full=False, is_whole=True)

    assert (sorted(page.to_send), page.pack.deleted_keys, page.pack.puts) == ([], ("a",), ())


def test_what_is_put_after_its_deletion_is_there() -> None:
    page = compared([deletion(), put(content="d")], rows(OLD), is_full=False)

    assert (sorted(page.to_send), page.pack.deleted_keys) == ([1], ())
    assert page.pack.puts == (a_put("a", 7, "d"),)


def test_what_a_list_tells_to_be_deleted_counts_as_not_listed() -> None:
    page = compared([put("b"), deletion("b"), deletion("a")], rows(OLD))

    assert (sorted(page.to_send), sorted(page.superseded)) == ([], [0])
    assert (page.pack.seen, page.pack.puts, page.pack.deleted_keys) == ((), (), ())


# Newest first


def test_of_a_feed_that_has_the_newest_first_the_first_holds() -> None:
    page = compared([put(content="d"), put()], rows(OLD), is_full=False, is_newest_first=True)

    assert (sorted(page.to_send), page.pack.puts) == ([0], (a_put("a", 7, "d"),))


def test_what_an_earlier_page_has_had_is_older_here() -> None:
    page = compared([put(content="d")], rows(OLD), "a", is_full=False, is_newest_first=True)

    assert (sorted(page.to_send), page.changes) == ([], ChangeCounts(unchanged=1))


def test_a_deletion_is_newer_than_what_follows_it() -> None:
    page = compared([deletion(), put()], rows(OLD), is_full=False, is_newest_first=True)

    assert (sorted(page.to_send), page.pack.deleted_keys, page.pack.puts) == ([0], ("a",), ())


# Rejects


PACK = PagePack((1, 2, 3), (a_put("a", 1), a_put("b", 2)), ("c", "d"), number_next=4)
NUMBERS = {"a": 1, "b": 2, "e": 3}


def test_what_was_rejected_of_changes_is_as_it_was_before() -> None:
    pack = without(PACK, {"a", "c"}, NUMBERS, {}, is_upload=False)

    assert pack == replace(PACK, puts=(a_put("b", 2),), deleted_keys=("d",))


def test_what_was_rejected_of_an_upload_will_not_be_there() -> None:
    pack = without(PACK, {"a", "e", "unknown"}, NUMBERS, {}, is_upload=True)

    assert (pack.seen, [one.key for one in pack.puts]) == ((2,), ["b"])


def refused(page: Compared, key: str = "a", *, is_upload: bool = False) -> list[Put]:
    """The puts of a page, once Glean has refused something of this key."""
    pack = without(page.pack, {key}, page.numbers, page.doubts, is_upload=is_upload)
    return [one for one in pack.puts if one.key == key]


def spelt(candidate: Candidate, document_id: str = "A") -> Candidate:
    """The same thing, named in another way: a change of its own."""
    return replace(candidate, put=replace(candidate.put, id=document_id))


def test_of_two_spellings_of_which_one_was_refused_either_may_be_there() -> None:
    page = compared([put(content="d"), spelt(put(content="e"))], rows(OLD), is_full=False)

    (doubt,) = refused(page)

    assert (doubt.number, doubt.content, doubt.former_types) == (7, "", ())


def test_of_two_spellings_of_what_is_new_one_may_be_there_too() -> None:
    page = compared([put(content="d"), spelt(put(content="e"))], is_full=False, is_whole=True)

    (doubt,) = refused(page)

    assert (doubt.number, doubt.content) == (100, "")


def test_what_was_put_may_be_there_though_its_deletion_was_refused() -> None:
    page = compared([put(content="d"), spelt(deletion())], rows(OLD), is_full=False)

    assert [(one.number, one.content) for one in refused(page)] == [(7, "")]
    # Of a page that is lost half way, the put may be all that Glean has heard.
    assert [one.key for one in page.pack.puts] == ["a"]


def test_what_was_deleted_may_be_gone_though_what_came_after_it_was_refused() -> None:
    page = compared([deletion(), spelt(put(content="d"))], rows(OLD), is_full=False)

    assert [one.content for one in refused(page)] == [""]


def test_what_was_deleted_under_its_old_type_may_be_gone_though_the_new_one_was_refused() -> None:
    page = compared([put(type_="page")], rows(OLD))

    (doubt,) = refused(page)

    assert (doubt.content, doubt.type, doubt.former_types) == ("", "page", ("note",))


def test_a_deletion_under_several_types_may_be_done_in_part() -> None:
    page = compared([deletion()], rows(replace(OLD, former_types=("page",))), is_full=False)

    (doubt,) = refused(page)

    assert (doubt.number, doubt.content, doubt.type, doubt.former_types) == (
        7,
        "",
        "note",
        ("page",),
    )


@EITHER
def test_of_one_request_that_was_refused_all_is_as_it_was(*, is_full: bool) -> None:
    page = compared([put(content="d"), put("b")], rows(OLD), is_full=is_full)

    assert refused(page) == []
    assert page.doubts == {}


def test_of_a_deletion_that_was_refused_all_is_as_it_was() -> None:
    assert refused(compared([deletion()], rows(OLD), is_full=False)) == []


def test_of_what_has_no_row_a_refused_deletion_leaves_none() -> None:
    assert refused(compared([deletion(), spelt(deletion())], is_full=False)) == []
