"""A connector and its test, written from a template."""

import keyword
from pathlib import Path
from string import Template
from types import ModuleType

from durable.connector.definition import NAME, NAME_CHARACTERS_MAX
from durable.connector.discovery import find_connectors
from durable.errors import ConfigurationError


TEMPLATES = Path(__file__).parent


def write(name: str, package: ModuleType, root: Path) -> tuple[Path, Path]:
    """Write both files, or none of them.

    Args:
        name: of the connector.
        package: of those there are.
        root: of the project.

    Returns:
        The files, below the root.

    Raises:
        ConfigurationError: there can be no connector of this name, or there is one.
    """
    module = name.replace("-", "_")
    datasource = name.replace("-", "")
    _check_name(name, module)
    files = Path(f"connectors/{module}.py"), Path(f"tests/connectors/test_{module}.py")
    for file in files:
        if (root / file).exists():
            raise ConfigurationError(
                f"{file} is there already: choose another name, or move that file away"
            )
    for other, connector in find_connectors(package).connectors.items():
        if name == connector.name or datasource == connector.datasource.name.lower():
            raise ConfigurationError(
                f"{other} has the name {connector.name!r} and the datasource "
                f"{connector.datasource.name!r} already: choose another name"
            )
    words = {
        "name": name,
        "module": module,
        "datasource": datasource,
        "prefix": module.upper(),
        "words": name.replace("-", " ").capitalize(),
    }
    for file, template in zip(files, ("connector", "test"), strict=True):
        text = (TEMPLATES / f"{template}.py.template").read_text(encoding="utf-8")
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(Template(text).substitute(words), encoding="utf-8")
    return files


def _check_name(name: str, module: str) -> None:
    if not NAME.fullmatch(name) or len(name) > NAME_CHARACTERS_MAX:
        raise ConfigurationError(
            f"{name!r} is no name of a connector: it has at most {NAME_CHARACTERS_MAX} lower-case "
            "letters, digits and single hyphens, as in `make new-connector NAME=my-tickets`"
        )
    if not module.isidentifier() or keyword.iskeyword(module):
        raise ConfigurationError(
            f"{name!r} makes no module that Python imports: let the name begin with a letter, and "
            "be no word of Python's own"
        )
