"""Faults of the configuration, found before it is deployed: connectors, wrangler.toml, .dev.vars.

Secrets are at Cloudflare. Where wrangler.toml lists them, under `required` in [secrets], each name
that a connector uses has to be there; where it does not, a name can only be missed in .dev.vars.
"""

import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

from msgspec import Struct

import connectors
from dev import dev_vars
from dev.deployment import FILE, Deployment, deployment
from dev.kit.names import names
from dev.staging import ROOT
from dev.top_level import find_misplaced
from durable import cron
from durable.connector.definition import AnyConnector
from durable.connector.discovery import EXAMPLES, Found, find_connectors
from durable.connector.staged import stage, suffix
from durable.engine.placement import jurisdiction, location_hint
from durable.environment import Environment
from durable.errors import ConfigurationError


NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHOWN_CHARACTERS = 3  # of what may be a secret


class Problem(Struct, frozen=True):
    """One thing that is wrong, or may be."""

    text: str  # with the file, the field, and what to do
    is_error: bool = True


def problems(package: ModuleType, root: Path) -> list[Problem]:
    """All there are.

    Args:
        package: of the connectors.
        root: of the project, with wrangler.toml and perhaps .dev.vars.
    """
    in_package = find_connectors(package)
    told = [Problem(fault) for fault in in_package.faults]
    told += _of_imports(package)
    local = None
    try:
        local = dev_vars.read(root / dev_vars.FILE)
    except ConfigurationError as error:
        told += [Problem(fault) for fault in str(error).splitlines()]
    try:
        known = deployment(root, local)
    except ConfigurationError as error:
        return [*told, Problem(str(error))]
    told += [Problem(f"{FILE}: {fault}") for fault in known.faults]
    told += _of_crons(in_package, known)
    told += dict.fromkeys(_of_values(in_package, known))
    for file, connector in in_package.connectors.items():
        told += _of_names(file, connector, known)
    return told


def _of_imports(package: ModuleType) -> Iterator[Problem]:
    """What connectors do while they are imported, where tests do not mind and a deployment does."""
    for folder in map(Path, package.__path__):
        for file in sorted(folder.rglob("*.py")):
            path = file.relative_to(folder)
            if EXAMPLES in path.parts:
                continue
            try:
                found_in = list(find_misplaced(file.read_text(encoding="utf-8")))
            except SyntaxError:  # told as one that cannot be imported
                continue
            for call in found_in:
                yield Problem(
                    f"{package.__name__}/{path.as_posix()}, line {call.line}: {call.called} is "
                    f"called while the module is imported, and {call.why}: call it in a function"
                )


def _of_crons(in_package: Found, known: Deployment) -> Iterator[Problem]:
    for expression in known.crons:
        if (fault := cron.fault(expression)) is not None:
            yield Problem(f"{FILE}: crons in [triggers]: {expression!r} is not right: {fault}")
    used: set[str] = set()
    for file, connector in in_package.connectors.items():
        used |= connector.schedule.keys()
        for expression in connector.schedule:
            if expression in known.crons:
                continue
            yield Problem(
                f"{file}: schedule: {expression!r} is not among the crons in [triggers] of {FILE}, "
                "so it never comes: add it there, letter by letter"
            )
    # A file with faults may use any of them.
    for expression in [] if in_package.faults else known.crons:
        if expression not in used:
            yield Problem(
                f"{FILE}: crons in [triggers]: {expression!r} stands in no connector's schedule, "
                "so it begins no job: remove it, or add it to a schedule",
                is_error=False,
            )


def _of_values(in_package: Found, known: Deployment) -> Iterator[Problem]:
    """Of the variables that are ours."""
    everyone = in_package.connectors.values()
    readers: list[Callable[[Environment], object]] = [
        *(Environment.limits, suffix, jurisdiction, location_hint),
        *(partial(stage, connector, everyone=everyone) for connector in everyone),
    ]
    trials = {f"{FILE}: [env.{name}.vars]": of for name, of in known.environments.items()}
    places = {f"{FILE}: [vars]": known.variables, dev_vars.FILE: known.local or {}, **trials}
    for file, values in places.items():
        environment = Environment(values.get)
        for read in readers:
            try:
                read(environment)
            except ConfigurationError as error:
                yield Problem(f"{file}: {error}")


def _of_names(file: str, connector: AnyConnector, known: Deployment) -> Iterator[Problem]:
    """Of the variables and secrets that a connector uses."""
    # What is wrong with the limits is told once, and not for each connector.
    taken = names(connector, {**known.values, "LIMITS": ""})
    if taken.fault:
        yield Problem(f"{file}: source: {taken.fault}")
    for name in sorted(taken.secrets):
        yield from _of_secret(file, name, known)
    for name in sorted(taken.variables):
        yield from _of_variable(file, name, known)


def _of_secret(file: str, name: str, known: Deployment) -> Iterator[Problem]:
    if not NAME.fullmatch(name):
        yield Problem(
            f"{file}: auth: {name[:SHOWN_CHARACTERS]!r}... is no name of a secret, but perhaps one "
            "itself: write its name there, as in Secret('API_TOKEN'); what stood in a file of the "
            "repository is to be replaced"
        )
    elif name in known.variables:
        yield Problem(
            f"{FILE}: [vars]: {name} is a secret of {file}, and stands in a file of the "
            f"repository: remove it there, make a new one, and run `npx wrangler secret put {name}`"
        )
    elif known.required is not None and name not in known.required:
        yield Problem(
            f"{file}: auth: the secret {name} is not among those `required` in [secrets] of "
            f"{FILE}: add it there, and run `npx wrangler secret put {name}`"
        )
    elif known.local is not None and name not in known.local:
        yield Problem(
            f"{file}: auth: the secret {name} is not in {dev_vars.FILE}, so local runs and "
            f"`make preview` lack it: add the line {name}=...",
            is_error=False,
        )


def _of_variable(file: str, name: str, known: Deployment) -> Iterator[Problem]:
    required = known.required or ()
    if name in known.variables or name in required:
        return
    told = f"{file}: source: the variable {name} is not in [vars] of {FILE}"
    if known.required is not None:
        yield Problem(f"{told}, nor among those `required` in [secrets]: add it to [vars]")
    elif name not in (known.local or {}):
        yield Problem(
            f"{told}, nor in {dev_vars.FILE}: add it to [vars], or if nobody may see it, run "
            f"`npx wrangler secret put {name}`",
            is_error=False,
        )


def main(package: ModuleType = connectors, root: Path = ROOT) -> int:
    told = problems(package, root)
    for problem in sorted(told, key=lambda problem: not problem.is_error):
        print(f"{'error' if problem.is_error else 'warning'}: {problem.text}")
    error_count = sum(problem.is_error for problem in told)
    if told:
        print(f"Configuration: errors: {error_count}, warnings: {len(told) - error_count}")
    else:
        print("Configuration: no faults found")
    return 1 if error_count else 0


if __name__ == "__main__":
    sys.exit(main())
