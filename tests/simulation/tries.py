"""What it may take until a page lands: so many turns, rests and requests, by the limits."""

from functools import cache
from math import ceil

import httpx
import msgspec
from msgspec import Struct

from durable.limits import Limits
from durable.machine.job import Job
from durable.machine.states import State
from tests.simulation.source import Source


JITTER_MIN = 0.3  # that worlds draw
REST_MS_MIN = 45_000  # that Glean's minute asks for
TURNS_SPARE = 3  # one that begins, one that yields, one that ends


class Tries(Struct):
    """Of one job, since something of it landed last."""

    turn: int = 0  # its number then
    changes: int = 0  # of the source, until then
    fault_count: int = 0
    rest_count: int = 0
    request_count: int = 0
    idle_turn: int = 0  # the number of the turn that brought something new last
    heard: set[bytes] = msgspec.field(default_factory=set)  # what Glean has answered about

    def land(self, job: Job, source: Source) -> None:
        """A page landed, or the job is another one in another way."""
        self.turn = self.idle_turn = job.turn_count
        self.changes = source.change_count
        self.fault_count = self.rest_count = self.request_count = 0
        self.heard.clear()

    def hear(self, job: Job, request: httpx.Request) -> None:
        """Glean took a request, or refused it."""
        if request.content not in self.heard:
            self.heard.add(request.content)
            self.idle_turn = job.turn_count

    def check(self, job: Job, source: Source, limits: Limits) -> None:
        """Raises AssertionError where a job has tried more often than its limits allow."""
        turns = job.turn_count - self.turn
        rests_max = self._rests_max(job, source, limits)
        assert self.rest_count <= rests_max, f"{self.rest_count} rests for a page, not {rests_max}"
        turns_max = TURNS_SPARE + self.fault_count + rests_max
        if job.state is not State.SENDING:
            turns_max += waits_max(limits.settle_ms_max, limits)
        assert turns <= turns_max, f"{turns} turns for a page, not {turns_max}"
        requests_max = self._requests_max(turns_max, source, limits)
        assert self.request_count <= requests_max, (
            f"{self.request_count} requests for a page, not {requests_max}"
        )
        self.check_idle(job, limits)

    def check_idle(self, job: Job, limits: Limits) -> None:
        """Likewise, where nobody can tell what of it was a fault."""
        idle, idle_max = job.turn_count - self.idle_turn, idle_turns_max(limits)
        assert idle <= idle_max, f"{idle} turns that brought nothing, not {idle_max}"

    def _rests_max(self, job: Job, source: Source, limits: Limits) -> int:
        """Glean's minute, as often as the page needs it, and the source's rate."""
        slowdown = job.pacing.slowdown
        lowered = limits.documents_per_minute_max if slowdown is None else slowdown.per_minute
        per_minute = min(limits.documents_per_minute_max, max(1, lowered))
        resends = source.change_count - self.changes
        if source.restless:
            resends += 2 * (limits.resends_max + source.page_max)
        minutes = (source.page_max + resends) // per_minute
        return minutes + 2 + 2 * self.fault_count

    def _requests_max(self, turns_max: int, source: Source, limits: Limits) -> int:
        """In each turn the pages under way are read, and cut down to single changes."""
        ahead = min(limits.turn_pages_max, limits.sends_max + 1)
        return turns_max * ahead * (2 + 4 * source.page_max)


def idle_turns_max(limits: Limits) -> int:
    """Without anything new: errors until the time is up, rests that were asked for, deaths."""
    deaths = limits.deaths_max + limits.turn_pages_max.bit_length()
    rests = limits.pauses_max + limits.stall_ms_max // REST_MS_MIN
    return waits_max(limits.stall_ms_max, limits) + rests + deaths + TURNS_SPARE


@cache
def waits_max(time_ms: int, limits: Limits) -> int:
    """So many growing waits fit into the time."""
    waited_ms, attempt = 0.0, 0
    while waited_ms < time_ms:
        backoff_ms = limits.backoff_ms_min << min(attempt, 30)
        if backoff_ms >= limits.backoff_ms_max:  # from here on all are alike, maybe millions
            rest_ms = time_ms - waited_ms
            return attempt + ceil(rest_ms / (JITTER_MIN * limits.backoff_ms_max))
        waited_ms += JITTER_MIN * backoff_ms
        attempt += 1
    return attempt
