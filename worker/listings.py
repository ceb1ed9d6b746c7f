"""Answers that are put together of what several objects know."""

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import msgspec

from durable.connector import Connectors
from durable.errors import ConfigurationError
from durable.history.chronicle import Event
from durable.history.overview import unreachable
from durable.instant import rfc3339
from durable.job import State
from durable.processor import connector_name
from durable.questions import Question, ReadEvents, ReadJobs, ReadMeasures, ReadOverview, Reply
from durable.views import LAST_ID
from worker import bodies, metrics
from worker.bodies import Events, Jobs, Occurred
from worker.runners import Runners


JOBS_SHOWN = 20  # where nobody says how many
EVENTS_MAX = 100  # in one answer
STAMP_CHARACTERS = len("20261124T020000000Z")


class Listings:
    """Of all connectors.

    Args:
        connectors: all there are.
        runners: where their jobs are.
        now_ms: the clock.
    """

    def __init__(self, connectors: Connectors, runners: Runners, now_ms: Callable[[], int]) -> None:
        self._connectors = connectors
        self._runners = runners
        self._now_ms = now_ms

    async def overviews(self) -> bodies.Connectors:
        """Also where an object does not answer: that is what somebody looks for."""
        found = await self._each(ReadOverview())
        return bodies.Connectors(
            [
                found[name] or unreachable(connector, self._now_ms())
                for name, connector in self._connectors.items()
            ]
        )

    async def metrics(self) -> str:
        """In Prometheus' text format."""
        measured = await self._each(ReadMeasures())
        return metrics.text(measured, self._now_ms())

    async def jobs(self, query: Mapping[str, str]) -> Jobs:
        """So many jobs, the newest first; of one connector or all, in some states or all.

        Raises:
            Exception: an object does not answer. Without its jobs, the list would not be one.
        """
        count = int(query.get("limit", JOBS_SHOWN))
        states = [State(state) for state in query.get("state", ",".join(State)).split(",")]
        names = [query["connector"]] if "connector" in query else list(self._connectors)
        found = await asyncio.gather(
            *(
                self._runners.ask(
                    name, ReadJobs(_bound(name, query.get("before")), states, count + 1)
                )
                for name in names
            )
        )
        lines = [line for shown in found for line in shown]
        lines.sort(key=lambda line: _order(line.id), reverse=True)
        if len(lines) <= count:
            return Jobs(lines, None)
        lines = lines[:count]
        return Jobs(lines, "/jobs?" + urlencode({**query, "before": lines[-1].id}, safe=","))

    async def events(self, connector: str, job_id: str, after: int) -> Events | None:
        """What happened to a job after an event's number; None if there is no such job."""
        found = await self._runners.ask(connector, ReadEvents(job_id, after, EVENTS_MAX + 1))
        if found is None:
            return None
        is_more, events = len(found.events) > EVENTS_MAX, found.events[:EVENTS_MAX]
        return Events(
            job=job_id,
            total=found.total,
            events=[_occurred(event) for event in events],
            next=f"/events/{job_id}?after={events[-1].number}" if is_more else None,
        )

    async def _each(self, question: Question[Reply]) -> dict[str, Reply | None]:
        """What each object says; None where it does not answer. Raises ConfigurationError."""
        asked = (self._runners.ask(name, question) for name in self._connectors)
        found = await asyncio.gather(*asked, return_exceptions=True)
        for fault in found:
            if isinstance(fault, ConfigurationError):
                raise fault  # of all of them
        return {
            name: None if isinstance(shown, BaseException) else shown
            for name, shown in zip(self._connectors, found, strict=True)
        }


def _order(job_id: str) -> tuple[str, str]:
    """Of jobs of all connectors: by time, and those of one moment by their ids."""
    stamp, _, _ = job_id.rpartition("-")
    return stamp[-STAMP_CHARACTERS:], job_id


def _bound(connector: str, before_id: str | None) -> str:
    """The id before which a connector's jobs come that are older than a job of any connector."""
    if before_id is None:
        return LAST_ID
    if connector_name(before_id) == connector:
        return before_id
    moment = f"{connector}-{_order(before_id)[0]}"
    return f"{moment}\x7f" if moment < before_id else moment


def _occurred(event: Event) -> Occurred:
    happening, worked = event.happening, event.happening.worked
    occurred = Occurred(
        number=event.number,
        at=rfc3339(happening.at_ms),
        kind=happening.kind,
        what=happening.text,
    )
    if worked is None:
        return occurred
    return msgspec.structs.replace(
        occurred,
        pages=worked.page_count,
        documents=worked.document_count,
        deleted=worked.deletion_count,
        rejected=worked.reject_count,
        seconds=None if worked.duration_ms is None else worked.duration_ms / 1_000,
    )
