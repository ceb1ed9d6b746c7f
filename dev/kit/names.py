"""Which variables and secrets a connector takes, found by giving it made-up ones."""

from collections.abc import Mapping

import httpx
from msgspec import Struct

from dev.kit.crawl import offline_host
from dev.kit.environment import MadeUpEnvironment
from durable.connector.definition import AnyConnector
from durable.engine.clients import build_clients
from durable.environment import GLEAN_TOKEN
from durable.errors import ConfigurationError


GLEAN = {"GLEAN_INSTANCE": "acme"}  # nobody there is asked


class Names(Struct, frozen=True):
    """What a connector's sources take, but for Glean's own."""

    variables: frozenset[str]
    secrets: frozenset[str]
    fault: str = ""  # of a value that was given


def names(connector: AnyConnector, given: Mapping[str, str]) -> Names:
    """All names, as far as the sources come to ask for them.

    Args:
        connector: whose they are.
        given: the values that are known.
    """
    environment = MadeUpEnvironment({**GLEAN, **given})
    fault = ""
    try:
        build_clients(connector, environment, offline_host(httpx.AsyncBaseTransport(), lambda: 0))
    except ConfigurationError as error:
        # Of a value that was made up, nothing can be said.
        is_given = environment.variables_asked | environment.secrets_asked <= {*given, GLEAN_TOKEN}
        fault = environment.redacted(str(error)) if is_given else ""
    secrets = (environment.secrets_asked | connector.secrets()) - {GLEAN_TOKEN}
    return Names(frozenset(environment.variables_asked - secrets), frozenset(secrets), fault)
