"""When an object has something to do that is no job."""

from durable.machine.pacing import soon
from durable.store.store import Store


def wakes_at_ms(store: Store, now_ms: int) -> int | None:
    """The object's alarm where no job wants one."""
    verification = store.verifications.due()
    times = [
        store.outbox.due_at_ms(),
        verification.due_at_ms if verification else None,
        store.verifications.watch_at_ms(),
    ]
    at_ms = min((at_ms for at_ms in times if at_ms is not None), default=None)
    return None if at_ms is None else soon(at_ms, now_ms)
