"""The two ends of a job: its sources and Glean."""

from collections.abc import Callable, Mapping
from functools import partial

from msgspec import Struct

from durable.connector.context import Contexts
from durable.connector.definition import AnyConnector
from durable.connector.fingerprint import fingerprint
from durable.connector.staged import refuse_backend
from durable.connector.stream import AnyStream
from durable.engine.platform import Platform
from durable.environment import GLEAN_TOKEN, Environment
from durable.glean.client import Glean
from durable.http.auth import BearerAuthenticator
from durable.http.client import HttpClient
from durable.http.context import SourceContext
from durable.http.glean_address import glean_url
from durable.http.origins import Origins
from durable.limits import Limits
from durable.machine.job import JobSpec, Mode, Stage
from durable.sources.clock import Clock
from durable.sources.source import Reader, close_all


class Clients(Struct, frozen=True):
    """Where the records come from and where they go, for as long as a turn takes."""

    streams: Mapping[Stage, AnyStream]
    readers: Mapping[Stage, Reader]
    glean: Callable[[Stage], Glean]
    limits: Limits
    spec: JobSpec
    contexts: Callable[[Mode], Contexts]  # of a job's records

    def clock(self, stage: Stage) -> Clock | None:
        """How the records of a stage tell when they changed; None: they do not, or need not."""
        return self.streams[stage].source.clock if stage is Stage.DOCUMENTS else None

    async def close(self) -> None:
        """Close what the readers keep open. Whoever built the clients must do this."""
        await close_all(self.readers.values())


def build_clients(connector: AnyConnector, environment: Environment, host: Platform) -> Clients:
    """Build the clients of a connector's jobs, of all modes and stages.

    Raises:
        ConfigurationError: a variable or a secret is not right.
    """
    streams = {stage: stream for mode in Mode for stage, stream in connector.streams(mode).items()}
    limits = connector.limits.within(environment.limits())
    context = SourceContext(
        environment, host.transport, host.now_ms, limits.page_bytes_max, host.tokens
    )
    readers = {stage: stream.source.reader(context) for stage, stream in streams.items()}
    places = [stream.source.locate(environment) for stream in streams.values()]
    if connector.is_delegated:
        refuse_backend(environment)
    glean = glean_client(connector.datasource.name, environment, host)
    spec = connector.job_spec(fingerprint(connector, places))
    return Clients(streams, readers, glean, limits, spec, partial(Contexts, connector, environment))


def glean_client(
    datasource: str, environment: Environment, host: Platform
) -> Callable[[Stage], Glean]:
    """Glean's end alone, by the kind of thing. Raises ConfigurationError."""
    signer = BearerAuthenticator(environment.secret(GLEAN_TOKEN))
    url = glean_url(environment)
    upstream = HttpClient("Glean", host.transport, signer, Origins(url))
    return partial(Glean, upstream, url, datasource)
