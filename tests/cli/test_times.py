import pytest

from glean_sync.times import clock, duration, since
from tests.fakes.shell import NOW


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.24, "0.2 s"),
        (5, "5 s"),
        (59.4, "59.4 s"),
        (59.6, "1 min 0 s"),
        (3_599, "59 min 59 s"),
        (3_600, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (200_000, "2 d 7 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (None, ""),
        ("2026-11-25T16:59:50.000Z", "10 s ago"),
        ("2026-11-25T17:00:00.000Z", "0 s ago"),
        ("2026-11-25T18:30:00.000Z", "in 1 h 30 min"),
    ],
)
def test_a_time_is_told_from_now(at: str | None, words: str) -> None:
    assert since(at, NOW) == words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (None, ""),
        ("2026-11-25T16:59:50.999Z", "2026-11-25 16:59:50Z"),
        ("2026-11-25T18:59:50+02:00", "2026-11-25 16:59:50Z"),
    ],
)
def test_a_time_is_told_in_utc(at: str | None, words: str) -> None:
    assert clock(at) == words
