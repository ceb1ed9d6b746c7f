"""A Worker like ours, on the same runtime, whose httpx has its own connections."""

from functools import partial
from pathlib import Path

import httpx
import msgspec

from bench.contender import Run
from bench.ends import Ends
from bench.ours import PACKAGES
from bench.plan import STOCK
from bench.shape import Shape
from dev.ensemble import Ensemble
from dev.runtime import Runtime
from dev.setup import WORKER_PLATFORM, make_python_modules
from dev.snapshot import Image
from dev.staging import ROOT
from dev.step import Step


LOCK = Path("dev/locks/stock.txt")
MODULES = Step(
    "a Worker's packages with stock httpx",
    ".cache/stock",
    (LOCK, *WORKER_PLATFORM),
    "workers",
    partial(make_python_modules, LOCK),
)
WARM_PAGES = 5
SYNC_SECONDS_MAX = 600


class Stock(Ensemble):
    """The Worker, started. Use it as a context manager; `MODULES` must have been made.

    Args:
        folder: for its storage and its log.
        ends: what it syncs.
    """

    name = STOCK

    def __init__(self, folder: Path, ends: Ends) -> None:
        super().__init__()
        self._ends = ends
        self._runtime = Runtime(
            folder,
            packages=PACKAGES,
            entry="bench/stock.py",
            vendored=ROOT / MODULES.target,
            image=Image.NONE,
        )

    def _start(self) -> None:
        self._closing.enter_context(self._runtime)
        self._http = self._closing.enter_context(
            httpx.Client(base_url=self._runtime.url, timeout=SYNC_SECONDS_MAX, trust_env=False)
        )
        self.run(Shape(pages=WARM_PAGES))

    def run(self, shape: Shape) -> Run:
        self._ends.reshape(shape)
        params: dict[str, str | int] = {
            "source": self._ends.source_url,
            "sink": self._ends.sink_url,
            "pages": shape.pages,
        }
        answer = self._http.get("/sync", params=params)
        if answer.status_code != 200:
            raise RuntimeError(f"{self.name} answered {answer.status_code}: {answer.text[:2_000]}")
        peak_bytes = msgspec.json.decode(answer.content)["peak_bytes"]
        return Run(trace=self._ends.trace(shape), peak_bytes=peak_bytes)
