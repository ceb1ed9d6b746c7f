import pytest

from bench.trace import Request, Trace


def a_page(index: int, arrived_ms: float) -> Request:
    return Request(kind="page", index=index, arrived_ms=arrived_ms, answered_ms=arrived_ms + 1)


def test_the_total_is_from_the_first_request_to_the_last_answer_of_either_end() -> None:
    sent = Request(kind="documents", arrived_ms=120, answered_ms=200, documents=100)
    opened = Request(kind="boundary", arrived_ms=100, answered_ms=101)

    trace = Trace([a_page(0, 110), sent, opened])

    assert trace.total_ms == 100
    assert trace.documents_per_second == pytest.approx(1_000)


def test_a_turns_end_costs_what_the_next_page_comes_later() -> None:
    arrivals_ms = [0, 10, 20, 50, 60, 70, 110]  # turns of three pages: 30 ms and 40 ms between

    trace = Trace([a_page(index, at_ms) for index, at_ms in enumerate(arrivals_ms)])

    assert trace.turn_overhead_ms({3, 6}) == 25


def test_the_order_in_which_requests_were_remembered_does_not_matter() -> None:
    pages = [a_page(index, at_ms) for index, at_ms in enumerate([0, 10, 30])]

    assert Trace(pages[::-1]).turn_overhead_ms({2}) == Trace(pages).turn_overhead_ms({2}) == 10


def test_a_page_that_was_asked_for_again_counts_where_it_came_last() -> None:
    pages = [a_page(0, 0), a_page(1, 5), a_page(1, 10), a_page(2, 30)]

    assert Trace(pages).turn_overhead_ms({2}) == 10


def test_one_turn_has_no_end_to_measure() -> None:
    assert Trace([a_page(0, 0), a_page(1, 10)]).turn_overhead_ms(set()) is None
