"""The connectors to copy, through the kit, against the servers that they are written for."""

import httpx

from connectors.examples import backend, files, tickets, wiki
from dev.backend.app import create_app as create_backend
from dev.files_source.app import create_app as create_files
from dev.kit import check_connector
from dev.rest.credentials import Credentials
from dev.tickets_source.app import create_app as create_tickets
from dev.wiki_source.app import create_app as create_wiki
from durable import Mode


LONG_AGO_MS = 1_500_000_000_000  # before everything
SIGNING_KEY = "signing-key-of-a-test"
NOW_MS = 1_795_600_000_000


def test_the_tickets_pass_the_kit() -> None:
    app = create_tickets("t0ken-of-tickets", count=230)

    report = check_connector(
        tickets.connector,
        httpx.ASGITransport(app),
        environment={"TICKETS_TOKEN": "t0ken-of-tickets"},
        since_ms=LONG_AGO_MS,
    )

    assert len(report.documents) == 230
    assert [page.number for page in report.pages if page.mode is Mode.FULL] == [1, 2, 3]
    assert any(document.comments for document in report.documents)


def test_the_files_pass_the_kit() -> None:
    credentials = Credentials(client_id="client-1", client_secret="files-secret-of-a-test")
    app = create_files(credentials, count=120)

    report = check_connector(
        files.connector,
        httpx.ASGITransport(app),
        environment={
            "FILES_CLIENT_ID": "client-1",
            "FILES_CLIENT_SECRET": "files-secret-of-a-test",
        },
        since_ms=LONG_AGO_MS,
    )

    bodies = [document.body for document in report.documents if document.body]
    assert len(bodies) == 120 * 4 // 5  # what nobody can read, is left out
    assert any(body.binary_content for body in bodies)


def test_the_wiki_passes_the_kit() -> None:
    app = create_wiki("reader", "wiki-token-of-a-test", count=90)

    report = check_connector(
        wiki.connector,
        httpx.ASGITransport(app),
        environment={"WIKI_USER": "reader", "WIKI_TOKEN": "wiki-token-of-a-test"},
        since_ms=LONG_AGO_MS,
    )

    assert len(report.documents) == 90
    asked = {request.url.path.rsplit("/", 1)[-1] for request in report.requests}
    assert asked >= {"users", "groups", "members", "spaces", "pages", "comments", "trash"}
    groups = {name for page in report.documents for name in page.permissions.allowed_groups or ()}
    assert groups == {"engineering", "leads", "hr", "operations", "all-staff"}


def test_the_backend_passes_the_kit() -> None:
    app = create_backend(signing_secret=SIGNING_KEY, clock=lambda: NOW_MS)

    report = check_connector(
        backend.connector,
        httpx.ASGITransport(app),
        environment={
            "CONNECTOR_API_URL": "https://backend.test",
            "CONNECTOR_SIGNING_KEY": SIGNING_KEY,
            "GLEAN_INSTANCE": "acme",
        },
        now_ms=NOW_MS,
    )

    assert report.documents == []
