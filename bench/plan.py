"""How much is run: enough for a figure to trust, or enough to see that all of it works."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from bench.shape import Shape


OURS = "this project"
PROXY = "byte proxy in Node"
LOOP = "loop in CPython"
SDK = "Glean's SDK in CPython"
STOCK = "stock httpx in the Worker"


class IsolatePlan(Struct, frozen=True, kw_only=True):
    """How many connectors share an isolate.

    Attributes:
        connectors: numbers of them, each with the same pages.
        shapes: these pages.
        rounds: of each number with each shape.
        killed: of these connectors, while the isolate is killed.
        killed_shape: and their pages.
    """

    connectors: tuple[int, ...]
    shapes: tuple[Shape, ...]
    rounds: int
    killed: int
    killed_shape: Shape


# Ends that take their time; 0.18, 1.8 and 8 MB a page, of documents of 1.8 KB.
SMALL, MIDDLE, LARGE = (
    Shape(pages=pages, documents=documents, source_ms=50, sink_ms=150)
    for pages, documents in ((30, 100), (8, 1_000), (4, 4_600))
)
ISOLATE = IsolatePlan(
    connectors=(1, 3, 5, 10, 20),
    shapes=(SMALL, MIDDLE, LARGE),
    rounds=3,
    killed=10,
    killed_shape=Shape(pages=160, documents=1_000, source_ms=200, sink_ms=300),
)


class Plan(Struct, frozen=True, kw_only=True):
    """Numbers of pages, of 100 documents each.

    Attributes:
        rounds: in each of which every contender has its turn.
        pages: for throughput, by contender: so many that each takes about as long, and that ours
            takes several turns.
        latency_rounds: of the syncs whose ends take their time.
        latency_pages: of these, by contender.
        memory_pages: of the jobs that follow each other in one fresh runtime, 250 KB a page.
        large_pages: of the job with pages of 8 MB.
        growth_rounds: by the number of pages, 1.8 KB a document.
        isolate: how many connectors share an isolate.
        nightly: of the FULL jobs that find nearly all as it was.
    """

    rounds: int
    pages: Mapping[str, int]
    latency_rounds: int
    latency_pages: Mapping[str, int]
    memory_pages: tuple[int, ...]
    large_pages: int
    growth_rounds: Mapping[int, int]
    isolate: IsolatePlan
    nightly: tuple[int, ...]


PAGES = {PROXY: 1_000, OURS: 600, LOOP: 300, SDK: 40, STOCK: 30}
NIGHTLY = (100, 1_000, 10_000)
LATENCY_PAGES = {OURS: 300, LOOP: 40, SDK: 40}
NORMAL = Plan(
    rounds=5,
    pages=PAGES,
    latency_rounds=3,
    latency_pages=LATENCY_PAGES,
    memory_pages=(100, 1_000),
    large_pages=30,
    growth_rounds={10: 5, 100: 3, 1_000: 1},
    isolate=ISOLATE,
    nightly=NIGHTLY,
)
LONG = Plan(
    rounds=10,
    pages=PAGES,
    latency_rounds=3,
    latency_pages=LATENCY_PAGES,
    memory_pages=(100, 1_000, 10_000),
    large_pages=100,
    growth_rounds={10: 5, 100: 3, 1_000: 3, 10_000: 1},
    isolate=ISOLATE,
    nightly=NIGHTLY,
)
QUICK = Plan(
    rounds=2,
    pages={PROXY: 200, OURS: 200, LOOP: 100, SDK: 15, STOCK: 15},
    latency_rounds=1,
    latency_pages={OURS: 20, LOOP: 15, SDK: 15},
    memory_pages=(30, 60),
    large_pages=6,
    growth_rounds={10: 2, 60: 1},
    isolate=replace(ISOLATE, connectors=(3,), shapes=(SMALL,), rounds=1, killed_shape=SMALL),
    nightly=(20,),
)
