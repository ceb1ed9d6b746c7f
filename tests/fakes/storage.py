"""A Durable Object's storage on sqlite3, refusing what the platform refuses or mangles.

Writes between two awaits commit together: a transaction begins with the first
write and ends where somebody awaits (`commit`) or the object dies (`rollback`).
The alarm is part of it.
"""

import sqlite3
from collections.abc import Awaitable, Mapping, Sequence
from functools import cache
from typing import Protocol

from durable.store.sql import Binding


VALUE_BYTES_MAX = 2_000_000
BINDINGS_MAX = 100
BINDINGS = frozenset({int, float, str, type(None)})


class Settle(Protocol):
    """Makes what an alarm's setting answers; awaiting it commits."""

    def __call__(self) -> Awaitable[None]: ...


class Rows:
    def __init__(self, rows: Sequence[Mapping[str, object]]) -> None:
        self._rows = rows

    def toArray(self) -> Sequence[Mapping[str, object]]:  # noqa: N802 - the platform's name
        return self._rows


class Storage:
    """Outlives the objects that use it, as the platform's does.

    Args:
        settle: what `setAlarm` and `deleteAlarm` give to await; by default one that commits.
        image: of another one, whose data it begins with.
    """

    def __init__(self, settle: Settle | None = None, image: bytes | None = None) -> None:
        self._settle = settle or self._commit
        # The garbage collector may come by in whichever thread there is.
        self._connection = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        if image is None:
            self._connection.execute("CREATE TABLE _alarm (at_ms INTEGER)")
        else:
            self._connection.deserialize(image)
        self.is_alive = True  # False: the isolate that uses it is gone, and may not write
        self.statements: list[str] = []

    def __del__(self) -> None:
        self._connection.close()  # newer Pythons warn of one that is left open

    @property
    def image(self) -> bytes:
        """All that is committed."""
        self.commit()
        return self._connection.serialize()

    @property
    def row_count(self) -> int:
        """Rows written so far, as far as they would be billed: an index's are not among them."""
        return self._connection.total_changes

    @property
    def sql(self) -> "Storage":
        return self

    def exec(self, query: str, *bindings: Binding) -> Rows:
        for binding in bindings:
            assert type(binding) in BINDINGS, f"mangled: {binding!r}"
            if isinstance(binding, int):
                assert abs(binding) < 2**53, f"a BigInt, which no statement takes: {binding}"
            elif isinstance(binding, str):
                assert len(binding.encode()) <= VALUE_BYTES_MAX, "a value over 2 MB"
        assert len(bindings) <= BINDINGS_MAX, "too many SQL variables"
        self.statements.append(query)
        *first, last = _statements(query)
        for statement in first:
            self._execute(statement, ())
        return Rows(self._execute(last, bindings))

    def setAlarm(self, at_ms: int) -> Awaitable[None]:  # noqa: N802 - the platform's name
        assert type(at_ms) is int
        assert at_ms > 0, "setAlarm() takes a time after the epoch"
        self._execute("DELETE FROM _alarm", ())
        self._execute("INSERT INTO _alarm VALUES (?)", (at_ms,))
        return self._settle()

    async def getAlarm(self) -> int | None:  # noqa: N802 - the platform's name
        return self.alarm_at_ms

    def deleteAlarm(self) -> Awaitable[None]:  # noqa: N802 - the platform's name
        self._execute("DELETE FROM _alarm", ())
        self._execute("INSERT INTO _alarm VALUES (NULL)", ())
        return self._settle()

    @property
    def alarm_at_ms(self) -> int | None:
        row = self._connection.execute("SELECT at_ms FROM _alarm").fetchone()
        return None if row is None or row[0] is None else int(row[0])

    @property
    def is_alarm_deleted(self) -> bool:
        """Since it went off last: a handler that dies after that, may not be called again."""
        row = self._connection.execute("SELECT at_ms FROM _alarm").fetchone()
        return row is not None and row[0] is None

    @property
    def has_uncommitted(self) -> bool:
        """Whether something was written since somebody last awaited."""
        return self._connection.in_transaction

    def fire(self) -> None:
        """The alarm goes off: from now on there is none."""
        self._execute("DELETE FROM _alarm", ())
        self.commit()

    def commit(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _execute(self, statement: str, bindings: Sequence[Binding]) -> list[Mapping[str, object]]:
        verb = _verb(statement)
        assert verb not in {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "ATTACH"}, statement
        if verb != "SELECT":
            assert self.is_alive, "wrote after its death"
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN")
        return [dict(row) for row in self._connection.execute(statement, tuple(bindings))]

    async def _commit(self) -> None:
        self.commit()


@cache
def _statements(query: str) -> list[str]:
    """A script cut into its statements."""
    statements, statement = [], ""
    for line in query.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            statements.append(statement.strip())
            statement = ""
    if _without_comments(statement).strip():
        statements.append(statement.strip())
    return statements


@cache
def _verb(statement: str) -> str:
    return _without_comments(statement).split(maxsplit=1)[0].upper()


@cache
def _without_comments(statement: str) -> str:
    lines = statement.splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--"))
