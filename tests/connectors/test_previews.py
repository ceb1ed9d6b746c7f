"""What `make preview` shows of the connectors to copy, against the servers they are written for."""

import asyncio
import io

import httpx
from rich.console import Console

from connectors.examples import backend, files, tickets, wiki
from dev.files_source.app import create_app as create_files
from dev.kit.environment import WatchedEnvironment
from dev.preview.glean import stand_ins
from dev.preview.paper import Paper
from dev.preview.preview import Preview, Wanted
from dev.rest.credentials import Credentials
from dev.tickets_source.app import create_app as create_tickets
from dev.wiki_source.app import create_app as create_wiki
from durable.connector.definition import AnyConnector
from durable.machine.job import Mode
from tests.fakes.network import Network


NOW_MS = 1_795_600_000_000
LIMIT = 5


def shown(
    connector: AnyConnector, transport: httpx.AsyncBaseTransport, **values: str
) -> tuple[bool, str]:
    """Whether all was right, and what was printed of a few documents."""
    environment = WatchedEnvironment({**values, **stand_ins(values)})
    output = io.StringIO()
    paper = Paper(Console(file=output, width=80, highlight=False, markup=False), environment)
    wanted = Wanted(mode=Mode.FULL, limit=LIMIT, since_ms=NOW_MS - 1_000, now_ms=NOW_MS)
    is_right = asyncio.run(Preview(connector, environment, transport, paper, wanted).run())
    return is_right, output.getvalue()


def check_shown(is_right: bool, text: str, secret: str) -> None:  # noqa: FBT001 - of `shown`
    assert is_right, text
    assert f"{LIMIT}. Document " in text
    assert f"{LIMIT + 1}. " not in text
    assert f"{LIMIT} shown; pages read: " in text
    assert "failed" not in text.lower()
    assert secret not in text
    assert text.endswith("\nNothing was sent to Glean.\n")


def test_tickets_are_shown_with_their_comments() -> None:
    secret = "t0ken-of-tickets"
    transport = httpx.ASGITransport(create_tickets(secret, count=30))

    is_right, text = shown(
        tickets.connector, transport, TICKETS_URL="https://tickets.example", TICKETS_TOKEN=secret
    )

    check_shown(is_right, text, secret)
    assert "comments" in text


def test_files_are_shown_with_who_may_read_them() -> None:
    secret = "files-secret-of-a-test"
    app = create_files(Credentials(client_id="client-1", client_secret=secret), count=30)

    is_right, text = shown(
        files.connector,
        httpx.ASGITransport(app),
        FILES_URL="https://files.example",
        FILES_CLIENT_ID="client-1",
        FILES_CLIENT_SECRET=secret,
    )

    check_shown(is_right, text, secret)
    assert "permissions" in text


def test_a_wikis_pages_are_shown_with_the_groups_that_may_read_them() -> None:
    secret = "wiki-token-of-a-test"

    is_right, text = shown(
        wiki.connector,
        httpx.ASGITransport(create_wiki("reader", secret, count=30)),
        WIKI_URL="https://wiki.example",
        WIKI_USER="reader",
        WIKI_TOKEN=secret,
    )

    check_shown(is_right, text, secret)
    assert "allowedGroups" in text


def test_a_backend_is_not_asked_as_that_begins_a_crawl() -> None:
    nobody = Network()

    _, text = shown(backend.connector, nobody, CONNECTOR_API_URL="https://backend.example")

    assert nobody.requests == []
    assert text.startswith("documents: a backend brings them to Glean, and is not asked here\n")
    assert text.endswith("\nNothing was sent to Glean.\n")
