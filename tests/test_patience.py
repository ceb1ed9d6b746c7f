"""A busy machine is no failure."""

import pytest


def test_no_test_fails_for_having_taken_long(request: pytest.FixtureRequest) -> None:
    timed = [
        item.nodeid
        for item in request.session.items
        if (made := getattr(item, "function", None)) is not None
        if (settings := getattr(made, "_hypothesis_internal_use_settings", None)) is not None
        if settings.deadline is not None
    ]

    assert timed == []
