from msgspec.structs import replace

from bench.isolate import Cell, IsolateResults, Killed, tables
from bench.targets import MIB


CELL = Cell(connectors=10, pages=8, page_bytes=1_800_000, heap_bytes=96 * MIB, shares=[0.7, 0.8, 3])
KILLED = Killed(
    connectors=10,
    pages=60,
    page_bytes=1_800_000,
    heap_bytes=90 * MIB,
    calm_ms=100_000,
    total_ms=300_000,
    kills=5,
)


def test_what_is_at_its_target_meets_it() -> None:
    assert CELL.is_met
    assert KILLED.is_met


def test_a_target_that_is_missed_is_seen() -> None:
    assert not replace(CELL, heap_bytes=96 * MIB + 1).is_met
    assert not replace(CELL, shares=[0.79, 0.5, 1]).is_met
    assert not replace(KILLED, kills=4).is_met
    assert not replace(KILLED, total_ms=300_001).is_met


def test_the_tables_have_a_row_for_each_cell() -> None:
    missed = replace(CELL, heap_bytes=97 * MIB)

    lines = tables(IsolateResults(cells=[CELL, missed], killed=KILLED)).splitlines()

    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert rows[2] == ["10 of 1.80 MB", "8", "96.0", "0.80 (0.70 to 3.00)", "met"]
    assert rows[3][-1] == "**missed**"
    assert rows[-1] == ["10 of 1.80 MB", "60", "90.0", "5", "3.00", "met"]
