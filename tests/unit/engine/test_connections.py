"""Whatever becomes of a request, whoever made it: its connection is let go.

The platform has six. The seventh waits for one of them, and every job with it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import ClassVar

import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace

from dev.kit import crawl as kit
from durable.connector.connector import Connector
from durable.connector.definition import AnyConnector
from durable.connector.stream import Stream
from durable.engine.checks import Check, Checks
from durable.engine.platform import Platform, RunnerContext
from durable.engine.processor import Processor
from durable.engine.provision import Provision
from durable.engine.reject_reader import RepeatedReader
from durable.environment import Environment, Secret, Variable
from durable.errors import UpstreamError
from durable.glean.datasource import Datasource
from durable.http.connection_limit import CONNECTIONS_MAX
from durable.http.context import SourceContext
from durable.http.error_rules import Action, Rule
from durable.http.oauth import ClientCredentials
from durable.machine.job import Mode, ReadContext, Stage
from durable.machine.rate import Rate
from durable.machine.rejects import RejectedPage
from durable.sources.clock import Clock
from durable.sources.http import HttpSource
from durable.sources.ndjson import NdjsonSource
from durable.sources.nested import Nested
from durable.sources.paging.cursors import BodyCursor
from durable.sources.python import PythonSource
from durable.sources.python_request import FetchRequest, SourcePage
from durable.sources.source import (
    NO_NAMES,
    NO_SCOPE,
    Reader,
    Records,
    Scope,
    ScopedReader,
    Source,
    close_all,
)
from durable.sources.sub_list import SubList
from durable.store.store import Store
from tests.fakes.bench import NOW_MS, SET
from tests.fakes.connections import Connections
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.network import no_wait
from tests.fakes.source import a_crawl
from tests.fakes.storage import Storage


SOURCE = "notes.example"
URL = f"https://{SOURCE}"
LINES = NdjsonSource(url=f"{URL}/lines", size=2)
LIST = HttpSource(
    records="items", url=f"{URL}/list", paging=BodyCursor(path="next_cursor", param="cursor")
)
SECRETS = {**SET, "CLIENT_ID": "client", "CLIENT_SECRET": "cl1ents3cret", "ALERT_URL": URL}
LINE_COUNT = 50


class Lines(httpx.AsyncByteStream):
    """A long list, of which nobody reads all."""

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number in range(LINE_COUNT):
            yield b'{"id": "n%d", "text": "a"}\n' % number
        if self._failure is not None:
            raise self._failure


Answer = Callable[[httpx.Request], httpx.Response]


def usual(request: httpx.Request) -> httpx.Response:
    path = request.url.path
    if path == "/lines":
        return httpx.Response(200, stream=Lines())
    if path == "/token":
        return httpx.Response(200, json={"access_token": "t0ken", "token_type": "Bearer"})
    if request.url.host == SOURCE:
        following = None if request.url.params.get("cursor") else "2"
        items = [{"id": f"n{number}", "text": "a"} for number in range(3)]
        return httpx.Response(200, json={"items": items, "next_cursor": following})
    return httpx.Response(200, json={})


def refusing(status: int) -> Answer:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=Lines())

    return answer


def breaking(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=Lines(httpx.ReadError("reset")))


def raising(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody there")


ANSWERS = {
    "as usual": usual,
    "401": refusing(401),
    "410": refusing(410),
    "500": refusing(500),
    "206": refusing(206),
    "a body that breaks off": breaking,
    "nobody": raising,
}


async def pages(request: FetchRequest) -> AsyncIterator[SourcePage]:
    number = 0
    while True:
        await request.client.get("/list")
        number += 1
        yield SourcePage([{"id": f"n{number}"}], number)


class Streaming(Struct, frozen=True):
    """A list of an author's own kind, whose reader keeps its connection."""

    rate: ClassVar[Rate | None] = None
    kept_ms: ClassVar[int | None] = None
    tells_changes: ClassVar[bool] = True
    has_moving_pages: ClassVar[bool] = False
    clock: ClassVar[Clock | None] = None

    def reader(self, context: SourceContext, _names: frozenset[str] = NO_NAMES) -> ScopedReader:
        return StreamingReader(context)

    def secrets(self) -> frozenset[str]:
        return frozenset()

    def locate(self, _environment: Environment) -> str:
        return URL


class StreamingReader(Reader):
    """One connection for each list."""

    def __init__(self, context: SourceContext) -> None:
        self._context = context
        self._readers: dict[bytes, Reader] = {}

    async def fetch(
        self, cursor: str | None, crawl: ReadContext, scope: Scope = NO_SCOPE
    ) -> Records:
        key = b" ".join(bytes(value) for value in scope.values())
        reader = self._readers.setdefault(key, LINES.reader(self._context))
        return await reader.fetch(cursor, crawl)

    async def close(self) -> None:
        await close_all(self._readers.values())


FEW = replace(LIST, sub_lists=(SubList(source=Streaming(), into="lines", records_max=3),))
AUTH = ClientCredentials(
    endpoint=f"{URL}/token", client_id=Variable("CLIENT_ID"), client_secret=Secret("CLIENT_SECRET")
)
RULE = Rule(status=200, header=("x-never", "(a+)+$"), then=Action.FAIL)
SOURCES: dict[str, Source] = {
    "lines": LINES,
    "lines with a token": replace(LINES, auth=AUTH),
    "lines with a rule": replace(LINES, rules=(RULE,)),
    "a list": LIST,
    "a list with a token": replace(LIST, auth=AUTH),
    "gathered": FEW,
    "nested": Nested(parents=LIST, children=LIST, name="note"),
    "nested under lines": Nested(parents=LINES, children=LIST, name="note"),
    "nested over an author's own": Nested(parents=LIST, children=Streaming(), name="note"),
    "python": PythonSource(url=URL, pages=pages),
}


class Used:
    """What a connector's object uses, and the connections that it has at a time."""

    def __init__(self, answer: Answer, connector: AnyConnector = NOTES) -> None:
        self.connections = Connections(httpx.MockTransport(answer))
        self.connector = connector
        self.environment = an_environment(**SECRETS)
        # Without the gate, which would wait for ever where one is not let go.
        self.host = Platform(lambda: NOW_MS, lambda: "0a", lambda: 0.5, self.connections, no_wait)
        self.storage = Storage()

    def checked(self) -> list[Check]:
        return asyncio.run(Checks(self.connector, self.environment, self.host).run())

    def processed(self, mode: Mode) -> None:
        store = Store(self.storage)
        processor = Processor(RunnerContext(self.connector, self.environment, store, self.host))

        async def some() -> None:
            await processor.begin(mode, None)
            for _ in range(5):
                await processor.turn()

        asyncio.run(some())


def a_connector(source: Source) -> AnyConnector:
    stream = Stream(source=source, key="id", record=NOTES.documents.record, map=lambda _: None)
    return Connector(
        name="notes",
        datasource=Datasource("notes"),
        documents=Stream(
            source=source, key="id", record=NOTES.documents.record, map=NOTES.documents.map
        ),
        users=stream,
        groups=stream,
        memberships=stream,
        employees=stream,
        teams=stream,
        deletions=stream,
    )


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_check_lets_go_of_all_that_it_has_opened(source: Source, answer: Answer) -> None:
    used = Used(answer, a_connector(source))

    for _ in range(CONNECTIONS_MAX):
        used.checked()
        assert used.connections.open_count == 0
    assert used.connections.most <= CONNECTIONS_MAX


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("mode", Mode)
def test_a_turn_lets_go_of_all_that_it_has_opened(
    mode: Mode, source: Source, answer: Answer
) -> None:
    used = Used(answer, a_connector(source))

    used.processed(mode)

    assert used.connections.open_count == 0


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_preview_and_the_kit_let_go_of_all_that_they_have_opened(source: Source) -> None:
    used = Used(usual, a_connector(source))
    clock = kit.Clock(NOW_MS)
    offline = kit.Offline(used.connector, used.environment, used.connections, clock, 0)

    async def begun() -> None:
        async with offline.reading(Mode.FULL, Stage.DOCUMENTS) as reading:
            with suppress(UpstreamError):  # of a list that is too long
                await reading.page(None, 1)

    asyncio.run(begun())

    assert used.connections.open_count == 0


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_the_set_up_of_a_datasource_lets_go_of_all_that_it_has_opened(answer: Answer) -> None:
    used = Used(answer)
    provision = Provision(used.connector, used.environment, used.host)

    for _ in range(CONNECTIONS_MAX + 1):
        asyncio.run(provision.found())
        asyncio.run(provision.set_up(0))

    assert used.connections.open_count == 0


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("rounds", range(0, 40, 9))
def test_whoever_goes_away_at_any_moment_lets_go_of_all(source: Source, rounds: int) -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        return usual(request)

    used = Used(usual, a_connector(source))
    used.connections = Connections(httpx.MockTransport(slow))
    used.host = replace(used.host, transport=used.connections)

    async def left() -> None:
        check = asyncio.create_task(Checks(used.connector, used.environment, used.host).run())
        for _ in range(rounds):
            await asyncio.sleep(0)
        check.cancel()
        await asyncio.gather(check, return_exceptions=True)

    asyncio.run(left())

    assert used.connections.open_count == 0


def test_a_reader_that_raises_as_it_is_closed_does_not_keep_the_others_open() -> None:
    class Odd(StreamingReader):
        async def close(self) -> None:
            await super().close()
            raise ValueError("of an author's own")

    class Kept(Streaming, frozen=True):
        def reader(self, context: SourceContext, _names: frozenset[str] = NO_NAMES) -> ScopedReader:
            return Odd(context)

    nested = Nested(parents=Kept(), children=Kept(), name="note")
    used = Used(usual)
    context = SourceContext(
        used.environment, used.host.transport, used.host.now_ms, 100_000, used.host.tokens
    )

    async def read() -> None:
        reader = nested.reader(context)
        await reader.fetch(None, a_crawl())
        with pytest.raises(ValueError, match="of an author's own"):
            await reader.close()

    asyncio.run(read())

    assert used.connections.open_count == 0


def test_rejects_that_are_read_again_let_go_of_what_was_opened() -> None:
    used = Used(usual)
    context = SourceContext(
        used.environment, used.host.transport, used.host.now_ms, 100_000, used.host.tokens
    )
    reader = RepeatedReader(LINES.reader(context), [RejectedPage(None, "", frozenset({1}))])

    async def read() -> None:
        await reader.fetch(None, a_crawl())
        assert used.connections.open_count == 1
        await reader.close()

    asyncio.run(read())

    assert used.connections.open_count == 0
