"""What is remembered of a page, and what is to be sent of it when it is read again."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from durable.machine.page_progress import (
    ENTRIES_MAX,
    ENTRY_BYTES,
    Landing,
    PageProgress,
    Remaining,
    encode_entry,
    remaining,
)


class Text(Struct, frozen=True):
    text: str


class Written(Struct, frozen=True):
    key: str
    text: str

    @property
    def change(self) -> Text:
        return Text(self.text)


def page(*texts: str) -> list[Written]:
    """Of changes as in `a1`: the document a, as it was written first."""
    return [Written(text[0], text[1:]) for text in texts]


def after(
    landed: PageProgress, changes: list[Written], *indexes: int, refusal: Landing = Landing.TAKEN
) -> PageProgress:
    """Glean has taken these, one after the other."""
    rest = remaining(landed, changes, 10**6)
    landed = landed.doubted(rest.doubts)
    for index in indexes:
        landed = landed.acknowledged(entry_of(rest, index, refusal))
    return landed


def entry_of(rest: Remaining, index: int, refusal: Landing = Landing.TAKEN) -> bytes:
    return encode_entry(rest.marks[index], rest.fates[index] | refusal)


def sent(landed: PageProgress, *texts: str, resends_max: int = 10**6) -> list[str]:
    changes = page(*texts)
    return [texts[index] for index in remaining(landed, changes, resends_max).to_send]


def test_all_of_a_page_of_which_nothing_is_known_is_sent_in_order() -> None:
    assert sent(PageProgress(), "a1", "b1", "a2") == ["a1", "b1", "a2"]


def test_what_glean_took_is_not_sent_again_wherever_it_stands() -> None:
    landed = after(PageProgress(), page("a1", "b1", "c1"), 0, 1)

    assert sent(landed, "d1", "b1", "c1", "a1") == ["d1", "c1"]


def test_what_has_changed_is_sent_again_after_what_was_never_sent() -> None:
    landed = after(PageProgress(), page("a1", "b1", "c1"), 0, 1)

    assert sent(landed, "a2", "b1", "c1") == ["c1", "a2"]


def test_of_several_changes_of_a_document_those_that_follow_are_sent() -> None:
    landed = after(PageProgress(), page("a1", "a2", "a3"), 0)

    assert sent(landed, "a1", "a2", "a3") == ["a2", "a3"]


def test_where_its_history_is_another_one_all_of_it_is_sent() -> None:
    landed = after(PageProgress(), page("a1", "a2"), 0, 1)

    assert sent(landed, "a1") == ["a1"]
    assert sent(landed, "a0", "a1", "a2") == ["a0", "a1", "a2"]


def test_the_case_of_an_id_makes_no_other_document() -> None:
    landed = after(PageProgress(), page("a1", "A2"), 0, 1)

    assert sent(landed, "a1", "A2", "a1") == ["a1"]


def test_what_glean_refused_is_named_and_not_sent() -> None:
    landed = after(PageProgress(), page("a1", "b1"), 0, refusal=Landing.REFUSED)

    rest = remaining(landed, page("a1", "b1"), 0)

    assert (rest.refused, rest.taken, rest.to_send) == ([0], [], [1])
    assert landed.refused_count == 1
    assert sent(landed, "a2", "b1") == ["b1", "a2"]


def test_a_refusal_is_remembered_though_a_later_change_of_the_document_was_taken() -> None:
    changes = page("a1", "a2")
    landed = after(after(PageProgress(), changes, 0, refusal=Landing.REFUSED), changes, 1)

    rest = remaining(landed, changes, 0)

    assert (rest.refused, rest.taken, rest.to_send) == ([0], [1], [])


def test_what_changes_again_and_again_is_left_as_it_was_sent() -> None:
    landed = after(after(PageProgress(), page("a1"), 0), page("a2"), 0)

    assert sent(landed, "a3", "b1", resends_max=1) == ["b1"]
    assert remaining(landed, page("a3", "b1"), 1).left == [0]
    assert sent(landed, "a3", "b1", resends_max=2) == ["b1", "a3"]


def test_each_request_may_hold_twice_as_many_as_the_one_before() -> None:
    landed = PageProgress(batch_changes_max=2)

    assert landed.acknowledged(bytes(3 * ENTRY_BYTES)).batch_changes_max == 6


def test_of_too_many_nothing_is_remembered() -> None:
    """Of a part it could not be told any more what is in doubt."""
    landed = PageProgress(bytes(ENTRY_BYTES * ENTRIES_MAX)).acknowledged(bytes(ENTRY_BYTES))

    assert landed == PageProgress(is_full=True)
    assert landed.acknowledged(bytes(ENTRY_BYTES)) == landed
    assert sent(landed, "a1") == ["a1"]


def test_a_document_whose_other_version_may_have_been_sent_is_sent_again() -> None:
    landed = after(PageProgress(), page("a1", "b1"), 0, 1)

    landed = after(landed, page("a2", "b1"))  # a2 was sent, and its answer was lost

    assert sent(landed, "a1", "b1") == ["a1"]


def test_a_document_whose_later_change_is_there_no_more_is_sent_again() -> None:
    landed = after(PageProgress(), page("a2", "a1"), 0)  # a1 was sent, and its answer was lost

    assert sent(landed, "a2") == ["a2"]
    assert sent(landed, "a2", "a3") == ["a3"]


def test_a_document_of_which_not_all_was_sent_is_never_left() -> None:
    """What follows may be older than the job, and no other job would read it."""
    landed = after(PageProgress(), page("a1", "a2"), 0)

    assert sent(landed, "a3", "a4", resends_max=0) == ["a3", "a4"]


def test_a_refused_document_that_changes_again_and_again_stays_refused() -> None:
    landed = after(PageProgress(), page("a1"), 0, refusal=Landing.REFUSED)

    assert remaining(landed, page("a2"), 0).refused == [0]


CHANGES = st.lists(
    st.builds(Written, st.sampled_from("abcA"), st.sampled_from("123")), min_size=1, max_size=8
)


@given(st.lists(st.tuples(CHANGES, st.integers(0, 8), st.booleans()), max_size=6), CHANGES)
def test_however_often_a_page_is_read_glean_comes_to_have_its_last_reading(
    tries: list[tuple[list[Written], int, bool]], last: list[Written]
) -> None:
    """Each try sends so many changes, and may not hear of the latest."""
    landed, index = PageProgress(), dict[str, str]()
    for changes, count, is_lost in [*tries, (last, len(last), False)]:
        rest = remaining(landed, changes, 10**6)
        assert sorted([*rest.to_send, *rest.taken]) == list(range(len(changes)))
        landed, sends = landed.doubted(rest.doubts), rest.to_send[:count]
        for number, at in enumerate(sends, start=1):
            index[changes[at].key.casefold()] = changes[at].text
            if number < len(sends) or not is_lost:
                landed = landed.acknowledged(entry_of(rest, at))

    for key, text in {change.key.casefold(): change.text for change in last}.items():
        assert index[key] == text
    assert remaining(landed, last, 0).to_send == []
