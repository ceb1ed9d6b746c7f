"""What is noticed over several jobs: a mapping that is never the same, another client's uploads."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from durable.machine.job import FinishedStage, Job, Mode, Stage
from durable.machine.observations import (
    UPLOAD_ID_CHARACTERS_MAX,
    ForeignUploads,
    Steadiness,
    observe_crawl,
    observe_upload,
)
from durable.machine.pages import ChangeCounts
from durable.machine.states import State
from tests.fakes.jobs import a_job, alter


DONE = replace(a_job(State.SUCCEEDED), fingerprint="f")
MOST = ChangeCounts(changed=6, rewritten=6, unchanged=4, access=1)  # of what was known
HALF = ChangeCounts(changed=5, rewritten=5, unchanged=4, access=1)
NEW = ChangeCounts(added=90, changed=90, rewritten=5, unchanged=5)  # others were not known


def crawl(changes: ChangeCounts, fingerprint: str = "f") -> Job:
    return replace(alter(DONE, changes=changes), fingerprint=fingerprint)


def observed(jobs: Sequence[Job]) -> Steadiness:
    """After each of them, the first of its connector included."""
    steadiness = Steadiness()
    for number, job in enumerate([crawl(NEW), *jobs]):
        steadiness = observe_crawl(steadiness, replace(job, id=f"job-{number}"))
    return steadiness


@pytest.mark.parametrize(
    ("crawls", "is_unstable"),
    [
        ([], False),
        ([MOST], False),
        ([MOST, MOST], True),
        ([MOST, MOST, MOST], True),
        ([MOST, HALF, MOST], False),
        ([HALF, HALF, HALF], False),
        ([NEW, NEW, NEW], False),
        ([MOST, MOST, HALF], False),
        ([MOST, ChangeCounts(added=9), MOST], True),  # with nothing to compare
    ],
    ids=str,
)
def test_a_mapping_of_which_most_changes_in_two_crawls_is_unstable(
    crawls: Sequence[ChangeCounts], *, is_unstable: bool
) -> None:
    assert observed([crawl(changes) for changes in crawls]).is_unstable is is_unstable


def test_it_says_how_many_of_how_many() -> None:
    steadiness = observed([crawl(MOST), crawl(MOST)])

    assert (steadiness.rewritten_count, steadiness.known_count) == (6, 11)


def test_another_definition_begins_anew() -> None:
    assert not observed([crawl(MOST), crawl(MOST, "g")]).is_unstable
    assert not observed([crawl(MOST), crawl(MOST, "g"), crawl(MOST, "g")]).is_unstable
    changed = [crawl(MOST, "g") for _ in range(3)]
    assert observed([crawl(MOST), *changed]).is_unstable
    assert observed([crawl(MOST, "")] * 9) == observed([])


@pytest.mark.parametrize(
    "other",
    [
        replace(crawl(HALF), mode=Mode.INCREMENTAL),
        replace(crawl(HALF), repeats="job-0"),
        replace(crawl(HALF), is_delegated=True),
    ],
    ids=["INCREMENTAL", "repeats rejects", "a backend's"],
)
def test_other_jobs_say_nothing(other: Job) -> None:
    assert observed([crawl(MOST), other, crawl(MOST)]).is_unstable
    assert not observed([replace(other, crawl=crawl(MOST).crawl), crawl(MOST)]).is_unstable


def test_a_job_counts_once_and_the_documents_alone_do() -> None:
    once = observe_crawl(observed([]), crawl(MOST))
    assert observe_crawl(once, crawl(MOST)) == once

    part = FinishedStage(Stage.DOCUMENTS, 1, 6, 0, 0, 0, MOST)
    later = replace(
        crawl(HALF), stages=(Stage.DOCUMENTS, Stage.DELETIONS), stage_index=1, done=(part,)
    )
    assert observe_crawl(observed([]), replace(later, id="later")).rewritten_count == 6


def test_each_upload_of_another_client_is_counted_once() -> None:
    uploads = ForeignUploads()
    for upload_id in ("", "a", "a", "", "b", "c" * 999, "c" * 999):
        uploads = observe_upload(uploads, upload_id, DONE)

    assert uploads == ForeignUploads(3, "c" * UPLOAD_ID_CHARACTERS_MAX, DONE.id)
