"""The project's own connectors and the examples, side by side in one folder, and what they use.

`python -m dev.gathering FOLDER [NAME]` prints the latter as JSON: a process of its own has the code
as it is now.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

import connectors
from connectors import examples
from dev.kit.names import names
from dev.staging import ROOT
from durable.connector.definition import AnyConnector
from durable.connector.discovery import find_connectors
from durable.errors import ConfigurationError
from durable.glean.datasource import Datasource, definition
from durable.machine.job import Mode


CATEGORY = "PUBLISHED_CONTENT"
NO_LIMITS = {"LIMITS": ""}
# Set up by hand, for whatever comes.
UNDECLARED = {
    "datasourceCategory": CATEGORY,
    "urlRegex": ".*",
    "objectDefinitions": [{"docCategory": CATEGORY}],
}


class Gathered(Struct, frozen=True, kw_only=True):
    """What connectors use.

    Attributes:
        folder: where they are.
        names: of variables and secrets.
        datasources: as Glean's `adddatasource` takes them.
        schedules: the cron expressions of each mode.
    """

    folder: str
    names: frozenset[str]
    datasources: list[dict[str, Any]]
    schedules: dict[Mode, list[str]]


def gather(folder: Path, name: str | None = None) -> Gathered:
    """Copy them to a folder, which has nothing else afterwards.

    Args:
        folder: where they are put.
        name: of the one connector that is wanted; None for all.

    Raises:
        ConfigurationError: none has the name, or of all some are not right.
    """
    own = find_connectors(connectors)
    files = {**own.connectors, **fitting(find_connectors(examples).connectors, own.connectors)}
    chosen = {file: each for file, each in files.items() if name in {None, each.name}}
    if not chosen:
        known = ", ".join(each.name for each in files.values())
        none = f"there is no connector {name!r}; there are: {known}"
        raise ConfigurationError("\n".join([none, *own.faults]))
    if name is None and own.faults:
        raise ConfigurationError("\n".join(own.faults))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in _shared_paths():
        _copy(path, folder)
    for file in chosen:
        package = connectors if file in own.connectors else examples
        _copy(Path(*package.__path__) / _entry(file), folder)
    return _used(folder, list(chosen.values()))


def gather_again(folder: Path, name: str | None = None) -> Gathered:
    """The same, of the code as it is now, and not as it was when we started."""
    words = [sys.executable, "-m", "dev.gathering", str(folder), *([name] if name else [])]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise ConfigurationError(ended.stderr.strip())
    return msgspec.json.decode(ended.stdout, type=Gathered)


def fitting(
    copied: Mapping[str, AnyConnector], own: Mapping[str, AnyConnector]
) -> dict[str, AnyConnector]:
    """The examples that can stand beside a project's own connectors, by their files.

    A copy of an example that has kept its file's name, its own or its datasource, takes its place.
    """
    taken = {_entry(file) for file in own}
    taken |= {name for each in own.values() for name in (each.name, each.datasource.name)}
    return {
        file: each
        for file, each in copied.items()
        if not {_entry(file), each.name, each.datasource.name} & taken
    }


def _entry(file: str) -> str:
    """What a connector is in its package: a file, or a folder."""
    return Path(file).parts[1]


def _shared_paths() -> Iterator[Path]:
    """What several connectors may use, and is none."""
    for path in Path(*connectors.__path__).iterdir():
        if path.name.startswith("_") and path.name != "__pycache__":
            yield path


def _copy(path: Path, folder: Path) -> None:
    if path.is_dir():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(path, folder / path.name, ignore=ignored)
    else:
        shutil.copy2(path, folder)


def _used(folder: Path, chosen: Sequence[AnyConnector]) -> Gathered:
    taken = [names(each, NO_LIMITS) for each in chosen]
    scheduled = {(mode, cron) for each in chosen for cron, mode in each.schedule.items()}
    return Gathered(
        folder=str(folder),
        names=frozenset().union(*(each.variables | each.secrets for each in taken)),
        datasources=_datasources([each.datasource for each in chosen]),
        schedules={
            mode: sorted(cron for asked, cron in scheduled if asked is mode) for mode in Mode
        },
    )


def _datasources(used: Sequence[Datasource]) -> list[dict[str, Any]]:
    """The definitions, each after the one whose people it means, which others may bring."""
    meant = {each.identity_datasource for each in used if each.identity_datasource}
    others = [Datasource(name) for name in sorted(meant - {each.name for each in used})]
    ordered = sorted([*others, *used], key=lambda each: bool(each.identity_datasource))
    return [_definition(each) for each in ordered]


def _definition(datasource: Datasource) -> dict[str, Any]:
    if datasource.is_declared:
        return definition(datasource)
    return {**UNDECLARED, **msgspec.json.decode(msgspec.json.encode(datasource))}


def main() -> int:
    folder, *named = sys.argv[1:]
    try:
        told = gather(Path(folder), *named)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    print(msgspec.json.encode(told).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
