"""An event loop that waits for nothing by itself: whoever owns it says what each wait comes to."""

import asyncio
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, NoReturn, TypeVar

import httpx


Result = TypeVar("Result")
Wait = tuple[httpx.Request | None, "asyncio.Future[httpx.Response | None]"]


class Loop(asyncio.AbstractEventLoop):
    """As much of a loop as tasks and futures ask for; it has no clock, no threads, no sockets."""

    def __init__(self) -> None:
        self._ready: deque[asyncio.Handle] = deque()
        self._tasks: list[asyncio.Task[Any]] = []
        self.waits: deque[Wait] = deque()  # new ones, in the order in which they came

    def wait(self, request: httpx.Request | None) -> "asyncio.Future[httpx.Response | None]":
        """For the answer to a request; None: for storage."""
        future: asyncio.Future[httpx.Response | None] = self.create_future()
        self.waits.append((request, future))
        return future

    def run_ready(self) -> None:
        """All that can be done without an answer."""
        outer = events._get_running_loop()  # noqa: SLF001 - meant for those who make loops
        events._set_running_loop(self)  # noqa: SLF001
        try:
            while self._ready:
                self._ready.popleft()._run()  # noqa: SLF001
        finally:
            events._set_running_loop(outer)  # noqa: SLF001
        self._tasks = [task for task in self._tasks if not task.done()]

    def kill(self) -> None:
        """The isolate is gone: nothing that waits goes on."""
        for task in reversed(self._tasks):
            task._log_destroy_pending = False  # noqa: SLF001
            coroutine = task.get_coro()
            if isinstance(coroutine, Coroutine) and not task.done():
                coroutine.close()
        self._tasks.clear()
        self._ready.clear()
        self.waits.clear()

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, Result],
        *,
        name: object = None,
        context: Context | None = None,
    ) -> asyncio.Task[Result]:
        task = asyncio.Task(coro, loop=self, name=str(name), context=context)
        self._tasks.append(task)
        return task

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Asked for by what other tests left to the garbage collector, which may come by here."""
        return self.call_soon(callback, *args, context=context)

    def call_exception_handler(self, context: dict[str, Any]) -> NoReturn:
        raise AssertionError(context)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False
