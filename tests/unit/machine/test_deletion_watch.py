"""What is known of the deletions that follow an upload, question by question."""

import pytest

from durable.limits import Limits
from durable.machine.deletion_watch import (
    LASTS_MS_MAX,
    DeletionWatch,
    next_upload,
    paused_reason,
    paused_remedy,
    record_answer,
    record_silence,
    watch_upload,
)
from durable.machine.index_status import ClosedUpload, Deletions, deletions_of
from durable.machine.job import Stage
from durable.machine.remedies import Remedy, RemedyCode


NOW_MS = 1_764_000_000_000
LIMITS = Limits()
HOUR_MS = 3_600_000
DONE, PAUSED, PENDING, UNKNOWN = (
    each.value
    for each in (
        Deletions.DONE,
        Deletions.PAUSED,
        Deletions.PENDING,
        Deletions.UNKNOWN,
    )
)


def closed(
    state: Deletions = Deletions.PENDING,
    stage: Stage = Stage.DOCUMENTS,
    upload_id: str = "u-1",
    before: DeletionWatch | None = None,
    at_ms: int = NOW_MS,
) -> DeletionWatch:
    upload = ClosedUpload(stage.value, upload_id, at_ms, state.value)
    return watch_upload(before or DeletionWatch(), "notes", "job-1", upload, LIMITS)


def lasting(watch: DeletionWatch, told: dict[str, Deletions]) -> tuple[DeletionWatch, int]:
    """Glean is asked whenever it is time, and always says the same; how often that was."""
    for count in range(1_000):
        if watch.ask_at_ms is None:
            return watch, count
        now_ms = watch.ask_at_ms
        watch = next_upload(watch, now_ms, LIMITS)
        if watch.ask_at_ms is not None:
            watch = record_answer(watch, told, now_ms, LIMITS)
    raise AssertionError("asks for ever")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("DELETION PAUSED", Deletions.PAUSED),
        ("INDEXING COMPLETED", Deletions.DONE),
        ("UPLOAD COMPLETED", Deletions.PENDING),
        ("UNAVAILABLE", Deletions.PENDING),
        (None, Deletions.PENDING),
        (7, Deletions.PENDING),
    ],
)
def test_only_gleans_own_words_settle_it(word: object, state: Deletions) -> None:
    assert deletions_of(word) is state


def test_what_is_done_at_the_close_is_asked_about_no_more() -> None:
    watch = closed(Deletions.DONE)

    assert (watch.ask_at_ms, watch.uploads[Stage.DOCUMENTS].deletions) == (None, DONE)
    assert (paused_reason(watch), paused_remedy(watch)) == (None, None)


@pytest.mark.parametrize("told", [{}, {"another": Deletions.DONE}, {"u-1": Deletions.PENDING}])
def test_what_glean_does_not_tell_is_unknown_in_the_end_and_never_done(
    told: dict[str, Deletions],
) -> None:
    watch, count = lasting(closed(), told)

    assert watch.uploads[Stage.DOCUMENTS].deletions == UNKNOWN
    assert 10 < count < 20


def test_a_question_without_an_answer_is_asked_again_and_leaves_what_was_known() -> None:
    watch = closed(Deletions.PAUSED)
    assert watch.ask_at_ms is not None

    watch = record_silence(
        next_upload(watch, watch.ask_at_ms, LIMITS), "no answer", NOW_MS + HOUR_MS
    )

    assert (watch.error, watch.ask_count) == ("no answer", 1)
    assert watch.ask_at_ms == NOW_MS + HOUR_MS
    assert Stage.DOCUMENTS in watch.paused


def test_a_pause_is_asked_about_each_hour_until_it_is_over_or_nobody_can_tell() -> None:
    watch = closed(Deletions.PAUSED)

    over = record_answer(watch, {"u-1": Deletions.DONE}, NOW_MS + HOUR_MS, LIMITS)
    left, count = lasting(watch, {"u-1": Deletions.PAUSED})

    assert (over.ask_at_ms, over.uploads[Stage.DOCUMENTS].deletions) == (None, DONE)
    assert left.uploads[Stage.DOCUMENTS].deletions == UNKNOWN
    assert LASTS_MS_MAX // HOUR_MS <= count <= LASTS_MS_MAX // HOUR_MS + 5


@pytest.mark.parametrize("stage", [Stage.DOCUMENTS, Stage.USERS, Stage.GROUPS])
def test_a_pause_that_is_told_later_counts_from_then(stage: Stage) -> None:
    watch = record_answer(closed(stage=stage), {"u-1": Deletions.PAUSED}, NOW_MS + 5, LIMITS)

    assert watch.uploads[stage].paused_at_ms == NOW_MS + 5
    reason = paused_reason(watch)
    assert reason is not None
    assert "DELETION PAUSED" in reason
    assert stage.value in reason
    code = RemedyCode.DELETE_OR_RESTORE if stage is Stage.DOCUMENTS else RemedyCode.RESTORE
    assert paused_remedy(watch) == Remedy(code)


def test_another_upload_does_not_end_a_pause_until_glean_has_told_of_it() -> None:
    before = closed(Deletions.PAUSED)

    watch = closed(upload_id="u-2", before=before, at_ms=NOW_MS + HOUR_MS)

    upload = watch.uploads[Stage.DOCUMENTS]
    assert (upload.upload_id, upload.deletions, upload.is_told) == ("u-2", PAUSED, False)
    assert upload.paused_at_ms == NOW_MS
    over = record_answer(watch, {"u-1": Deletions.PAUSED, "u-2": Deletions.DONE}, NOW_MS, LIMITS)
    assert over.paused == {}
    untold, _ = lasting(watch, {"u-1": Deletions.PAUSED})
    assert untold.uploads[Stage.DOCUMENTS].deletions == UNKNOWN


def test_each_kind_of_thing_has_its_latest_upload() -> None:
    watch = closed(Deletions.PAUSED, Stage.USERS)
    watch = closed(Deletions.DONE, Stage.GROUPS, "u-2", watch)
    watch = closed(Deletions.PENDING, Stage.DOCUMENTS, "u-3", watch)

    assert {stage: one.deletions for stage, one in watch.uploads.items()} == {
        Stage.USERS: PAUSED,
        Stage.GROUPS: DONE,
        Stage.DOCUMENTS: PENDING,
    }
