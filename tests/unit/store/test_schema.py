"""The stored shape through time: a deploy of newer code, and the way back."""

import asyncio
from pathlib import Path

import msgspec
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Job, Mode
from durable.machine.states import State
from durable.store import store as store_module
from durable.store.store import Store
from tests.fakes.jobs import alter
from tests.fakes.storage import Storage


SCHEMA = Path(store_module.__file__).with_name("schema.sql")
JOB = Job(id="notes-1", connector="notes", mode=Mode.FULL, created_at_ms=1)
LIMITS = Limits()
KEY = "cron 2026-11-24T02:00:00.000Z"

INSERT_JOB = "INSERT INTO job (id, state, body) VALUES (?, ?, ?)"
SELECT_VERSIONS = "SELECT version FROM schema_version"


def added(store: Store, job: Job, trigger_key: str | None = None) -> None:
    async def add() -> None:
        await store.add(job, trigger_key, alarm_at_ms=None)

    asyncio.run(add())


def saved(store: Store, job: Job, alarm_at_ms: int | None = None) -> None:
    async def save() -> None:
        await store.save(job, alarm_at_ms, LIMITS)

    asyncio.run(save())


def test_each_migration_is_applied_once() -> None:
    storage = Storage()
    added(Store(storage), JOB)

    again = Store(storage)

    assert [row["version"] for row in storage.exec(SELECT_VERSIONS).toArray()] == [1]
    assert again.load(JOB.id) == JOB


def test_a_death_amid_a_migration_leaves_the_database_as_it_was() -> None:
    storage = Storage()

    Store(storage)
    storage.rollback()  # the object dies before its first await

    assert Store(storage).pending() == []
    assert [row["version"] for row in storage.exec(SELECT_VERSIONS).toArray()] == [1]


def what_newer_code_wrote(storage: Storage) -> None:
    """Another table, a column and an index more, a job in a new state, and fields of its own."""
    storage.exec("INSERT INTO schema_version (version) VALUES (2)")
    storage.exec("CREATE TABLE newer (key TEXT PRIMARY KEY) WITHOUT ROWID")
    storage.exec("INSERT INTO newer VALUES ('kept')")
    for table in (
        *("job", "trigger_key", "watermark", "reject", "verification"),
        *("processing", "ledger", "gone"),
    ):
        storage.exec(f"ALTER TABLE {table} ADD COLUMN newer TEXT")
    storage.exec("CREATE INDEX job_newer ON job (newer)")
    paused = msgspec.json.encode(msgspec.to_builtins(JOB) | {"id": "notes-0", "state": "paused"})
    storage.exec(
        "INSERT INTO job VALUES (?, ?, ?, ?)", "notes-0", "paused", paused.decode(), "kept"
    )
    storage.exec("INSERT INTO trigger_key VALUES (?, ?, ?)", KEY, "notes-0", "kept")
    sending = msgspec.to_builtins(replace(JOB, id="notes-2", state=State.SENDING))
    body = msgspec.json.encode(sending | {"yet_unknown": [1]}).decode()
    storage.exec("INSERT INTO job VALUES (?, ?, ?, ?)", "notes-2", "sending", body, "kept")
    storage.commit()


def test_a_job_in_a_state_of_newer_code_is_not_there_and_stays_as_it_is() -> None:
    storage = Storage()
    added(Store(storage), JOB)
    what_newer_code_wrote(storage)
    before = storage.exec("SELECT * FROM job WHERE id = 'notes-0'").toArray()

    store = Store(storage)

    assert [job.id for job in store.pending()] == ["notes-2", "notes-1"]
    assert store.held() == []
    assert store.load("notes-0") is None
    assert store.triggered_by(KEY) is None
    asyncio.run(pruned(store))
    assert storage.exec("SELECT * FROM job WHERE id = 'notes-0'").toArray() == before


async def pruned(store: Store) -> None:
    """After the end of a job, with room for one."""
    ended = replace(JOB, state=State.SUCCEEDED, started_at_ms=1)
    await store.save(ended, 5, Limits(jobs_kept_max=1))


def test_old_code_works_on_with_tables_and_columns_of_newer_code() -> None:
    storage = Storage()
    added(Store(storage), JOB)
    what_newer_code_wrote(storage)
    store = Store(storage)

    working = store.load("notes-2")
    assert working == replace(JOB, id="notes-2", state=State.SENDING)
    saved(store, alter(working, state=State.SUCCEEDED, started_at_ms=70, document_count=3), 5)
    added(store, replace(JOB, id="notes-3"), "another key")

    assert store.successes.watermark_ms() == 70
    assert [job.id for job in store.pending()] == ["notes-1", "notes-3"]
    assert [row["key"] for row in storage.exec("SELECT key FROM newer").toArray()] == ["kept"]
    versions = [row["version"] for row in storage.exec(SELECT_VERSIONS).toArray()]
    assert versions == [1, 2]


def test_a_job_in_a_mode_of_newer_code_does_not_keep_the_others_from_working() -> None:
    storage = Storage()
    store = Store(storage)
    added(store, JOB)
    body = msgspec.json.encode(msgspec.to_builtins(JOB) | {"id": "notes-0", "mode": "PARTIAL"})
    storage.exec(INSERT_JOB, "notes-0", "queued", body.decode())

    assert store.pending() == [JOB]


def test_a_body_without_newer_fields_still_loads() -> None:
    storage = Storage()
    store = Store(storage)
    body = {"id": "old", "connector": "notes", "mode": "INCREMENTAL", "created_at_ms": 1}
    storage.exec(INSERT_JOB, "old", "queued", msgspec.json.encode(body).decode())

    assert store.pending() == [replace(JOB, id="old", mode=Mode.INCREMENTAL)]


def test_migrations_lose_nothing_and_are_numbered_in_order() -> None:
    schema = SCHEMA.read_text(encoding="utf-8")
    lines = [line for line in schema.splitlines() if not line.startswith("--")]
    statements = [statement.strip() for statement in "\n".join(lines).split(";")]
    versions = [line for line in schema.splitlines() if line.startswith("-- version ")]

    # An index holds nothing of its own, and no statement names one.
    harmless = ("CREATE TABLE ", "CREATE INDEX ", "DROP INDEX ", "ALTER TABLE ", "INSERT INTO ")
    assert all(statement.startswith(harmless) for statement in statements if statement)
    assert not any(word in schema for word in ("DROP TABLE", "DROP COLUMN", "RENAME"))
    assert versions == [f"-- version {number}" for number in range(1, len(versions) + 1)]
