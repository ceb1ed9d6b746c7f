"""`python -m dev.preview --connector my-tickets`: documents of a live source, without Glean.

Variables are those in [vars] of wrangler.toml, secrets those in .dev.vars.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import httpx
from rich.console import Console

import connectors
from dev import dev_vars
from dev.deployment import deployment
from dev.kit.environment import WatchedEnvironment
from dev.kit.names import names
from dev.preview.glean import stand_ins
from dev.preview.paper import Paper
from dev.preview.preview import Preview, Wanted
from dev.staging import ROOT
from durable.connector.definition import AnyConnector
from durable.connector.discovery import find_connectors
from durable.errors import ConfigurationError
from durable.machine.job import Mode


LIMIT = 20
SINCE_MS = 24 * 60 * 60 * 1_000  # before now


def choose_connector(package: ModuleType, name: str) -> AnyConnector:
    """The connector of a name; the only one, if none is named.

    Raises:
        ConfigurationError: there is none, or which one is not said.
    """
    in_package = find_connectors(package)
    known = {connector.name: connector for connector in in_package.connectors.values()}
    if name in known:
        return known[name]
    if not name and len(known) == 1:
        return next(iter(known.values()))
    told = f"there is no connector {name!r}" if name else "say which connector, with CONNECTOR="
    raise ConfigurationError(
        "\n".join([f"{told}; there are: {', '.join(sorted(known))}", *in_package.faults])
    )


def values(connector: AnyConnector, root: Path) -> Mapping[str, str]:
    """The variables and secrets of a local run.

    Raises:
        ConfigurationError: some are missing; which, and what to do.
    """
    local = dev_vars.read(root / dev_vars.FILE)
    known = deployment(root, local).values
    taken = names(connector, known)
    missing = [
        *(
            f'the variable {name} is not set: add {name} = "..." to [vars] in wrangler.toml, or '
            f"the line {name}=... to {dev_vars.FILE}"
            for name in sorted(taken.variables - known.keys())
        ),
        *(
            f"the secret {name} is not in {dev_vars.FILE}: add the line {name}=..."
            for name in sorted(taken.secrets - known.keys())
        ),
    ]
    if missing and local is None:
        missing.append(
            f"there is no {dev_vars.FILE}: make it beside wrangler.toml; git passes it over"
        )
    if missing:
        raise ConfigurationError("\n".join(missing))
    return known


def main(arguments: Sequence[str], package: ModuleType = connectors, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.preview", description=__doc__)
    parser.add_argument("--connector", default="", help="its name")
    parser.add_argument("--mode", default="FULL", type=Mode, choices=list(Mode))
    parser.add_argument("--limit", default=LIMIT, type=int, help="documents that are shown")
    parser.add_argument("--since", type=datetime.fromisoformat, help="of INCREMENTAL, in UTC")
    parser.add_argument("--record", type=Path, help="a file for the answers, as the kit reads them")
    given = parser.parse_args(arguments)
    now_ms = time.time_ns() // 1_000_000
    wanted = Wanted(
        mode=given.mode,
        limit=given.limit,
        since_ms=now_ms - SINCE_MS if given.since is None else _at_ms(given.since),
        now_ms=now_ms,
        record=given.record,
    )
    environment = WatchedEnvironment({})
    try:
        connector = choose_connector(package, given.connector)
        known = values(connector, root)
        environment = WatchedEnvironment({**known, **stand_ins(known)})
        paper = Paper(Console(highlight=False, markup=False), environment)
        is_right = asyncio.run(_show(connector, environment, paper, wanted))
    except ConfigurationError as error:
        for line in environment.redacted(str(error)).splitlines():
            print(f"preview: {line}", file=sys.stderr)
        return 1
    return 0 if is_right else 1


async def _show(
    connector: AnyConnector, environment: WatchedEnvironment, paper: Paper, wanted: Wanted
) -> bool:
    async with httpx.AsyncHTTPTransport() as transport:
        return await Preview(connector, environment, transport, paper, wanted).run()


def _at_ms(moment: datetime) -> int:
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
