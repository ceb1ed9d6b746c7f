"""The live index, read: its documents, and the search over them."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from dev.local_glean.database import Database


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


class Results(Struct, frozen=True):
    """What a search was for, and what it found."""

    query: str
    datasource: str | None  # that it was limited to
    count: int = 0
    found: Sequence[Found] = ()  # the best


class Index:
    def __init__(self, database: Database) -> None:
        self._database = database

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

    def search(self, query: str, datasource: str | None) -> Results:
        """The documents that have all words of the query.

        The last word may be the beginning of one. Nothing in a query is an operator.
        """
        words = [f'"{word}"' for word in query.replace('"', " ").replace("\0", " ").split()]
        if not words:
            return Results(query, datasource)
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
        return Results(query, datasource, count, [Found(*row) for row in rows])
