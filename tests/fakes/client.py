"""A client of OAuth 2 that reads the notes, for as long as an object lives."""

import asyncio
from typing import Any

import httpx

from durable.http.auth import Auth
from durable.http.context import Surroundings
from durable.http.token_cache import Tokens
from durable.sources.http import HttpReader, HttpSource
from durable.sources.paging.cursors import BodyCursor
from durable.sources.source import Records
from tests.fakes.answers import LIST, a_page
from tests.fakes.bench import NOW_MS
from tests.fakes.connections import Connections
from tests.fakes.environment import an_environment
from tests.fakes.network import Network
from tests.fakes.source import a_crawl


TOKEN = "POST /token"
SECRETS = {
    "CLIENT_ID": "the client",
    "CLIENT_SECRET": "cl1ent/s3cret",
    "REFRESH_TOKEN": "r3fresh/t0ken",
    "LOGIN_URL": "https://login.example",
}


class SignedReader:
    """Turns of one object: each has a reader of its own.

    Args:
        auth: the source's.
        variables: beside SECRETS.
    """

    def __init__(self, auth: Auth, **variables: str) -> None:
        self.environment = an_environment(**{**SECRETS, **variables})
        self.network = Network()
        self.now_ms = NOW_MS
        self._source = HttpSource(
            records="items",
            url="https://notes.example/list",
            paging=BodyCursor(path="next_cursor", param="cursor"),
            auth=auth,
        )
        self.restarted()

    def restarted(self) -> None:
        """The object is made again."""
        self._tokens = Tokens()

    def gives(self, *answers: httpx.Response | Exception) -> None:
        """The token endpoint does."""
        self.network.on(TOKEN, *answers)

    def sends(self, *answers: httpx.Response | Exception) -> None:
        """The source does."""
        self.network.on(LIST, *answers)

    def reader(self) -> HttpReader:
        return self._source.reader(
            Surroundings(
                environment=self.environment,
                transport=Connections(self.network),
                now_ms=lambda: self.now_ms,
                page_bytes_max=100_000,
                tokens=self._tokens,
            )
        )

    def read(self) -> Records:
        """A page, in a turn of its own."""
        if not self.network.is_ready_for(LIST):
            self.sends(a_page("a"))
        return asyncio.run(self.reader().fetch(None, a_crawl()))

    @property
    def token_requests(self) -> list[httpx.Request]:
        return [request for request in self.network.requests if request.url.path == "/token"]

    @property
    def proofs(self) -> list[str]:
        """That the source was sent, in order."""
        return [
            request.headers["authorization"]
            for request in self.network.requests
            if request.url.path == "/list"
        ]


def a_token(text: str, **fields: Any) -> httpx.Response:
    return httpx.Response(200, json={"access_token": text, "token_type": "Bearer", **fields})


def a_refusal(error: str, status: int = 400, **fields: Any) -> httpx.Response:
    return httpx.Response(status, json={"error": error, **fields})
