"""Keeps access tokens in memory, for as long as the object lives. Nothing is stored."""

from asyncio import Event
from collections.abc import Awaitable, Callable

from msgspec import Struct
from msgspec.structs import replace

from durable.environment import SecretText
from durable.errors import UpstreamError


class Token(Struct, frozen=True, kw_only=True):
    """An access token, and when another one is to be asked for."""

    access: SecretText
    renew_at_ms: int
    refresh: SecretText | None = None  # in place of the one that it was asked for with


class Tokens:
    """One token for each way of asking, however many want it."""

    def __init__(self) -> None:
        self._kept: dict[str, Token] = {}
        self._flights: dict[str, _PendingToken] = {}

    async def token(
        self,
        key: str,
        now_ms: Callable[[], int],
        ask: Callable[[Token | None], Awaitable[Token]],
    ) -> Token:
        """The token that is kept, or a new one where that one has had its time.

        Args:
            key: the same for all who would ask alike.
            now_ms: the clock.
            ask: has a new one; is given the one before it. Raises UpstreamError, and then all
                who wait for it get that error.
        """
        while True:
            kept = self._kept.get(key)
            if kept is not None and now_ms() < kept.renew_at_ms:
                return kept
            if (flight := self._flights.get(key)) is None:
                return await self._ask_once(key, ask)
            await flight.is_over.wait()
            if isinstance(flight.outcome, Token):
                return flight.outcome
            if flight.outcome is not None:
                raise flight.outcome

    def refuse(self, key: str, text: str) -> None:
        """Forget this token, which was refused. A newer one stays."""
        kept = self._kept.get(key)
        if kept is not None and kept.access.reveal() == text:
            self._kept[key] = replace(kept, renew_at_ms=0)

    def forget(self, key: str) -> None:
        """Forget the token of a key."""
        self._kept.pop(key, None)

    async def _ask_once(self, key: str, ask: Callable[[Token | None], Awaitable[Token]]) -> Token:
        flight = self._flights[key] = _PendingToken()
        try:
            token = flight.outcome = self._kept[key] = await ask(self._kept.get(key))
        except UpstreamError as error:
            flight.outcome = error
            raise
        finally:
            del self._flights[key]
            flight.is_over.set()
        return token


class _PendingToken:
    """A request for a token that is under way."""

    def __init__(self) -> None:
        self.is_over = Event()
        self.outcome: Token | UpstreamError | None = None  # None: nobody waits for it any more
