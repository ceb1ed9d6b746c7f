"""The deployed Worker's entry with more to tell: its memory, its rows, and where its time goes.

Never deployed: wrangler.toml does not know it. All is read in the isolate that the job runs in.
"""

import cProfile
import io
import json
import pstats
from collections.abc import Awaitable
from typing import Any

import pyodide_js
from workers import Response

from worker import entry as deployed


CONNECTOR = "synthetic"
FUNCTIONS_SHOWN = 40
PROFILE = cProfile.Profile()


class Watch(deployed.Watch):
    """Only there because wrangler.toml names it."""


class Runner(deployed.Runner):
    def __init__(self, ctx: Any, env: Any) -> None:
        self.storage = Storage(ctx.storage)
        super().__init__(Context(ctx, self.storage), env)

    async def alarm(self, info: Any = None) -> None:
        is_profiled = getattr(self.env, "BENCH_PROFILE", "") == "true"
        if is_profiled:
            PROFILE.enable()
        try:
            await super().alarm(info)
        finally:
            if is_profiled:
                PROFILE.disable()

    async def measured(self) -> dict[str, int]:
        """The WebAssembly memory, which never shrinks, and rows of the object's life."""
        memory = pyodide_js._module.HEAP8  # noqa: SLF001 - nobody else knows it
        return {
            "heap_bytes": memory.length,
            "rows": self.storage.row_count,
            "read_rows": self.storage.read_count,
        }


class Default(deployed.Default):
    async def fetch(self, request: Any) -> Any:
        if request.url.endswith("/measured"):
            measured = await self.env.RUNNER.getByName(CONNECTOR).measured()
            return Response(json.dumps(measured))
        if request.url.endswith("/profile"):
            text = io.StringIO()
            pstats.Stats(PROFILE, stream=text).sort_stats("tottime").print_stats(FUNCTIONS_SHOWN)
            return Response(text.getvalue())
        return await super().fetch(request)


class Context:
    """The object's context, with a storage that counts."""

    def __init__(self, ctx: Any, storage: "Storage") -> None:
        self._context = ctx
        self.id = ctx.id
        self.storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


class Storage:
    """Counts what Cloudflare bills as rows: those of the SQL, and one written for an alarm set."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self._sql = storage.sql
        self.sql = self
        self.row_count = 0
        self.read_count = 0

    def exec(self, query: str, *bindings: Any) -> "Rows":
        return Rows(self._sql.exec(query, *bindings), self)

    def getAlarm(self) -> Awaitable[int | None]:  # noqa: N802 - the platform's name
        return self._storage.getAlarm()  # type: ignore[no-any-return]

    def setAlarm(self, at_ms: int) -> Awaitable[None]:  # noqa: N802 - the platform's name
        self.row_count += 1
        return self._storage.setAlarm(at_ms)  # type: ignore[no-any-return]

    def deleteAlarm(self) -> Awaitable[None]:  # noqa: N802 - the platform's name
        return self._storage.deleteAlarm()  # type: ignore[no-any-return]


class Rows:
    """A cursor; how much it has written is known once it was read."""

    def __init__(self, cursor: Any, storage: Storage) -> None:
        self._cursor = cursor
        self._storage = storage

    def toArray(self) -> Any:  # noqa: N802 - the platform's name
        rows = self._cursor.toArray()
        self._storage.row_count += self._cursor.rowsWritten
        self._storage.read_count += self._cursor.rowsRead
        return rows
