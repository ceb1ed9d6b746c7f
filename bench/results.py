"""What a bench found, as bench/results.json holds it."""

from collections.abc import Mapping

from msgspec import Struct


class Throughput(Struct, frozen=True, kw_only=True):
    """Syncs of one contender between ends that cost nothing, a figure for each round."""

    documents_per_second: list[float]
    peak_bytes: int


class Latency(Struct, frozen=True, kw_only=True):
    """Syncs of one contender between ends that take their time."""

    pages: int
    shares_of_ideal: list[float]  # total time by that of a source that is never waited with


class Memory(Struct, frozen=True, kw_only=True):
    """The Worker's WebAssembly memory after a job."""

    pages: int
    page_bytes: int
    heap_bytes: int


class Growth(Struct, frozen=True, kw_only=True):
    """Jobs of one size."""

    documents: int
    us_per_document: list[float]
    rows: int  # of the last
    pages: int


class Cold(Struct, frozen=True, kw_only=True):
    """A fresh runtime: from the start of its process to the first answer, and a warm request."""

    first_ms: float | None  # None where the system does not tell when a process began
    warm_ms: float


class Results(Struct, frozen=True, kw_only=True):
    """All of it."""

    rounds: int  # of the throughput
    machine: Mapping[str, str | int]  # and the versions of what ran on it
    throughput: Mapping[str, Throughput]
    latency: Mapping[str, Latency]
    memory: list[Memory]  # one runtime
    large: Memory  # another one
    growth: list[Growth]
    turn_overheads_ms: list[float]
    cold: Cold
    package_bytes: int  # with gzip
