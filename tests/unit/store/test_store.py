import asyncio
from collections import Counter
from collections.abc import Awaitable, Mapping
from itertools import count
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Job, Mode, Stage, TurnUsage
from durable.machine.pages import InFlightPage, Page
from durable.machine.states import PENDING, State
from durable.machine.verification import Verification
from durable.store.retention import KEY_MS
from durable.store.store import BODY_BYTES_MAX, TRIGGER_KEYS_MAX, Store
from tests.fakes.jobs import alter
from tests.fakes.storage import Storage


JOB = Job(id="notes-1", connector="notes", mode=Mode.FULL, created_at_ms=1)
SUCCEEDED = replace(JOB, state=State.SUCCEEDED, started_at_ms=70)
INCREMENTAL = replace(SUCCEEDED, mode=Mode.INCREMENTAL)
WRITTEN = alter(JOB, state=State.SENDING, cursor="b", turn=TurnUsage(started_at_ms=2))
WORKING = alter(
    WRITTEN,
    flights=(InFlightPage(Page(next_cursor="c", batch_count=2, byte_count=9), sending=(0, 1)),),
    is_fetching=True,
    is_refused=True,
)
FURTHER = alter(WORKING, flights=(replace(WORKING.crawl.flights[0], sent_count=1, sending=(1,)),))
LIMITS = Limits()


class CountingStorage(Storage):
    """Counts what each setting of the alarm would cost."""

    alarm_count = 0

    def setAlarm(self, at_ms: int) -> Awaitable[None]:  # noqa: N802 - the platform's name
        self.alarm_count += 1
        return super().setAlarm(at_ms)


@pytest.fixture
def storage() -> CountingStorage:
    return CountingStorage()


@pytest.fixture
def store(storage: Storage) -> Store:
    return Store(storage)


def settled(awaitable: Awaitable[None]) -> None:
    async def wait() -> None:
        await awaitable

    asyncio.run(wait())


def added(store: Store, job: Job, trigger_key: str | None = None) -> None:
    """The job is there, and the alarm is somebody else's business."""
    settled(store.add(job, trigger_key, alarm_at_ms=None))


def saved(store: Store, job: Job, alarm_at_ms: int | None = None) -> None:
    settled(store.save(job, alarm_at_ms, LIMITS))


def rows(storage: Storage, query: str) -> list[Mapping[str, object]]:
    return list(storage.exec(query).toArray())


def test_a_job_is_loaded_as_it_was_saved(store: Store) -> None:
    sending = alter(JOB, state=State.SENDING, cursor="b", error="«trouble»")

    added(store, JOB)
    saved(store, sending, alarm_at_ms=6)

    assert store.load(JOB.id) == sending
    assert store.load("another") is None


def test_a_job_survives_the_object(storage: Storage, store: Store) -> None:
    added(store, JOB, "cron 02:00")

    assert Store(storage).triggered_by("cron 02:00") == JOB


def test_state_watermark_and_alarm_are_one_transaction(storage: Storage, store: Store) -> None:
    settled(store.add(JOB, trigger_key=None, alarm_at_ms=5))

    unsettled = store.save(SUCCEEDED, 6, LIMITS)
    storage.rollback()  # the object dies before the first await

    assert (store.load(JOB.id), storage.alarm_at_ms) == (JOB, 5)
    assert store.successes.watermark_ms() is None
    settled(unsettled)


def test_a_new_job_and_its_alarm_are_one_transaction(storage: Storage, store: Store) -> None:
    storage.commit()

    unsettled = store.add(JOB, trigger_key=None, alarm_at_ms=5)
    storage.rollback()

    assert (store.load(JOB.id), storage.alarm_at_ms) == (None, None)
    settled(unsettled)


def test_a_job_that_waits_its_turn_leaves_the_alarm_alone(storage: Storage, store: Store) -> None:
    settled(store.arm(5))

    settled(store.add(JOB, trigger_key=None, alarm_at_ms=None))

    assert storage.alarm_at_ms == 5


def test_the_latest_job_is_the_one_that_had_a_turn_last(store: Store) -> None:
    assert store.latest() is None
    added(store, alter(JOB, id="notes-1", progress_at_ms=80))
    added(store, alter(JOB, id="notes-2", progress_at_ms=70, state=State.FAILED))
    added(store, replace(JOB, id="notes-3"))

    latest = store.latest()

    assert latest is not None
    assert latest.id == "notes-1"


@pytest.mark.parametrize("state", [state for state in State if state is not State.SUCCEEDED])
def test_only_success_counts_for_later_jobs(store: Store, state: State) -> None:
    added(store, JOB)
    saved(store, alter(SUCCEEDED, document_count=7))

    saved(store, alter(JOB, state=state, started_at_ms=90, document_count=8), alarm_at_ms=6)

    assert store.successes.watermark_ms() == 70


@pytest.mark.parametrize(
    ("job", "watermark_ms"),
    [
        (replace(INCREMENTAL, started_at_ms=90), 90),
        (replace(INCREMENTAL, started_at_ms=50), 70),
        (replace(SUCCEEDED, started_at_ms=90), 90),
        (replace(SUCCEEDED, started_at_ms=50), 50),
    ],
    ids=["a later one", "an old one that was retried", "a later FULL", "an old FULL"],
)
def test_a_full_job_takes_the_watermark_back_and_an_incremental_one_never(
    store: Store, job: Job, watermark_ms: int
) -> None:
    """The close of an old FULL job takes back what was written while it waited."""
    added(store, JOB)
    saved(store, INCREMENTAL)

    saved(store, job)

    assert store.successes.watermark_ms() == watermark_ms


def body(storage: Storage) -> Job:
    (row,) = rows(storage, "SELECT body FROM job")
    return msgspec.json.decode(str(row["body"]), type=Job)


def written(storage: Storage, store: Store, job: Job) -> list[str]:
    """The columns of the job that a saving wrote to."""
    before = len(storage.statements)
    saved(store, job, alarm_at_ms=6)
    statements = [statement.split() for statement in storage.statements[before:]]
    return [words[3] for words in statements if words[:2] == ["UPDATE", "job"]]


def test_what_is_under_way_is_never_written(storage: Storage, store: Store) -> None:
    added(store, WORKING)
    assert body(storage) == WRITTEN

    saved(store, FURTHER, alarm_at_ms=6)
    assert body(storage) == WRITTEN
    assert Store(storage).load(JOB.id) == WRITTEN


def test_what_is_under_way_is_there_as_long_as_the_turn(store: Store) -> None:
    added(store, JOB, "key")
    saved(store, WORKING, alarm_at_ms=6)
    assert (store.load(JOB.id), store.pending(), store.triggered_by("key")) == (
        WORKING,
        [WORKING],
        WORKING,
    )

    saved(store, FURTHER, alarm_at_ms=6)
    assert store.load(JOB.id) == FURTHER

    yielded = alter(WRITTEN, turn=None, cursor="c")
    saved(store, yielded, alarm_at_ms=6)
    assert (store.load(JOB.id), store.pending()) == (yielded, [yielded])


def test_a_job_whose_turn_somebody_ends_is_the_one_that_was_saved(store: Store) -> None:
    added(store, JOB)
    saved(store, WORKING, alarm_at_ms=6)

    cancelled = replace(WRITTEN, state=State.CANCELLED, turn=None)
    store.put(cancelled, LIMITS)

    assert (store.load(JOB.id), store.pending()) == (cancelled, [])


def test_a_body_that_stays_the_same_is_not_written(storage: Storage, store: Store) -> None:
    added(store, JOB)

    assert written(storage, store, WORKING) == ["body", "state"]
    assert written(storage, store, FURTHER) == []
    assert written(storage, store, alter(FURTHER, cursor="c", flights=())) == ["body"]
    assert written(storage, store, alter(FURTHER, cursor="c")) == []
    assert body(storage) == alter(WRITTEN, cursor="c")


def test_a_state_is_written_where_it_changes(storage: Storage, store: Store) -> None:
    added(store, JOB)
    saved(store, WORKING, alarm_at_ms=6)

    closing = replace(WRITTEN, state=State.CLOSING)
    assert written(storage, store, closing) == ["body", "state"]
    assert [row["state"] for row in rows(storage, "SELECT state FROM job")] == ["closing"]
    assert written(storage, store, alter(closing, attempt=2)) == ["body"]
    assert written(storage, store, replace(SUCCEEDED, turn=None)) == ["body", "state"]
    assert [row["state"] for row in rows(storage, "SELECT state FROM job")] == ["succeeded"]


def test_another_job_that_is_saved_beside_it_changes_nothing_of_a_turn(
    storage: Storage, store: Store
) -> None:
    held = replace(JOB, id="notes-0", state=State.HELD)
    added(store, held)
    added(store, JOB)
    saved(store, WORKING, alarm_at_ms=6)

    superseded = replace(held, state=State.CANCELLED)
    store.put(superseded, LIMITS)

    assert (store.load(held.id), store.load(JOB.id)) == (superseded, WORKING)
    assert written(storage, store, FURTHER) == []


def test_the_next_turn_of_a_job_is_written_though_the_last_one_was_the_same(
    storage: Storage, store: Store
) -> None:
    added(store, JOB)
    saved(store, WORKING, alarm_at_ms=6)
    saved(store, replace(WRITTEN, turn=None), alarm_at_ms=6)

    saved(store, WORKING, alarm_at_ms=6)

    assert body(storage) == WRITTEN


def test_the_working_job_comes_first_then_the_oldest_and_only_what_is_pending(
    store: Store,
) -> None:
    for name, state in {
        "b": State.QUEUED,
        "a": State.QUEUED,
        "c": State.CLOSING,
        "d": State.FAILED,
        "e": State.SUCCEEDED,
        "f": State.HELD,
        "g": State.CANCELLED,
    }.items():
        added(store, replace(JOB, id=name, state=state))

    assert [job.id for job in store.pending()] == ["c", "a", "b"]
    assert [job.id for job in store.held()] == ["f"]


def test_a_saved_state_counts_for_the_order(store: Store) -> None:
    for name in ("a", "b"):
        added(store, replace(JOB, id=name))

    saved(store, replace(JOB, id="b", state=State.OPENING), alarm_at_ms=5)
    assert [job.id for job in store.pending()] == ["b", "a"]

    saved(store, replace(SUCCEEDED, id="b"), alarm_at_ms=5)
    assert [job.id for job in store.pending()] == ["a"]


def test_setting_the_alarm_to_the_same_time_again_costs_nothing(
    storage: CountingStorage, store: Store
) -> None:
    for _ in range(3):
        settled(store.arm(5))

    assert storage.alarm_count == 1


def test_an_alarm_that_fired_is_set_again(storage: CountingStorage, store: Store) -> None:
    settled(store.arm(5))
    storage.fire()

    store.disarmed()
    settled(store.arm(5))

    assert storage.alarm_at_ms == 5


def test_a_new_object_does_not_trust_what_it_did_not_set(storage: Storage, store: Store) -> None:
    settled(store.arm(5))
    storage.fire()

    settled(Store(storage).arm(5))

    assert storage.alarm_at_ms == 5


def test_the_alarm_that_is_told_is_the_platforms(storage: Storage, store: Store) -> None:
    async def told() -> int | None:
        return await store.armed_at_ms()

    settled(store.arm(5))
    assert asyncio.run(told()) == 5

    storage.fire()
    assert asyncio.run(told()) is None


@pytest.mark.parametrize(
    "state", [State.SUCCEEDED, State.FAILED, State.CANCELLED, State.HELD], ids=lambda s: s.value
)
def test_a_job_that_waits_for_nothing_needs_no_alarm(
    storage: Storage, store: Store, state: State
) -> None:
    settled(store.add(JOB, trigger_key=None, alarm_at_ms=5))

    saved(store, replace(SUCCEEDED, state=state))

    assert storage.alarm_at_ms is None


@pytest.mark.parametrize("state", sorted(PENDING))
def test_a_pending_job_without_an_alarm_is_our_bug(store: Store, state: State) -> None:
    with pytest.raises(AssertionError, match="has an alarm"):
        store.save(replace(JOB, state=state), None, LIMITS)


def test_a_job_too_large_to_store_is_our_bug(store: Store) -> None:
    with pytest.raises(AssertionError, match="notes-1 takes"):
        store.add(replace(JOB, error="x" * BODY_BYTES_MAX), trigger_key=None, alarm_at_ms=5)


def test_what_is_forgotten_goes_with_what_belongs_to_it(storage: Storage, store: Store) -> None:
    limits = Limits(jobs_kept_max=2)
    states = [State.QUEUED, State.HELD, *[State.SUCCEEDED] * 2, State.FAILED, State.CANCELLED]
    for number, state in enumerate([*states, State.FAILED, State.SUCCEEDED]):
        job = replace(SUCCEEDED, id=f"notes-{number}", state=state, finished_at_ms=1 + number)
        added(store, job, f"key {number}")
        storage.exec("INSERT INTO reject VALUES (?, 1, 1, '{}')", f"notes-{number}")
        storage.exec("INSERT INTO event VALUES (?, 1, '{}')", f"notes-{number}")

    latest = replace(SUCCEEDED, id="notes-7", finished_at_ms=1 + KEY_MS + 7)
    settled(store.save(latest, None, limits))

    kept = [f"notes-{number}" for number in (0, 1, 3, 5, 6, 7)]
    assert [row["id"] for row in rows(storage, "SELECT id FROM job ORDER BY id")] == kept
    for table in ("reject", "event"):
        query = f"SELECT DISTINCT job_id FROM {table} ORDER BY job_id"  # noqa: S608 - a name of ours
        assert [row["job_id"] for row in rows(storage, query)] == kept
    assert store.triggered_by("key 2") is None


DAY_MS = 24 * 60 * 60 * 1_000
HOUR_MS = DAY_MS // 24
BEGUN_MS = 1_764_000_000_000 // DAY_MS * DAY_MS
HOURS = (2, 6, 12, 18)
A_DAY = Limits(successes_kept_max=len(HOURS))


def an_end(
    store: Store, at_ms: int, mode: Mode, state: State, key: str | None = None, **fields: Any
) -> Job:
    """A job that has ended, as its store was told of it."""
    job = Job(
        id=f"notes-{at_ms:015}-{mode.value[:1]}",
        connector="notes",
        mode=mode,
        created_at_ms=at_ms,
        started_at_ms=at_ms,
        stages=(Stage.DOCUMENTS,),
    )
    added(store, job, key)
    ended = alter(job, state=state, finished_at_ms=at_ms + 1, **fields)
    settled(store.save(ended, None, A_DAY))
    return ended


def test_a_life_of_a_hundred_days_keeps_what_somebody_may_look_into(
    storage: Storage, store: Store
) -> None:
    """FULL each night, INCREMENTAL all day; every tenth night and every fifth noon one fails."""
    most, failures = 0, list[Job]()
    for day in range(100):
        for hour in HOURS:
            at_ms = BEGUN_MS + day * DAY_MS + hour * HOUR_MS
            if hour == 2:
                state = State.FAILED if day % 10 == 0 else State.SUCCEEDED
                full = an_end(store, at_ms, Mode.FULL, state, cursor=f"page {day}")
                failures += [full] if state is State.FAILED else []
            is_bad = hour == 12 and day % 5 == 0
            state = State.FAILED if is_bad else State.SUCCEEDED
            changes = an_end(store, at_ms + 1, Mode.INCREMENTAL, state, f"cron {at_ms}")
            failures += [changes] if is_bad else []
        (counted,) = rows(storage, "SELECT count(*) AS count FROM job")
        most = max(most, int(str(counted["count"])))

    end_ms = BEGUN_MS + 100 * DAY_MS
    young = [job for job in failures if job.created_at_ms > end_ms - 89 * DAY_MS]
    assert young
    assert [store.load(job.id) for job in young] == young
    old = [job for job in failures if job.created_at_ms < end_ms - 91 * DAY_MS]
    assert [store.load(job.id) for job in old] == [None] * len(old)
    kept = store.archive.jobs("~", State, 1_000)
    of_day = Counter(
        (job.created_at_ms - BEGUN_MS) // DAY_MS for job in kept if job.mode is Mode.FULL
    )
    assert all(of_day[day] == 1 for day in range(11, 100)), "each night's"
    usual = [job for job in kept if job.mode is Mode.INCREMENTAL and job.state is State.SUCCEEDED]
    days = Counter((job.created_at_ms - BEGUN_MS) // DAY_MS for job in usual)
    assert all(days[day] == 1 for day in range(11, 97)), "the last of each day"
    assert most < 90 + 90 + 20 + 3 * len(HOURS), "bounded"


def test_what_fails_each_minute_is_bounded_and_forgets_no_full_job(
    storage: Storage, store: Store
) -> None:
    limits = Limits(jobs_kept_max=5)
    full = an_end(store, BEGUN_MS, Mode.FULL, State.FAILED)
    for minute in range(1, 40):
        failed = an_end(store, BEGUN_MS + minute * 60_000, Mode.INCREMENTAL, State.FAILED)
        store.put(failed, limits)

    (counted,) = rows(storage, "SELECT count(*) AS count FROM job")
    assert counted["count"] == 1 + 5
    assert store.load(full.id) == full


def test_a_verification_that_is_due_keeps_its_job(store: Store) -> None:
    full = an_end(store, BEGUN_MS, Mode.FULL, State.SUCCEEDED)
    store.verifications.put(
        Verification(
            job_id=full.id,
            datasource="notes",
            upload_id="u",
            closed_at_ms=BEGUN_MS + 1,
            until_ms=BEGUN_MS + DAY_MS // 2,
            ask_at_ms=BEGUN_MS + 5,
        )
    )
    limits = Limits(jobs_kept_max=1, successes_kept_max=1)
    another = an_end(store, BEGUN_MS + HOUR_MS, Mode.FULL, State.SUCCEEDED)
    store.put(another, limits)

    assert store.load(full.id) is not None
    due = store.verifications.due()
    assert due is not None

    store.verifications.put(replace(due, ask_at_ms=None))
    store.put(another, limits)

    assert store.load(full.id) is None
    assert store.verifications.load(full.id) is None


def test_a_verification_of_newer_code_keeps_nothing_for_ever(
    storage: Storage, store: Store
) -> None:
    full = an_end(store, BEGUN_MS, Mode.FULL, State.SUCCEEDED)
    body = f'{{"verdict": "doubtful", "closed_at_ms": 1, "until_ms": {BEGUN_MS}}}'
    storage.exec("INSERT INTO verification VALUES (?, 1, ?)", full.id, body)

    store.put(
        an_end(store, BEGUN_MS + 3 * DAY_MS, Mode.FULL, State.SUCCEEDED), Limits(jobs_kept_max=1)
    )

    assert store.load(full.id) is None


def test_a_job_whose_rejects_are_being_repeated_is_kept(store: Store) -> None:
    first = an_end(store, BEGUN_MS, Mode.FULL, State.SUCCEEDED)
    repeat = replace(JOB, id="notes-2", mode=Mode.INCREMENTAL, repeats=first.id)
    added(store, repeat)
    limits = Limits(jobs_kept_max=1)

    another = an_end(store, BEGUN_MS + DAY_MS, Mode.FULL, State.SUCCEEDED)
    store.put(another, limits)
    assert store.load(first.id) == first

    store.put(replace(repeat, state=State.CANCELLED, finished_at_ms=BEGUN_MS), limits)
    assert store.load(first.id) is None


def test_a_key_names_its_job_until_a_day_after_its_end(store: Store) -> None:
    job = an_end(store, BEGUN_MS, Mode.INCREMENTAL, State.SUCCEEDED, "request a")
    limits = Limits(jobs_kept_max=1, successes_kept_max=1)

    almost = an_end(store, BEGUN_MS + KEY_MS - 2, Mode.INCREMENTAL, State.SUCCEEDED)
    store.put(almost, limits)
    assert store.triggered_by("request a") == job

    store.put(an_end(store, BEGUN_MS + KEY_MS, Mode.INCREMENTAL, State.SUCCEEDED), limits)
    assert store.triggered_by("request a") is None


def test_an_old_job_that_is_cancelled_late_is_as_young_as_its_end(store: Store) -> None:
    held = replace(JOB, id="notes-0", state=State.HELD)
    added(store, held)
    for minute in range(3):
        an_end(store, BEGUN_MS + minute, Mode.FULL, State.FAILED)

    cancelled = replace(held, state=State.CANCELLED, finished_at_ms=BEGUN_MS + HOUR_MS)
    store.put(cancelled, Limits(jobs_kept_max=1))

    assert store.load(held.id) == cancelled


def test_a_job_that_goes_on_forgets_no_other(store: Store) -> None:
    for name in ("notes-0", "notes-1", "notes-2"):
        added(store, replace(SUCCEEDED, id=name, state=State.FAILED))

    settled(store.save(replace(JOB, id="notes-2"), 5, Limits(jobs_kept_max=1)))

    assert store.load("notes-0") is not None


def test_a_key_that_comes_again_after_its_job_is_gone_names_the_new_one(store: Store) -> None:
    added(store, replace(JOB, state=State.CANCELLED), "key")
    settled(store.save(replace(SUCCEEDED, id="notes-2"), None, Limits(jobs_kept_max=1)))

    second = replace(JOB, id="notes-3")
    added(store, second, "key")

    assert store.triggered_by("key") == second


def test_the_keys_of_the_latest_jobs_are_kept(storage: Storage, store: Store) -> None:
    for number in range(TRIGGER_KEYS_MAX + 2):
        store.remember(f"key {number}", replace(JOB, id=f"notes-{number:05}"))

    (kept,) = rows(storage, "SELECT count(*) AS count, min(job_id) AS first FROM trigger_key")
    assert dict(kept) == {"count": TRIGGER_KEYS_MAX, "first": "notes-00002"}


def test_a_trigger_without_a_key_is_not_remembered(storage: Storage, store: Store) -> None:
    store.remember(None, JOB)

    assert rows(storage, "SELECT * FROM trigger_key") == []


def test_a_key_is_remembered_however_many_asked_for_the_same_job(store: Store) -> None:
    added(store, JOB)
    names = count()
    for _ in range(TRIGGER_KEYS_MAX):
        store.remember(f"a {next(names):05}", JOB)

    store.remember("b", JOB)

    assert store.triggered_by("b") == JOB


def test_the_biggest_possible_job_fits_into_a_value(store: Store) -> None:
    """Bounds of a cursor, a reason and the notes are those of their modules."""
    cursor, text = "\x01" * 8_192, "\x01" * 2_000
    page = {
        "next_cursor": cursor,
        "batch_count": 9,
        "document_count": 9,
        "deletion_count": 9,
        "byte_count": 9,
    }
    body = {
        **msgspec.to_builtins(JOB),
        "cursor": cursor,
        "landmark_cursor": cursor,
        "document_cursor": cursor,
        "flights": [{"page": page}],
        "error": text,
        "notes": [{"at_ms": 1, "text": text}] * LIMITS.notes_kept_max,
    }

    added(store, msgspec.convert(body, Job))

    assert store.load(JOB.id) is not None
