"""Variables and secrets of a deployment."""

from durable.environment import Environment


def an_environment(**variables: object) -> Environment:
    return Environment(variables.get)
