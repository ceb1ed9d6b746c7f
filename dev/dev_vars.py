"""`.dev.vars`: the variables and secrets of local runs, a line each, as in `API_TOKEN=abc`.

wrangler reads the file with the dotenv package, which takes whatever it is given and passes over
what it does not understand. Here a line is either read as wrangler reads it, or refused.
"""

import re
from collections.abc import Container, Mapping
from pathlib import Path

from durable.errors import ConfigurationError


FILE = ".dev.vars"
LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
QUOTED = re.compile(r"""(?P<quote>['"`])(?P<value>(?:(?!(?P=quote)).)*)(?P=quote)\s*(?:\#.*)?""")
COMMENT = re.compile(r"(?:^|\s)#.*")


def read(file: Path) -> Mapping[str, str] | None:
    """The values by their names; None if there is no such file.

    Raises:
        ConfigurationError: with each line that is not right. No value is quoted.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file.name}: it is not UTF-8: write it anew") from error
    values: dict[str, str] = {}
    faults: list[str] = []
    for number, line in enumerate(re.split(r"\r\n?|\n", text), start=1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        try:
            name, value = _pair(content, values)
            values[name] = value
        except ConfigurationError as error:
            faults.append(f"{file.name}, line {number}: {error}")
    if faults:
        raise ConfigurationError("\n".join(faults))
    return values


def _pair(line: str, known: Container[str]) -> tuple[str, str]:
    found = LINE.fullmatch(line)
    if found is None:
        raise ConfigurationError(
            "it is no NAME=VALUE, with letters, digits and _ in the name; a value of several lines "
            "is not read"
        )
    name = found["name"]
    if name in known:
        raise ConfigurationError(f"{name} stands there twice: remove one of them")
    return name, _value(found["value"], f"the value of {name}")


def _value(text: str, what: str) -> str:
    if not text.startswith(("'", '"', "`")):
        value = COMMENT.sub("", text).strip()
        if "#" in value:
            raise ConfigurationError(
                f"{what} has a #, where wrangler takes it for ended: put it in single quotes"
            )
        return value
    quoted = QUOTED.fullmatch(text)
    if quoted is None:
        raise ConfigurationError(
            f"{what} is not quoted from its beginning to its end: use a kind of quotes that the "
            "value does not have"
        )
    if quoted["quote"] == '"' and "\\" in quoted["value"]:
        raise ConfigurationError(
            f"{what} has a backslash, which in double quotes begins a line break: use single quotes"
        )
    return quoted["value"]
