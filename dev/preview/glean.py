"""Glean in a preview: asked how it stands where its secrets are known, and left alone else."""

from collections.abc import Mapping

import httpx

from durable.environment import GLEAN_TOKEN


HOST = "unset-be.glean.com"  # that of the URL below; nobody asks there
NOT_ASKED = "not asked: "


def stand_ins(values: Mapping[str, str]) -> Mapping[str, str]:
    """What takes the place of Glean's variables and secrets; nothing where they are all set."""
    if GLEAN_TOKEN in values and {"GLEAN_SERVER_URL", "GLEAN_INSTANCE"} & values.keys():
        return {}
    return {GLEAN_TOKEN: "~unset~token", "GLEAN_SERVER_URL": f"https://{HOST}"}


class GleanLeftAlone(httpx.AsyncBaseTransport):
    """Carries requests, but those for the Glean of `stand_ins`."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == HOST:
            raise httpx.ConnectError(
                f"{NOT_ASKED}{GLEAN_TOKEN} and GLEAN_SERVER_URL are not both in .dev.vars"
            )
        return await self._transport.handle_async_request(request)
