"""A source of every kind, one of many records, and the connectors, as a site of `dev.stack`."""

import re
from pathlib import Path

from dev.site import Server, Site


TABLE = Path(__file__).with_name("_kinds.py")
COUNT = 60
PLENTY = 900
# Made up, and like nothing else, so that a search finds a leak.
SECRETS = {
    "KINDS_TOKEN": "kinds-token-Rt7WqZ3xLm9P",
    "KINDS_USER": "reader",
    "KINDS_PASSWORD": "kinds-password-Vb4NcT8sYd2K",
    "KINDS_CLIENT_ID": "client-1",
    "KINDS_CLIENT_SECRET": "kinds-client-secret-Gh6JfD1aQe5U",
    "KINDS_REFRESH_TOKEN": "kinds-refresh-token-Mw8XzB3kRp7C",
}
ARGUMENTS = {
    "--token-env": "KINDS_TOKEN",
    "--user-env": "KINDS_USER",
    "--password-env": "KINDS_PASSWORD",
    "--client-id-env": "KINDS_CLIENT_ID",
    "--client-secret-env": "KINDS_CLIENT_SECRET",
    "--refresh-token-env": "KINDS_REFRESH_TOKEN",
}


def site(folder: Path, names: list[str]) -> Site:
    """The connectors are written to the folder: one module each, and the table of them all."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()
    (folder / TABLE.name).write_text(TABLE.read_text(encoding="utf-8"), encoding="utf-8")
    for name in names:
        text = f'from connectors._kinds import KINDS\n\n\nconnector = KINDS["{name}"]\n'
        (folder / f"{re.sub('-', '_', name)}.py").write_text(text, encoding="utf-8")
    arguments = tuple(part for pair in ARGUMENTS.items() for part in pair)
    return Site(
        servers=[
            Server("KINDS_URL", "dev.kinds_source", (*arguments, "--count", str(COUNT)), SECRETS),
            Server("PLENTY_URL", "dev.kinds_source", ("--count", str(PLENTY))),
        ],
        variables=SECRETS,
        datasources=[
            {
                "name": name.replace("-", ""),
                "datasourceCategory": "PUBLISHED_CONTENT",
                "urlRegex": "https://kinds.example/.*",
                "objectDefinitions": [{"name": "entry", "docCategory": "PUBLISHED_CONTENT"}],
            }
            for name in names
        ],
        connectors=folder,
    )
