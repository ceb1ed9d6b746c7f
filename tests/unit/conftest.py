from collections.abc import Iterator

import pytest

from tests.fakes.connections import none_left_open


@pytest.fixture(autouse=True)
def every_answer_is_closed() -> Iterator[None]:
    with none_left_open():
        yield
