"""What every kind of connector declares."""

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import ClassVar

from msgspec import Struct

from durable import cron
from durable.connector.job_limits import JobLimits
from durable.connector.stream import AnyStream, Stream
from durable.errors import ConfigurationError
from durable.glean.datasource import Datasource
from durable.machine.job import JobSpec, Mode, Stage
from durable.sources.backend import Backend
from durable.timestamps import is_span, milliseconds


NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
NAME_CHARACTERS_MAX = 40  # it is part of every job's id, and that of the upload's
PEOPLE = (Stage.USERS, Stage.GROUPS, Stage.MEMBERSHIPS, Stage.EMPLOYEES, Stage.TEAMS)
ALWAYS = frozenset({Stage.DOCUMENTS, Stage.DELETIONS})


class AnyConnector(Struct, frozen=True, kw_only=True, eq=False):
    """What a `Connector` and a `BackendConnector` have in common. It compares by identity.

    Attributes:
        name: lower-case letters, digits and single hyphens; part of every job's id.
        datasource: where the documents go in Glean.
        users, groups, memberships: of the datasource, for permissions that name them. A FULL
            job brings them before the documents; an INCREMENTAL one those whose source can
            tell what has changed.
        employees, teams: of the company, likewise.
        schedule: cron expressions (UTC) and the mode each asks for. Each must be
            among the triggers in wrangler.toml too. Where several are due in
            one minute, FULL wins.
        process_immediately: have Glean process the documents at once after a FULL job's success,
            as far as it takes that: once in three hours. Deletions that Glean's own check has
            paused are then carried out.
        limits: of its jobs, where they are to be lower than those of the deployment.
        stale_after: without a success for so long, somebody has to look: the overview says
            so, and an alert is sent. None: for twice the longest gap of its schedule.
        full_stale_after: the same of FULL jobs, which alone find out what was deleted. None:
            for twice the longest gap of FULL ones, and not before `stale_after`.

    Raises:
        ConfigurationError: the name or a cron expression is not right, or something is missing.
    """

    name: str
    datasource: Datasource
    users: AnyStream | None = None
    groups: AnyStream | None = None
    memberships: AnyStream | None = None
    employees: AnyStream | None = None
    teams: AnyStream | None = None
    schedule: Mapping[str, Mode] = {}
    process_immediately: bool = False
    limits: JobLimits = JobLimits()
    stale_after: timedelta | None = None
    full_stale_after: timedelta | None = None

    is_delegated: ClassVar[bool] = False  # a backend brings the documents to Glean

    def __post_init__(self) -> None:
        if faults := list(self._faults()):
            named = [f"connector {self.name!r}: {fault}" for fault in faults]
            raise ConfigurationError("\n".join(named))

    @property
    def stale_after_ms(self) -> int | None:
        return None if self.stale_after is None else milliseconds(self.stale_after)

    @property
    def full_stale_after_ms(self) -> int | None:
        return None if self.full_stale_after is None else milliseconds(self.full_stale_after)

    @property
    def is_verified(self) -> bool:
        """Whether Glean is asked if it holds what was sent."""
        return False

    @abstractmethod
    def content(self) -> Mapping[Stage, AnyStream | None]:
        """The streams of content: all except people."""

    def streams(self, mode: Mode) -> dict[Stage, AnyStream]:
        """The streams of a job of this mode, in order."""
        declared = {stage: getattr(self, stage.value) for stage in PEOPLE} | dict(self.content())
        if mode is Mode.FULL:
            declared.pop(Stage.DELETIONS, None)
        return {
            stage: stream
            for stage, stream in declared.items()
            if stream is not None
            and (mode is Mode.FULL or stage in ALWAYS or stream.source.tells_changes)
        }

    def job_spec(self, fingerprint: str) -> JobSpec:
        """What the machine needs to know of the connector."""
        streams = {mode: self.streams(mode) for mode in Mode}
        documents, content = streams[Mode.FULL][Stage.DOCUMENTS].source, self.content()
        clock = documents.clock
        rates = {
            stage: stream.source.rate
            for of_mode in streams.values()
            for stage, stream in of_mode.items()
            if stream.source.rate is not None
        }
        return JobSpec(
            fingerprint=fingerprint,
            stages={mode: tuple(of_mode) for mode, of_mode in streams.items()},
            rates=rates,
            kept_ms=documents.kept_ms,
            is_delegated=self.is_delegated,
            behind_ms_max=clock.behind_ms_max(documents.kept_ms) if clock else None,
            changing=tuple(
                stage
                for stage, stream in streams[Mode.INCREMENTAL].items()
                if stream.source.tells_changes and not (self.is_delegated and stage in content)
            ),
        )

    def secrets(self) -> frozenset[str]:
        """The names of all secrets that its sources use."""
        return _secrets_of(self)

    def _faults(self) -> Iterator[str]:
        """All that is wrong, each with its field and what to do."""
        if not NAME.fullmatch(self.name) or len(self.name) > NAME_CHARACTERS_MAX:
            yield (
                f"name: it has at most {NAME_CHARACTERS_MAX} lower-case letters, digits and "
                "single hyphens, as in 'my-tickets'"
            )
        datasource: object = self.datasource
        if not isinstance(datasource, Datasource):
            yield f"datasource: write Datasource('pythondocs'), and not {datasource!r:.80} alone"
        for stage in PEOPLE:
            yield from stream_faults(stage, getattr(self, stage.value), is_optional=True)
        limits: object = self.limits
        if not isinstance(limits, JobLimits):
            yield f"limits: write JobLimits(...), and not {limits!r:.80}"
        yield from self._timing_faults()

    def _timing_faults(self) -> Iterator[str]:
        for field in ("stale_after", "full_stale_after"):
            after: object = getattr(self, field)
            if after is not None and not is_span(after, timedelta(minutes=1)):
                yield (
                    f"{field}: {after!r} is not right: it is a timedelta of a minute and more, as "
                    "in timedelta(hours=3), or None"
                )
        for expression, mode in self.schedule.items():
            if (fault := cron.fault(expression)) is not None:
                yield (
                    f"schedule: {expression!r} is not right: {fault}; it has five fields, in UTC, "
                    "as in '0 2 * * *'"
                )
            if not isinstance(mode, Mode):
                yield f"schedule: {mode!r} is no mode: write Mode.FULL or Mode.INCREMENTAL"


def stream_faults(stage: Stage, stream: object, *, is_optional: bool) -> Iterator[str]:
    """What is wrong with a stream: the field, the fault and the remedy."""
    if stream is None and is_optional:
        return
    if not isinstance(stream, Stream):
        yield (
            f"{stage}: write Stream(source=..., key=..., record=..., map=...), and not "
            f"{stream!r:.80}"
        )
    elif isinstance(stream.source, Backend):
        yield (
            f"{stage}: a backend brings all that it brings by one crawl, and is no source: write "
            "BackendConnector(backend=Backend(...))"
        )


@lru_cache(maxsize=64)  # asked for with each status that is shown, and by mappings of each record
def _secrets_of(connector: AnyConnector) -> frozenset[str]:
    sources = [stream.source for mode in Mode for stream in connector.streams(mode).values()]
    return frozenset[str]().union(*(source.secrets() for source in sources))


Connectors = Mapping[str, AnyConnector]
