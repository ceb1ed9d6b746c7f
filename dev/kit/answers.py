"""A source's answers without a network: written by hand, recorded, or given by a function."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dev.kit.environment import MadeUpEnvironment
from durable.decoding import decode
from durable.environment import VARIABLE


KNOWN_SHOWN = 8  # of the requests that have an answer, where one has none

Answerer = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]
# Each request is answered with something to be written as JSON, a body as text or bytes, or an
# httpx.Response with status and headers.
Responses = Mapping[str, object] | Answerer | httpx.AsyncBaseTransport


class UnansweredError(Exception):
    """A request for which no answer was given; the text says which there are."""


class Line(Struct, frozen=True):
    """A request as a key names it: `GET https://notes.example/list?cursor=b`.

    A body may follow the URL, as JSON; without one, any body is meant.
    """

    method: str
    place: str  # the URL without its query
    query: tuple[tuple[str, str], ...]  # in whatever order
    body: str | None  # JSON with sorted keys


class Answers(httpx.AsyncBaseTransport):
    """Carries requests to the answers, and keeps them.

    Args:
        responses: by request; or a function that is given each request; or a transport, as
            `httpx.ASGITransport(app)` for an application in this process.
        environment: in a key, `${NAME}` stands for the value of the variable or secret NAME; in
            an answer too, once it was asked for.

    Raises:
        ValueError: a key is no request.
    """

    def __init__(self, responses: Responses, environment: MadeUpEnvironment) -> None:
        self.requests: list[httpx.Request] = []
        self._responses = responses
        self._environment = environment
        self._known: dict[Line, object] = {}
        if isinstance(responses, Mapping):
            for key, answer in responses.items():
                filled = VARIABLE.sub(lambda name: environment.value(name[1]), key)
                self._known[line(filled)] = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        self.requests.append(request)
        if isinstance(self._responses, httpx.AsyncBaseTransport):
            return await self._responses.handle_async_request(request)
        if callable(self._responses):
            answered = self._responses(request)
            return await answered if inspect.isawaitable(answered) else answered
        return self._response(self._look_up(_asked_line(request, content)))

    def _look_up(self, asked: Line) -> object:
        for wanted in (asked, replace(asked, body=None)):
            if wanted in self._known:
                return self._known[wanted]
        raise UnansweredError(
            f"there is no response for\n      {self._show(asked)}\n    but for"
            + "".join(f"\n      {self._show(known)}" for known in self._nearest(asked))
        )

    def _nearest(self, asked: Line) -> list[Line]:
        """Of the known requests those that have most in common with this one."""

        def common(known: Line) -> tuple[bool, int]:
            return known.place == asked.place, len(set(known.query) & set(asked.query))

        return sorted(self._known, key=common, reverse=True)[:KNOWN_SHOWN]

    def _show(self, known: Line) -> str:
        """As a key names it."""
        query = "&".join(f"{name}={value}" for name, value in known.query)
        url = f"{known.place}{'?' if query else ''}{query}"
        for name, value in self._environment.values.items():
            url = url.replace(value, f"${{{name}}}")
        return " ".join(filter(None, [known.method, url, known.body]))

    def _response(self, answer: object) -> httpx.Response:
        if isinstance(answer, httpx.Response):
            headers = [(name, self._fill(value)) for name, value in answer.headers.multi_items()]
            # A new one each time: a response is read once.
            return httpx.Response(
                answer.status_code, headers=headers, content=self._encode(answer.content)
            )
        if isinstance(answer, (str, bytes)):
            return httpx.Response(200, content=self._encode(answer))
        headers = [("content-type", "application/json")]
        return httpx.Response(
            200, headers=headers, content=self._encode(msgspec.json.encode(answer))
        )

    def _encode(self, content: str | bytes) -> bytes:
        if isinstance(content, str):
            return self._fill(content).encode()
        try:
            return self._fill(content.decode()).encode()
        except UnicodeDecodeError:
            return content  # a file

    def _fill(self, text: str) -> str:
        return VARIABLE.sub(lambda name: self._environment.values.get(name[1], name[0]), text)


def line(key: str) -> Line:
    """What a key names. Raises ValueError."""
    method, _, rest = key.strip().partition(" ")
    url, _, body = rest.strip().partition(" ")
    parsed = httpx.URL(url) if method.isupper() and url else httpx.URL()
    if not parsed.host:
        raise ValueError(
            f"the key {key!r} is no request: a method and a whole URL are, as in "
            "'GET https://notes.example/list?cursor=b', and a JSON body may follow"
        )
    return _line(method, parsed, _normal(body.encode()) if body else None)


def _asked_line(request: httpx.Request, content: bytes) -> Line:
    return _line(request.method, request.url, _normal(content) if content else None)


def _line(method: str, url: httpx.URL, body: str | None) -> Line:
    query = parse_qsl(url.query.decode(), keep_blank_values=True)
    place = f"{url.scheme}://{url.netloc.decode()}{url.path}"
    return Line(method, place, tuple(sorted(query)), body)


def _normal(body: bytes) -> str:
    """The same for JSON that says the same; what is none, as it is."""
    try:
        decoded = decode(body)
    except msgspec.DecodeError:
        return body.decode(errors="replace")
    return msgspec.json.encode(decoded, order="deterministic").decode()
