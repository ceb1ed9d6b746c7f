"""Who may ask: tokens and passwords, taken from the environment."""

import argparse
import base64
import os
import secrets
from collections.abc import Callable

from msgspec import Struct
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from dev.faults import json_response


Check = Callable[[HTTPConnection], bool]


class Credentials(Struct, frozen=True, kw_only=True):
    """What a server takes as a proof. An empty one proves nothing.

    Attributes:
        token: for bearers, and as an API key.
        user: with `password`, for Basic.
        client_id: with `client_secret`, at the token endpoint.
        refresh_token: the first one, as if a person had consented.
        signing_secret: with which requests are signed.
    """

    token: str = ""
    user: str = ""
    password: str = ""
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""
    signing_secret: str = ""


def add_arguments(parser: argparse.ArgumentParser, *names: str, is_required: bool = False) -> None:
    """Have a command line take `--NAME-env` for each name of a credential."""
    for name in names:
        parser.add_argument(
            f"--{name.replace('_', '-')}-env",
            required=is_required,
            help=f"environment variable with the {name.replace('_', ' ')} that requests must prove",
        )


def read_credentials(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> Credentials:
    """Those that the command line names; the parser ends the program where one is not set."""
    found = {}
    for name in Credentials.__struct_fields__:
        variable = getattr(arguments, f"{name}_env", None)
        if variable is not None:
            found[name] = os.environ.get(variable, "")
            if not found[name]:
                parser.error(f"the environment variable {variable} has no {name.replace('_', ' ')}")
    return Credentials(**found)


class Guarded:
    """An ASGI application around another, for those who prove who they are.

    Args:
        app: what is wrapped.
        check: whether a request does.
        challenge: for the header WWW-Authenticate of a refusal; the empty one is not sent.
    """

    def __init__(self, app: ASGIApp, check: Check, challenge: str = "") -> None:
        self._app = app
        self._check = check
        self._challenge = challenge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._check(HTTPConnection(scope)):
            await self._app(scope, receive, send)
            return
        answer = json_response({"error": "unauthorized"}, 401)
        if self._challenge:
            answer.headers["www-authenticate"] = self._challenge
        await answer(scope, receive, send)


def bearer(request: HTTPConnection) -> str:
    """The token that a request bears; empty where it has none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def has_bearer(token: str) -> Check:
    return lambda request: is_same(bearer(request), token)


def has_basic(user: str, password: str) -> Check:
    expected = base64.b64encode(f"{user}:{password}".encode()).decode()

    def check(request: HTTPConnection) -> bool:
        scheme, _, pair = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "basic" and bool(password) and is_same(pair, expected)

    return check


def has_header(name: str, key: str) -> Check:
    return lambda request: is_same(request.headers.get(name, ""), key)


def has_parameter(name: str, key: str) -> Check:
    return lambda request: is_same(request.query_params.get(name, ""), key)


def is_same(text: str, secret: str) -> bool:
    """Whether a text is a secret. Nothing is the empty one."""
    return bool(secret) and secrets.compare_digest(text.encode(), secret.encode())
