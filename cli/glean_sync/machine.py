"""What a command finds around it. The one module that reads a clock or draws a key."""

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx
import typer
from msgspec import Struct


class Machine(Struct, frozen=True, kw_only=True):
    """The machine, as far as a command asks it.

    Attributes:
        environment: its variables.
        config_file: where the profiles are.
        transport: how the Worker is reached; None for the network.
        is_asking: a person can be asked.
        moment: the time.
        monotonic_seconds: a clock that is never set.
        wait: lets so many seconds pass.
        key: a new text that nobody else has.
    """

    environment: Mapping[str, str]
    config_file: Path
    transport: httpx.AsyncBaseTransport | None
    is_asking: bool
    moment: Callable[[], datetime]
    monotonic_seconds: Callable[[], float]
    wait: Callable[[float], Awaitable[None]]
    key: Callable[[], str]


def this_machine() -> Machine:
    return Machine(
        environment=os.environ,
        config_file=Path(typer.get_app_dir("glean-sync")) / "config.toml",
        transport=None,
        is_asking=sys.stdin.isatty() and sys.stderr.isatty(),
        moment=lambda: datetime.now(UTC),
        monotonic_seconds=time.monotonic,
        wait=asyncio.sleep,
        key=lambda: str(uuid.uuid4()),
    )
