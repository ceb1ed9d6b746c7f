"""Several things started one after the other, and ended together."""

from abc import ABC, abstractmethod
from contextlib import ExitStack
from types import TracebackType
from typing import Self


class Ensemble(ABC):
    """Started and ended with the `with` block; where a start fails, all before it are ended."""

    def __init__(self) -> None:
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._closing.close()

    @abstractmethod
    def _start(self) -> None:
        """Enter one after the other into `_closing`."""
