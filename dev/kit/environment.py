"""Variables and secrets of a deployment that is none."""

import re
from collections.abc import Mapping

from durable.environment import Environment, SecretText


URL_WORD = re.compile(r"(^|_)(URL|ORIGIN|ENDPOINT)($|_)")


class WatchedEnvironment(Environment):
    """Remembers what it was asked for.

    Args:
        values: variables and secrets by their names.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        self.variables_asked: set[str] = set()
        self.secrets_asked: set[str] = set()
        super().__init__(self.values.get)

    def variable(self, name: str) -> str:
        self.variables_asked.add(name)
        return super().variable(name)

    def secret(self, name: str) -> SecretText:
        self.secrets_asked.add(name)
        return super().secret(name)


class MadeUpEnvironment(WatchedEnvironment):
    """Lacks nothing: what is not given, is made up. What may be left out, is left out."""

    def value(self, name: str) -> str:
        """As it was given, or made up."""
        return self.values.setdefault(name, make_up(name))

    def variable(self, name: str) -> str:
        self.value(name)
        return super().variable(name)

    def secret(self, name: str) -> SecretText:
        self.value(name)
        return super().secret(name)


def make_up(name: str) -> str:
    """The same for the same name: a URL where the name says so, else a word of its own.

    It begins as no other text does: also the beginning of a secret is searched for.
    """
    slug = name.lower().replace("_", "-")
    return f"https://{slug}.example" if URL_WORD.search(name) else f"~made-up~{slug}"
