"""A connector as its author writes it."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic

from msgspec import Struct

from durable import cron
from durable.connector.stream import AnyStream, Record, Stream
from durable.errors import ConfigurationError
from durable.glean.datasource import Datasource
from durable.glean.documents import Change
from durable.machine.job import Mode, Plan, Stage
from durable.sources.since import reaches_further
from durable.sources.source import Source


NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
NAME_CHARACTERS_MAX = 40  # it is part of every job's id, and that of the upload's


def _undeclared(record: Struct) -> Change:
    """In the place of a mapping, where a backend brings the documents itself."""
    raise TypeError(f"no mapping is declared for {record}")


class Connector(Struct, Generic[Record], frozen=True, kw_only=True, eq=False):
    """What is read, how it becomes documents, and when. Equal to itself alone.

    Attributes:
        name: lower-case letters, digits and single hyphens; part of every job's id.
        datasource: where the documents go in Glean.
        source: where the records are.
        record: the Struct that a record is decoded into.
        document: makes a record a `Document`, a `Deletion` if the source deleted it, or None
            if it is none of Glean's business. A record for which it raises is set aside.
        deletions: what the source lists apart as deleted; INCREMENTAL jobs read it before the
            changes, and delete it, so what was restored since is brought again. A FULL job needs
            none.
        users, groups, memberships: of the datasource, for permissions that name them. A FULL
            job brings them before the documents; an INCREMENTAL one those whose source can
            tell what has changed.
        employees, teams: of the company, likewise.
        schedule: cron expressions (UTC) and the mode each asks for. Each must be
            among the triggers in wrangler.toml too. Where several are due in
            one minute, FULL wins.
        verify: ask Glean after a FULL job's success, for some hours, whether it holds as many
            documents as were sent; only where nothing else brings documents to the datasource.
        process_immediately: have Glean process the documents at once after a FULL job's success,
            as far as it takes that: once in three hours. Deletions that Glean's own check has
            paused are then carried out.
        stale_after_ms: without a success for so long, somebody has to look: the overview says
            so, and an alert is sent. None: for twice the longest gap of its schedule.
        full_stale_after_ms: the same of FULL jobs, which alone find out what was deleted. None:
            for twice the longest gap of FULL ones, and not before `stale_after_ms`.

    Raises:
        ConfigurationError: the name or a cron expression is not right, or something is missing.
    """

    name: str
    datasource: Datasource
    source: Source
    record: type[Record] = Struct  # type: ignore[assignment] # Backends have no records
    document: Callable[[Record], Change | None] = _undeclared
    deletions: AnyStream | None = None
    users: AnyStream | None = None
    groups: AnyStream | None = None
    memberships: AnyStream | None = None
    employees: AnyStream | None = None
    teams: AnyStream | None = None
    schedule: Mapping[str, Mode] = {}
    verify: bool = False
    process_immediately: bool = False
    stale_after_ms: int | None = None
    full_stale_after_ms: int | None = None

    def __post_init__(self) -> None:
        if faults := list(self._faults()):
            named = [f"connector {self.name!r}: {fault}" for fault in faults]
            raise ConfigurationError("\n".join(named))

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
        if self.document is _undeclared and not self.source.is_delegated:
            yield "document: there is none: declare `record` and `document`"
        if self.verify and self.source.is_delegated:
            yield (
                "verify: it is not for a source that brings its documents to Glean itself, as "
                "nobody counts them here: leave it out"
            )
        for name in ("deletions", "users", "groups", "memberships", "employees", "teams"):
            stream: AnyStream | None = getattr(self, name)
            if stream is not None and stream.source.is_delegated:
                yield (
                    f"{name}: a backend brings all that it brings by one crawl, and is the "
                    "connector's `source`: leave them to it, or give them a source of their own"
                )
        yield from self._deletion_faults()
        yield from self._timing_faults()

    def _deletion_faults(self) -> Iterator[str]:
        """What is restored is in the documents' list, as far back as that is read."""
        sources = self.deletions.source if self.deletions else None, self.source
        deleted, changed = (getattr(source, "since", None) for source in sources)
        if deleted is not None and changed is not None and reaches_further(deleted, changed):
            yield (
                "deletions: they are asked for from further back than the documents, so that a "
                "document which was restored would be deleted again: give both the same "
                "`overlap_ms` and `format`, or the documents the larger ones"
            )

    def _timing_faults(self) -> Iterator[str]:
        for field in ("stale_after_ms", "full_stale_after_ms"):
            after_ms: object = getattr(self, field)
            if after_ms is not None and (type(after_ms) is not int or after_ms < cron.MINUTE_MS):
                yield (
                    f"{field}: {after_ms!r} is not right: it is a whole number of "
                    f"milliseconds from {cron.MINUTE_MS}, or None"
                )
        for expression in self.schedule:
            if (fault := cron.fault(expression)) is not None:
                yield (
                    f"schedule: {expression!r} is not right: {fault}; it has five fields, in UTC, "
                    "as in '0 2 * * *'"
                )

    def streams(self, mode: Mode) -> dict[Stage, AnyStream]:
        """What a job of this mode brings, in order."""
        documents = Stream(source=self.source, record=self.record, change=self.document)
        declared = {
            Stage.USERS: self.users,
            Stage.GROUPS: self.groups,
            Stage.MEMBERSHIPS: self.memberships,
            Stage.EMPLOYEES: self.employees,
            Stage.TEAMS: self.teams,
            Stage.DELETIONS: self.deletions if mode is Mode.INCREMENTAL else None,
            Stage.DOCUMENTS: documents,
        }
        always = {Stage.DOCUMENTS, Stage.DELETIONS}
        return {
            stage: stream
            for stage, stream in declared.items()
            if stream is not None
            and (mode is Mode.FULL or stage in always or stream.source.tells_changes)
        }

    def plan(self, fingerprint: str) -> Plan:
        """What the machine is to know."""
        clock, streams = self.source.clock, {mode: self.streams(mode) for mode in Mode}
        rates = {
            stage: stream.source.rate
            for of_mode in streams.values()
            for stage, stream in of_mode.items()
            if stream.source.rate is not None
        }
        return Plan(
            fingerprint=fingerprint,
            stages={mode: tuple(of_mode) for mode, of_mode in streams.items()},
            rates=rates,
            kept_ms=self.source.kept_ms,
            is_delegated=self.source.is_delegated,
            behind_ms_max=clock.behind_ms_max(self.source.kept_ms) if clock else None,
        )

    def secrets(self) -> frozenset[str]:
        """The names of all that its sources take from the environment and nobody may see."""
        sources = [stream.source for mode in Mode for stream in self.streams(mode).values()]
        return frozenset[str]().union(*(source.secrets() for source in sources))


AnyConnector = Connector[Any]
Connectors = Mapping[str, AnyConnector]
