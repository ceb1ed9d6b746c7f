"""A proof that is refused, and the one in its place."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import httpx
import pytest

from durable.errors import UpstreamError
from durable.http.auth import Authenticator, Credentials
from durable.http.client import Answer, HttpClient
from durable.http.error_rules import Action, Rule, Rules
from durable.http.origins import Origins
from tests.fakes.network import Network


STALE = Rule(status="4xx", body="token expired", then=Action.REFRESH)


class Ring(Authenticator):
    """Gives one proof after the other, each once refused."""

    remedy = "check the secret RING"

    def __init__(self, *proofs: str) -> None:
        self._proofs = deque(proofs)
        self.refused: list[Credentials] = []

    async def proof(self) -> Credentials:
        return Credentials(headers={"x-proof": self._proofs[0]})

    async def renew(self, refused: Credentials) -> Credentials | None:
        self.refused.append(refused)
        self._proofs.popleft()
        return await self.proof() if self._proofs else None


def posted(network: Network, ring: Ring, rules: Rules = ()) -> Answer:
    upstream = HttpClient("the source", network, ring, Origins("https://notes.example"), rules)
    return asyncio.run(
        upstream.post("https://notes.example/list", b"{}", {"a": "b"}, {"x-c": "d"}, bytes_max=100)
    )


def failed(network: Network, ring: Ring, rules: Rules = ()) -> UpstreamError:
    with pytest.raises(UpstreamError) as error:
        posted(network, ring, rules)
    return error.value


def proofs(network: Network) -> list[str]:
    return [request.headers["x-proof"] for request in network.requests]


def test_the_same_request_is_repeated_with_another_proof() -> None:
    network, ring = Network(httpx.Response(401), httpx.Response(200, text="ok")), Ring("1", "2")

    assert posted(network, ring).body == b"ok"

    first, second = network.requests
    assert ring.refused == [Credentials(headers={"x-proof": "1"})]
    assert proofs(network) == ["1", "2"]
    assert (first.url, first.content) == (second.url, second.content)
    assert second.headers["x-c"] == "d"


def test_it_is_repeated_once() -> None:
    network, ring = Network(httpx.Response(401), httpx.Response(401)), Ring("1", "2", "3")

    error = failed(network, ring)

    assert error.status == 401
    assert "RING" in str(error)
    assert not error.is_transient
    assert proofs(network) == ["1", "2"]


def test_without_another_proof_it_is_not_repeated() -> None:
    network, ring = Network(httpx.Response(401, text="no")), Ring("1")

    error = failed(network, ring)
    assert error.status == 401
    assert "RING" in str(error)


@pytest.mark.parametrize("status", [400, 403, 419])
def test_a_rule_says_what_else_is_a_matter_of_the_proof(status: int) -> None:
    network = Network(httpx.Response(status, text="token expired"), httpx.Response(200))

    posted(network, Ring("1", "2"), (STALE,))

    assert proofs(network) == ["1", "2"]


def test_where_another_proof_does_not_help_the_secret_is_named() -> None:
    refusals = [httpx.Response(400, text="token expired") for _ in range(2)]

    error = failed(Network(*refusals), Ring("1", "2", "3"), (STALE,))

    assert error.status == 400
    assert "RING" in str(error)
    assert not error.is_transient


def test_what_passes_by_itself_still_may_after_another_proof() -> None:
    rule = Rule(status=503, then=Action.REFRESH)
    refusals = [httpx.Response(503, headers={"retry-after": "7"}) for _ in range(2)]

    error = failed(Network(*refusals), Ring("1", "2"), (rule,))

    assert (error.is_transient, error.retry_after) == (True, "7")


def test_what_passes_by_itself_may_where_there_is_no_other_proof() -> None:
    rule = Rule(status=503, then=Action.REFRESH)

    assert failed(Network(httpx.Response(503)), Ring("1"), (rule,)).is_transient


def test_an_answer_may_say_that_the_proof_is_stale() -> None:
    rule = Rule(status=200, path="error", value="token_expired", then=Action.REFRESH)
    stale = httpx.Response(200, json={"error": "token_expired"})
    network = Network(stale, httpx.Response(200, json={"items": []}))

    assert posted(network, Ring("1", "2"), (rule,)).body == b'{"items":[]}'

    error = failed(Network(stale, stale), Ring("1", "2"), (rule,))
    assert error.status == 200
    assert "RING" in str(error)
    assert not error.is_transient


def test_a_rule_may_leave_the_proof_as_it_is() -> None:
    network = Network(httpx.Response(401))

    error = failed(network, Ring("1", "2"), (Rule(status=401, then=Action.RETRY),))

    assert error.is_transient
    assert proofs(network) == ["1"]


def test_the_answer_to_the_repeated_request_is_judged_by_the_rules() -> None:
    rules = STALE, Rule(status=410, then=Action.RETRY)
    network = Network(httpx.Response(400, text="token expired"), httpx.Response(410))

    assert failed(network, Ring("1", "2"), rules).is_transient


# Answers that are read as they come


class Left(httpx.AsyncByteStream):
    """A body that somebody has to close."""

    def __init__(self) -> None:
        self.is_open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"part"

    async def aclose(self) -> None:
        self.is_open = False


def streamed(network: Network, ring: Ring, rules: Rules = ()) -> bytes | None:
    async def first_part() -> bytes | None:
        upstream = HttpClient("the source", network, ring, Origins("https://notes.example"), rules)
        stream = await upstream.stream("https://notes.example/list")
        try:
            return await stream.part()
        finally:
            await stream.close()

    return asyncio.run(first_part())


def test_a_stream_is_asked_for_again_with_another_proof() -> None:
    network = Network(httpx.Response(401), httpx.Response(200, stream=Left()))

    assert streamed(network, Ring("1", "2")) == b"part"
    assert proofs(network) == ["1", "2"]


def test_a_stream_that_a_rule_takes_for_an_error_is_let_go() -> None:
    rule = Rule(status=200, header=("x-error", "stale"), then=Action.REFRESH)
    bodies = [Left(), Left()]
    network = Network(
        *(httpx.Response(200, headers={"x-error": "stale"}, stream=body) for body in bodies)
    )

    with pytest.raises(UpstreamError, match="answered 200, check the secret RING"):
        streamed(network, Ring("1", "2"), (rule,))

    assert [body.is_open for body in bodies] == [False, False]
