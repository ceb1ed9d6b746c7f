"""When the runtime that this process started last has begun, and its time, by Linux' account."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct


PROC = Path("/proc")
NAME = "workerd"
TICKS = os.sysconf("SC_CLK_TCK")  # a second


def age_ms() -> float | None:
    """Of the youngest workerd among our descendants, in steps of 10 ms; None if nobody knows."""
    if not (PROC / "uptime").exists():
        return None
    youngest = _youngest()
    if youngest is None:
        return None
    return (time.clock_gettime(time.CLOCK_BOOTTIME) - youngest.started / TICKS) * 1_000


def worked_ms() -> float | None:
    """What it has taken of the processors, likewise."""
    youngest = _youngest() if (PROC / "uptime").exists() else None
    return None if youngest is None else youngest.worked / TICKS * 1_000


class Process(Struct, frozen=True):
    """Times are in ticks, the start's since the system's."""

    name: str
    parent: int
    started: int
    worked: int


def _youngest() -> Process | None:
    processes = dict(_processes())
    found = [
        process
        for pid, process in processes.items()
        if process.name == NAME and _is_ours(pid, processes)
    ]
    return max(found, key=lambda process: process.started, default=None)


def _processes() -> Iterator[tuple[int, Process]]:
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue  # it has just ended
            head, _, tail = stat.rpartition(")")
            fields = tail.split()
            name, worked = head.partition("(")[2], int(fields[11]) + int(fields[12])
            yield int(folder.name), Process(name, int(fields[1]), int(fields[19]), worked)


def _is_ours(pid: int, processes: dict[int, Process]) -> bool:
    while pid in processes and pid != os.getpid():
        pid = processes[pid].parent
    return pid == os.getpid()
