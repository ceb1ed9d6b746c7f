"""Jobs that bring more than documents: one kind of thing after the other."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from durable.errors import Cause
from durable.limits import Limits
from durable.machine.commands import Instruction, obey
from durable.machine.effects import (
    Close,
    Closed,
    CloseRefused,
    CloseWithDocument,
    Failed,
    Fetch,
    GoneListed,
    Open,
    Opened,
    Pack,
    QueryUpload,
    Send,
    Sent,
    UploadQueried,
    Woke,
)
from durable.machine.gone import Gone
from durable.machine.job import FinishedStage, Job, JobSpec, Mode, Stage, UploadStatus
from durable.machine.notes import ErrorCode
from durable.machine.page_progress import PageProgress
from durable.machine.rate import Rate
from durable.machine.states import Command, State
from durable.machine.transitions import restart_stage
from durable.machine.watermark import watermark_ms
from tests.fakes.jobs import (
    APPLIED,
    LIMITS,
    NOTHING_GONE,
    NOW_MS,
    a_job,
    a_page,
    after,
    alter,
    arrived,
    at,
    played,
)


PEOPLE = (Stage.USERS, Stage.GROUPS, Stage.MEMBERSHIPS)
FULL = (*PEOPLE, Stage.EMPLOYEES, Stage.TEAMS, Stage.DOCUMENTS)
CHANGES = (Stage.DOCUMENTS, Stage.DELETIONS)
SPEC = JobSpec(fingerprint="f", stages={Mode.FULL: FULL, Mode.INCREMENTAL: CHANGES})
WOKE = Woke(watermark_ms=7, spec=SPEC)
PAGES = [a_page("b"), a_page(None)]
LATER_MS = NOW_MS + 60_000


def begun(mode: Mode = Mode.FULL) -> Job:
    return after(a_job(State.QUEUED, mode), WOKE)


def in_stage(stage: Stage, state: State = State.SENDING) -> Job:
    """A FULL job in the middle of a stage, with those before it behind it."""
    index = FULL.index(stage)
    done = tuple(FinishedStage(before, 2, 6, 0, 1, 20) for before in FULL[:index])
    job = replace(a_job(state), stages=FULL, stage_index=index, done=done, started_at_ms=5)
    return replace(job, fingerprint="f")


def test_a_full_job_brings_everything_in_gleans_order() -> None:
    job, asked = played(a_job(State.QUEUED), PAGES, woke=WOKE)

    assert job.state is State.SUCCEEDED
    assert tuple(done.stage for done in job.done) == FULL[:-1]
    assert job.stage is Stage.DOCUMENTS
    assert [type(effect) for effect in asked].count(Open) == 4
    assert [type(effect) for effect in asked].count(Close) == 4


def test_each_upload_has_an_id_of_its_own() -> None:
    _, asked = played(a_job(State.QUEUED), PAGES, woke=WOKE)

    opened = [effect.upload_id for effect in asked if isinstance(effect, Open)]
    assert opened == ["job-1", "job-2", "job-3", "job-4"]


def test_an_incremental_job_brings_changes_and_then_deletions() -> None:
    job, asked = played(a_job(State.QUEUED, Mode.INCREMENTAL), PAGES, woke=WOKE)

    assert job.state is State.SUCCEEDED
    assert [done.stage for done in job.done] == [Stage.DOCUMENTS]
    assert not [effect for effect in asked if isinstance(effect, Open | QueryUpload | Close)]
    assert [effect.cursor for effect in asked if isinstance(effect, Fetch)] == [None, "b"] * 2


def test_a_stage_has_turns_of_its_own_and_begins_at_the_start_of_its_source() -> None:
    job = alter(in_stage(Stage.USERS, State.CLOSING), page_count=2, cursor=None)

    job, effects = at(after(job, UploadQueried(UploadStatus.CLOSED)), APPLIED)

    assert effects == ()
    assert (job.stage, job.state, job.turn) == (Stage.GROUPS, State.OPENING, None)
    assert (job.crawl.page_count, job.crawl.has_end, job.crawl.cursor) == (0, False, None)
    assert job.alarm_at_ms == NOW_MS + 50


def test_what_a_stage_has_brought_is_remembered() -> None:
    job = alter(
        in_stage(Stage.USERS, State.CLOSING),
        page_count=2,
        document_count=7,
        deletion_count=1,
        reject_count=3,
        byte_count=99,
    )

    job = after(job, UploadQueried(UploadStatus.CLOSED), APPLIED)

    assert job.done == (FinishedStage(Stage.USERS, 2, 7, 1, 3, 99),)
    assert (job.crawl.document_count, job.crawl.reject_count, job.page_base) == (0, 0, 2)


def test_the_next_job_reads_from_the_start_of_the_first_stage() -> None:
    job = replace(in_stage(Stage.USERS, State.CLOSING), started_at_ms=5)

    job = after(job, UploadQueried(UploadStatus.CLOSED), APPLIED, WOKE, now_ms=LATER_MS)

    assert job.started_at_ms == 5
    assert watermark_ms(replace(job, state=State.SUCCEEDED)) == 5


def test_a_stage_that_begins_anew_does_not_move_the_start_either() -> None:
    """What has changed in an earlier stage meanwhile, would never be read."""
    job = replace(in_stage(Stage.GROUPS, State.CLOSING), started_at_ms=5)

    job = after(job, UploadQueried(UploadStatus.REPLACED), now_ms=LATER_MS)

    assert (job.stage, job.state, job.started_at_ms) == (Stage.GROUPS, State.OPENING, 5)
    assert [done.stage for done in job.done] == [Stage.USERS]


def test_the_first_stage_anew_is_a_later_start() -> None:
    job = after(
        in_stage(Stage.USERS, State.CLOSING), UploadQueried(UploadStatus.REPLACED), now_ms=LATER_MS
    )

    assert job.started_at_ms == LATER_MS


def test_a_connector_that_has_changed_begins_with_the_first_stage() -> None:
    job = replace(in_stage(Stage.DOCUMENTS), turn=None)
    redefined = replace(WOKE, spec=replace(SPEC, fingerprint="g", stages={}))

    job = after(job, redefined)

    assert (job.stages, job.stage_index, job.done) == ((Stage.DOCUMENTS,), 0, ())


@pytest.mark.parametrize("stage", PEOPLE)
def test_pages_of_people_go_one_after_the_other(stage: Stage) -> None:
    job = after(in_stage(stage), *arrived(0, a_page("b", batch_count=3)))

    assert job.crawl.flights[0].sending == (0,)


def test_pages_of_documents_go_side_by_side() -> None:
    job = after(in_stage(Stage.DOCUMENTS), *arrived(0, a_page("b", batch_count=3)))

    assert job.crawl.flights[0].sending == (0, 1, 2)


def test_what_is_no_upload_names_none_though_there_was_one_before() -> None:
    job = alter(in_stage(Stage.EMPLOYEES), upload_id="job-2")

    _, effects = at(job, arrived(0, a_page("b"))[0])

    assert Pack(0, "", None, landed=PageProgress(), is_all_sent=False) in effects


def test_memberships_are_uploads_of_their_own_and_each_try_another_one() -> None:
    job = replace(in_stage(Stage.MEMBERSHIPS), turn_count=9)

    _, effects = at(job, arrived(0, a_page("b"))[0])

    assert Pack(0, "job-9-1", None, landed=PageProgress(), is_all_sent=False) in effects


def test_a_member_that_is_left_out_is_counted_and_the_group_goes_on() -> None:
    page = replace(a_page("b", batch_count=2), document_count=9)
    left_out = Sent(0, 0, rejected_document_count=1)

    job = after(in_stage(Stage.MEMBERSHIPS), *arrived(0, page), left_out, Sent(0, 1))

    assert (job.state, job.stage) == (State.SENDING, Stage.MEMBERSHIPS)
    assert (job.crawl.document_count, job.crawl.reject_count, job.shortfall) == (8, 1, "")


def fallen_short() -> Job:
    """A group, of no members, was not taken."""
    page = replace(a_page(None), document_count=0)
    untaken = Sent(0, 0, refused_record_count=1, shortfall="a group")
    return after(in_stage(Stage.MEMBERSHIPS), *arrived(0, page), untaken)


def test_a_group_that_is_not_taken_fails_the_job_once_all_else_is_brought() -> None:
    job = fallen_short()
    assert (job.state, job.stage) == (State.SENDING, Stage.EMPLOYEES)
    assert (job.done[-1].reject_count, job.shortfall) == (1, "a group")
    last = replace(in_stage(Stage.DOCUMENTS, State.CLOSING), shortfall=job.shortfall)

    job = after(last, UploadQueried(UploadStatus.CLOSED), APPLIED)

    assert (job.state, job.error) == (State.FAILED, "a group")


def test_a_group_that_is_rejected_fails_the_job_once_its_page_has_landed() -> None:
    page = replace(a_page(None, reject_count=1), document_count=3, deletion_count=0)
    fetched, packed = arrived(0, page)
    begun = after(in_stage(Stage.MEMBERSHIPS), fetched, replace(packed, shortfall="a group"))

    assert begun.shortfall == ""  # another try may read it better
    assert after(begun, Sent(0, 0)).shortfall == "a group"


def test_a_shortfall_is_not_forgotten_where_a_later_stage_begins_anew() -> None:
    job = replace(in_stage(Stage.DOCUMENTS), shortfall="a group")

    assert restart_stage(job, NOW_MS).shortfall == "a group"


def test_a_job_that_fell_short_is_retried_from_its_very_start() -> None:
    job = replace(
        in_stage(Stage.DOCUMENTS, State.QUEUED), resumes=True, shortfall="a group", turn=None
    )

    job = after(job, WOKE)

    assert (job.stage, job.shortfall, job.done) == (Stage.USERS, "", ())


def test_members_of_changed_groups_are_no_reason_to_read_everything() -> None:
    job = replace(in_stage(Stage.MEMBERSHIPS), mode=Mode.INCREMENTAL)
    page = replace(a_page("b"), document_count=3)

    job = after(job, *arrived(0, page), limits=Limits(changes_max=2))

    assert job.mode is Mode.INCREMENTAL


def test_documents_that_are_missing_are_those_of_the_stage() -> None:
    counts = {Stage.USERS: 100, Stage.DOCUMENTS: 3}
    job = after(a_job(State.QUEUED), replace(WOKE, known_counts=counts))

    assert job.known_count == 100
    later = replace(in_stage(Stage.DOCUMENTS, State.OPENING), turn=None)
    assert after(later, replace(WOKE, known_counts=counts)).known_count == 3
    groups = replace(later, stage_index=1)
    assert after(groups, replace(WOKE, known_counts=counts)).known_count is None


def test_users_that_would_be_lost_hold_the_job_before_their_close() -> None:
    job = replace(in_stage(Stage.USERS), known_count=100)

    gone = GoneListed(Gone(97, 97, is_whole=True))
    job = after(job, *arrived(0, a_page(None)), Sent(0, 0), gone)

    assert (job.state, job.stage) == (State.HELD, Stage.USERS)


def test_a_source_of_a_stage_has_its_own_rate() -> None:
    rate = Rate(requests=1, per=timedelta(milliseconds=1_000))
    woke = replace(WOKE, spec=replace(SPEC, rates={Stage.USERS: rate}))

    assert after(a_job(State.QUEUED), woke).pacing.rate == rate
    assert after(replace(in_stage(Stage.GROUPS), turn=None), woke).pacing.rate is None


# Teams, about whose upload Glean cannot be asked


LOST = Failed("lost", True, effect=Close("job-3"), may_be_done=True)


def closing_teams(**fields: object) -> Job:
    return alter(in_stage(Stage.TEAMS, State.CLOSING), upload_id="job-3", **fields)


def test_an_upload_of_teams_is_closed_without_asking() -> None:
    read, packed = arrived(0, a_page(None, batch_count=0))
    job, effects = at(after(in_stage(Stage.TEAMS), read, packed), NOTHING_GONE)

    assert job.state is State.CLOSING
    assert effects == (Close("job-1"),)


def test_a_close_of_teams_that_was_answered_is_done() -> None:
    job = after(closing_teams(is_close_begun=True), Closed(), APPLIED)

    assert (job.stage, job.state) == (Stage.DOCUMENTS, State.OPENING)


def test_a_close_of_teams_whose_answer_is_lost_is_not_repeated_but_the_teams_are() -> None:
    job = after(closing_teams(is_close_begun=True), LOST)
    assert job.pacing.retry_at_ms is not None

    job, effects = at(job, WOKE, job.pacing.retry_at_ms)

    assert effects == ()
    assert (job.stage, job.state, job.restart_count) == (Stage.TEAMS, State.OPENING, 1)


@pytest.mark.parametrize(
    "failure",
    [
        Failed("429", True, effect=Close("job-3"), cause=Cause.THROTTLED),
        Failed("409", True, effect=Close("job-3"), cause=Cause.CONFLICT),
        Failed("no page to close with", True, effect=CloseWithDocument("job-3", "a", 0)),
    ],
    ids=lambda failure: failure.reason,
)
def test_a_close_of_teams_that_did_not_take_place_is_sent_again(failure: Failed) -> None:
    job = after(closing_teams(is_close_begun=True), failure)
    assert job.pacing.retry_at_ms is not None

    job, effects = at(job, WOKE, job.pacing.retry_at_ms)

    assert effects == (Close("job-3"),)
    assert (job.state, job.restart_count) == (State.CLOSING, 0)


def test_a_close_of_teams_that_is_refused_is_tried_in_the_other_ways() -> None:
    job, effects = at(closing_teams(is_close_begun=True), CloseRefused("no empty page"))

    assert effects == (Close("job-3", is_only_page=True),)
    assert job.upload.is_close_begun


def test_teams_that_a_person_queues_again_begin_anew() -> None:
    job = alter(
        in_stage(Stage.TEAMS, State.QUEUED),
        resumes=True,
        started_at_ms=5,
        queued_cursor="b",
        page_count=1,
        upload_id="job-3",
        upload_count=3,
    )

    job, effects = at(job, WOKE)

    assert effects == (Open("job-4"),)
    assert (job.stage, job.crawl.page_count) == (Stage.TEAMS, 0)


# A backend that brings the documents itself


DELEGATED = Woke(spec=JobSpec(is_delegated=True, stages={Mode.FULL: (Stage.DOCUMENTS,)}))


def test_a_delegated_job_opens_and_closes_nothing() -> None:
    empty = [a_page("b", batch_count=0), a_page(None, batch_count=0)]

    job, asked = played(a_job(State.QUEUED), empty, woke=DELEGATED)

    assert job.state is State.SUCCEEDED
    assert {type(effect) for effect in asked} == {Fetch, Pack}


def test_users_of_a_delegated_job_are_replaced_as_any_others_are() -> None:
    spec = JobSpec(
        is_delegated=True, stages={Mode.FULL: (Stage.USERS, Stage.GROUPS, Stage.DOCUMENTS)}
    )

    job, asked = played(a_job(State.QUEUED), [a_page(None)], woke=Woke(spec=spec))

    assert job.state is State.SUCCEEDED
    uploads = [type(effect) for effect in asked if isinstance(effect, Open | Close)]
    assert uploads == [Open, Close, Open, Close]


def test_users_of_a_delegated_job_are_held_where_too_many_would_go() -> None:
    spec = JobSpec(is_delegated=True, stages={Mode.FULL: (Stage.USERS, Stage.DOCUMENTS)})
    woke = Woke(spec=spec, known_counts={Stage.USERS: 100, Stage.DOCUMENTS: 100})

    gone = GoneListed(Gone(97, 97, is_whole=True))
    sent = *arrived(0, a_page(None)), Sent(0, 0), gone
    job = after(a_job(State.QUEUED), woke, Opened(), *sent)

    assert (job.state, job.stage) == (State.HELD, Stage.USERS)


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_delegated_job_that_is_retried_in_another_stage_goes_on_there(state: State) -> None:
    spec = JobSpec(is_delegated=True, stages={Mode.FULL: (Stage.USERS, Stage.DOCUMENTS)})
    job = alter(
        a_job(state), stages=spec.stages[Mode.FULL], is_delegated=True, cursor="b", page_count=1
    )

    queued = obey(job, Instruction(Command.RETRY), None, NOW_MS, LIMITS)
    assert isinstance(queued, Job)
    woken, effects = at(queued, Woke(spec=spec), now_ms=NOW_MS + 1_000)

    assert (woken.crawl.cursor, woken.crawl.page_count) == ("b", 1)
    assert effects == (QueryUpload("job-1"),)


def test_a_delegated_job_is_not_measured_by_what_is_missing() -> None:
    woke = replace(DELEGATED, known_counts={Stage.DOCUMENTS: 100})

    job, _ = played(a_job(State.QUEUED), [a_page(None, batch_count=0)], woke=woke)

    assert job.state is State.SUCCEEDED


@pytest.mark.parametrize("stage", [Stage.USERS, Stage.GROUPS, Stage.TEAMS, Stage.DOCUMENTS])
def test_a_stage_that_is_uploaded_opens_before_it_reads(stage: Stage) -> None:
    job = replace(in_stage(stage, State.OPENING), turn=None)

    woken, effects = at(job, WOKE)

    assert [type(effect) for effect in effects] == [Open]
    _, reads = at(woken, Opened())
    assert reads == (Fetch(0, None),)


@pytest.mark.parametrize("stage", [Stage.MEMBERSHIPS, Stage.EMPLOYEES])
def test_a_stage_that_is_not_uploaded_reads_at_once_and_ends_with_its_source(stage: Stage) -> None:
    job = in_stage(stage)

    job = after(job, *arrived(0, a_page(None)), Sent(0, 0))

    assert job.stage is FULL[FULL.index(stage) + 1]


def test_requests_are_bounded_in_each_stage() -> None:
    job = after(
        in_stage(Stage.USERS), *arrived(0, a_page("b")), Sent(0, 0), limits=Limits(pages_max=1)
    )

    assert job.state is State.FAILED
    assert job.error_code == ErrorCode.TOO_MANY_PAGES


def test_a_batch_of_users_is_sent_as_any_other() -> None:
    _, effects = at(
        after(in_stage(Stage.USERS), arrived(0, a_page("b"))[0]), arrived(0, a_page("b"))[1]
    )

    assert Send(0, 0) in effects
