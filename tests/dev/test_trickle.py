"""What `make dev` lets happen, minute by minute."""

from collections import Counter

from dev.live import SOURCES
from dev.trickle import CHANGES_MAX, FULL_MINUTES, Minute, minute
from durable.machine.job import Mode


DAY = [minute(number, SOURCES) for number in range(24 * 60)]


def test_a_minute_is_always_the_same() -> None:
    assert minute(7, SOURCES) == minute(7, SOURCES) != minute(8, SOURCES)


def test_everything_is_read_first_and_again_now_and_then() -> None:
    fulls = [number for number, each in enumerate(DAY) if each.mode is Mode.FULL]

    assert fulls == [*range(0, len(DAY), FULL_MINUTES)]
    assert DAY[0] == Minute((), Mode.FULL)


def test_every_source_changes_and_none_each_minute() -> None:
    counts = Counter(change.source for each in DAY for change in each.changes)

    assert set(counts) == set(SOURCES)
    assert max(counts.values()) < sum(each.mode is Mode.INCREMENTAL for each in DAY)


def test_changes_are_few_and_no_full_job_is_held_for_them() -> None:
    for each in DAY:
        for change in each.changes:
            assert 1 <= change.change <= CHANGES_MAX
            assert 0 <= change.remove <= change.add
    assert any(change.remove for each in DAY for change in each.changes)


def test_where_no_source_can_change_cron_ticks_all_the_same() -> None:
    assert minute(1, ()) == Minute((), Mode.INCREMENTAL)


def test_what_changes_is_told_in_words() -> None:
    (change, *_) = (change for each in DAY for change in each.changes if change.remove)

    assert str(change) == (f"{change.change} changed, {change.remove} removed, {change.add} added")
