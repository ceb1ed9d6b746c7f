from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable import cron


def at_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


def is_due(expression: str, text: str) -> bool:
    return cron.is_due(expression, at_ms(text))


def november_days(expression: str) -> list[int]:
    """The days of November 2026, which begins on a Sunday, that have it due at midnight."""
    return [day for day in range(1, 31) if is_due(expression, f"2026-11-{day:02} 00:00")]


def test_an_expression_is_due_in_its_whole_minute_and_in_no_other() -> None:
    assert is_due("30 2 * * *", "2026-11-03 02:30:00")
    assert is_due("30 2 * * *", "2026-11-03 02:30:59.999")
    assert not is_due("30 2 * * *", "2026-11-03 02:29:59.999")
    assert not is_due("30 2 * * *", "2026-11-03 02:31:00")


sunday_twice = pytest.mark.xfail(reason="cronsim counts a day 7, Sunday again, in open steps")


@pytest.mark.parametrize(
    ("weekday", "days"),
    [
        ("1", [1, 8, 15, 22, 29]),
        ("7", [7, 14, 21, 28]),
        ("SUN", [1, 8, 15, 22, 29]),
        ("mon", [2, 9, 16, 23, 30]),
        ("2-6", [2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20, 23, 24, 25, 26, 27, 30]),
        ("SAT,1", [1, 7, 8, 14, 15, 21, 22, 28, 29]),
        ("*/3", [1, 4, 7, 8, 11, 14, 15, 18, 21, 22, 25, 28, 29]),
        ("2-6/2", [2, 4, 6, 9, 11, 13, 16, 18, 20, 23, 25, 27, 30]),
        ("2/3", [2, 5, 9, 12, 16, 19, 23, 26, 30]),
        pytest.param("MON/3", [2, 5, 9, 12, 16, 19, 23, 26, 30], marks=sunday_twice),
        pytest.param("7,2/3", [2, 5, 7, 9, 12, 14, 16, 19, 21, 23, 26, 28, 30], marks=sunday_twice),
        pytest.param("7/1", [7, 14, 21, 28], marks=sunday_twice),
        ("2#1", [2]),
        ("MON#5", [30]),
        ("6L", [27]),
    ],
)
def test_sunday_is_1_and_saturday_7(weekday: str, days: list[int]) -> None:
    assert november_days(f"0 0 * * {weekday}") == days


@pytest.mark.parametrize(
    ("day", "days"),
    [("L", [30]), ("LW", [30]), ("1-9/4", [1, 5, 9]), ("31", []), ("*/10", [1, 11, 21])],
)
def test_days_of_the_month(day: str, days: list[int]) -> None:
    assert november_days(f"0 0 {day} * *") == days


def test_months_have_numbers_and_names() -> None:
    assert november_days("0 0 9 11 *") == november_days("0 0 9 OCT-nov *") == [9]
    assert november_days("0 0 9 10 *") == []


def test_a_day_of_the_month_or_of_the_week_is_enough() -> None:
    assert november_days("0 0 3 * 2") == [2, 3, 9, 16, 23, 30]


def test_steps_over_all_days_are_days_of_the_month_too() -> None:
    assert november_days("0 0 */10 * 2") == [1, 2, 9, 11, 16, 21, 23, 30]


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-11-01"])
def test_every_day_has_24_hours(day: str, hour: int) -> None:
    assert is_due(f"0 {hour} * * *", f"{day} {hour:02}:00")


@pytest.mark.parametrize(
    "expression", ["* * * * *", "0 2 * * *", "*/5 0-6,22 1 JAN 2#1", "0 0 29 2 *", "0 0 LW * 7L"]
)
def test_an_expression_that_cloudflare_takes_is_taken(expression: str) -> None:
    assert cron.fault(expression) is None


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "@daily",
        "60 * * * *",
        "0 24 * * *",
        "0 0 0 * *",
        "0 0 32 * *",
        "0 0 * 13 *",
        "0 0 * * 0",
        "0 0 * * 0-5",
        "0 0 * * 0,2",
        "0 0 * * 0#1",
        "0 0 * * 2#6",
        "0 0 * * LUNDI",
        "0 0 30 2 *",
        "*/0 * * * *",
        "5-1 * * * *",
        "0 0 * * 8",
        "0 0 * * 6-8",
        "0 0 2 * * *",
    ],
)
def test_any_other_expression_has_a_fault(expression: str) -> None:
    assert cron.fault(expression)


def field(low: int, high: int) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    """A field's text, and the numbers that it stands for by the simplest reading."""
    number = st.integers(low, high)
    bounds = st.tuples(number, number).map(sorted)
    step = st.integers(1, high - low)
    return st.one_of(
        st.just(("*", frozenset(range(low, high + 1)))),
        number.map(lambda n: (str(n), frozenset({n}))),
        bounds.map(lambda b: (f"{b[0]}-{b[1]}", frozenset(range(b[0], b[1] + 1)))),
        st.tuples(st.integers(low, high - 1), step).map(
            lambda b: (f"{b[0]}/{b[1]}", frozenset(range(b[0], high + 1, b[1])))
        ),
        step.map(lambda s: (f"*/{s}", frozenset(range(low, high + 1, s)))),
        st.lists(number, min_size=1, max_size=4).map(
            lambda numbers: (",".join(map(str, numbers)), frozenset(numbers))
        ),
    )


RANGES = [(0, 59), (0, 23), (1, 31), (1, 12), (1, 7)]
moments = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - UTC is added
    max_value=datetime(2030, 1, 1),  # noqa: DTZ001 - UTC is added
)


def numbers_of(moment: datetime) -> list[int]:
    weekday = moment.isoweekday() % 7 + 1
    return [moment.minute, moment.hour, moment.day, moment.month, weekday]


@given(
    st.sampled_from(range(5)).flatmap(lambda n: st.tuples(st.just(n), field(*RANGES[n]))), moments
)
def test_it_agrees_with_a_plain_reading_of_one_field(
    placed: tuple[int, tuple[str, frozenset[int]]], moment: datetime
) -> None:
    place, (text, numbers) = placed
    fields = ["*"] * 5
    fields[place] = text

    is_expected = numbers_of(moment)[place] in numbers

    assert is_due(" ".join(fields), moment.isoformat()) is is_expected


@given(st.tuples(*(field(*RANGES[place]) for place in (0, 1, 3, 4))), moments)
def test_it_agrees_with_a_plain_reading_of_many_fields(
    fields: tuple[tuple[str, frozenset[int]], ...], moment: datetime
) -> None:
    minute, hour, month, weekday = fields
    numbers = numbers_of(moment)
    del numbers[2]  # a day of the month and one of the week are not both asked for

    is_expected = all(n in allowed for n, (_, allowed) in zip(numbers, fields, strict=True))

    expression = f"{minute[0]} {hour[0]} * {month[0]} {weekday[0]}"
    assert is_due(expression, moment.isoformat()) is is_expected
