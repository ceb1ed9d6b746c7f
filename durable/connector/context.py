"""What a mapping may use beside its record."""

from functools import lru_cache
from typing import Any, TypeVar

from msgspec import Raw, Struct

from durable.connector.definition import AnyConnector
from durable.decoding import Decoder
from durable.environment import GLEAN_TOKEN, Environment
from durable.errors import ConfigurationError
from durable.json_paths import Shape
from durable.machine.alert_delivery import CHANNELS
from durable.machine.job import Mode


Parent = TypeVar("Parent")
OWN = frozenset({GLEAN_TOKEN, "TRIGGER_TOKEN", *CHANNELS})  # the deployment's own secrets


class Contexts(Struct, frozen=True, eq=False):
    """Makes the contexts of one job's records."""

    connector: AnyConnector
    environment: Environment
    mode: Mode

    def of(self, record: Raw) -> "Context":
        return Context(self, record)


class Context:
    """The context of one record. A mapping `(record, context)` gets it; one `(record)` does not.

    Args:
        contexts: of the job.
        record: as the source gave it.
    """

    __slots__ = ("_contexts", "_record")

    def __init__(self, contexts: Contexts, record: Raw) -> None:
        self._contexts = contexts
        self._record = record

    @property
    def mode(self) -> Mode:
        """Of the job."""
        return self._contexts.mode

    def variable(self, name: str) -> str:
        """A variable of the deployment, and never a secret.

        Raises:
            ConfigurationError: it is not set, or a secret. The job fails, and no record is
                rejected.
        """
        contexts = self._contexts
        if name in OWN or name in contexts.connector.secrets():
            raise ConfigurationError(
                f"a mapping asks for the secret {name}: what it makes is stored and sent to Glean, "
                "so it gets variables alone"
            )
        value = contexts.environment.variable(name)
        if contexts.environment.redacted(value) != value:
            raise ConfigurationError(f"the variable {name} has a secret in it: set it again")
        return value

    def parent(self, name: str, type: type[Parent]) -> Parent:  # noqa: A002 - as msgspec has it
        """The parent of that name that `Nested` put into the record; `page/space` is one level up.

        Raises:
            msgspec.DecodeError: there is none, or it is not of that type; the record is rejected.
        """
        parent: Parent = Decoder[Any](type).decode_part(_shape(name).read_part(self._record)[name])
        return parent


@lru_cache(maxsize=32)
def _shape(path: str) -> Shape:
    return Shape([(path, Raw)])
