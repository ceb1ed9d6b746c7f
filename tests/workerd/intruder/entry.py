"""A Worker in place of ours that holds the binding of our object, and calls whatever it likes."""

import json
from typing import Any
from urllib.parse import urlsplit

from workers import DurableObject, Response, WorkerEntrypoint

import connectors
from durable import runner
from durable.connector.discovery import discover


CONNECTORS = discover(connectors)


class Runner(runner.Runner):
    connectors = CONNECTORS


class Watch(DurableObject):  # type: ignore[misc] # the platform's class has no types
    """Only there because wrangler.toml names it."""


class Default(WorkerEntrypoint):  # type: ignore[misc] # the platform's class has no types
    async def fetch(self, request: Any) -> Any:
        """Call the method that the path names, with the arguments in the body."""
        name = urlsplit(request.url).path.removeprefix("/")
        if name == "health":
            return Response("ok")
        stub = self.env.RUNNER.getByName("python-docs")
        try:
            given = await getattr(stub, name)(*json.loads(await request.text()))
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return Response(str(error), status=500)
        return Response(json.dumps(given))
