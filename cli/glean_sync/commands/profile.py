"""Commands that say which Worker is asked, and who asks."""

import asyncio
import sys

import msgspec
import typer
from msgspec import Struct

from glean_sync import profiles
from glean_sync.answers import Connectors
from glean_sync.configuration import (
    TOKEN,
    URL,
    Setting,
    check_token,
    check_url,
    show_url,
    token_of_file,
)
from glean_sync.exits import UsageError
from glean_sync.profiles import DEFAULT, Profile
from glean_sync.session import Session, command
from glean_sync.worker import Answer


PANEL = "Set up"
HIDDEN = "(hidden)"

commands = typer.Typer()


class Shown(Struct, frozen=True):
    """A setting as it is shown: a token without its value."""

    value: str
    origin: str


class Used(Struct, frozen=True):
    """What `config` shows as JSON."""

    profile: str
    file: str
    url: Shown | None
    token: Shown | None


@command(commands, PANEL)
def login(session: Session) -> None:
    """Try a Worker's URL and token, and write them down. What is not given, is asked for."""
    known, flags = session.profiles(), session.flags
    name = flags.profile or DEFAULT
    before = known.known.get(name, Profile())
    url = check_url(
        Setting(flags.url, "--url")
        if flags.url
        else _ask(session, "URL of the Worker", "--url", before.url)
    )
    token = check_token(
        token_of_file(flags.token_file, sys.stdin.read)
        or _ask(session, "Token (TRIGGER_TOKEN)", "--token-file", is_hidden=True)
    )
    answer = asyncio.run(_try_out(session, url, token))
    names = [connector.name for connector in answer.read(Connectors).connectors]
    profiles.write(known, name, Profile(url, token.value))
    if session.output.is_json:
        session.output.json(answer.body)
    else:
        session.output.line(f"Signed in to {url}, which has: {', '.join(names)}.")
        session.output.note(f"Written to {known.file}, as profile {name}.")
    for variable in (URL, TOKEN):
        if session.machine.environment.get(variable):
            session.output.note(f"{variable} is set, and goes before the profile.", "yellow")


@command(commands, PANEL)
def config(session: Session) -> None:
    """Show which Worker is asked and where the token is from, without the token."""
    found = session.configuration()
    url, token, file = found.url, found.token, session.machine.config_file
    if session.output.is_json:
        used = Used(
            found.profile,
            str(file),
            None if url is None else Shown(show_url(url), url.origin),
            None if token is None else Shown(HIDDEN, token.origin),
        )
        session.output.json(msgspec.json.encode(used))
        return
    session.output.facts(
        [
            ("url", f"{show_url(url)}  ({url.origin})" if url else "not set"),
            ("token", f"{HIDDEN}  ({token.origin})" if token else f"not set.{found.withheld}"),
            ("profile", found.profile),
            ("file", str(file)),
        ]
    )


async def _try_out(session: Session, url: str, token: Setting) -> Answer:
    async with session.worker_at(url, token) as worker:
        return await worker.get("/connectors")


def _ask(
    session: Session, question: str, option: str, default: str = "", *, is_hidden: bool = False
) -> Setting:
    if not session.machine.is_asking:
        raise UsageError(f"Nobody is here to be asked for the {question}: give {option}.")
    answer: str = typer.prompt(question, default=default or None, hide_input=is_hidden, err=True)
    return Setting(answer.strip(), "what was entered")
