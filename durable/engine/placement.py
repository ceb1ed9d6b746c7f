"""Where the objects are, as the deployment says before it is deployed for the first time.

Objects of one name in two jurisdictions are two objects, which know nothing of each other.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from durable.environment import Environment
from durable.errors import ConfigurationError


JURISDICTION = "JURISDICTION"
LOCATION_HINT = "LOCATION_HINT"


class Jurisdiction(StrEnum):
    """Where objects run and keep what they store, as Cloudflare names it."""

    EU = "eu"
    US = "us"
    FEDRAMP = "fedramp"
    FEDRAMP_HIGH = "fedramp-high"


class LocationHint(StrEnum):
    """Near where an object is made, as Cloudflare names it."""

    WESTERN_NORTH_AMERICA = "wnam"
    EASTERN_NORTH_AMERICA = "enam"
    SOUTH_AMERICA = "sam"
    WESTERN_EUROPE = "weur"
    EASTERN_EUROPE = "eeur"
    ASIA_PACIFIC = "apac"
    NORTH_EAST_ASIA = "apac-ne"
    SOUTH_EAST_ASIA = "apac-se"
    OCEANIA = "oc"
    AFRICA = "afr"
    MIDDLE_EAST = "me"


Name = TypeVar("Name", Jurisdiction, LocationHint)


def jurisdiction(environment: Environment) -> Jurisdiction | None:
    """None: wherever. Raises ConfigurationError: there is none of this name."""
    return _choose(environment, JURISDICTION, Jurisdiction)


def location_hint(environment: Environment) -> LocationHint | None:
    """None: near who asks first. Raises ConfigurationError: there is none of this name."""
    return _choose(environment, LOCATION_HINT, LocationHint)


def namespace_stub(namespace: Any, environment: Environment) -> Callable[[str], Any]:
    """What gives the objects of a class by their names.

    Args:
        namespace: the binding of the class.
        environment: says where they are.

    Raises:
        ConfigurationError: there is no such place, or not where this runs.
    """
    within, hint = jurisdiction(environment), location_hint(environment)
    if within is not None:
        try:
            namespace = namespace.jurisdiction(within.value)
        except Exception as error:
            raise ConfigurationError(
                f"the variable {JURISDICTION} is {within.value!r}, and the platform does not have "
                f"it: {error} For local runs, write {JURISDICTION}= to .dev.vars"
            ) from error
    if hint is None:
        return namespace.getByName  # type: ignore[no-any-return] # the platform has no types
    return lambda name: namespace.getByName(name, locationHint=hint.value)


def is_stranded(own: object, environment: Environment) -> bool:
    """Whether an object is in another jurisdiction than the one where objects are asked.

    Args:
        own: the jurisdiction that the object's id has, if it is a text.
        environment: says where they are asked. What is none, is none of this object's.
    """
    wanted = environment.optional(JURISDICTION) or ""
    return (own if isinstance(own, str) else "") != wanted


def _choose(environment: Environment, variable: str, names: type[Name]) -> Name | None:
    given = environment.optional(variable)
    if given is None:
        return None
    try:
        return names(given)
    except ValueError as error:
        raise ConfigurationError(
            f"the variable {variable} is {given!r}, which is none: choose one of "
            f"{', '.join(names)}, or leave it out"
        ) from error
