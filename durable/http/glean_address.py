"""Where Glean is, by what the deployment says of it. Pure.

The indexing token goes there, so what could be meant in two ways is refused, and never guessed.
No error quotes a text that may be a secret.
"""

import re

import httpx

from durable.environment import Environment
from durable.errors import ConfigurationError
from durable.http.origins import is_loopback


API_PATH = "/api/index/v1"
INSTANCE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")  # what is longer may be a token
HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
GLEAN_HOST = re.compile(rf"({INSTANCE.pattern})-be\.glean\.com")
HTTPS_PORTS = frozenset({None, 443})
SHOWN_CHARACTERS_MAX = 24  # of a text that may be a token
EXAMPLE = "https://acme-be.glean.com"
REMEDY = (
    f"run `npx wrangler secret put GLEAN_SERVER_URL` and give it the whole address, as {EXAMPLE}, "
    "that Glean's admin console shows as the server instance"
)


def glean_url(environment: Environment) -> str:
    """The root of Glean's indexing API: by GLEAN_SERVER_URL, else by GLEAN_INSTANCE.

    Raises:
        ConfigurationError: neither is set, or it may not mean one server of Glean's.
    """
    return api_url(*_variables(environment))


def glean_instance(environment: Environment) -> str:
    """The name of the instance, as `acme`. Raises ConfigurationError where nothing tells it."""
    return instance_of(*_variables(environment))


def _variables(environment: Environment) -> tuple[str | None, str | None]:
    return environment.optional("GLEAN_SERVER_URL"), environment.optional("GLEAN_INSTANCE")


def api_url(server_url: str | None, instance: str | None) -> str:
    """The root of Glean's indexing API, without a slash at its end.

    Args:
        server_url: GLEAN_SERVER_URL, which is followed where it is set.
        instance: GLEAN_INSTANCE.

    Raises:
        ConfigurationError: neither is set, or the one that counts is not right.
    """
    if server_url is not None:
        return f"{_server('GLEAN_SERVER_URL', server_url)}{API_PATH}"
    if instance is not None:
        return f"https://{_name(instance)}-be.glean.com{API_PATH}"
    raise ConfigurationError(
        f"neither GLEAN_SERVER_URL nor GLEAN_INSTANCE is set: {REMEDY}; or run "
        "`npx wrangler secret put GLEAN_INSTANCE` and give it the name alone, as acme"
    )


def instance_of(server_url: str | None, instance: str | None) -> str:
    """The name of the instance, as `acme`.

    Args:
        server_url: GLEAN_SERVER_URL, which tells it where GLEAN_INSTANCE is not set.
        instance: GLEAN_INSTANCE.

    Raises:
        ConfigurationError: neither tells it.
    """
    if instance is not None:
        return _name(instance)
    found = None
    if server_url is not None:
        found = GLEAN_HOST.fullmatch(httpx.URL(_server("GLEAN_SERVER_URL", server_url)).host)
    if found is None:
        raise ConfigurationError(
            "neither GLEAN_SERVER_URL nor GLEAN_INSTANCE tells the instance of Glean: run "
            "`npx wrangler secret put GLEAN_INSTANCE`"
        )
    return found[1]


def _name(text: str) -> str:
    """`acme` of `acme`, `acme-be.glean.com` or its whole URL; not of `acme-be`, which may be two.

    Raises ConfigurationError.
    """
    name = text.strip().lower()
    if re.search(r"[^a-z0-9-]", name):
        url = _parse("GLEAN_INSTANCE", name)
        found = GLEAN_HOST.fullmatch(url.host)
        is_plain = url.scheme == "https" and url.port in HTTPS_PORTS and not _prefix(url)
        if found is None or not is_plain:
            raise ConfigurationError(
                f"GLEAN_INSTANCE is {_show(text)}, which is no instance of Glean: {REMEDY}"
            )
        return found[1]
    if INSTANCE.fullmatch(name) is None:
        raise ConfigurationError(f"GLEAN_INSTANCE is {_show(text)}, which is no name: {REMEDY}")
    if name.endswith("-be"):
        raise ConfigurationError(
            f"GLEAN_INSTANCE is {_show(text)}, which may stand for https://{name}.glean.com or "
            f"for https://{name}-be.glean.com: set GLEAN_SERVER_URL to the one that is yours"
        )
    return name


def _server(name: str, text: str) -> str:
    """Scheme, host, port and what comes before the API's own path."""
    if "://" not in text:
        raise ConfigurationError(f"{name} is {_show(text)}; it must start with https://: {REMEDY}")
    url = _parse(name, text.strip())
    if url.scheme == "http" and not is_loopback(str(url)):
        raise ConfigurationError(
            f"{name} is {_show(text)}, and the indexing token would be sent in clear text: write "
            "https://; http:// is for a Glean on this machine alone"
        )
    if url.host.endswith(".glean.com") and _prefix(url):
        raise ConfigurationError(
            f"{name} is {_show(text)}, and Glean's own servers have no such path: {REMEDY}"
        )
    host = f"[{url.host}]" if ":" in url.host else url.host
    port = "" if url.port is None else f":{url.port}"
    return f"{url.scheme}://{host}{port}{_prefix(url)}"


def _prefix(url: httpx.URL) -> str:
    """Of a path by which something in front of Glean knows it."""
    return url.path.rstrip("/").removesuffix(API_PATH)


def _parse(name: str, text: str) -> httpx.URL:
    """A URL of the web that names one server for certain; https where it has no scheme."""
    # What follows an at sign is the server, what stands before it may be a password.
    if "@" in text:
        raise ConfigurationError(f"{name} has an @, and no user name belongs to it: {REMEDY}")
    if not text.isascii() or re.search(r"[\s\x00-\x1f\x7f\\%?#]", text):
        raise ConfigurationError(
            f"{name} is {_show(text)}, which has a character that no address has: {REMEDY}"
        )
    try:
        url = httpx.URL(text if "://" in text else f"https://{text}")
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"{name} is {_show(text)}, which is no URL: {REMEDY}") from error
    # A word alone is a name that somebody's network may give to any machine.
    is_host = HOST.fullmatch(url.host) is not None and "." in url.host
    if url.scheme not in {"http", "https"} or not (is_host or is_loopback(str(url))):
        raise ConfigurationError(
            f"{name} is {_show(text)}, which is no server; it must start with https://: {REMEDY}"
        )
    return url


def _show(text: str) -> str:
    """A text that is not right, unless it may hold a secret."""
    beginning = re.split("[?#]", text, maxsplit=1)[0]
    is_token = len(beginning) > SHOWN_CHARACTERS_MAX and "." not in beginning
    if is_token or "@" in beginning:  # what stands before an at sign may be a password
        return f"a text of {len(text)} characters"
    return repr(beginning)
