from bench.table import table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    lines = table(("contender", "n"), [("a", "1,000"), ("b", "2")]).splitlines()

    assert lines == [
        "| contender |     n |",
        "|-----------|------:|",
        "| a         | 1,000 |",
        "| b         |     2 |",
    ]
