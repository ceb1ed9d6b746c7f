"""Connectors of a trial deployment, which must not touch the real datasource in Glean. Pure.

The variable DATASOURCE_SUFFIX makes a deployment one.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.environment import Environment
from durable.errors import ConfigurationError
from durable.glean.datasource import NAME


SUFFIX = "DATASOURCE_SUFFIX"


def suffix(environment: Environment) -> str:
    """The suffix of datasource names; empty in a real deployment.

    Raises:
        ConfigurationError: Glean takes no such name.
    """
    found = environment.optional(SUFFIX) or ""
    if found and not NAME.fullmatch(found):
        raise ConfigurationError(
            f"the variable {SUFFIX} is {found!r}: write ASCII letters and digits alone, as in "
            "'staging'"
        )
    return found


def stage(
    connector: AnyConnector, environment: Environment, everyone: Iterable[AnyConnector] = ()
) -> AnyConnector:
    """The connector with a datasource of its own; itself in a real deployment.

    One that is declared whole is marked as a test's. What a connector brings of the company is
    left out: Glean has that once, and a FULL job deletes what it does not bring.

    Args:
        connector: as it is declared.
        environment: says whether the deployment is for trials.
        everyone: all connectors of the deployment.

    Raises:
        ConfigurationError: see `suffix`; or the name is that of a real one's datasource.
    """
    if not (ending := suffix(environment)):
        return connector
    name = connector.datasource.name + ending
    for other in everyone:
        if other.datasource.name.lower() == name.lower():
            raise ConfigurationError(
                f"the variable {SUFFIX} is {ending!r}, so {connector.name!r} would send to {name!r}"
                f", which {other.name!r} has in the real deployment: choose another one"
            )
    datasource = replace(connector.datasource, name=name)
    if datasource.is_declared:
        datasource = replace(datasource, is_test=True)
    return replace(connector, datasource=datasource, employees=None, teams=None)


def refuse_backend(environment: Environment) -> None:
    """Raises ConfigurationError in a trial deployment: a backend decides itself where it sends."""
    if suffix(environment):
        raise ConfigurationError(
            f"the variable {SUFFIX} is set, and a backend sends to the datasource that it knows "
            "itself, which may be the real one: deploy this connector without it"
        )
