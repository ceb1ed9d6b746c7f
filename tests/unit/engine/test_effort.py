"""How much of our own code a page takes, in calls: time is another one on each machine."""

import sys
from pathlib import Path
from types import FrameType

import pytest

import durable
from durable.machine.job import Mode
from durable.machine.states import State
from tests.fakes.answers import BULK, LIST, STATUS, a_history, a_page, ok
from tests.fakes.bench import Bench


OURS = str(Path(durable.__file__).parent)
# What is needed, and a tenth more. Whoever needs more, says in the commit what for.
CALLS_PER_PAGE_MAX = 750
CALLS_PER_RECORD_MAX = 31
FEW, MANY = 5, 25


@pytest.fixture(autouse=True)
def warm() -> None:
    """What is worked out once, is no page's."""
    calls(1, 1)


def calls(page_count: int, record_count: int) -> int:
    """Of functions, while a FULL job brings so many pages of so many records each."""
    bench = Bench()
    pages = range(1, page_count + 1)
    bench.network.on(
        LIST,
        *(
            a_page(
                *(f"{page}-{record}" for record in range(record_count)),
                next_cursor=None if page == page_count else str(page + 1),
            )
            for page in pages
        ),
    )
    bench.network.on(BULK, ok(), *(ok() for _ in pages), ok())
    job = bench.begun(Mode.FULL)
    upload_id = f"{job.id}-1"
    bench.network.on(STATUS, a_history((upload_id, "ACTIVE")), a_history((upload_id, "SUCCESSFUL")))
    names: list[str] = []

    def count(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        # Comprehensions are calls in some versions of Python.
        if event == "call" and code.co_filename.startswith(OURS) and code.co_name[0] != "<":
            names.append(code.co_qualname)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        left = bench.left()
    finally:
        sys.setprofile(before)
    assert left.state is State.SUCCEEDED, left.error
    return len(names)


def test_a_page_takes_no_more_calls_than_it_did() -> None:
    per_page = (calls(MANY, 1) - calls(FEW, 1)) / (MANY - FEW)

    assert per_page <= CALLS_PER_PAGE_MAX


def test_a_record_takes_no_more_calls_than_it_did() -> None:
    per_record = (calls(FEW, MANY) - calls(FEW, FEW)) / (FEW * (MANY - FEW))

    assert per_record <= CALLS_PER_RECORD_MAX
