"""When the runtime that this process started last has begun, by Linux' account."""

import os
import time
from collections.abc import Iterator
from pathlib import Path


PROC = Path("/proc")
NAME = "workerd"


def age_ms() -> float | None:
    """Of the youngest workerd among our descendants, in steps of 10 ms; None if nobody knows."""
    if not (PROC / "uptime").exists():
        return None
    processes = dict(_processes())
    begun = [
        started
        for pid, (name, _, started) in processes.items()
        if name == NAME and _is_ours(pid, processes)
    ]
    if not begun:
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    return (time.clock_gettime(time.CLOCK_BOOTTIME) - max(begun) / ticks) * 1_000


def _processes() -> Iterator[tuple[int, tuple[str, int, int]]]:
    """Each one's name, parent and start, in ticks since the system's."""
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue  # it has just ended
            head, _, tail = stat.rpartition(")")
            fields = tail.split()
            yield int(folder.name), (head.partition("(")[2], int(fields[1]), int(fields[19]))


def _is_ours(pid: int, processes: dict[int, tuple[str, int, int]]) -> bool:
    while pid in processes and pid != os.getpid():
        pid = processes[pid][1]
    return pid == os.getpid()
