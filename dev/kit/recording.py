"""What a live source answered, kept in a file for the kit.

The values of variables and secrets are replaced by their names, so that the file can stand in the
repository as far as the records can.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from msgspec import UNSET, Struct, UnsetType

from dev.kit.environment import WatchedEnvironment
from durable.decoding import decode


# Others are of the connection, or of nobody's interest; a date makes each recording another one.
HEADERS_LEFT_OUT = frozenset(
    {"connection", "content-encoding", "content-length", "date", "set-cookie", "transfer-encoding"}
)


class Recorded(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request and what was answered."""

    request: str  # as a key of `Responses` names it
    status: int = 200
    headers: dict[str, str] = {}
    json: Any | UnsetType = UNSET
    text: str = ""  # where it is not JSON


class Recording(httpx.AsyncBaseTransport):
    """Carries requests, and keeps the answers.

    Args:
        transport: to the source.
        environment: whose variables and secrets are left out.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport, environment: WatchedEnvironment
    ) -> None:
        self._transport = transport
        self._environment = environment
        self._kept: list[tuple[httpx.Request, httpx.Response]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        content = await response.aread()
        await response.aclose()
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name.lower() not in HEADERS_LEFT_OUT
        ]
        kept = httpx.Response(response.status_code, headers=headers, content=content)
        self._kept.append((request, kept))
        return kept

    def save(self, file: Path) -> None:
        """Write them beside those that the file has; of the same request the latest is kept."""
        earlier = _read(file) if file.exists() else []
        found = {one.request: one for one in earlier}
        for request, response in self._kept:
            one = self._record(request, response)
            found[one.request] = one
        file.parent.mkdir(parents=True, exist_ok=True)
        content = msgspec.json.encode(list(found.values()))
        file.write_bytes(msgspec.json.format(content, indent=2) + b"\n")

    def _record(self, request: httpx.Request, response: httpx.Response) -> Recorded:
        text = self._named(response.text)
        try:
            json: Any | UnsetType = decode(text)
        except msgspec.DecodeError:
            json = UNSET
        headers = {name: self._named(value) for name, value in response.headers.items()}
        headers.pop("content-length", None)
        return Recorded(
            request=self._named(_line(request)),
            status=response.status_code,
            headers=headers,
            json=json,
            text=text if json is UNSET else "",
        )

    def _named(self, text: str) -> str:
        """With the names of variables and secrets in the place of what they are."""
        asked = self._environment.variables_asked | self._environment.secrets_asked
        values = [(self._environment.values[name], name) for name in asked]
        for value, name in sorted(values, key=lambda pair: -len(pair[0])):
            for form in (value, quote(value, "")):
                text = text.replace(form, f"${{{name}}}")
        return self._environment.redacted(text)


def recorded(file: Path) -> Mapping[str, httpx.Response]:
    """The responses that a file holds, for `check_connector`."""
    return {
        one.request: httpx.Response(
            one.status,
            headers=one.headers,
            content=one.text if one.json is UNSET else msgspec.json.encode(one.json),
        )
        for one in _read(file)
    }


def _read(file: Path) -> list[Recorded]:
    return decode(file.read_bytes(), list[Recorded])


def _line(request: httpx.Request) -> str:
    """With the body, if it is JSON. Others are forms that hold secrets."""
    line = f"{request.method} {request.url}"
    try:
        body = decode(request.content)
    except msgspec.DecodeError:
        return line
    return f"{line} {msgspec.json.encode(body, order='deterministic').decode()}"
