"""All that a control endpoint can change of the server, without what is indexed."""

from dev.local_glean.clock import Clock, ProcessingLimit
from dev.local_glean.miscounts import Miscounts
from dev.local_glean.readings import Readings


class InForce:
    """What the server goes by now.

    Args:
        initial: the readings that a reset brings back.
    """

    def __init__(self, initial: Readings) -> None:
        self._initial = initial
        self.readings = initial
        self.clock = Clock()
        self.processing_limit = ProcessingLimit()
        self.miscounts = Miscounts()

    def reset(self) -> None:
        self.readings = self._initial
        self.clock.reset()
        self.processing_limit.keep(is_kept=False)
        self.miscounts.forget()
