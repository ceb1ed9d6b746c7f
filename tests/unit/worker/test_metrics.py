"""The metrics, read as Prometheus reads them."""

import msgspec
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from durable.machine.counters import TURN_MS, Counters
from durable.machine.job import Stage
from durable.machine.states import State
from durable.views.overview import ConnectorMetrics
from tests.fakes.edge import NOW_MS
from tests.fakes.requests import a_request, answered
from tests.fakes.runners import FakeRunners
from worker.metrics import text


TALLY = Counters(
    page_count=3,
    document_count=30,
    deletion_count=2,
    reject_count=1,
    byte_count=4_000,
    turn_count=4,
    turn_ms=3_500,
    turn_counts=(1, 0, 0, 1, 0, 0, 0, 0, 0, 1),
    death_count=1,
    retry_counts={"source-throttled": 2},
    ended_counts={"FULL succeeded": 5, "INCREMENTAL failed": 6},
    succeeded_at_ms=NOW_MS - 90_500,
    full_succeeded_at_ms=NOW_MS - 100_500,
    full_ms=1_500,
)
MEASURES = ConnectorMetrics(
    tally=TALLY,
    job_counts={state: 7 if state is State.HELD else 0 for state in State},
    ticked_at_ms=NOW_MS - 120_000,
    watermark_ms=NOW_MS - 3_600_000,
    document_count=29,
    outdated_count=4,
    unconfirmed_count=5,
    deletions={Stage.USERS: "paused", Stage.GROUPS: "done", Stage.DOCUMENTS: "unknown"},
)
NEW = ConnectorMetrics(
    tally=Counters(),
    job_counts={},
    ticked_at_ms=None,
    watermark_ms=None,
    document_count=None,
)


def families(measured: dict[str, ConnectorMetrics | None]) -> dict[str, Metric]:
    found = text_string_to_metric_families(text(measured, NOW_MS))
    return {family.name: family for family in found}


def values(family: Metric) -> dict[tuple[str, ...], float]:
    """By the sample's name, where it is another than the family's, and its labels."""
    return {
        (*[sample.name][: sample.name != family.name], *sample.labels.values()): sample.value
        for sample in family.samples
    }


def test_prometheus_reads_all_that_a_connector_has_done() -> None:
    found = families({"notes": MEASURES})

    counters = {
        "pages": 3,
        "documents": 30,
        "deletions": 2,
        "rejects": 1,
        "source_bytes": 4_000,
        "deaths": 1,
    }
    for name, value in counters.items():
        family = found[f"glean_sync_{name}"]
        assert family.type == "counter"
        assert values(family) == {(f"glean_sync_{name}_total", "notes"): value}
    ended = values(found["glean_sync_jobs_ended"])
    assert {labels[2:]: count for labels, count in ended.items() if count} == {
        ("FULL", "succeeded"): 5,
        ("INCREMENTAL", "failed"): 6,
    }
    retries = values(found["glean_sync_retries"])
    assert [labels[1:] for labels in retries] == [("notes", "source-throttled")]


def test_prometheus_reads_how_a_connector_stands() -> None:
    found = families({"notes": MEASURES})

    assert values(found["glean_sync_last_success_age_seconds"]) == {("notes",): 90.5}
    assert values(found["glean_sync_last_full_success_age_seconds"]) == {("notes",): 100.5}
    assert values(found["glean_sync_last_tick_age_seconds"]) == {("notes",): 120}
    assert values(found["glean_sync_watermark_age_seconds"]) == {("notes",): 3_600}
    assert values(found["glean_sync_last_full_documents"]) == {("notes",): 29}
    assert values(found["glean_sync_outdated_documents"]) == {("notes",): 4}
    assert values(found["glean_sync_unconfirmed_documents"]) == {("notes",): 5}
    assert values(found["glean_sync_last_full_duration_seconds"]) == {("notes",): 1.5}
    assert values(found["glean_sync_jobs"])[("notes", "held")] == 7
    assert values(found["glean_sync_deletions_paused"]) == {
        ("notes", "users"): 1,
        ("notes", "groups"): 0,
    }
    assert all(family.documentation for family in found.values())


def test_prometheus_reads_the_durations_of_turns() -> None:
    family = families({"notes": MEASURES})["glean_sync_turn_duration_seconds"]

    buckets = {
        sample.labels["le"]: sample.value
        for sample in family.samples
        if sample.name.endswith("_bucket")
    }
    assert family.type == "histogram"
    assert list(buckets.values()) == [1, 1, 1, 2, 2, 2, 2, 2, 2, 3]
    assert [float(bound) for bound in buckets][:-1] == [bound / 1_000 for bound in TURN_MS]
    assert values(family)[("glean_sync_turn_duration_seconds_sum", "notes")] == 3.5
    assert values(family)[("glean_sync_turn_duration_seconds_count", "notes")] == 3


def test_what_is_not_known_is_not_there() -> None:
    found = families({"new": NEW, "silent": None})

    assert values(found["glean_sync_up"]) == {("new",): 1, ("silent",): 0}
    assert found["glean_sync_last_success_age_seconds"].samples == []
    assert values(found["glean_sync_documents"]) == {("glean_sync_documents_total", "new"): 0}
    buckets = found["glean_sync_turn_duration_seconds"].samples
    assert {sample.value for sample in buckets} == {0}
    assert len(buckets) == len(TURN_MS) + 3


def test_a_first_failure_is_an_increase() -> None:
    before, ended = NEW, msgspec.structs.replace(NEW, tally=TALLY)

    series = [values(families({"new": one})["glean_sync_jobs_ended"]) for one in (before, ended)]

    name = ("glean_sync_jobs_ended_total", "new", "INCREMENTAL", "failed")
    assert [each[name] for each in series] == [0, 6]
    assert series[0].keys() == series[1].keys()


def test_metrics_are_answered_as_prometheus_wants_them() -> None:
    runners = FakeRunners()
    runners.measured["notes"] = MEASURES

    response = answered(a_request("GET", "/metrics"), runners)

    assert response.status == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.body.decode() == text({"notes": MEASURES}, NOW_MS)
