"""Where the objects are."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from durable.engine.placement import (
    LocationHint,
    is_stranded,
    jurisdiction,
    location_hint,
    namespace_stub,
)
from durable.environment import Environment
from durable.errors import ConfigurationError
from durable.glean.datasource import Datasource
from tests.fakes.connector import NOTES
from tests.fakes.requests import a_request, answered, check_problem
from tests.fakes.runners import JOB_ID
from worker.request import Request
from worker.runners import RemoteRunners


OTHER = replace(NOTES, name="other", datasource=Datasource("notesqa"))
CONNECTORS = {NOTES.name: NOTES, OTHER.name: OTHER}


class FakeNamespace:
    """As the platform's, which has one more inside of each jurisdiction; on this machine, none."""

    def __init__(self, within: str = "", *, is_local: bool = False) -> None:
        self._within = within
        self._is_local = is_local

    def jurisdiction(self, name: str) -> "FakeNamespace":
        if self._is_local:
            raise OSError("Jurisdiction restrictions are not implemented in workerd.")
        assert not self._within
        return FakeNamespace(name)

    def getByName(self, name: str, **options: str) -> tuple[Any, ...]:  # noqa: N802 - the platform's
        assert options.keys() <= {"locationHint"}
        return (self._within, name, *options.values())


def environment(**variables: str) -> Environment:
    return Environment(variables.get)


def test_objects_are_where_the_variables_say() -> None:
    namespace = FakeNamespace()

    assert namespace_stub(namespace, environment())("notes") == ("", "notes")
    assert namespace_stub(namespace, environment(JURISDICTION="eu"))("notes") == ("eu", "notes")
    assert namespace_stub(namespace, environment(LOCATION_HINT="weur"))("notes") == (
        "",
        "notes",
        "weur",
    )
    both = environment(JURISDICTION="us", LOCATION_HINT="enam")
    assert namespace_stub(namespace, both)("notes") == ("us", "notes", "enam")


@pytest.mark.parametrize("given", ["EU", "europe", " eu", "weur"])
def test_a_jurisdiction_that_is_none_is_refused_with_those_there_are(given: str) -> None:
    with pytest.raises(ConfigurationError, match="one of eu, us, fedramp, fedramp-high,"):
        namespace_stub(FakeNamespace(), environment(JURISDICTION=given))


def test_a_location_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match=f"one of {', '.join(LocationHint)},"):
        namespace_stub(FakeNamespace(), environment(LOCATION_HINT="eu"))


@pytest.mark.parametrize("read", [jurisdiction, location_hint])
def test_what_is_empty_is_not_set(read: Callable[[Environment], str | None]) -> None:
    assert read(environment(JURISDICTION="", LOCATION_HINT="")) is None


def test_where_the_platform_has_no_jurisdictions_it_is_said_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match=r"write JURISDICTION= to \.dev\.vars"):
        namespace_stub(FakeNamespace(is_local=True), environment(JURISDICTION="eu"))


@pytest.mark.parametrize(
    ("own", "wanted", "is_so"),
    [
        (None, "", False),
        (None, "eu", True),
        ("eu", "eu", False),
        ("eu", "us", True),
        ("eu", "", True),
        (object(), "", False),  # as the platform may show what is not defined
    ],
)
def test_an_object_of_another_jurisdiction_is_stranded(
    own: object, wanted: str, *, is_so: bool
) -> None:
    assert is_stranded(own, environment(JURISDICTION=wanted)) is is_so


@pytest.mark.parametrize(
    "request_",
    [
        a_request("GET", "/connectors"),
        a_request("GET", "/metrics"),
        a_request("GET", "/jobs"),
        a_request("GET", f"/status/{JOB_ID}"),
        a_request("POST", "/trigger", b'{"mode": "FULL"}'),
        a_request("POST", "/check/notes"),
    ],
    ids=lambda request_: request_.path,
)
@pytest.mark.parametrize(
    "variables",
    [
        {"JURISDICTION": "mars"},
        {"LOCATION_HINT": "mars"},
        {"DATASOURCE_SUFFIX": "m-"},
        {"DATASOURCE_SUFFIX": "qa"},  # with it, the one sends to the other's
    ],
)
def test_whoever_may_ask_is_told_that_objects_cannot_be(
    request_: Request, variables: dict[str, str]
) -> None:
    runners = RemoteRunners(FakeNamespace(), environment(**variables), CONNECTORS)

    check_problem(answered(request_, runners), 503, next(iter(variables)))


def test_a_stranger_is_told_nothing_of_it() -> None:
    runners = RemoteRunners(FakeNamespace(), environment(JURISDICTION="mars"), CONNECTORS)

    assert answered(a_request("GET", "/jobs", headers={}), runners).status == 401
