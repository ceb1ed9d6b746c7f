"""A Worker of a few lines: an object that counts how often its alarm began and ended."""

import asyncio
import random
import secrets
from typing import Any

import httpx
import js
import msgspec
from workers import DurableObject, Response, WorkerEntrypoint


ALARM_SECONDS = 2


class Runner(DurableObject):  # type: ignore[misc] # the platform's class has no types
    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._exec("CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, count INTEGER)")

    async def begin(self) -> None:
        await self.ctx.storage.setAlarm(js.Date.now() + 1)

    async def counts(self) -> dict[str, int]:
        return {row.name: row.count for row in self._exec("SELECT * FROM counts").toArray()}

    async def alarm(self, _info: Any = None) -> None:
        self._add("begun")
        await asyncio.sleep(ALARM_SECONDS)
        self._add("ended")

    def _add(self, name: str) -> None:
        self._exec(
            "INSERT INTO counts VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1", name
        )

    def _exec(self, statement: str, *values: Any) -> Any:
        return self.ctx.storage.sql.exec(statement, *values)


class Default(WorkerEntrypoint):  # type: ignore[misc] # the platform's class has no types
    async def fetch(self, request: Any) -> Any:
        runner = self.env.RUNNER.getByName("any")
        match request.url.rpartition("/")[2]:
            case "begin":
                await runner.begin()
                answer: Any = None
            case "counts":
                answer = await runner.counts()
            case "draws":
                answer = [random.random(), secrets.token_hex(8)]
            case "token":
                answer = self.env.TOKEN
            case _:
                answer = {"httpx": httpx.__version__}
        return Response(msgspec.json.encode(answer).decode())
