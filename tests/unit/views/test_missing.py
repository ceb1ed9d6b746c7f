"""What a FULL job would delete, as its object tells it."""

import asyncio
import json

import pytest
from msgspec.structs import replace

from durable.engine.questions import ReadMissing, answer_question, decode_answer, encode_answer
from durable.machine.gone import Gone
from durable.machine.job import FinishedStage, Job, Mode, Stage, Way
from durable.machine.states import State
from durable.store.gone_lists import TOGETHER
from durable.store.ledger_rows import GoneRow
from durable.views.views import MissingItem
from tests.fakes.bench import NOW_MS, Bench
from tests.fakes.jobs import alter


CRAWL_AT_MS = NOW_MS - 9
GONE = Gone(count=3, new_count=3, is_whole=True, digest="8c1f")
JOB = alter(
    Job(id="notes-1", connector="notes", mode=Mode.FULL, created_at_ms=NOW_MS),
    state=State.HELD,
    begun_at_ms=CRAWL_AT_MS,
    gone=GONE,
)


def a_row(number: int, title: str | None = None, url: str | None = None) -> GoneRow:
    return GoneRow(f"n{number:05}", "note", f"N{number:05}", None, title, url)


def a_bench(job: Job, *rows: GoneRow, crawl_at_ms: int = CRAWL_AT_MS) -> Bench:
    bench = Bench()
    bench.put(job)
    bench.store.ledger.gone.add(crawl_at_ms, rows)
    return bench


def missing(
    bench: Bench, after: tuple[int, int] = (0, 0), count: int = 100
) -> tuple[Gone | None, list[MissingItem]]:
    """As it travels."""
    question = ReadMissing("notes-1", after, count)
    text = json.dumps({"type": "ReadMissing", "job_id": "notes-1", "after": after, "count": count})
    found = decode_answer(question, asyncio.run(answer_question(text, bench.services)))
    assert found is not None
    return found.gone, found.items


def test_what_a_held_job_would_delete_is_told_by_name() -> None:
    rows = [a_row(1, "One", "https://notes.example/1"), a_row(2)]

    gone, items = missing(a_bench(JOB, *rows))

    assert (gone, [item.row for item in items]) == (GONE, rows)


def test_a_list_of_many_parts_is_told_once_and_in_order() -> None:
    rows = [a_row(number) for number in range(TOGETHER + 250)]
    bench = a_bench(JOB, *rows)
    seen: list[GoneRow] = []
    after = (0, 0)

    while items := missing(bench, after)[1]:
        assert len(items) <= 100
        seen += [item.row for item in items]
        after = items[-1].place

    assert seen == rows


def test_a_part_shorter_than_what_is_asked_for_is_followed_by_the_next() -> None:
    bench = a_bench(JOB, a_row(1))
    bench.store.ledger.gone.add(CRAWL_AT_MS, [a_row(2), a_row(3)])

    _, items = missing(bench, count=2)

    assert [item.row.key for item in items] == ["n00001", "n00002"]
    assert [item.row.key for item in missing(bench, items[-1].place)[1]] == ["n00003"]


@pytest.mark.parametrize("after", [(1, 9), (2, 0), (10**15 - 1, 10**15 - 1)])
def test_after_the_end_there_is_nothing(after: tuple[int, int]) -> None:
    assert missing(a_bench(JOB, a_row(1)), after)[1] == []


def test_of_a_list_that_is_not_whole_nothing_is_told() -> None:
    job = alter(JOB, state=State.SENDING, gone=replace(GONE, is_whole=False))

    assert missing(a_bench(job, a_row(1))) == (None, [])


def test_of_a_list_that_is_not_kept_any_more_the_number_is_told() -> None:
    assert missing(a_bench(replace(JOB, state=State.SUCCEEDED))) == (GONE, [])


def test_a_job_that_deletes_tells_the_list_that_it_deletes() -> None:
    documents = FinishedStage(Stage.DOCUMENTS, 1, 1, 0, 0, 1, gone=GONE)
    stages = (Stage.DOCUMENTS, Stage.DELETIONS)
    job = replace(JOB, way=Way.RECONCILE, stages=stages, stage_index=1, done=(documents,))
    job = alter(job, state=State.SENDING, begun_at_ms=NOW_MS, gone_at_ms=CRAWL_AT_MS, gone=Gone())

    gone, items = missing(a_bench(job, a_row(1)))

    assert (gone, len(items)) == (GONE, 1)


def test_no_secret_is_told() -> None:
    row = GoneRow("n-t0ken", "note", "N-t0ken", None, "a t0ken", "https://notes.example/?t0ken")

    _, items = missing(a_bench(JOB, row))

    assert "t0ken" not in encode_answer([(item.row.id, item.row.title) for item in items])
    assert "t0ken" not in (items[0].row.url or "")
