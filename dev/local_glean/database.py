"""The SQLite database: one connection, one transaction at a time."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self


SCHEMA = Path(__file__).with_name("schema.sql")
SCHEMA_VERSION = 1  # goes up with each change of the tables
TABLES = ("datasource", "document", "record", "staged", "staged_record", "upload", "processing")


class Database:
    """Used from any thread. Close it with a `with` block.

    Args:
        path: of the file, or `:memory:`. A file with the tables of another version is begun
            anew: nothing in it is worth a migration.
    """

    def __init__(self, path: str) -> None:
        self._connection = _connected(path)
        if _is_outdated(self._connection):
            self._connection.close()
            for suffix in ("", "-wal", "-shm"):
                Path(path + suffix).unlink(missing_ok=True)
            self._connection = _connected(path)
        self._lock = threading.Lock()
        self._connection.execute("PRAGMA journal_mode = WAL")
        # A crash of the machine may lose the last transactions; that of the process does not.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA.read_text())
        self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: an exception takes back what was written."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, statement: str, *parameters: Any) -> list[Any]:
        with self._lock:
            return self._connection.execute(statement, parameters).fetchall()

    def reset(self) -> None:
        """Forget everything."""
        with self.transaction() as connection:
            for table in TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names are above


def _connected(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def _is_outdated(connection: sqlite3.Connection) -> bool:
    ((version,),) = connection.execute("PRAGMA user_version")
    ((table_count,),) = connection.execute("SELECT count(*) FROM sqlite_master")
    return bool(table_count) and version != SCHEMA_VERSION
