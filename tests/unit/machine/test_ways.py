"""Whether a FULL job brings all documents, or what differs alone."""

import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import Woke
from durable.machine.gone import Gone
from durable.machine.job import Job, JobSpec, Stage, Way
from durable.machine.ledger_head import LedgerFacts
from durable.machine.notes import EventKind
from durable.machine.pages import ChangeCounts
from durable.machine.slowdown import RECOVERY_MS, Slowdown
from durable.machine.states import State
from durable.machine.ways import (
    FIRST_PAGES,
    promoting_reason,
    replace_instead,
    replacing_reason,
    with_deletions,
)
from tests.fakes.jobs import LIMITS, NOW_MS, a_job, after, alter


KNOWN = LedgerFacts(NOW_MS - 1, "u-1", "f", has_recipe=True)
JOB = a_job(State.QUEUED)
MINUTE = LIMITS.documents_per_minute_max


def reason(facts: LedgerFacts = KNOWN, fingerprint: str = "f", now_ms: int = NOW_MS) -> str | None:
    return replacing_reason(JOB, facts, fingerprint, now_ms, LIMITS)


def test_what_differs_will_do_where_all_is_known() -> None:
    assert reason() is None


@pytest.mark.parametrize(
    "facts",
    [
        replace(KNOWN, replaced_at_ms=None),
        replace(KNOWN, fingerprint="g"),
        replace(KNOWN, fingerprint=""),
        replace(KNOWN, has_recipe=False),
        replace(KNOWN, unconfirmed_count=LIMITS.changes_max + 1),
        replace(KNOWN, replaced_at_ms=NOW_MS - LIMITS.replace_every_ms),
    ],
    ids=["not whole", "another definition", "none", "another recipe", "doubts", "long ago"],
)
def test_all_is_brought_where_that_is_not_so(facts: LedgerFacts) -> None:
    assert reason(facts) is not None


def test_a_definition_that_is_not_to_be_had_is_another_one() -> None:
    assert reason(replace(KNOWN, fingerprint=""), fingerprint="") is not None


def test_a_few_doubts_are_sent_again() -> None:
    assert reason(replace(KNOWN, unconfirmed_count=LIMITS.changes_max)) is None


def test_the_slower_glean_takes_documents_the_fewer_doubts_are_sent_again() -> None:
    slowed = alter(JOB, slowdown=Slowdown(per_minute=MINUTE // 2, at_ms=NOW_MS))
    for count, is_few in ((LIMITS.changes_max // 2, True), (LIMITS.changes_max // 2 + 1, False)):
        facts = replace(KNOWN, unconfirmed_count=count)

        assert (replacing_reason(slowed, facts, "f", NOW_MS, LIMITS) is None) is is_few


def test_all_is_brought_once_in_so_many_days() -> None:
    at_ms = NOW_MS - LIMITS.replace_every_ms + 1

    assert reason(replace(KNOWN, replaced_at_ms=at_ms)) is None


def test_a_person_may_ask_for_all() -> None:
    job = replace(JOB, is_replace_asked=True)

    assert replacing_reason(job, KNOWN, "f", NOW_MS, LIMITS) is not None


@pytest.mark.parametrize(("facts", "way"), [(KNOWN, Way.RECONCILE), (LedgerFacts(), Way.REPLACE)])
def test_a_job_goes_the_way_that_is_chosen_as_it_begins(facts: LedgerFacts, way: Way) -> None:
    job = after(JOB, Woke(spec=JobSpec(fingerprint="f"), documents=facts))

    assert (job.way, job.state is State.OPENING) == (way, way is Way.REPLACE)


# On the way


def reconciling(page_count: int, unchanged_count: int) -> Job:
    job = replace(a_job(State.SENDING), way=Way.RECONCILE)
    return alter(job, page_count=page_count, changes=ChangeCounts(unchanged=unchanged_count))


@pytest.mark.parametrize(
    ("page_count", "change_count", "unchanged_count", "is_promoted"),
    [
        (1, MINUTE, 0, False),
        (1, MINUTE + 1, 0, True),
        (1, MINUTE + 1, MINUTE, True),
        (1, MINUTE + 1, MINUTE + 1, False),
        (FIRST_PAGES, MINUTE + 1, 0, True),
        (FIRST_PAGES + 1, MINUTE + 1, 0, False),
        (FIRST_PAGES + 1, LIMITS.changes_max, 0, False),
        (FIRST_PAGES + 1, LIMITS.changes_max + 1, 10**6, True),
    ],
    ids=[
        "a minute's worth",
        "one more",
        "more than half",
        "half",
        "the last early page",
        "late",
        "as many as may be",
        "one more than may be",
    ],
)
def test_most_of_what_was_read_first_is_sent_sooner_with_all(
    page_count: int, change_count: int, unchanged_count: int, *, is_promoted: bool
) -> None:
    job = reconciling(page_count, unchanged_count)

    reason = promoting_reason(job, change_count, NOW_MS, LIMITS)

    assert (reason is not None) is is_promoted


def test_the_slower_glean_takes_documents_the_fewer_there_may_be() -> None:
    slowdown = Slowdown(per_minute=MINUTE // 2, at_ms=NOW_MS)
    late = alter(reconciling(FIRST_PAGES + 1, 10**6), slowdown=slowdown)
    early = alter(reconciling(1, 0), slowdown=slowdown)
    half = LIMITS.changes_max // 2

    assert promoting_reason(late, half, NOW_MS, LIMITS) is None
    assert promoting_reason(late, half + 1, NOW_MS, LIMITS) is not None
    assert promoting_reason(late, half + 1, NOW_MS + RECOVERY_MS, LIMITS) is None
    assert promoting_reason(early, MINUTE // 2, NOW_MS, LIMITS) is None
    assert promoting_reason(early, MINUTE // 2 + 1, NOW_MS, LIMITS) is not None


def test_the_bound_is_that_of_the_deployment() -> None:
    assert promoting_reason(reconciling(99, 0), 3, NOW_MS, Limits(changes_max=2)) is not None


def test_a_job_that_replaces_after_all_begins_its_documents_anew() -> None:
    job = replace(reconciling(3, 9), stages=(Stage.USERS, Stage.DOCUMENTS), stage_index=1)

    anew = replace_instead(job, "why", NOW_MS + 5, LIMITS)

    assert (anew.state, anew.way, anew.stage) == (State.OPENING, Way.REPLACE, Stage.DOCUMENTS)
    assert (anew.crawl.page_count, anew.crawl.begun_at_ms, anew.turn) == (0, NOW_MS + 5, None)
    assert anew.notes[-1].kind == EventKind.PROMOTED


# What is gone


def test_what_is_gone_is_deleted_right_after_the_documents() -> None:
    job = replace(reconciling(1, 0), stages=(Stage.USERS, Stage.DOCUMENTS), stage_index=1)

    job = with_deletions(alter(job, gone=Gone(1, 1, is_whole=True), begun_at_ms=7))

    assert job.stages == (Stage.USERS, Stage.DOCUMENTS, Stage.DELETIONS)
    assert job.gone_at_ms == 7


def test_where_nothing_is_gone_there_is_no_such_stage() -> None:
    job = reconciling(1, 0)

    assert with_deletions(job) == job
