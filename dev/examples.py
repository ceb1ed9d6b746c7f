"""The connectors to copy, each with a server that behaves like the real thing."""

from connectors.examples import files, tickets, wiki
from dev.site import Server, Site
from dev.staging import ROOT
from durable.glean.datasource import Datasource, definition


# They open nothing but what runs here, and are like nothing else, so that a search finds a leak.
SECRETS = {
    "TICKETS_TOKEN": "tickets-token-Kf4RmW8sPz2L",
    "FILES_CLIENT_ID": "client-1",
    "FILES_CLIENT_SECRET": "files-secret-Yt6GhN3xQb9V",
    "WIKI_USER": "reader",
    "WIKI_TOKEN": "wiki-token-Lc7TdJ5vMw1X",
    "CONNECTOR_SIGNING_KEY": "signing-key-Pb3ZrF8nHk6S",
}
DECLARED: list[Datasource] = [
    each.datasource for each in (wiki.connector, tickets.connector, files.connector)
]


def examples(count: int) -> Site:
    """All of them, with so many records in each source."""
    counted = ("--count", str(count))
    tickets_words = ("--token-env", "TICKETS_TOKEN", *counted)
    files_words = (
        *("--client-id-env", "FILES_CLIENT_ID", "--client-secret-env", "FILES_CLIENT_SECRET"),
        *counted,
    )
    wiki_words = ("--user-env", "WIKI_USER", "--token-env", "WIKI_TOKEN", *counted)
    backend_words = ("--signing-secret-env", "CONNECTOR_SIGNING_KEY")
    return Site(
        servers=[
            Server("TICKETS_URL", "dev.tickets_source", tickets_words, SECRETS),
            Server("FILES_URL", "dev.files_source", files_words, SECRETS),
            Server("WIKI_URL", "dev.wiki_source", wiki_words, SECRETS),
            Server("CONNECTOR_API_URL", "dev.backend", backend_words, SECRETS),
        ],
        datasources=[definition(datasource) for datasource in DECLARED],
        variables={**SECRETS, "GLEAN_INSTANCE": "acme"},
        connectors=ROOT / "connectors/examples",
    )
