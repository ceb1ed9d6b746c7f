"""What four connectors have done in 27 hours, moment by moment, as their objects tell it.

`tickets` is well. `wiki` has every trouble there is in its last hours, `files` does not answer
any more, and `new` has no job yet.
"""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from durable.machine.counters import Counters
from durable.machine.index_status import Deletions
from durable.machine.job import Stage
from durable.machine.states import State
from durable.views.overview import ConnectorMetrics


MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
BEGUN_AT_MS = 1_763_900_000_000
HOURS = 27
MINUTES_BETWEEN = 4  # Prometheus takes a sample for five minutes
ENDED_AT_MS = BEGUN_AT_MS + HOURS * HOUR_MS
TROUBLED_MINUTES = 90
# Of turns that take up to 100 ms, 250 ms, and so on.
TURNS_AN_HOUR = (0, 0, 1, 4, 3, 1, 0, 0, 0, 0)


def moments() -> Iterator[tuple[int, Mapping[str, ConnectorMetrics | None]]]:
    """Each with its time, the earliest first."""
    for minute in range(0, HOURS * 60 + 1, MINUTES_BETWEEN):
        at_ms = BEGUN_AT_MS + minute * MINUTE_MS
        is_troubled = minute > HOURS * 60 - TROUBLED_MINUTES
        yield (
            at_ms,
            {
                "tickets": _well(minute, at_ms),
                "wiki": _troubled(minute, at_ms) if is_troubled else _well(minute, at_ms),
                "files": None if is_troubled else _well(minute, at_ms),
                "new": ConnectorMetrics(
                    tally=Counters(),
                    job_counts=dict.fromkeys(State, 0),
                    ticked_at_ms=None,
                    watermark_ms=None,
                    document_count=None,
                ),
            },
        )


def _well(minute: int, at_ms: int) -> ConnectorMetrics:
    """A job each hour takes its first ten minutes, and brings 60 documents and a reject."""
    hours, rest = divmod(minute, 60)
    share = min(rest, 10) / 10
    turns = tuple(int(count * (hours + share)) for count in TURNS_AN_HOUR)
    job_count = hours + (rest >= 10)
    return ConnectorMetrics(
        tally=Counters(
            page_count=int(10 * (hours + share)),
            document_count=int(60 * (hours + share)),
            deletion_count=int(3 * (hours + share)),
            reject_count=job_count,
            byte_count=int(40_000 * (hours + share)),
            turn_count=sum(turns),
            turn_ms=800 * sum(turns),
            turn_counts=turns,
            retry_counts={"source-throttled": hours},
            ended_counts={"FULL succeeded": job_count, "INCREMENTAL succeeded": job_count},
            succeeded_at_ms=at_ms - (rest + 50) % 60 * MINUTE_MS,
            full_succeeded_at_ms=at_ms - (rest + 50) % 60 * MINUTE_MS,
            full_ms=95_000,
        ),
        job_counts={state: min(100, job_count) * (state is State.SUCCEEDED) for state in State},
        ticked_at_ms=at_ms - rest * MINUTE_MS,
        watermark_ms=at_ms - rest * MINUTE_MS,
        document_count=1_000 + hours,
        outdated_count=0,
        deletions={Stage.DOCUMENTS: Deletions.DONE.value},
    )


def _troubled(minute: int, at_ms: int) -> ConnectorMetrics:
    """It has failed, been killed, been refused and rejected much, and has lost documents."""
    before = _well(HOURS * 60 - TROUBLED_MINUTES, at_ms)
    count = minute - HOURS * 60 + TROUBLED_MINUTES
    retries = {**before.tally.retry_counts, "glean-unavailable": count}
    return replace(
        before,
        tally=replace(
            before.tally,
            reject_count=before.tally.reject_count + 10 * count,
            retry_counts=retries,
            death_count=count // 10,
            ended_counts={**before.tally.ended_counts, "FULL failed": count // 20},
            succeeded_at_ms=at_ms - 30 * HOUR_MS,
            full_succeeded_at_ms=at_ms - 61 * HOUR_MS,
        ),
        job_counts={**before.job_counts, State.HELD: 1, State.FAILED: count // 20},
        ticked_at_ms=at_ms - 30 * HOUR_MS,
        watermark_ms=at_ms - 50 * HOUR_MS,
        document_count=800,
        outdated_count=12,
        unconfirmed_count=40,
        deletions={Stage.DOCUMENTS: Deletions.PAUSED.value},
    )
