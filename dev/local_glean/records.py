"""Users, groups, memberships, employees and teams: staged in an upload, live, and deleted."""

import json
import sqlite3
from collections.abc import Iterable, Sequence

from msgspec import Struct

from dev.local_glean.database import Database
from dev.local_glean.in_force import InForce
from dev.local_glean.uploads import DELETED_SHARE_MAX, Entity, Place, note_processing


# Glean documents no check of what these uploads delete, and no flag to do without one.
UNCHECKED = frozenset({Entity.MEMBERSHIPS, Entity.TEAMS})


class Record(Struct, frozen=True):
    """One that was found good."""

    key: str
    body: bytes  # JSON, as it was sent
    reference: str = ""  # of a user: the datasource's own id


class Records:
    """All records; the contents of their uploads."""

    def __init__(self, database: Database, in_force: InForce) -> None:
        self._database = database
        self._now_ms = in_force.clock.now_ms

    def upsert(self, place: Place, record: Record) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (
                    place.entity,
                    place.datasource,
                    place.group,
                    record.key,
                    record.reference,
                    record.body,
                ),
            )

    def delete(self, place: Place, key: str) -> None:
        """Delete a record, if it is there, and the memberships that it has a part in."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM record "
                "WHERE entity = ? AND datasource = ? AND group_name = ? AND key = ?",
                (place.entity, place.datasource, place.group, key),
            )
            _delete_orphans(connection, place)

    def process(self, kind: str, datasource: str | None) -> None:
        """Note that somebody asked for it, for one datasource or for all."""
        now_ms = self._now_ms()
        with self._database.transaction() as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM datasource")]
            for name in names if datasource is None else [datasource]:
                note_processing(connection, kind, name, now_ms, now_ms)

    def emails(
        self, datasource: str, references: Iterable[str], *, by_email: bool
    ) -> dict[str, str]:
        """The users' emails, by how they are referred to. Those who are not there are left out."""
        column = "key" if by_email else "reference"
        rows = self._database.rows(
            f"SELECT {column}, key FROM record WHERE entity = 'users' AND datasource = ? "  # noqa: S608 - a name of ours
            f"AND {column} IN (SELECT value FROM json_each(?))",
            datasource,
            json.dumps(sorted(references)),
        )
        return dict(rows)

    def groups(self, datasource: str, names: Iterable[str]) -> set[str]:
        """Those of the groups that are there."""
        rows = self._database.rows(
            "SELECT key FROM record WHERE entity = 'groups' AND datasource = ? "
            "AND key IN (SELECT value FROM json_each(?))",
            datasource,
            json.dumps(sorted(names)),
        )
        return {key for (key,) in rows}

    def bodies(self, entity: Entity, datasource: str) -> list[bytes]:
        """All that are live, as they were sent."""
        rows = self._database.rows(
            "SELECT body FROM record WHERE entity = ? AND datasource = ? ORDER BY group_name, key",
            entity,
            datasource,
        )
        return [body for (body,) in rows]

    def live_count(self, entity: Entity, datasource: str) -> int:
        ((count,),) = self._database.rows(
            "SELECT count(*) FROM record WHERE entity = ? AND datasource = ?", entity, datasource
        )
        return int(count)

    def uploaded_count(self, entity: Entity, datasource: str) -> int:
        """Of those that are live or staged."""
        ((count,),) = self._database.rows(
            """
            SELECT count(*) FROM (
              SELECT group_name, key FROM record WHERE entity = ?1 AND datasource = ?2
              UNION
              SELECT group_name, key FROM staged_record JOIN upload ON upload = sequence
              WHERE entity = ?1 AND datasource = ?2
            )
            """,
            entity,
            datasource,
        )
        return int(count)

    def stage(self, connection: sqlite3.Connection, upload: int, items: Sequence[Record]) -> None:
        connection.executemany(
            "INSERT OR REPLACE INTO staged_record VALUES (?, ?, ?, ?)",
            ((upload, record.key, record.reference, record.body) for record in items),
        )

    def repeated(
        self, connection: sqlite3.Connection, upload: int, items: Sequence[Record]
    ) -> str | None:
        for record in items:
            if connection.execute(
                "SELECT 1 FROM staged_record WHERE upload = ? AND key = ?", (upload, record.key)
            ).fetchone():
                return record.key
        return None

    def replace(
        self, connection: sqlite3.Connection, upload: int, place: Place, *, unchecked: bool
    ) -> None:
        parameters = {
            "upload": upload,
            "entity": place.entity,
            "datasource": place.datasource,
            "group": place.group,
        }
        there = "entity = :entity AND datasource = :datasource AND group_name = :group"
        stale = "key NOT IN (SELECT key FROM staged_record WHERE upload = :upload)"
        live_count, stale_count = connection.execute(
            f"SELECT count(*), count(*) FILTER (WHERE {stale}) FROM record WHERE {there}",  # noqa: S608 - a text of ours
            parameters,
        ).fetchone()
        is_checked = not unchecked and place.entity not in UNCHECKED
        if is_checked and stale_count > DELETED_SHARE_MAX * live_count:
            statement = f"UPDATE record SET paused_by = :upload WHERE {there} AND {stale}"  # noqa: S608 - a text of ours
        else:
            statement = f"DELETE FROM record WHERE {there} AND {stale}"  # noqa: S608 - a text of ours
        connection.execute(statement, parameters)
        connection.execute(
            """
            INSERT OR REPLACE INTO record
            SELECT :entity, :datasource, :group, key, reference, body, NULL
            FROM staged_record WHERE upload = :upload
            """,
            parameters,
        )
        _delete_orphans(connection, place)


def _delete_orphans(connection: sqlite3.Connection, place: Place) -> None:
    """Delete the memberships whose group, or whose member, is not there any more.

    Those of one group, where it was only its memberships that changed.
    """
    connection.execute(
        """
        DELETE FROM record WHERE entity = 'memberships' AND datasource = ?1
        AND (?2 = '' OR group_name = ?2) AND NOT (
          EXISTS (
            SELECT 1 FROM record AS whole WHERE whole.entity = 'groups'
              AND whole.datasource = ?1 AND whole.group_name = ''
              AND whole.key = record.group_name
          )
          AND EXISTS (
            SELECT 1 FROM record AS member
            WHERE member.entity = iif(record.key LIKE 'user %', 'users', 'groups')
              AND member.datasource = ?1 AND member.group_name = ''
              AND member.key = substr(record.key, instr(record.key, ' ') + 1)
          )
        )
        """,
        (place.datasource, place.group),
    )
