"""Answers that are put together of what several objects know."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from durable.connector.definition import Connectors
from durable.engine.processor import connector_name
from durable.errors import ConfigurationError
from durable.machine.job import State
from durable.store.event_log import Event
from durable.timestamps import rfc3339
from durable.views.connector_metrics import ConnectorMetrics
from durable.views.job_summary import JobSummary
from durable.views.overview import Overview, unreachable
from durable.views.views import LAST_ID
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
        found = await self._each(list(self._connectors), self._runners.overview)
        return bodies.Connectors(
            [
                unreachable(connector, self._now_ms())
                if shown is None
                else msgspec.convert(shown["overview"], Overview)
                for connector, shown in zip(self._connectors.values(), found, strict=True)
            ]
        )

    async def metrics(self) -> str:
        """In Prometheus' text format."""
        found = await self._each(list(self._connectors), self._runners.measures)
        measured = {
            name: None if shown is None else msgspec.convert(shown["measures"], ConnectorMetrics)
            for name, shown in zip(self._connectors, found, strict=True)
        }
        return metrics.text(measured, self._now_ms())

    async def jobs(self, query: Mapping[str, str]) -> Jobs:
        """So many jobs, the newest first; of one connector or all, in some states or all.

        Raises:
            Exception: an object does not answer. Without its jobs, the list would not be one.
        """
        count = int(query.get("limit", JOBS_SHOWN))
        states = query.get("state", ",".join(State))
        names = [query["connector"]] if "connector" in query else list(self._connectors)
        found = await asyncio.gather(
            *(
                self._runners.jobs(name, _bound(name, query.get("before")), states, count + 1)
                for name in names
            )
        )
        lines = [msgspec.convert(line, JobSummary) for shown in found for line in shown["jobs"]]
        lines.sort(key=lambda line: _order(line.id), reverse=True)
        if len(lines) <= count:
            return Jobs(lines, None)
        lines = lines[:count]
        return Jobs(lines, "/jobs?" + urlencode({**query, "before": lines[-1].id}, safe=","))

    async def events(self, connector: str, job_id: str, after: int) -> Events | None:
        """What happened to a job after an event's number; None if there is no such job."""
        shown = await self._runners.events(connector, job_id, after, EVENTS_MAX + 1)
        if shown is None:
            return None
        events = [msgspec.convert(event, Event) for event in shown["events"]]
        is_more, events = len(events) > EVENTS_MAX, events[:EVENTS_MAX]
        return Events(
            job=job_id,
            total=int(shown["total"]),
            events=[_occurred(event) for event in events],
            next=f"/events/{job_id}?after={events[-1].number}" if is_more else None,
        )

    async def _each(
        self, names: Sequence[str], ask: Callable[[str], Awaitable[Mapping[str, Any]]]
    ) -> list[Mapping[str, Any] | None]:
        """What each object says; None where it does not answer. Raises ConfigurationError."""
        found = await asyncio.gather(*(ask(name) for name in names), return_exceptions=True)
        for fault in found:
            if isinstance(fault, ConfigurationError):
                raise fault  # of all of them
        return [None if isinstance(shown, BaseException) else shown for shown in found]


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
