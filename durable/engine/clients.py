"""The two ends of a job: its sources and Glean."""

from collections.abc import Callable, Mapping
from functools import partial

from msgspec import Struct

from durable.connector.context import Contexts
from durable.connector.definition import AnyConnector
from durable.connector.fingerprint import fingerprint
from durable.connector.staged import refuse_backend
from durable.connector.stream import AnyStream
from durable.engine.platform import Host
from durable.environment import GLEAN_TOKEN, Environment
from durable.glean.client import Glean
from durable.http.auth import BearerSigner
from durable.http.client import Upstream
from durable.http.context import Surroundings
from durable.http.glean_address import glean_url
from durable.http.origins import Origins
from durable.limits import Limits
from durable.machine.job import Mode, Plan, Stage
from durable.sources.clock import Clock
from durable.sources.source import Reader, close_all


class Ends(Struct, frozen=True):
    """Where the records come from and where they go, for as long as a turn takes."""

    streams: Mapping[Stage, AnyStream]
    readers: Mapping[Stage, Reader]
    glean: Callable[[Stage], Glean]
    limits: Limits
    plan: Plan
    contexts: Callable[[Mode], Contexts]  # of a job's records

    def clock(self, stage: Stage) -> Clock | None:
        """How the records of a stage tell when they changed; None: they do not, or need not."""
        return self.streams[stage].source.clock if stage is Stage.DOCUMENTS else None

    async def close(self) -> None:
        """Let go of what the readers keep open: whoever has made the ends, owes this."""
        await close_all(self.readers.values())


def ends(connector: AnyConnector, environment: Environment, host: Host) -> Ends:
    """The ends of a connector's jobs, whatever their mode and stage.

    Raises:
        ConfigurationError: a variable or a secret is not right.
    """
    streams = {stage: stream for mode in Mode for stage, stream in connector.streams(mode).items()}
    limits = connector.limits.within(environment.limits())
    surroundings = Surroundings(
        environment, host.transport, host.now_ms, limits.page_bytes_max, host.tokens
    )
    readers = {stage: stream.source.reader(surroundings) for stage, stream in streams.items()}
    places = [stream.source.located(environment) for stream in streams.values()]
    if connector.is_delegated:
        refuse_backend(environment)
    glean = glean_end(connector.datasource.name, environment, host)
    plan = connector.plan(fingerprint(connector, places))
    return Ends(streams, readers, glean, limits, plan, partial(Contexts, connector, environment))


def glean_end(datasource: str, environment: Environment, host: Host) -> Callable[[Stage], Glean]:
    """Glean's end alone, by the kind of thing. Raises ConfigurationError."""
    signer = BearerSigner(environment.secret(GLEAN_TOKEN))
    url = glean_url(environment)
    upstream = Upstream("Glean", host.transport, signer, Origins(url))
    return partial(Glean, upstream, url, datasource)
