"""A source or a Glean that says our secrets back to us. See docs/security.md."""

import asyncio

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.engine.platform import RunnerContext
from durable.engine.processor import Begun, Processor
from durable.environment import Secret
from durable.glean.documents import Deletion, Document
from durable.glean.mapped_record import EXCERPT_BYTES_MAX
from durable.glean.mapped_record import EXCERPT_BYTES_MAX as RECORD_BYTES_MAX
from durable.http.auth import Bearer
from durable.http.refusal import REFUSAL_BYTES_MAX
from durable.machine.job import Mode
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor, NextUrl
from durable.store.store import Store
from durable.views.status import status
from durable.views.views import Views
from tests.fakes.connector import NOTES, Note, document
from tests.fakes.environment import an_environment
from tests.fakes.host import a_host
from tests.fakes.network import Network
from tests.fakes.storage import Storage


TOKEN = "Vb3XqM9tRz6KcY2wHn8LpD5sJf7GaE4uTi1o"
PIECE = 8  # characters of it in a row that give it away
CUT = 20  # of its characters come before a limit
NOW_MS = 1_764_000_000_123
ENVIRONMENT = an_environment(
    SOURCE_TOKEN=TOKEN, GLEAN_INDEXING_API_TOKEN=TOKEN[::-1], GLEAN_INSTANCE="acme"
)
SOURCE = HttpSource(
    records="items",
    url="https://notes.example/list",
    paging=BodyCursor(path="next_cursor", param="cursor"),
    auth=Bearer(Secret("SOURCE_TOKEN")),
)
PLAIN = replace(NOTES, documents=replace(NOTES.documents, source=SOURCE))
LINKED = replace(
    NOTES,
    documents=replace(
        NOTES.documents, source=replace(SOURCE, paging=NextUrl(path="next_cursor"), has_more="more")
    ),
)


def raising(note: Note) -> Document:
    raise ValueError(note.text)


RAISING = replace(PLAIN, documents=replace(PLAIN.documents, map=raising))


def left_over(connector: AnyConnector, *answers: httpx.Response) -> str:
    """All that is stored and shown of a job after its first turn."""
    storage = Storage()
    host = a_host(Network(*answers))
    store = Store(storage)
    processor = Processor(RunnerContext(connector, ENVIRONMENT, store, host))
    views = Views(connector, ENVIRONMENT, store, host)

    async def run() -> str:
        begun = await processor.begin(Mode.INCREMENTAL, None)
        assert isinstance(begun, Begun)
        storage.fire()
        job = await processor.turn()
        assert job is not None
        told = job.error or job.crawl.reject_count or job.crawl.cursor
        assert told or job.crawl.document_count, "nothing was said back"
        shown = msgspec.json.encode(status(job)).decode()
        shown += repr(views.events(job.id, 0, 100)) + repr(views.overview())
        return shown + repr(views.rejects(job.id, (0, 0), 100)) + stored(storage)

    return asyncio.run(run())


def stored(storage: Storage) -> str:
    tables = ("job", "trigger_key", "watermark", "reject", "ledger", "pack", "gone")
    return repr([storage.sql.exec(f"SELECT * FROM {name}").toArray() for name in tables])  # noqa: S608


def pieces(secret: str) -> set[str]:
    return {secret[start : start + PIECE] for start in range(len(secret) - PIECE + 1)}


def found_in(text: str) -> list[str]:
    return [piece for secret in (TOKEN, TOKEN[::-1]) for piece in pieces(secret) if piece in text]


def a_page(*items: object, next_cursor: str | None = None, **fields: object) -> httpx.Response:
    return httpx.Response(200, json={"items": items, "next_cursor": next_cursor, **fields})


def cut_at(limit: int) -> str:
    """A text in which the secret crosses the limit."""
    return "x" * (limit - CUT) + TOKEN


@pytest.mark.parametrize("status_code", [400, 401, 403, 404, 409, 429, 500, 503])
@pytest.mark.parametrize("body", [TOKEN, f'{{"token": "{TOKEN}"}}', cut_at(REFUSAL_BYTES_MAX)])
def test_an_error_that_echoes_the_token_is_stored_and_shown_without_it(
    status_code: int, body: str
) -> None:
    answer = httpx.Response(status_code, text=body)

    assert found_in(left_over(PLAIN, answer)) == []


@pytest.mark.parametrize(
    "body",
    [
        f"<html>{TOKEN}</html>",
        f'{{"error": "{TOKEN}"}}',
        f'{{"items": "{TOKEN}"}}',
        cut_at(EXCERPT_BYTES_MAX),
        f'{{"items": {{"a": "{cut_at(EXCERPT_BYTES_MAX - 17)}"}}}}',
    ],
    ids=["no JSON", "an error", "another shape", "cut, no JSON", "cut, another shape"],
)
def test_a_page_that_is_none_and_echoes_the_token_is_shown_without_it(body: str) -> None:
    assert found_in(left_over(PLAIN, httpx.Response(200, text=body))) == []


@pytest.mark.parametrize(
    ("connector", "item"),
    [
        (PLAIN, {"id": 1, "text": TOKEN}),
        (PLAIN, {"id": TOKEN, "text": 1}),
        (PLAIN, TOKEN),
        (PLAIN, {"pad": cut_at(RECORD_BYTES_MAX - 8)}),
        (PLAIN, {"id": TOKEN * 6, "text": "the id is too long"}),
        (RAISING, {"id": "a", "text": TOKEN}),
        (RAISING, {"id": "a", "text": f"line\n{TOKEN}\r\n"}),
    ],
    ids=[
        *("in a field", "in the id", "alone", "cut", "in the key"),
        *("in the mapping's error", "in lines of the mapping's error"),
    ],
)
def test_a_record_that_echoes_the_token_is_rejected_without_it(
    connector: AnyConnector, item: object
) -> None:
    assert found_in(left_over(connector, a_page(item))) == []


def told(note: Note) -> Document | Deletion:
    url = f"https://notes.example/{note.text}"
    return replace(document(note), view_url=url)


@pytest.mark.parametrize("text", [TOKEN, "x" * (200 - CUT) + TOKEN], ids=["whole", "cut"])
def test_what_the_ledger_keeps_of_a_document_has_no_secret(text: str) -> None:
    connector = replace(PLAIN, documents=replace(PLAIN.documents, map=told))
    item = {"id": "a", "text": text}

    assert found_in(left_over(connector, a_page(item), httpx.Response(200))) == []


def test_a_document_whose_id_has_a_secret_is_rejected() -> None:
    """The ledger would have to keep it as it is."""
    item = {"id": f"a-{TOKEN}", "text": "t"}

    assert found_in(left_over(PLAIN, a_page(item), httpx.Response(200))) == []


def test_a_document_that_glean_refuses_with_the_token_is_rejected_without_it() -> None:
    page = a_page({"id": TOKEN, "text": TOKEN})
    refusal = httpx.Response(400, text=f"{TOKEN} may not index {TOKEN[::-1]}")

    assert found_in(left_over(PLAIN, page, refusal)) == []


def test_a_link_that_leads_elsewhere_with_the_token_is_shown_without_it() -> None:
    page = a_page(next_cursor=f"https://evil.example/?token={TOKEN}", more=True)

    assert found_in(left_over(LINKED, page)) == []


def test_a_link_that_contradicts_the_page_is_shown_without_the_token() -> None:
    link = f"https://notes.example/list?{'x' * 40}{TOKEN}"  # it is cut after 100 characters

    assert found_in(left_over(LINKED, a_page(next_cursor=link, more=False))) == []


def test_a_link_that_carries_the_token_is_not_shown_with_it() -> None:
    """Some sources put the caller's token into the links to their next pages."""
    link = f"https://notes.example/list?access_token={TOKEN}"
    storage = Storage()
    answers = (a_page(next_cursor=link, more=True), httpx.Response(503))
    host = a_host(Network(*answers))
    store = Store(storage)
    processor = Processor(RunnerContext(LINKED, ENVIRONMENT, store, host))

    async def run() -> str:
        await processor.begin(Mode.INCREMENTAL, None)
        storage.fire()
        job = await processor.turn()
        assert job is not None
        return msgspec.json.encode(Views(LINKED, ENVIRONMENT, store, host).show(job)).decode()

    assert found_in(asyncio.run(run())) == []
