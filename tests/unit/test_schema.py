"""The stored shape through time: a deploy of newer code, and the way back."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Job, Mode, Stage, State
from durable.machine.notes import Note
from durable.store import store as store_module
from durable.store.store import Store
from tests.fakes.storage import Storage


SCHEMA = Path(store_module.__file__).with_name("schema.sql")
JOB = Job(id="notes-1", connector="notes", mode=Mode.FULL, created_at_ms=1)
LIMITS = Limits()
KEY = "cron 2026-11-24T02:00:00.000Z"

# As version 1 of the code wrote and read. Nothing of it may stop working: after a rollback it
# runs again.
VERSION_1 = """
CREATE TABLE job (
  id TEXT PRIMARY KEY, -- sorts by time of creation
  state TEXT NOT NULL,
  body TEXT NOT NULL -- the whole Job, as JSON
) WITHOUT ROWID;
CREATE INDEX job_unended ON job (state) WHERE state NOT IN ('succeeded', 'failed');
CREATE TABLE trigger_key (
  key TEXT PRIMARY KEY, -- what asked for a job, where that must count once
  job_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE watermark (
  name TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL
) WITHOUT ROWID;
"""
INSERT_JOB = "INSERT INTO job (id, state, body) VALUES (?, ?, ?)"
INSERT_KEY = "INSERT INTO trigger_key VALUES (?, ?)"
PUT_BODY = "UPDATE job SET body = ? WHERE id = ?"
PUT_STATE = "UPDATE job SET state = ? WHERE id = ? AND state <> ?"
PUT_WATERMARK = "INSERT OR REPLACE INTO watermark VALUES ('succeeded', ?)"
SELECT_JOB = "SELECT body FROM job WHERE id = ?"
SELECT_UNENDED = (
    "SELECT body FROM job WHERE state NOT IN ('succeeded', 'failed') ORDER BY state = ?, id"
)
SELECT_TRIGGERED = "SELECT body FROM job WHERE id = (SELECT job_id FROM trigger_key WHERE key = ?)"
SELECT_WATERMARK = "SELECT at_ms FROM watermark WHERE name = 'succeeded'"
SELECT_VERSIONS = "SELECT version FROM schema_version"


def body_1(job_id: str, mode: str, state: str, **fields: object) -> str:
    """A job's body with the fields of version 1, all of which it wrote."""
    usual: dict[str, object] = {
        "id": job_id,
        "connector": "notes",
        "mode": mode,
        "created_at_ms": 1,
        "state": state,
        "started_at_ms": None,
        "finished_at_ms": None,
        "since_ms": None,
        "upload_id": "",
        "upload_count": 0,
        "cursor": None,
        "flights": [],
        "page_count": 0,
        "document_count": 0,
        "deletion_count": 0,
        "byte_count": 0,
        "turn_count": 0,
        "turn": None,
        "attempt": 0,
        "death_count": 0,
        "progress_at_ms": 0,
        "retry_at_ms": None,
        "alarm_at_ms": None,
        "error": "",
    }
    return msgspec.json.encode({**usual, **fields}).decode()


def a_database_of_version_1(*jobs: tuple[str, str, str, dict[str, object]]) -> Storage:
    """What version 1 left behind: its tables, its mark, and jobs of an id, mode and state."""
    storage = Storage()
    storage.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)")
    storage.exec(VERSION_1)
    storage.exec("INSERT INTO schema_version VALUES (?)", 1)
    for job_id, mode, state, fields in jobs:
        storage.exec(INSERT_JOB, job_id, state, body_1(job_id, mode, state, **fields))
    storage.commit()
    return storage


def bodies(storage: Storage, query: str, *bindings: str) -> Sequence[Mapping[str, object]]:
    rows = storage.exec(query, *bindings).toArray()
    return [msgspec.json.decode(str(row["body"])) for row in rows]


def added(store: Store, job: Job, trigger_key: str | None = None) -> None:
    async def add() -> None:
        await store.add(job, trigger_key, alarm_at_ms=None)

    asyncio.run(add())


def saved(store: Store, job: Job, alarm_at_ms: int | None = None) -> None:
    async def save() -> None:
        await store.save(job, alarm_at_ms, LIMITS)

    asyncio.run(save())


def test_a_database_of_version_1_is_brought_up_to_date_with_all_that_it_holds() -> None:
    flight = {
        "page": {
            "next_cursor": "c",
            "batch_count": 2,
            "document_count": 3,
            "deletion_count": 0,
            "byte_count": 9,
        },
        "sent_count": 1,
    }
    turn = {"started_at_ms": 7, "page_count": 1, "byte_count": 9}
    storage = a_database_of_version_1(
        ("notes-1", "FULL", "succeeded", {"started_at_ms": 70}),
        ("notes-2", "FULL", "sending", {"cursor": "b", "flights": [flight], "turn": turn}),
        ("notes-3", "INCREMENTAL", "queued", {}),
    )
    storage.exec(PUT_WATERMARK, 70)
    storage.exec(INSERT_KEY, KEY, "notes-2")

    store = Store(storage)

    assert [job.id for job in store.pending()] == ["notes-2", "notes-3"]
    working = store.pending()[0]
    assert (working.cursor, working.flights[0].sent_count) == ("b", 1)
    assert store.triggered_by(KEY) == working
    assert store.successes.watermark_ms() == 70
    assert [row["version"] for row in storage.exec(SELECT_VERSIONS).toArray()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([], None),
        ([("notes-1", "INCREMENTAL", "succeeded", {"document_count": 5})], None),
        ([("notes-1", "FULL", "failed", {"document_count": 5})], None),
        ([("notes-1", "FULL", "closing", {"document_count": 5})], None),
        ([("notes-1", "FULL", "succeeded", {"document_count": 5})], 5),
        (
            [
                ("notes-1", "FULL", "succeeded", {"document_count": 900}),
                ("notes-2", "FULL", "succeeded", {"document_count": 1_000}),
                ("notes-3", "FULL", "failed", {"document_count": 20}),
                ("notes-4", "INCREMENTAL", "succeeded", {"document_count": 3}),
            ],
            1_000,
        ),
    ],
    ids=["no job", "INCREMENTAL", "failed", "not ended", "FULL", "the last of several"],
)
def test_the_first_full_job_of_newer_code_knows_how_many_documents_there_were(
    jobs: list[tuple[str, str, str, dict[str, object]]], expected: int | None
) -> None:
    store = Store(a_database_of_version_1(*jobs))

    assert store.successes.full_counts().get(Stage.DOCUMENTS) == expected


def test_a_count_is_filled_once_and_not_again_at_the_next_start() -> None:
    storage = a_database_of_version_1(("notes-1", "FULL", "succeeded", {"document_count": 5}))
    store = Store(storage)
    saved(
        store,
        replace(JOB, id="notes-1", state=State.SUCCEEDED, started_at_ms=1, document_count=6),
    )

    assert Store(storage).successes.full_counts() == {Stage.DOCUMENTS: 6}


def test_each_migration_is_applied_once() -> None:
    storage = Storage()
    added(Store(storage), JOB)

    again = Store(storage)

    assert [row["version"] for row in storage.exec(SELECT_VERSIONS).toArray()] == [1, 2, 3, 4, 5]
    assert again.load(JOB.id) == JOB


def test_a_death_amid_a_migration_leaves_the_database_as_it_was() -> None:
    storage = a_database_of_version_1(("notes-1", "FULL", "queued", {}))

    Store(storage)
    storage.rollback()  # the object dies before its first await

    assert [row["version"] for row in storage.exec(SELECT_VERSIONS).toArray()] == [1]
    assert [job.id for job in Store(storage).pending()] == ["notes-1"]


def test_the_statements_of_version_1_work_after_a_rollback() -> None:
    storage = Storage()
    store = Store(storage)
    added(store, JOB, KEY)
    saved(store, replace(JOB, state=State.SENDING, notes=(Note(1, "a note"),)), alarm_at_ms=5)

    (working,) = bodies(storage, SELECT_UNENDED, "queued")
    assert (working["id"], working["state"]) == (JOB.id, "sending")
    assert bodies(storage, SELECT_TRIGGERED, KEY) == [working]

    storage.exec(INSERT_JOB, "notes-2", "queued", body_1("notes-2", "INCREMENTAL", "queued"))
    storage.exec(INSERT_KEY, "key", "notes-2")
    storage.exec(PUT_BODY, body_1("notes-2", "INCREMENTAL", "succeeded"), "notes-2")
    storage.exec(PUT_STATE, "succeeded", "notes-2", "succeeded")
    storage.exec(PUT_WATERMARK, 90)

    assert [job["id"] for job in bodies(storage, SELECT_UNENDED, "queued")] == [JOB.id]
    assert bodies(storage, SELECT_JOB, "notes-2")[0]["state"] == "succeeded"
    assert storage.exec(SELECT_WATERMARK).toArray()[0]["at_ms"] == 90


def test_what_version_1_wrote_after_a_rollback_is_read_after_the_next_deploy() -> None:
    storage = Storage()
    added(Store(storage), JOB)
    storage.exec(PUT_BODY, body_1(JOB.id, "FULL", "closing", upload_id="u-1"), JOB.id)
    storage.exec(PUT_STATE, "closing", JOB.id, "closing")
    storage.exec(PUT_WATERMARK, 90)

    store = Store(storage)

    (job,) = store.pending()
    assert (job.state, job.upload_id, job.notes) == (State.CLOSING, "u-1", ())
    assert store.successes.watermark_ms() == 90


def what_newer_code_wrote(storage: Storage) -> None:
    """Another table, a column and an index more, a job in a new state, and fields of its own."""
    storage.exec("INSERT INTO schema_version (version) VALUES (6)")
    storage.exec("CREATE TABLE newer (key TEXT PRIMARY KEY) WITHOUT ROWID")
    storage.exec("INSERT INTO newer VALUES ('kept')")
    for table in (
        *("job", "trigger_key", "watermark", "full_count", "reject"),
        *("verification", "processing", "tied"),
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
    saved(store, replace(working, state=State.SUCCEEDED, started_at_ms=70, document_count=3), 5)
    added(store, replace(JOB, id="notes-3"), "another key")

    assert store.successes.watermark_ms() == 70
    assert store.successes.full_counts() == {Stage.DOCUMENTS: 3}
    assert [job.id for job in store.pending()] == ["notes-1", "notes-3"]
    assert [row["key"] for row in storage.exec("SELECT key FROM newer").toArray()] == ["kept"]
    versions = [row["version"] for row in storage.exec(SELECT_VERSIONS).toArray()]
    assert versions == [1, 2, 3, 4, 5, 6]


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


def test_version_1_of_the_schema_is_never_edited() -> None:
    _, first, _ = SCHEMA.read_text(encoding="utf-8").split("-- version ", 2)

    assert first.removeprefix("1\n").strip() == VERSION_1.strip()
