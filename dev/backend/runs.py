"""The crawls that the backend was asked for. None of them reads anything."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from dev.rest.refusal import RefusedError
from dev.rest.settings import InForce


Status = Literal["running", "succeeded", "failed", "cancelled"]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How runs go.

    Attributes:
        is_asynchronous: a run is started and asked for, not waited for.
        polls: so many times a run says that it is running; None: it does so for ever.
        error: with which runs end; None: they succeed.
        documents: of a FULL run.
        documents_changed: of an INCREMENTAL run.
        retry_after: the header of what says that a run is running; None: there is none.
        has_absolute_location: a run's URL has the server in it.
    """

    is_asynchronous: bool = False
    polls: int | None = 2
    error: str | None = None
    documents: int = 120
    documents_changed: int = 7
    retry_after: str | None = None
    has_absolute_location: bool = False


class Order(Struct, frozen=True, kw_only=True):
    """What is asked of the backend. Further fields are passed over."""

    mode: Literal["FULL", "INCREMENTAL"]
    glean_instance: str


class Run(Struct, kw_only=True):
    id: str
    order: Order
    key: str | None
    is_asynchronous: bool
    status: Status = "running"
    polls: int = 0  # so many have seen it running
    documents: int = 0
    error: str | None = None


class Runs:
    """All runs since the start or a reset.

    Args:
        in_force: how they go.
    """

    def __init__(self, in_force: InForce[Settings]) -> None:
        self._in_force = in_force
        self._count = 0  # never begins again, so that no URL means two runs
        self._runs: dict[str, Run] = {}

    def reset(self) -> None:
        self._runs.clear()

    def all(self) -> Sequence[Run]:
        return list(self._runs.values())

    def start(self, order: Order, key: str | None) -> Run:
        """A new run, or that of the key. Raises RefusedError."""
        for run in self._runs.values():
            if key is not None and run.key == key:
                if run.order != order:
                    raise RefusedError("this Idempotency-Key was used for something else", 422)
                return run
        self._count += 1
        is_asynchronous = self._in_force.now.is_asynchronous
        run = Run(id=f"run-{self._count}", order=order, key=key, is_asynchronous=is_asynchronous)
        self._runs[run.id] = run
        if not is_asynchronous:
            self._end(run)
        return run

    def poll(self, identifier: str) -> Run:
        """A run, which goes on by this. Raises RefusedError."""
        run, polls = self._found(identifier), self._in_force.now.polls
        if run.status != "running":
            return run
        if polls is not None and run.polls >= polls:
            self._end(run)
        else:
            run.polls += 1
            run.documents = min(run.polls, self._documents(run))
        return run

    def cancel(self, identifier: str) -> None:
        """End a run; a second time does no harm. Raises RefusedError."""
        run = self._found(identifier)
        if run.status not in ("running", "cancelled"):
            raise RefusedError(f"the run has {run.status} already", 409)
        run.status = "cancelled"

    def _found(self, identifier: str) -> Run:
        run = self._runs.get(identifier)
        if run is None:
            raise RefusedError(f"there is no run {identifier}", 404)
        return run

    def _end(self, run: Run) -> None:
        run.error = self._in_force.now.error
        run.status = "succeeded" if run.error is None else "failed"
        if run.error is None:
            run.documents = self._documents(run)

    def _documents(self, run: Run) -> int:
        settings = self._in_force.now
        return settings.documents if run.order.mode == "FULL" else settings.documents_changed
