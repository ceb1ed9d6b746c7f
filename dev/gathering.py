"""The project's own connectors and the examples, side by side in one folder."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import connectors
from connectors import examples
from durable.connector import AnyConnector
from durable.discovery import found


def gathered(target: Path) -> Path:
    """The folder, with links, so that a change of one of them is seen."""
    target.mkdir(parents=True, exist_ok=True)
    for link in target.iterdir():
        link.unlink()
    own, left_out = Path(*connectors.__path__), {"__pycache__", Path(*examples.__path__).name}
    copied = fitting(found(examples).connectors, found(connectors).connectors.values())
    files = [file for file in own.iterdir() if file.name not in left_out]
    for file in [*files, *(Path(*examples.__path__) / Path(path).name for path in copied)]:
        (target / file.name).symlink_to(file)
    return target


def fitting(files: Mapping[str, AnyConnector], own: Iterable[AnyConnector]) -> list[str]:
    """The files whose connectors can stand beside others.

    A copy of an example that has kept its name or its datasource, takes its place.
    """
    taken = {name for each in own for name in (each.name, each.datasource.name)}
    return [file for file, each in files.items() if not {each.name, each.datasource.name} & taken]
