from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.fakes.connections import none_left_open


# A busy machine is no failure.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")


@pytest.fixture(autouse=True)
def every_answer_is_closed() -> Iterator[None]:
    with none_left_open():
        yield
