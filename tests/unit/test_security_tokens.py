"""Servers that say back all that proves who we are. See docs/security.md."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote_plus

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.engine.platform import RunnerContext
from durable.engine.processor import Processor
from durable.environment import Environment, Secret, Variable
from durable.glean.mapped_record import EXCERPT_BYTES_MAX
from durable.http.auth import ApiKey, Auth, Basic, Bearer
from durable.http.error_rules import Action, Rule
from durable.http.oauth import ClientCredentials, RefreshToken
from durable.http.token_endpoint import DESCRIPTION_CHARACTERS_MAX
from durable.machine.job import Job, Mode
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import NextUrl
from durable.store.store import Store
from durable.views.views import Views
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.host import a_host
from tests.fakes.mirror import Echo, Mirror
from tests.fakes.storage import Storage


PIECE = 8  # characters of a secret in a row that give it away
CUT = 20  # of a text's characters come before a limit
USER, CLIENT_ID = "ann@acme.example", "the-client"
KEY, PASSWORD = "Vb3XqM9tRz6KcY2wHn8LpD5sJf7GaE4uTi1o", "kW5+zR8/tY2=uP7vQ4hN9jB6mD3xSgLaCe1f"
CLIENT_SECRET, REFRESH_TOKEN = (
    "Zp6HdXnE3sKu9FwTq1LyVb7MoGj4RiC2Aa8",
    "1//0gXyB7vK2mNq-PzTwL9cRfHjD4sEaU",
)
ACCESS_TOKEN, NEW_REFRESH_TOKEN = (
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.Q8",
    "1//0hCzD8wM3pRs-QaVxN1eT",
)
GLEAN_TOKEN = "Jd8FkSx2PqWm7VzNc4HbYt9RgLe3UoKi6Aa"
VARIABLES = {
    "USER": USER,
    "PASSWORD": PASSWORD,
    "KEY": KEY,
    "CLIENT_ID": CLIENT_ID,
    "CLIENT_SECRET": CLIENT_SECRET,
    "REFRESH_TOKEN": REFRESH_TOKEN,
    "GLEAN_INDEXING_API_TOKEN": GLEAN_TOKEN,
    "GLEAN_INSTANCE": "acme",
}
SECRETS = (
    *(KEY, PASSWORD, CLIENT_SECRET, REFRESH_TOKEN, ACCESS_TOKEN, NEW_REFRESH_TOKEN, GLEAN_TOKEN),
    *(quote_plus(secret) for secret in (PASSWORD, REFRESH_TOKEN, NEW_REFRESH_TOKEN)),
    b64encode(f"{USER}:{PASSWORD}".encode()).decode(),
    b64encode(f"{KEY}:".encode()).decode(),
    b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode(),
)
ENDPOINT = "https://login.example/token"
CREDENTIALS = ClientCredentials(
    endpoint=ENDPOINT, client_id=Variable("CLIENT_ID"), client_secret=Secret("CLIENT_SECRET")
)
REFRESH = RefreshToken(
    endpoint=ENDPOINT,
    client_id=Variable("CLIENT_ID"),
    client_secret=Secret("CLIENT_SECRET"),
    refresh_token=Secret("REFRESH_TOKEN"),
)
OAUTH: dict[str, Auth] = {
    "client credentials": CREDENTIALS,
    "client credentials in the body": replace(CREDENTIALS, client_in_body=True),
    "refresh token": REFRESH,
    "refresh token, client in the body": replace(REFRESH, client_in_body=True),
}
KINDS: dict[str, Auth] = {
    "bearer": Bearer(Secret("KEY")),
    "basic": Basic(Variable("USER"), Secret("PASSWORD")),
    "basic, a key alone": Basic(Secret("KEY")),
    "key in a header": ApiKey(Secret("KEY"), header="x-api-key"),
    "key in authorization": ApiKey(Secret("KEY"), header="authorization", prefix="Token "),
    "key in the query": ApiKey(Secret("KEY"), param="api_key"),
    "odd key in the query": ApiKey(Secret("PASSWORD"), param="api key"),
    **OAUTH,
}
RULES = (Rule(status=200, path="error", then=Action.FAIL),)


def a_page(*items: object, link: str | None = None) -> object:
    return {"items": items, "next_cursor": link}


def a_token(_text: str) -> httpx.Response:
    fields = {"access_token": ACCESS_TOKEN, "refresh_token": NEW_REFRESH_TOKEN, "expires_in": 3600}
    return httpx.Response(200, json=fields)


def failing(status: int, **headers: str) -> Echo:
    """An answer with the text as its body, and in these headers where they have `{}`."""

    def answer(text: str) -> httpx.Response:
        said = {
            name.replace("_", "-"): value.replace("{}", text) for name, value in headers.items()
        }
        return httpx.Response(status, text=text, headers=said)

    return answer


def broken(text: str) -> httpx.Response:
    raise httpx.ConnectError(f"could not connect for {text}")


def saying(make: Callable[[str], object], status: int = 200) -> Echo:
    return lambda text: httpx.Response(status, json=make(text))


PIECES = {
    secret[start : start + PIECE] for secret in SECRETS for start in range(len(secret) - PIECE + 1)
}


def cut(limit: int, status: int) -> Echo:
    """A body in which a secret crosses a limit."""

    def answer(text: str) -> httpx.Response:
        start = min((text.find(piece) for piece in PIECES if piece in text), default=0)
        return httpx.Response(status, text="x" * (limit - CUT) + text[start:])

    return answer


ERRORS: dict[str, Echo] = {
    **{str(status): failing(status) for status in (202, 400, 401, 403, 404, 409, 429, 500, 503)},
    "a redirect": failing(302, location="https://evil.example/?{}"),
    "Retry-After": failing(429, retry_after="{}"),
    "a limit of requests": failing(429, x_ratelimit_remaining="0", x_ratelimit_reset="{}"),
    "an error in JSON": saying(lambda text: {"error": text}, 400),
    "a connection that breaks": broken,
}
PAGES: dict[str, Echo] = {
    **ERRORS,
    "no JSON": failing(200),
    "no JSON of an odd type": failing(200, content_type="text/{}"),
    "no JSON, cut": cut(EXCERPT_BYTES_MAX, 200),
    "another shape": saying(lambda text: {"items": text}),
    "an error by a rule": saying(lambda text: {"error": text}),
    "in a record": saying(lambda text: a_page({"id": "a", "text": [text]})),
    "in a record's id": saying(lambda text: a_page({"id": text, "text": 1})),
    "in a field's name": saying(lambda text: a_page({text: 1})),
    "in no record": saying(a_page),
    "a link to elsewhere": saying(lambda text: a_page(link=f"https://evil.example/?{text}")),
    "a link that is none": saying(lambda text: a_page(link=f"https://[{text}")),
}
GRANTS: dict[str, Echo] = {
    **ERRORS,
    "200 without JSON": failing(200),
    "an error that is cut": cut(DESCRIPTION_CHARACTERS_MAX, 400),
    "an error": saying(lambda text: {"error": text}, 401),
    "a description": saying(lambda text: {"error": "x", "error_description": text}, 400),
    "an error with 200": saying(lambda text: {"error": text}),
    "another shape": saying(lambda text: {"access_token": [text]}),
    "an odd lifetime": saying(lambda text: {"access_token": ACCESS_TOKEN, "expires_in": text}),
    "an odd type": saying(lambda text: {"access_token": ACCESS_TOKEN, "token_type": f"mac {text}"}),
    "a token of two lines": saying(lambda text: {"access_token": f"{ACCESS_TOKEN}\n{text}"}),
}


def reading(auth: Auth) -> AnyConnector:
    source = HttpSource(
        records="items",
        url="https://notes.example/list",
        paging=NextUrl(path="next_cursor"),
        auth=auth,
        rules=RULES,
    )
    return replace(NOTES, documents=replace(NOTES.documents, source=source))


class Object:
    """Runs one turn, and keeps what is stored and shown of it.

    Args:
        auth: the source's.
        mirror: the network.
    """

    def __init__(self, auth: Auth, mirror: Mirror) -> None:
        self.storage = Storage()
        self.environment: Environment = an_environment(**VARIABLES)
        host = a_host(mirror)
        self._connector = reading(auth)
        self.processor = Processor(
            RunnerContext(self._connector, self.environment, Store(self.storage), host)
        )
        self._host = host

    def turned(self) -> Job:
        async def turn() -> Job | None:
            await self.processor.begin(Mode.INCREMENTAL, None)
            self.storage.fire()
            return await self.processor.turn()

        job = asyncio.run(turn())
        assert job is not None
        return job

    def shown(self, job: Job) -> str:
        """Also by another object, which has asked for no token yet."""
        environment = an_environment(**VARIABLES)
        views = Views(self._connector, self.environment, Store(self.storage), self._host)
        other = Views(self._connector, environment, Store(self.storage), self._host)
        return " ".join(
            msgspec.json.encode(seen.show(job)).decode()
            + repr(seen.rejects(job.id, (0, 0), 100))
            + repr(seen.events(job.id, 0, 100))
            + repr(seen.overview())
            for seen in (views, other)
        )

    @property
    def stored(self) -> str:
        names = self.storage.sql.exec(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).toArray()
        tables = [f"SELECT * FROM {row['name']}" for row in names]  # noqa: S608
        return repr([self.storage.sql.exec(table).toArray() for table in tables])


def found_in(text: str) -> set[str]:
    lower = text.lower()  # as hosts are written, which gives nearly as much away
    return {piece for piece in PIECES if piece.lower() in lower}


def left_over(auth: Auth, mirror: Mirror) -> str:
    thing = Object(auth, mirror)
    job = thing.turned()
    assert job.error or job.crawl.reject_count, "nothing came of what was said back"
    assert any(found_in(text) for text in mirror.heard), "no secret was sent"
    return thing.shown(job) + thing.stored


@pytest.mark.parametrize("place", PAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_source_says_back_is_stored_and_shown_without_secrets(kind: str, place: str) -> None:
    mirror = Mirror(PAGES[place], endpoint=a_token)

    assert found_in(left_over(KINDS[kind], mirror)) == set()


@pytest.mark.parametrize("place", GRANTS)
@pytest.mark.parametrize("kind", OAUTH)
def test_what_a_token_endpoint_says_back_is_stored_and_shown_without_secrets(
    kind: str, place: str
) -> None:
    mirror = Mirror(failing(500), endpoint=GRANTS[place])

    assert found_in(left_over(OAUTH[kind], mirror)) == set()


@pytest.mark.parametrize(
    "secret", [ACCESS_TOKEN, NEW_REFRESH_TOKEN, REFRESH_TOKEN, CLIENT_SECRET], ids=str
)
def test_a_source_that_knows_all_tokens_shows_none(secret: str) -> None:
    """Tokens that no request to it carried, the new refresh token among them."""
    mirror = Mirror(lambda _text: httpx.Response(400, text=f"{secret} is wrong"), endpoint=a_token)

    assert found_in(left_over(REFRESH, mirror)) == set()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "basic" not in kind])
def test_a_link_that_carries_the_proof_is_followed_and_not_stored_with_it(kind: str) -> None:
    """Most sources that do it use the name of the parameter that they take."""

    def linked(text: str) -> httpx.Response:
        word = next(word for word in reversed(text.split()) if found_in(word))
        query = word.partition("?")[2] or f"access_token={quote_plus(word)}"
        return httpx.Response(200, json=a_page(link=f"https://notes.example/list?page=2&{query}"))

    mirror = Mirror(linked, failing(503), endpoint=a_token)
    thing = Object(KINDS[kind], mirror)

    job = thing.turned()

    assert job.crawl.cursor == "https://notes.example/list?page=2"
    assert found_in(thing.shown(job) + thing.stored) == set()


def test_the_search_finds_what_is_there() -> None:
    assert found_in(f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()[:30]}")
    assert not found_in("the source answered 400")
