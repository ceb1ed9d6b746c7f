"""The file with URLs and tokens, each under the name of a profile."""

import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from glean_sync.exits import UsageError


DEFAULT = "default"
NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
HEAD = "# Written by `glean-sync login`. Whoever can read it can ask the Worker for anything.\n"


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """A Worker and the token that it takes. Empty is for what is not set."""

    url: str = ""
    token: str = ""

    def __repr__(self) -> str:
        return f"Profile({self.url!r}, ***)"


class Profiles(Struct, frozen=True):
    """What a file has."""

    file: Path
    known: Mapping[str, Profile]
    warning: str = ""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    profiles: dict[str, Profile] = {}


def read(file: Path) -> Profiles:
    """The profiles of a file; none, where there is no such file.

    Raises:
        UsageError: it cannot be read or understood. No value is quoted.
    """
    try:
        content, mode = file.read_text(encoding="utf-8"), file.stat().st_mode
    except FileNotFoundError:
        return Profiles(file, {})
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.") from error
    try:
        found = msgspec.convert(tomllib.loads(content), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise UsageError(
            f"{file} is not as `glean-sync login` writes it: {error}. Mend it, or remove it and "
            "log in again."
        ) from error
    is_open = os.name == "posix" and bool(mode & (stat.S_IRWXG | stat.S_IRWXO))
    warning = f"Others can read the tokens in {file}: run `chmod 600 {file}`." if is_open else ""
    return Profiles(file, found.profiles, warning)


def write(profiles: Profiles, name: str, profile: Profile) -> None:
    """Write the file anew with this profile; nobody but its owner can read it.

    Raises:
        UsageError: the name is none, or the file cannot be written.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r:.100} is no name of a profile: take letters, digits, - and _, up to 40."
        )
    known = {**profiles.known, name: profile}
    text = HEAD + "".join(_section(each, known[each]) for each in sorted(known))
    file = profiles.file
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made with mode 0600, and there as a whole or not at all.
        descriptor, scratch = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as partial:
            partial.write(text)
        Path(scratch).replace(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error}.") from error


def _section(name: str, profile: Profile) -> str:
    # JSON writes a text as TOML does.
    pairs = (("url", profile.url), ("token", profile.token))
    lines = [f"{key} = {msgspec.json.encode(value).decode()}\n" for key, value in pairs]
    return "".join([f"\n[profiles.{name}]\n", *lines])
