"""What the bench compares: whoever syncs a shape from one end to the other."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from bench.ends import Ends
from bench.shape import Shape
from bench.trace import Trace
from dev.staging import ROOT


WARM_PAGES = 10
WARM = "warm\n"


class Run(Struct, frozen=True, kw_only=True):
    """One sync and what it took.

    Attributes:
        trace: as the ends saw it.
        peak_bytes: of the process, or of the Worker's WebAssembly memory, up to now.
        rows: written to the object's storage, alarms included; 0 where there is no such thing.
        turn_ends: how many pages had been read where a turn ended, before the last.
    """

    trace: Trace
    peak_bytes: int
    rows: int = 0
    turn_ends: tuple[int, ...] = ()

    @property
    def turn_overhead_ms(self) -> float | None:
        return self.trace.turn_overhead_ms(self.turn_ends)


class Contender(Protocol):
    """Syncs whatever the ends are given to serve."""

    @property
    def name(self) -> str: ...
    def run(self, shape: Shape) -> Run:
        """Sync all of it. Raises RuntimeError where that failed."""


class _Report(Struct, frozen=True):
    """What a program prints last."""

    peak_bytes: int


class Command:
    """A program that is started for each sync: `command SOURCE SINK PAGES DOCUMENTS WARM_PAGES`.

    It syncs some pages to be warm, says so, waits for a line, syncs them all, and prints its peak
    memory as JSON. So its start is not measured.

    Args:
        name: for tables.
        command: the beginning of the command line.
        ends: what it syncs.
    """

    def __init__(self, name: str, command: Sequence[str | Path], ends: Ends) -> None:
        self.name = name
        self._command = command
        self._ends = ends

    def run(self, shape: Shape) -> Run:
        ends = self._ends
        # As fast as can be, to be warm; it comes to no more than the first pages.
        ends.reshape(Shape(documents=shape.documents, document_bytes=shape.document_bytes))
        numbers = map(str, (shape.pages, shape.documents, WARM_PAGES))
        with subprocess.Popen(
            [*self._command, ends.source_url, ends.sink_url, *numbers],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            if process.stdout.readline() != WARM:
                raise RuntimeError(f"{self.name} did not get warm; see above")
            ends.reshape(shape)
            output, _ = process.communicate("go\n")
        if process.returncode != 0:
            raise RuntimeError(f"{self.name} ended with {process.returncode}; see above")
        report = msgspec.json.decode(output, type=_Report)
        return Run(trace=ends.trace(shape), peak_bytes=report.peak_bytes)
