"""Which Worker is asked, and with which token: from the command line, the environment or a file.

In that order. A profile that is named on the command line goes before the environment. The token
of a profile is sent to the URL of that profile only.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from msgspec import Struct

from glean_sync.exits import SignInError, UsageError
from glean_sync.profiles import DEFAULT, Profile, Profiles


URL = "GLEAN_SYNC_URL"
TOKEN = "GLEAN_SYNC_TOKEN"  # noqa: S105 - the name of a variable
STDIN = Path("-")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Flags(Struct, frozen=True):
    """What the command line says of the Worker."""

    url: str | None = None
    token_file: Path | None = None
    profile: str | None = None


class Setting(Struct, frozen=True):
    """A value and where it is from. A token is not shown with it."""

    value: str
    origin: str

    def __repr__(self) -> str:
        return f"Setting(***, {self.origin!r})"


class Configuration(Struct, frozen=True, kw_only=True):
    """What was found. `None` is for what is not set."""

    profile: str
    url: Setting | None
    token: Setting | None
    withheld: str = ""  # why a token that is there is not sent

    @property
    def signed_in(self) -> tuple[str, Setting]:
        """The URL and the token.

        Raises:
            SignInError: one of them is missing, or cannot be used.
        """
        if self.url is None:
            raise SignInError(
                f"No URL is set. Run `glean-sync login`, or set {URL}, or give --url."
            )
        if self.token is None:
            raise SignInError(
                f"No token is set.{self.withheld} Run `glean-sync login`, or set {TOKEN}, or give "
                "--token-file."
            )
        return check_url(self.url), check_token(self.token)


def configuration(
    flags: Flags,
    environment: Mapping[str, str],
    profiles: Profiles,
    read_stdin: Callable[[], str],
) -> Configuration:
    """What counts of all that is set.

    Args:
        flags: of the command line.
        environment: variables.
        profiles: of the file.
        read_stdin: the token, where `flags.token_file` is STDIN.

    Raises:
        UsageError: a profile or a file that is named is not there.
    """
    name = flags.profile or DEFAULT
    if flags.profile is not None and name not in profiles.known:
        there = ", ".join(sorted(profiles.known)) or "none"
        raise UsageError(
            f"There is no profile {name!r} in {profiles.file}; there are: {there}. Run "
            f"`glean-sync login --profile {name}`."
        )
    profile = profiles.known.get(name, Profile())
    origin = f"profile {name} in {profiles.file}"
    variables = environment if flags.profile is None else {}
    url = (
        _setting(flags.url, "--url")
        or _setting(variables.get(URL), URL)
        or _setting(profile.url, origin)
    )
    token = token_of_file(flags.token_file, read_stdin) or _setting(variables.get(TOKEN), TOKEN)
    withheld = ""
    if token is None and profile.token:
        if url is not None and url.value.rstrip("/") == profile.url.rstrip("/"):
            token = Setting(profile.token, origin)
        else:
            withheld = f" That of {origin} is sent to {profile.url or 'no URL'} only."
    return Configuration(profile=name, url=url, token=token, withheld=withheld)


def check_url(url: Setting) -> str:
    """The Worker's URL, without a slash at its end.

    Raises:
        UsageError: it is none, or the token would be sent there for all to read.
    """
    try:
        parts = urlsplit(url.value)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname)
        is_bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
        _ = parts.port
    except ValueError:
        is_whole = is_bare = False
    if not (is_whole and is_bare):
        _refuse(url, "is not the URL of a Worker, such as https://NAME.ACCOUNT.workers.dev")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        _refuse(url, "would have the token sent for all to read: begin it with https://")
    return url.value.rstrip("/")


def check_token(token: Setting) -> Setting:
    """The token.

    Raises:
        UsageError: no header can carry it.
    """
    if not re.fullmatch("[!-~]+", token.value):
        raise UsageError(
            f"The token of {token.origin} is empty, or has spaces, line breaks or other characters "
            "that no header can carry: set it anew."
        )
    return token


def token_of_file(file: Path | None, read_stdin: Callable[[], str]) -> Setting | None:
    """The token of a file that the command line names; None if it names none.

    Args:
        file: STDIN for standard input.
        read_stdin: all of it.

    Raises:
        UsageError: it cannot be read, or has no token.
    """
    if file is None:
        return None
    try:
        text = read_stdin() if file == STDIN else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--token-file {file} cannot be read: {error}.") from error
    return Setting(text.strip(), "standard input" if file == STDIN else str(file))


def show_url(url: Setting) -> str:
    """As it is set, but for what may be a password in it."""
    return re.sub("//.*@", "//***@", url.value)


def _setting(value: str | None, origin: str) -> Setting | None:
    return Setting(value.strip(), origin) if value and value.strip() else None


def _refuse(url: Setting, fault: str) -> NoReturn:
    raise UsageError(f"{show_url(url)!r:.200} ({url.origin}) {fault}.")
