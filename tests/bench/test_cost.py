"""What syncs cost, and that the documentation has it as it was measured."""

import msgspec
import pytest
from msgspec.structs import replace

from bench.cost import (
    DOCUMENT,
    RESULTS,
    USD_PER_GB_SECOND,
    USD_PER_REQUEST,
    USD_PER_ROW,
    Cost,
    cost,
    costs,
    idle_month,
)
from bench.plan import OURS
from bench.results import Growth, Latency, Results
from bench.shape import Shape


MEASURED = msgspec.json.decode(RESULTS.read_bytes(), type=Results)
# Slow ends cost a tenth more time than the ideal; a document costs 50 us, and a page a row.
RESULTS_OF_ROUND_FIGURES = replace(
    MEASURED,
    latency={OURS: Latency(pages=300, shares_of_ideal=[1.0, 1.1, 1.2])},
    growth=[
        Growth(documents=1_000, us_per_document=[60], rows=30, pages=10),
        Growth(documents=100_000, us_per_document=[40, 50, 60], rows=1_000, pages=1_000),
    ],
)


def of(shape: Shape) -> Cost:
    return cost(RESULTS_OF_ROUND_FIGURES, shape)


def test_the_documentation_has_what_was_measured() -> None:
    assert costs(MEASURED) in DOCUMENT.read_text(encoding="utf-8"), "run python -m bench.cost"


def test_the_documentation_has_the_prices() -> None:
    prices = {"alarms": USD_PER_REQUEST, "rows": USD_PER_ROW, "GB-s": USD_PER_GB_SECOND}
    shown = [f"{what} x {usd * 1_000_000:.2f}/million" for what, usd in prices.items()]

    assert f"USD        = {' + '.join(shown)}" in DOCUMENT.read_text(encoding="utf-8")


def test_the_time_of_a_slow_source_is_billed() -> None:
    billed = of(Shape(pages=10_000, source_ms=1_000))

    assert billed.gb_seconds == pytest.approx(10_000 * 1.1 * 0.128)
    assert billed.requests == 371  # turns of 27 pages, each half a minute
    assert billed.rows == 10_000 + 371 * 30


def test_of_a_fast_source_the_workers_own_time_is_billed() -> None:
    billed = of(Shape(pages=10_000, documents=100, source_ms=0))

    assert billed.gb_seconds == pytest.approx(1_000_000 * 50e-6 * 0.128)
    assert billed.requests == 27  # turns of 64 MiB


def test_pages_of_no_size_end_a_turn_by_their_number() -> None:
    assert of(Shape(pages=10_000, documents=1, document_bytes=100)).requests == 20


def test_a_page_that_is_a_turn_by_itself_is_one() -> None:
    assert of(Shape(pages=10, source_ms=60_000)).requests == 10


def test_all_that_is_billed_is_added_up() -> None:
    billed = Cost(requests=2, rows=3, gb_seconds=4.0)

    assert billed.usd == 2 * USD_PER_REQUEST + 3 * USD_PER_ROW + 4 * USD_PER_GB_SECOND


def test_an_hourly_job_costs_a_small_one_each_hour() -> None:
    assert idle_month(RESULTS_OF_ROUND_FIGURES).rows == 720 * 30
