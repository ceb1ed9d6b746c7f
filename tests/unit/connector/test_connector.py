from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from durable.connector.backend_connector import BackendConnector
from durable.connector.definition import NAME_CHARACTERS_MAX
from durable.connector.job_limits import JobLimits
from durable.connector.stream import AnyStream, Stream
from durable.engine.clients import build_clients
from durable.errors import ConfigurationError
from durable.glean.datasource import Datasource
from durable.limits import Limits
from durable.machine.job import Mode
from durable.sources.backend import Backend
from durable.sources.http import HttpSource
from durable.sources.newest_first import NewestFirst
from durable.sources.paging.cursors import BodyCursor
from durable.sources.since import Changes, Since
from durable.sources.times import TimeFormat
from tests.fakes.bench import SET
from tests.fakes.connector import NOTES, Note, document
from tests.fakes.environment import an_environment
from tests.fakes.host import a_host
from tests.fakes.network import Network


@pytest.mark.parametrize("name", ["a", "7", "notes-of-2026", "x" * NAME_CHARACTERS_MAX])
def test_a_name_of_small_letters_digits_and_single_hyphens_is_taken(name: str) -> None:
    assert replace(NOTES, name=name).name == name


@pytest.mark.parametrize(
    "name", ["", "Notes", "a_b", "a--b", "-a", "a-", "a b", "a\n", "ä", "x" * 41]
)
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        replace(NOTES, name=name)

    assert str(error.value).startswith(f"connector {name!r}: name: ")
    assert "lower-case letters, digits and single hyphens" in str(error.value)


def test_what_a_backend_brings_is_not_verified() -> None:
    crawled = BackendConnector(
        name="b", datasource=Datasource("b"), backend=Backend(), process_immediately=True
    )

    assert (crawled.is_verified, crawled.is_delegated, NOTES.is_delegated) == (False, True, False)
    assert replace(NOTES, verify=True).is_verified
    with pytest.raises(TypeError, match="verify"):
        replace(crawled, verify=True)


def test_nothing_is_verified_or_processed_at_once_unless_that_is_declared() -> None:
    assert (NOTES.verify, NOTES.process_immediately) == (False, False)


def feed_since(since: Changes | None) -> AnyStream:
    source = HttpSource(
        records="items", url="https://notes.example/deleted", paging=BodyCursor(), since=since
    )
    return Stream(source=source, key="id", record=Note, map=document)


@pytest.mark.parametrize(
    ("changed", "deleted"),
    [
        (
            Since(param="updated_since"),
            Since(param="updated_since", overlap=timedelta(milliseconds=600_000)),
        ),
        (Since(param="updated_since"), Since(param="updated_since", format="%Y-%m-%d")),
        (
            Since(param="updated_since"),
            NewestFirst(path="at", params={}, overlap=timedelta(milliseconds=301_000)),
        ),
        (
            Since(param="updated_since", overlap=timedelta(milliseconds=0)),
            Since(param="updated_since"),
        ),
    ],
)
def test_deletions_that_reach_further_back_than_the_documents_are_refused(
    changed: Changes, deleted: Changes
) -> None:
    source = HttpSource(
        records="items", url="https://notes.example", paging=BodyCursor(), since=changed
    )

    with pytest.raises(ConfigurationError, match="'notes': deletions: they are asked for from"):
        replace(
            NOTES, documents=replace(NOTES.documents, source=source), deletions=feed_since(deleted)
        )


@pytest.mark.parametrize(
    ("changed", "deleted"),
    [
        (Since(param="updated_since"), Since(param="updated_since")),
        (
            Since(param="updated_since", overlap=timedelta(milliseconds=600_000)),
            Since(param="updated_since"),
        ),
        (Since(param="updated_since", format="%Y-%m-%d"), Since(param="updated_since")),
        (
            Since(param="updated_since", format=TimeFormat.EPOCH_SECONDS),
            Since(param="updated_since"),
        ),
        (Since(param="updated_since"), None),  # a list of what is deleted now
        (None, Since(param="updated_since")),  # all documents are read each time
    ],
)
def test_deletions_that_reach_no_further_back_are_taken(
    changed: Changes | None, deleted: Changes | None
) -> None:
    source = HttpSource(
        records="items", url="https://notes.example", paging=BodyCursor(), since=changed
    )

    assert replace(
        NOTES, documents=replace(NOTES.documents, source=source), deletions=feed_since(deleted)
    ).deletions


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"key": ""}, "Stream: key: '' is no path"),
        ({"key": 7}, "Stream: key: 7 is no path"),
        ({"record": Note("a", "text")}, "Stream: record: Note(id='a'"),
        ({"record": dict}, "Stream: record: <class 'dict'> is no Struct"),
        ({"map": None}, "Stream: map: None is no function"),
        ({"source": "https://notes.example"}, "Stream: source: 'https://notes.example' is none"),
    ],
)
def test_a_stream_that_is_not_right_is_refused(changed: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        replace(NOTES.documents, **changed)

    assert fault in str(error.value)


@pytest.mark.parametrize("field", ["documents", "deletions", "users", "teams"])
def test_what_is_no_stream_is_told_by_its_field(field: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        replace(NOTES, **{field: NOTES.documents.source})

    assert f"connector 'notes': {field}: write Stream(source=..., key=..." in str(error.value)


def test_a_connector_has_documents() -> None:
    with pytest.raises(ConfigurationError, match="'notes': documents: write Stream"):
        replace(NOTES, documents=None)


def test_what_a_schedule_asks_for_is_a_mode() -> None:
    with pytest.raises(ConfigurationError, match="'notes': schedule: 'FULL' is no mode"):
        replace(NOTES, schedule={"0 2 * * *": "FULL"})


def test_a_schedule_that_is_no_cron_expression_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'notes': schedule: '0 25 \* \* \*'.*hour.*five"):
        replace(NOTES, schedule={"0 25 * * *": Mode.FULL})


def test_a_connector_may_have_no_schedule() -> None:
    assert replace(NOTES, schedule={}).schedule == {}


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as error:
        replace(NOTES, name="Notes", schedule={"daily": Mode.FULL, "0 25 * * *": Mode.FULL})

    beginnings = [line.split(": ")[:2] for line in str(error.value).splitlines()]
    assert beginnings == [
        ["connector 'Notes'", field] for field in ("name", "schedule", "schedule")
    ]


LIMITS = Limits()


@pytest.mark.parametrize(
    ("declared", "lowered"),
    [
        (JobLimits(), {}),
        (JobLimits(shrink_max=0.05), {"shrink_max": 0.05}),
        (JobLimits(shrink_max=0.9), {}),  # the deployment's is lower
        (JobLimits(rejects_max=0, changes_max=5), {"rejects_max": 0, "changes_max": 5}),
        (JobLimits(stall_max=timedelta(hours=6)), {"stall_ms_max": 6 * 60 * 60 * 1_000}),
        (JobLimits(rejects_retried=timedelta(hours=6)), {"rejects_retried_ms": 21_600_000}),
        (JobLimits(rejects_retried=timedelta(0)), {"rejects_retried_ms": 0}),
        (JobLimits(rejects_retried=timedelta(days=9)), {}),
    ],
)
def test_of_a_connectors_limits_and_the_deployments_the_lower_ones_hold(
    declared: JobLimits, lowered: dict[str, Any]
) -> None:
    assert replace(NOTES, limits=declared).limits.within(LIMITS) == replace(LIMITS, **lowered)


@pytest.mark.parametrize(
    ("declared", "fault"),
    [
        ({"shrink_max": 1.5}, "shrink_max"),
        ({"rejects_max": -1}, "rejects_max"),
        ({"changes_max": "many"}, "changes_max"),
        ({"stall_max": 6}, "stall_max=6 is not right: it is a timedelta"),
        ({"rejects_retried": timedelta(-1)}, "rejects_retried=.* is not right: it is a timedelta"),
    ],
)
def test_limits_that_are_none_are_refused(declared: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=f"JobLimits: .*{fault}"):
        JobLimits(**declared)


def test_limits_are_job_limits() -> None:
    with pytest.raises(ConfigurationError, match="'notes': limits: write JobLimits"):
        replace(NOTES, limits={"rejects_max": 1})


def test_a_job_keeps_to_its_connectors_limits() -> None:
    connector = replace(NOTES, limits=JobLimits(rejects_max=0))

    found = build_clients(connector, an_environment(**SET), a_host(Network()))

    assert found.limits.rejects_max == 0
