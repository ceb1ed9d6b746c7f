"""The live index: datasources, documents, and the search over them."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from dev.local_glean.database import Database
from dev.local_glean.rules import Document


LISTED_DOCUMENTS_MAX = 500  # read at a time
FOUND_MAX = 50
# Around what was found in a snippet: characters that no text on a page has.
MARK_START, MARK_END = "\x02", "\x03"


class Live(Struct, frozen=True):
    """A document of the index."""

    id: str
    body: bytes


class Found(Struct, frozen=True):
    """A document that a search found, with the marks in its snippet."""

    id: str
    datasource: str
    object_type: str
    title: str
    snippet: str
    body: bytes


class Index:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put_datasource(self, name: str, config: bytes) -> None:
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO datasource VALUES (?, ?)", (name, config))

    def datasource_config(self, name: str) -> bytes | None:
        """The JSON, as it was sent."""
        rows = self._database.rows("SELECT config FROM datasource WHERE name = ?", name)
        return rows[0][0] if rows else None

    def upsert(self, datasource: str, documents: Sequence[Document]) -> None:
        with self._database.transaction() as connection:
            connection.executemany(
                """
                INSERT INTO document
                  (datasource, folded_id, id, object_type, title, text, body, is_visible)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (datasource, folded_id) DO UPDATE SET
                  id = excluded.id, object_type = excluded.object_type, title = excluded.title,
                  text = excluded.text, body = excluded.body, is_visible = excluded.is_visible,
                  paused_by = NULL
                """,
                (
                    (
                        datasource,
                        document.folded_id,
                        document.id,
                        document.object_type,
                        document.title,
                        document.text,
                        document.body,
                        document.is_visible,
                    )
                    for document in documents
                ),
            )

    def delete(self, datasource: str, object_type: str, identifier: str) -> None:
        """Delete a document, if it is there."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM document WHERE datasource = ? AND folded_id = ? AND object_type = ?",
                (datasource, identifier.casefold(), object_type),
            )

    def live(self, datasource: str) -> Iterator[Sequence[Live]]:
        """All documents, some hundreds at a time, so that others come in between."""
        last_key = 0
        while rows := self._database.rows(
            "SELECT key, id, body FROM document WHERE datasource = ? AND key > ? "
            "ORDER BY key LIMIT ?",
            datasource,
            last_key,
            LISTED_DOCUMENTS_MAX,
        ):
            last_key = rows[-1][0]
            yield [Live(identifier, body) for _, identifier, body in rows]

    def search(self, query: str, datasource: str | None) -> tuple[int, Sequence[Found]]:
        """How many documents have all words of the query, and the best of them.

        The last word may be the beginning of one. Nothing in a query is an operator.
        """
        words = [f'"{word}"' for word in query.replace('"', " ").replace("\0", " ").split()]
        if not words:
            return 0, ()
        parameters = (" ".join(words) + "*", datasource, datasource)
        condition = "search MATCH ? AND (? IS NULL OR datasource = ?)"
        ((count,),) = self._database.rows(
            f"SELECT count(*) FROM search JOIN document ON key = search.rowid WHERE {condition}",  # noqa: S608 - a text of ours
            *parameters,
        )
        rows = self._database.rows(
            f"""
            SELECT id, datasource, object_type, document.title,
              snippet(search, 1, ?, ?, ' … ', 30), body
            FROM search JOIN document ON key = search.rowid WHERE {condition}
            ORDER BY bm25(search, 10, 1), key LIMIT ?
            """,  # noqa: S608 - a text of ours
            MARK_START,
            MARK_END,
            *parameters,
            FOUND_MAX,
        )
        return count, [Found(*row) for row in rows]
