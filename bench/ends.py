"""The source and the sink, each in a process of its own, so that neither shares our event loop."""

import httpx
import msgspec

from bench.shape import Shape
from bench.trace import Request, Trace
from dev.ensemble import Ensemble
from dev.service import Program
from dev.staging import ROOT
from dev.wrangler import NODE


TIMEOUT_SECONDS = 30


class Ends(Ensemble):
    """Both, started and ended together."""

    def __init__(self) -> None:
        super().__init__()
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False)

    def _start(self) -> None:
        enter = self._closing.enter_context
        enter(self._http)
        self.source_url, self.sink_url = (
            enter(Program([NODE, str(ROOT / f"bench/{name}.mjs")])).url
            for name in ("source", "sink")
        )

    def reshape(self, shape: Shape) -> None:
        """Serve this from now on, and forget the requests that there were."""
        for url in (self.source_url, self.sink_url):
            body = msgspec.json.encode(shape)
            self._http.put(f"{url}/control/shape", content=body).raise_for_status()

    def requests(self) -> Trace:
        """Those since then, whatever they brought."""
        requests: list[Request] = []
        for url in (self.source_url, self.sink_url):
            answer = self._http.get(f"{url}/control/requests").raise_for_status()
            requests += msgspec.json.decode(answer.content, type=list[Request])
        return Trace(requests)

    def trace(self, shape: Shape) -> Trace:
        """The requests since then.

        Raises:
            RuntimeError: they did not bring as many documents as there are.
        """
        trace = self.requests()
        if trace.document_count != shape.document_count:
            raise RuntimeError(
                f"{trace.document_count:,} documents were sent, and there are "
                f"{shape.document_count:,}: what was measured is no sync, or one that broke off"
            )
        return trace
