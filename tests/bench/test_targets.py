from collections.abc import Mapping

from msgspec.structs import replace

from bench.plan import LOOP, OURS, PROXY, SDK, STOCK
from bench.results import Cold, Growth, Latency, Memory, Results, Throughput
from bench.targets import MIB, Verdict, loss, verdicts


def rates(figures: Mapping[str, float]) -> dict[str, Throughput]:
    return {
        name: Throughput(documents_per_second=[rate, rate], peak_bytes=MIB)
        for name, rate in figures.items()
    }


def a_growth(documents: int, us_per_document: float, rows_per_page: float) -> Growth:
    pages = documents // 100
    return Growth(
        documents=documents,
        us_per_document=[us_per_document],
        rows=round(rows_per_page * pages),
        pages=pages,
    )


ALL_MET = Results(
    rounds=2,
    machine={},
    throughput=rates({PROXY: 100_000, OURS: 35_000, SDK: 8_000, STOCK: 3_000}),
    latency={OURS: Latency(pages=300, shares_of_ideal=[1.05, 1.09, 1.5])},
    memory=[Memory(pages=pages, page_bytes=250_000, heap_bytes=50 * MIB) for pages in (100, 1_000)],
    large=Memory(pages=30, page_bytes=8_300_000, heap_bytes=96 * MIB),
    growth=[a_growth(1_000, 90, 4), a_growth(10_000, 40, 2.2), a_growth(100_000, 42, 2.1)],
    turn_overheads_ms=[12, 19, 40],
    cold=Cold(first_ms=None, warm_ms=5),
    package_bytes=MIB // 3,
)


def missed(results: Results) -> list[str]:
    return [one.what for one in verdicts(results) if not one.is_met]


def verdict(results: Results, word: str) -> Verdict:
    (found,) = (one for one in verdicts(results) if word in one.what)
    return found


def test_what_is_at_its_target_meets_it() -> None:
    assert missed(ALL_MET) == []


def test_medians_are_held_against_the_targets() -> None:
    assert verdict(ALL_MET, "source is slow").measured == "1.09x"
    assert verdict(ALL_MET, "turn").measured == "19.00 ms"


def test_a_slower_sync_misses_the_targets_that_it_is_compared_by() -> None:
    slow = replace(ALL_MET, throughput={**ALL_MET.throughput, **rates({OURS: 31_000})})

    assert missed(slow) == [
        f"throughput by that of: {PROXY}",
        f"throughput by that of: {SDK}",
    ]


def test_a_heap_that_grows_with_the_pages_is_seen_below_its_target_too() -> None:
    grown = Memory(pages=1_000, page_bytes=250_000, heap_bytes=51 * MIB)

    results = replace(ALL_MET, memory=[ALL_MET.memory[0], grown])

    assert missed(results) == ["heap more after 1,000 pages than after 100"]


def test_time_and_rows_that_grow_with_the_job_are_seen() -> None:
    sizes = [*ALL_MET.growth[:2], a_growth(100_000, 45, 2.5)]

    assert missed(replace(ALL_MET, growth=sizes)) == [
        "time a document with 100,000 documents, by the least with fewer",
        "rows a document with 100,000 documents, by the least with fewer",
    ]


def measured(ours: float, loop: float) -> Results:
    return replace(ALL_MET, throughput=rates({OURS: ours, LOOP: loop}))


def test_a_loss_beside_the_loop_of_the_same_run_is_told() -> None:
    kept = measured(20_000, 50_000)

    assert loss(measured(14_900, 50_000), kept) is not None
    assert loss(measured(15_100, 50_000), kept) is None
    assert loss(measured(30_000, 50_000), kept) is None


def test_a_slower_machine_is_no_loss() -> None:
    assert loss(measured(5_000, 12_500), measured(20_000, 50_000)) is None
