import asyncio
from collections.abc import Awaitable, Mapping
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from durable import store as store_module
from durable.job import Job, Mode, State
from durable.store import BODY_BYTES_MAX, Store
from tests.fakes.storage import Storage


JOB = Job(id="notes-1", connector="notes", mode=Mode.FULL, created_at_ms=1)
SUCCEEDED = replace(JOB, state=State.SUCCEEDED, started_at_ms=70)


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


def rows(storage: Storage, query: str) -> list[Mapping[str, object]]:
    return list(storage.exec(query).toArray())


def test_a_job_is_loaded_as_it_was_saved(store: Store) -> None:
    sending = replace(JOB, state=State.SENDING, cursor="b", error="«trouble»")

    settled(store.add(JOB, trigger_key=None, alarm_at_ms=5))
    settled(store.save(sending, alarm_at_ms=6))

    assert store.load(JOB.id) == sending
    assert store.load("another") is None


def test_a_job_survives_the_object(storage: Storage, store: Store) -> None:
    settled(store.add(JOB, trigger_key="cron 02:00", alarm_at_ms=5))

    assert Store(storage).triggered_by("cron 02:00") == JOB


def test_state_watermark_and_alarm_are_one_transaction(storage: Storage, store: Store) -> None:
    settled(store.add(JOB, trigger_key=None, alarm_at_ms=5))

    unsettled = store.save(SUCCEEDED, alarm_at_ms=6)
    storage.rollback()  # the object dies before the first await

    assert (store.load(JOB.id), store.watermark_ms(), storage.alarm_at_ms) == (JOB, None, 5)
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


@pytest.mark.parametrize("state", [state for state in State if state is not State.SUCCEEDED])
def test_only_success_moves_the_watermark(store: Store, state: State) -> None:
    settled(store.add(JOB, trigger_key=None, alarm_at_ms=5))
    settled(store.save(SUCCEEDED, alarm_at_ms=None))

    settled(store.save(replace(JOB, state=state, started_at_ms=90), alarm_at_ms=6))

    assert store.watermark_ms() == 70


def test_the_next_success_moves_the_watermark_again(store: Store) -> None:
    settled(store.add(JOB, trigger_key=None, alarm_at_ms=5))
    settled(store.save(SUCCEEDED, alarm_at_ms=None))

    settled(store.save(replace(SUCCEEDED, started_at_ms=90), alarm_at_ms=None))

    assert store.watermark_ms() == 90


def test_the_working_job_comes_first_then_the_oldest(store: Store) -> None:
    for name, state in {
        "b": State.QUEUED,
        "a": State.QUEUED,
        "c": State.CLOSING,
        "d": State.FAILED,
        "e": State.SUCCEEDED,
    }.items():
        settled(store.add(replace(JOB, id=name, state=state), trigger_key=None, alarm_at_ms=None))

    assert [job.id for job in store.unended()] == ["c", "a", "b"]


def test_a_saved_state_counts_for_the_order(store: Store) -> None:
    for name in ("a", "b"):
        settled(store.add(replace(JOB, id=name), trigger_key=None, alarm_at_ms=None))

    settled(store.save(replace(JOB, id="b", state=State.OPENING), alarm_at_ms=5))
    assert [job.id for job in store.unended()] == ["b", "a"]

    settled(store.save(replace(SUCCEEDED, id="b"), alarm_at_ms=5))
    assert [job.id for job in store.unended()] == ["a"]


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


def test_an_end_deletes_the_alarm(storage: Storage, store: Store) -> None:
    settled(store.add(JOB, trigger_key=None, alarm_at_ms=5))

    settled(store.save(SUCCEEDED, alarm_at_ms=None))

    assert storage.alarm_at_ms is None


def test_a_job_that_is_not_ended_without_an_alarm_is_our_bug(store: Store) -> None:
    with pytest.raises(AssertionError, match="has an alarm"):
        store.save(replace(JOB, state=State.SENDING), alarm_at_ms=None)


def test_a_job_too_large_to_store_is_our_bug(store: Store) -> None:
    with pytest.raises(AssertionError, match="notes-1 takes"):
        store.add(replace(JOB, error="x" * BODY_BYTES_MAX), trigger_key=None, alarm_at_ms=5)


def test_a_body_without_newer_fields_still_loads(storage: Storage, store: Store) -> None:
    body = msgspec.json.encode(
        {"id": "old", "connector": "notes", "mode": "INCREMENTAL", "created_at_ms": 1}
    ).decode()
    storage.exec("INSERT INTO job (id, state, body) VALUES ('old', 'queued', ?)", body)

    assert store.unended() == [replace(JOB, id="old", mode=Mode.INCREMENTAL)]


def test_each_migration_is_applied_once(storage: Storage, store: Store) -> None:
    settled(store.add(JOB, trigger_key=None, alarm_at_ms=5))
    before = rows(storage, "SELECT * FROM schema_version")

    again = Store(storage)

    assert rows(storage, "SELECT * FROM schema_version") == before
    assert again.load(JOB.id) == JOB


def test_old_code_runs_on_a_newer_schema(storage: Storage, store: Store) -> None:
    storage.exec("INSERT INTO schema_version VALUES (999)")
    storage.exec("ALTER TABLE job ADD COLUMN newer TEXT")

    settled(store.add(JOB, trigger_key=None, alarm_at_ms=5))

    assert Store(storage).load(JOB.id) == JOB


def test_migrations_only_add_and_are_numbered_in_order() -> None:
    schema = Path(store_module.__file__).with_name("schema.sql").read_text(encoding="utf-8")
    lines = [line for line in schema.splitlines() if not line.startswith("--")]
    statements = [statement.strip() for statement in "\n".join(lines).split(";")]
    versions = [line for line in schema.splitlines() if line.startswith("-- version ")]

    adding = ("CREATE TABLE ", "CREATE INDEX ", "ALTER TABLE ")
    assert all(statement.startswith(adding) for statement in statements if statement)
    assert not any(word in schema for word in ("DROP", "RENAME"))
    assert versions == [f"-- version {number}" for number in range(1, len(versions) + 1)]
