"""The objects of the connectors, at work in this process, as `worker.runners.Runners`."""

import msgspec

from durable.connector.definition import Connectors
from durable.engine.questions import Reply, RunnerQuestion, answer_question, decode_answer
from tests.fakes.bench import Bench


class Objects:
    """One of each connector, made when it is first asked.

    Args:
        connectors: all that there are.
    """

    def __init__(self, connectors: Connectors) -> None:
        self._connectors = connectors
        self._benches: dict[str, Bench] = {}

    def bench(self, connector: str) -> Bench:
        """What the object of a connector stands on."""
        if connector not in self._benches:
            self._benches[connector] = Bench(connector=self._connectors[connector])
        return self._benches[connector]

    async def ask(self, connector: str, question: RunnerQuestion[Reply]) -> Reply:
        text = msgspec.json.encode(question).decode()
        return decode_answer(question, await answer_question(text, self.bench(connector).services))
