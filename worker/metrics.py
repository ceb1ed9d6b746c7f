"""The metrics in Prometheus' text format, version 0.0.4. Pure.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from operator import attrgetter

from msgspec import Struct

from durable.machine.counters import TURN_MS
from durable.machine.index_status import Deletions
from durable.machine.job import Mode
from durable.machine.states import ENDED, State
from durable.views.overview import ConnectorMetrics


CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "glean_sync_"
# They are there before the first such end: what begins at 1 is no increase to Prometheus.
UNENDED = {f"{mode} {state}": 0 for mode in Mode for state in State if state in ENDED}
Labels = Mapping[str, str]
Sample = tuple[Labels, float]


class Family(Struct, frozen=True):
    """One metric, of all connectors."""

    name: str
    kind: str  # of Prometheus': gauge, counter
    meaning: str
    samples: Sequence[Sample]


def text(measured: Mapping[str, ConnectorMetrics | None], now_ms: int) -> str:
    """All metrics.

    Args:
        measured: by the connector's name; None where its object did not answer.
        now_ms: the time.
    """
    found = {name: measures for name, measures in measured.items() if measures is not None}
    families = [
        _up(measured),
        *_gauges(found, now_ms),
        _deletions(found),
        *_counters(found),
        _foreign_uploads(found),
    ]
    lines = [line for family in families for line in _lines(family)]
    return "\n".join([*lines, *_histogram(found)]) + "\n"


def _up(measured: Mapping[str, ConnectorMetrics | None]) -> Family:
    samples = [({"connector": name}, float(found is not None)) for name, found in measured.items()]
    return Family("up", "gauge", "Whether the connector's object answered", samples)


def _gauges(found: Mapping[str, ConnectorMetrics], now_ms: int) -> Iterator[Family]:
    def each(values: Mapping[str, float | None]) -> list[Sample]:
        return [({"connector": name}, value) for name, value in values.items() if value is not None]

    yield Family(
        "jobs",
        "gauge",
        "Jobs that are remembered, by their state",
        [
            ({"connector": name, "state": state}, count)
            for name, measures in found.items()
            for state, count in measures.job_counts.items()
        ],
    )
    ages = {
        "last_success": ("tally.succeeded_at_ms", "Since the end of the latest job that succeeded"),
        "last_full_success": (
            "tally.full_succeeded_at_ms",
            "Since the end of the latest FULL job that succeeded",
        ),
        "last_tick": ("ticked_at_ms", "Since the last minute for which cron has asked for a job"),
        "watermark": ("watermark_ms", "Since the time from which the next INCREMENTAL job reads"),
    }
    for metric, (field, meaning) in ages.items():
        times = {name: attrgetter(field)(measures) for name, measures in found.items()}
        samples = each({name: _age(at_ms, now_ms) for name, at_ms in times.items()})
        yield Family(f"{metric}_age_seconds", "gauge", meaning, samples)
    meaning = "Documents in Glean as the last FULL job that succeeded has left them"
    samples = each({name: measures.document_count for name, measures in found.items()})
    yield Family("last_full_documents", "gauge", meaning, samples)
    meaning = "Documents of which Glean has older versions, as their records were rejected"
    samples = each({name: measures.outdated_count for name, measures in found.items()})
    yield Family("outdated_documents", "gauge", meaning, samples)
    meaning = "Documents that were sent and are not known to be in Glean"
    samples = each({name: measures.unconfirmed_count for name, measures in found.items()})
    yield Family("unconfirmed_documents", "gauge", meaning, samples)
    meaning = "That the last FULL job took which succeeded"
    spans = {name: measures.tally.full_ms for name, measures in found.items()}
    samples = each({name: span and span / 1_000 for name, span in spans.items()})
    yield Family("last_full_duration_seconds", "gauge", meaning, samples)


def _deletions(found: Mapping[str, ConnectorMetrics]) -> Family:
    states: dict[str, float] = {Deletions.DONE.value: 0, Deletions.PAUSED.value: 1}
    samples = [
        ({"connector": name, "stage": stage}, states[state])
        for name, measures in found.items()
        for stage, state in measures.deletions.items()
        if state in states  # where nobody can tell, nothing is told
    ]
    meaning = "Whether Glean has paused the deletion of what the latest upload no longer had"
    return Family("deletions_paused", "gauge", meaning, samples)


def _counters(found: Mapping[str, ConnectorMetrics]) -> Iterator[Family]:
    plain = {
        "pages_total": ("page_count", "Pages of the source that are in Glean"),
        "documents_total": ("document_count", "Documents that Glean has acknowledged"),
        "deletions_total": ("deletion_count", "Deletions that Glean has acknowledged"),
        "rejects_total": ("reject_count", "Records that were rejected"),
        "source_bytes_total": ("byte_count", "Of the source's pages"),
        "deaths_total": ("death_count", "Turns that a kill has ended"),
    }
    for name, (field, meaning) in plain.items():
        samples = [
            ({"connector": connector}, float(getattr(measures.tally, field)))
            for connector, measures in found.items()
        ]
        yield Family(name, "counter", meaning, samples)
    yield Family(
        "jobs_ended_total",
        "counter",
        "Jobs that have ended, by how",
        [
            ({"connector": name, "mode": mode, "state": state}, count)
            for name, measures in found.items()
            for ended, count in {**UNENDED, **measures.tally.ended_counts}.items()
            for mode, _, state in [ended.partition(" ")]
        ],
    )
    yield Family(
        "retries_total",
        "counter",
        "What was tried again, by who it was and what was wrong",
        [
            ({"connector": name, "reason": reason}, count)
            for name, measures in found.items()
            for reason, count in measures.tally.retry_counts.items()
        ],
    )


def _foreign_uploads(found: Mapping[str, ConnectorMetrics]) -> Family:
    samples: list[Sample] = [
        ({"connector": name}, measures.foreign_upload_count) for name, measures in found.items()
    ]
    meaning = "Uploads to the datasource by another client, as far as FULL jobs have seen them"
    return Family("foreign_uploads_total", "counter", meaning, samples)


def _histogram(found: Mapping[str, ConnectorMetrics]) -> Iterator[str]:
    name = f"{PREFIX}turn_duration_seconds"
    yield f"# HELP {name} Of the turns that no kill has ended"
    yield f"# TYPE {name} histogram"
    for connector, measures in found.items():
        tally = measures.tally
        counts = [*accumulate(tally.turn_counts)] or [0] * (len(TURN_MS) + 1)
        bounds = [*(_number(bound_ms / 1_000) for bound_ms in TURN_MS), "+Inf"]
        for bound, count in zip(bounds, counts, strict=True):
            yield f"{name}_bucket{_label({'connector': connector, 'le': bound})} {count}"
        yield f"{name}_sum{_label({'connector': connector})} {_number(tally.turn_ms / 1_000)}"
        yield f"{name}_count{_label({'connector': connector})} {counts[-1]}"


def _age(at_ms: int | None, now_ms: int) -> float | None:
    return None if at_ms is None else max(0, now_ms - at_ms) / 1_000


def _lines(family: Family) -> Iterator[str]:
    name = PREFIX + family.name
    yield f"# HELP {name} {family.meaning}"
    yield f"# TYPE {name} {family.kind}"
    for labels, value in family.samples:
        yield f"{name}{_label(labels)} {_number(value)}"


def _label(labels: Labels) -> str:
    """None of the values needs an escape: they are names and words of ours."""
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
