"""Finds the connectors of a deployment, one in each file of a package, and their faults.

A Worker whose connectors are not right does not start: its deployment is refused with what is said
here, and the one before goes on.
"""

import importlib
import pkgutil
import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType

from msgspec import Struct

from durable.connector.definition import AnyConnector, Connectors
from durable.errors import ConfigurationError


class Found(Struct, frozen=True):
    """What is in a package."""

    connectors: Mapping[str, AnyConnector]  # by the file, as in connectors/my_tickets.py
    faults: Sequence[str]  # each with the file, the field, and what to do
    cause: Exception | None = None  # of the first of these


EXAMPLES = "examples"
UNEXPECTED = re.compile(r"Unexpected keyword argument '(\w+)'")
MISSING = re.compile(r"Missing required argument '(\w+)'")
_STREAM = "documents=Stream(source=..., key=..., record=..., map=...)"
# What connectors of before call otherwise, by the argument.
RESPELT: Mapping[str, str] = {
    "source": f"Connector(source=...) is written {_STREAM}",
    "record": f"Connector(record=...) is written {_STREAM}",
    "document": f"Connector(document=...) is written {_STREAM}",
    "change": "change=... is written map=...",
    "verifies": "verifies=True is written verify=True",
    "processes_at_once": "processes_at_once=True is written process_immediately=True",
    "gather": "gather=(Gather(...),) is written sub_lists=(SubList(...),)",
    "end": "end=... is written last_page=...",
    "field": "field=... is written path=...",
    "field_format": "field_format=... is written path_format=...",
    "place": "place=... is written location=...",
    **{
        f"{name}_ms": f"{name}_ms=... is written {name}=timedelta(...)"
        for name in ("stale_after", "full_stale_after", "overlap", "kept", "wait", "per")
    },
    "poll_ms": "poll_ms=... is written poll_every=timedelta(...)",
    "timeout_ms": "timeout_ms=... is written give_up_after=timedelta(...)",
    "url_secret": "url_secret=... is written url=Secret(...)",
    "signing_secret": "signing_secret=... is written signing_key=Secret(...)",
    "token_url": "token_url=... is written endpoint=...",
    "secret": "secret=... is written as the first argument, Secret(...)",
}


def discover(package: ModuleType) -> Connectors:
    """The connectors in a package, by name. Raises ConfigurationError with all faults.

    Raises:
        ConfigurationError: with all faults: a module cannot be imported or has no connector, or
            two share a name or a datasource, or bring teams.
    """
    in_package = find_connectors(package)
    if in_package.faults:
        raise ConfigurationError("\n".join(in_package.faults)) from in_package.cause
    return {connector.name: connector for connector in in_package.connectors.values()}


def find_connectors(package: ModuleType) -> Found:
    """The valid connectors in a package, and the faults of the others."""
    connectors: dict[str, AnyConnector] = {}
    faults: list[str] = []
    cause: Exception | None = None
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        if module.name.startswith("_") or module.name == EXAMPLES:
            continue  # what several share, and what is there to be copied
        path = f"{package.__name__}/{module.name}"
        file = f"{path}/__init__.py" if module.ispkg else f"{path}.py"
        try:
            made = importlib.import_module(f"{package.__name__}.{module.name}")
        except Exception as error:  # noqa: BLE001 - a module may raise anything
            cause = cause or error
            faults += _import_faults(file, error)
            continue
        connector = getattr(made, "connector", None)
        if isinstance(connector, AnyConnector):
            connectors[file] = connector
        else:
            faults.append(
                f"{file}: connector: there is none: name it `connector = Connector(...)`, or move "
                "the file to another folder"
            )
    faults += _find_shared("name", {file: each.name for file, each in connectors.items()})
    # One open upload a datasource is all that Glean allows.
    names = {file: each.datasource.name.lower() for file, each in connectors.items()}
    # An upload of teams replaces all teams of the company.
    teams = [file for file, each in connectors.items() if each.teams is not None]
    return Found(connectors, [*faults, *_find_shared("datasource", names), *_rivals(teams)], cause)


def _import_faults(file: str, error: Exception) -> Iterator[str]:
    line = _line(file, error)
    where = f"{file}, line {line}" if line else file
    if isinstance(error, ConfigurationError):
        yield from (f"{where}: {fault}" for fault in str(error).splitlines())
        return
    if isinstance(error, TypeError) and (fault := _argument_fault(str(error))):
        yield f"{where}: {fault}"
        return
    text = error.msg if isinstance(error, SyntaxError) else error
    yield (
        f"{where}: it cannot be imported: {type(error).__name__}: {text}: mend it, or move the "
        "file to another folder"
    )


def _argument_fault(text: str) -> str:
    """What is wrong with an argument of a declaration; empty where that is not what it is."""
    if found := UNEXPECTED.match(text):
        name = found[1]
        return f"{RESPELT[name]} from 0.1 on" if name in RESPELT else f"{name}: nothing takes it"
    if found := MISSING.match(text):
        return f"{found[1]}: it is missing: declare it"
    return ""


def _line(file: str, error: Exception) -> int | None:
    """The last one of the file that was reached."""
    end = f"/{file.rpartition('/')[2]}"
    if isinstance(error, SyntaxError) and f"/{error.filename}".endswith(end):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename.endswith(end)]
    return lines[-1] if lines else None


def _rivals(teams: Sequence[str]) -> Iterator[str]:
    """Files whose connectors delete each other's teams."""
    first, *others = [*teams] or [""]
    for file in others:
        yield (
            f"{file}: teams: {first} brings teams too, and each FULL job deletes those of the "
            "other: bring all teams of the company in one connector"
        )


def _find_shared(field: str, values: Mapping[str, str]) -> Iterator[str]:
    """What two connectors must not have alike."""
    first: dict[str, str] = {}
    for file, value in values.items():
        if value in first:
            yield (
                f"{file}: {field}: {value!r} is also that of {first[value]}: give each connector "
                f"a {field} of its own"
            )
        first.setdefault(value, file)
