import httpx
from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.engine.clients import build_clients
from durable.glean.documents import Document
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor
from tests.fakes.bench import SET
from tests.fakes.connector import NOTES, Note, document
from tests.fakes.environment import an_environment
from tests.fakes.host import a_host
from tests.fakes.network import Network


SEEN = list[str]()


def remembering(note: Note) -> Document | None:
    """As a mapping does that keeps something from record to record."""
    SEEN.append(note.id)
    made = document(note)
    return made if isinstance(made, Document) else None


def fingerprint(connector: AnyConnector = NOTES, **variables: str) -> str:
    host = a_host(Network(httpx.Response(200)))
    return build_clients(connector, an_environment(**{**SET, **variables}), host).spec.fingerprint


def test_what_a_mapping_keeps_from_record_to_record_is_no_change_of_the_connector() -> None:
    connector = replace(NOTES, documents=replace(NOTES.documents, map=remembering))
    before = fingerprint(connector)

    remembering(Note("a", "text"))

    assert fingerprint(connector) == before


def test_another_connector_or_another_place_of_the_source_is_a_change() -> None:
    placed = replace(
        NOTES,
        documents=replace(
            NOTES.documents,
            source=HttpSource(records="items", url="${NOTES_URL}/list", paging=BodyCursor()),
        ),
    )

    found = {
        fingerprint(),
        fingerprint(replace(NOTES, documents=replace(NOTES.documents, map=remembering))),
        fingerprint(placed, NOTES_URL="https://one.example"),
        fingerprint(placed, NOTES_URL="https://other.example"),
    }

    assert len(found) == 4
