"""A deployment for trials touches nothing that the real one has in Glean."""

import pytest
from msgspec.structs import replace

from connectors import python_docs
from connectors.examples import backend, tickets, wiki
from durable.connector.definition import AnyConnector
from durable.connector.staged import refuse_backend, stage, suffix
from durable.environment import Environment
from durable.errors import ConfigurationError


STAGING = Environment({"DATASOURCE_SUFFIX": "staging"}.get)
REAL = Environment(dict[str, str]().get)


@pytest.mark.parametrize("connector", [tickets.connector, wiki.connector, backend.connector])
def test_without_a_suffix_a_connector_is_itself(connector: AnyConnector) -> None:
    assert stage(connector, REAL) is connector


def test_a_datasource_has_another_name_and_is_marked() -> None:
    before, after = tickets.connector.datasource, stage(tickets.connector, STAGING).datasource

    assert (after.name, after.is_test) == (f"{before.name}staging", True)


def test_one_that_is_set_up_by_hand_has_another_name() -> None:
    assert stage(python_docs.connector, STAGING).datasource.name == "pythondocsstaging"


def test_what_is_of_the_company_is_left_out() -> None:
    connector = replace(wiki.connector, employees=wiki.connector.users, teams=wiki.connector.users)

    after = stage(connector, STAGING)

    assert (after.employees, after.teams) == (None, None)
    assert after.users is wiki.connector.users


def test_a_backend_is_refused() -> None:
    refuse_backend(REAL)
    with pytest.raises(ConfigurationError, match="deploy this connector without it"):
        refuse_backend(STAGING)


@pytest.mark.parametrize("name", ["exampleticketsstaging", "ExampleTicketsStaging"])
def test_a_name_that_is_anothers_in_the_real_deployment_is_refused(name: str) -> None:
    connector, declared = tickets.connector, wiki.connector.datasource
    other: AnyConnector = replace(wiki.connector, datasource=replace(declared, name=name))
    everyone: list[AnyConnector] = [connector, other]

    assert stage(other, STAGING, everyone).datasource.name == f"{name}staging"
    assert stage(connector, REAL, everyone) is connector
    with pytest.raises(ConfigurationError, match=f"{other.name!r} has in the real deployment"):
        stage(connector, STAGING, everyone)


@pytest.mark.parametrize("given", ["-staging", "sta ging", "ä"])
def test_a_suffix_that_glean_does_not_take_is_refused(given: str) -> None:
    environment = Environment({"DATASOURCE_SUFFIX": given}.get)

    with pytest.raises(ConfigurationError, match="ASCII letters and digits"):
        suffix(environment)
    with pytest.raises(ConfigurationError, match="ASCII letters and digits"):
        stage(tickets.connector, environment)
