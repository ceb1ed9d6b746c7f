"""What is remembered of documents that were sent."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, Struct

from durable.machine.ties import TIES_MAX, Tie, Ties, key_of


class Change(Struct, frozen=True):
    """A version of a document, of a record that changed at a time, if it says so."""

    key: str
    version: int = 1
    at_ms: int | None = 1

    @property
    def raw(self) -> Raw:
        return Raw(f"[{self.version},{self.at_ms or 'null'}]".encode())


def told(record: Raw) -> int | None:
    text = bytes(record).decode().strip("[]").partition(",")[2]
    return None if text == "null" else int(text)


def sent(
    page: Sequence[Change], ties: tuple[Tie, ...] = (), rejected: Sequence[str] = ()
) -> tuple[list[Change], tuple[Tie, ...]]:
    """What is sent of a page, and the ties after it."""
    known = Ties(ties)
    return list(known.news(page, told)), known.after(rejected)


A, B = Change("a"), Change("b")
NEWER_A = Change("a", version=2)


def test_what_was_sent_is_sent_again_once_it_has_changed() -> None:
    _, ties = sent([A, B])

    assert sent([A, B], ties) == ([], ties)
    assert sent([NEWER_A, B], ties)[0] == [NEWER_A]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ([A, A], []),
        ([A, NEWER_A], [NEWER_A]),
        ([NEWER_A, A], [NEWER_A, A]),
        ([A, NEWER_A, A], [NEWER_A, A]),
    ],
)
def test_of_several_versions_on_a_page_the_last_one_is_in_glean(
    page: list[Change], expected: list[Change]
) -> None:
    _, ties = sent([A])

    changes, after = sent(page, ties)

    assert changes == expected
    assert sent(page[-1:], after)[0] == []


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ([("a", 2, 9), ("a", 1, 5)], [2]),
        ([("a", 2, 9), ("b", 3, 7), ("A", 1, 9)], [2, 3]),  # in the very second, too
        ([("a", 2, None), ("a", 1, None)], [2]),
        ([("a", 1, 3)], []),  # older than what an earlier page, or job, had
        ([("a", 1, 4)], [1]),
        ([("a", 4, None)], [4]),
    ],
)
def test_of_a_list_with_the_newest_first_no_older_version_follows_a_newer_one(
    page: list[tuple[str, int, int | None]], expected: list[int]
) -> None:
    _, ties = sent([Change("a", version=7, at_ms=4)])
    known = Ties(ties)

    news = known.news([Change(*each) for each in page], told, is_newest_first=True)

    assert [change.version for change in news] == expected


@pytest.mark.parametrize(("behind", "is_sent"), [(TIES_MAX - 1, False), (TIES_MAX, True)])
def test_behind_as_many_as_are_remembered_an_older_version_is_not_known(
    behind: int, *, is_sent: bool
) -> None:
    """As docs/sources.md says: such a list is none to be read so."""
    later = [Change(f"n{number}", at_ms=1_000 + number) for number in range(behind)]
    known = Ties(())
    list(known.news([*later, Change("a", version=2, at_ms=9)], told, is_newest_first=True))
    known = Ties(known.after([]))

    news = list(known.news([Change("a", version=1, at_ms=5)], told, is_newest_first=True))

    assert bool(news) is is_sent


def test_a_record_that_does_not_say_when_it_changed_is_sent_each_time() -> None:
    untimed = Change("a", version=2, at_ms=None)
    _, ties = sent([A])

    changes, after = sent([untimed, untimed], ties)

    assert (changes, after) == ([untimed, untimed], ())
    assert sent([A], after)[0] == [A]


def test_what_was_rejected_is_not_remembered() -> None:
    _, ties = sent([A, B], rejected=["a"])

    assert sent([A, B], ties)[0] == [A]


def test_ids_that_differ_in_case_alone_may_be_one_in_glean() -> None:
    _, ties = sent([Change("A"), NEWER_A])

    assert sent([Change("A")], ties)[0] == [Change("A")]


def test_an_id_that_no_utf_8_can_write_has_a_key() -> None:
    assert key_of("\ud800") == key_of("?")


def test_so_many_are_remembered_those_that_changed_last() -> None:
    page = [Change(f"n{at_ms}", at_ms=at_ms) for at_ms in (*range(TIES_MAX, 0, -1), TIES_MAX + 1)]

    _, ties = sent(page)

    assert [tie.at_ms for tie in ties] == list(range(2, TIES_MAX + 2))
    assert sent(page, ties)[0] == [Change("n1")]


CHANGES = st.builds(Change, st.sampled_from("ab"), st.integers(1, 2), st.none() | st.integers(1, 2))


@given(st.lists(st.tuples(st.lists(CHANGES), st.sets(st.sampled_from("ab")))))
def test_glean_has_what_was_read_last_though_not_all_of_it_is_sent(
    pages: list[tuple[list[Change], set[str]]],
) -> None:
    """Of what Glean refuses, it may have any version, until it takes another one."""
    ties, glean, read = tuple[Tie, ...](), dict[str, Change | None](), dict[str, Change | None]()
    for page, refused in pages:
        changes, ties = sent(page, ties, sorted(refused))
        glean |= {change.key: change for change in changes}
        read |= {change.key: change for change in page}
        # A refusal of what was not sent is one that does not happen.
        for key in refused & {change.key for change in changes}:
            glean[key] = read[key] = None

        assert glean == read
