"""Checks a connector, without a job and without writing to Glean."""

from collections.abc import AsyncIterator, Iterator, Sequence
from enum import StrEnum

import httpx
from msgspec import Struct
from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.connector.mapping import changes
from durable.engine.clients import Clients, build_clients
from durable.engine.platform import Platform, renewing_host
from durable.engine.provision import UNKNOWN_STATUSES
from durable.environment import Environment
from durable.errors import ConfigurationError, UpstreamError
from durable.glean.differences import differences
from durable.limits import Limits
from durable.machine.job import Mode, ReadContext, Stage
from durable.machine.memory import Lease
from durable.machine.rejects import Reject
from durable.machine.remedies import Remedy, RemedyCode
from durable.sources.source import Records
from durable.views.texts import Message, to_message


CHECK_ID = "check"  # in the place of a job's
REJECTS_SHOWN = 3


class CheckOutcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Check(Struct, frozen=True):
    """One thing that has to be right."""

    name: str
    outcome: CheckOutcome
    detail: str  # what was found; of what failed, also what to correct
    remedy: Message | None = None  # what to ask for


class Checks:
    """The checks of one connector.

    Args:
        connector: what is checked.
        environment: variables and secrets.
        host: clock and network.
    """

    def __init__(self, connector: AnyConnector, environment: Environment, host: Platform) -> None:
        self._connector = connector
        self._environment = environment
        self._witness = _Witness(host.transport)
        self._host = replace(host, transport=self._witness)

    async def run(self) -> list[Check]:
        """Run all checks, in the order in which a person would look."""
        lease = Lease(f"{self._connector.name}, {CHECK_ID} {self._host.nonce()}")
        try:
            found = build_clients(
                self._connector, self._environment, renewing_host(self._host, lease)
            )
        except ConfigurationError as error:
            return [self._make_check("configured", CheckOutcome.FAILED, str(error))]
        try:
            return await self._of(found, lease)
        finally:
            self._host.memory.give_back(lease)
            await found.close()

    async def _of(self, found: Clients, lease: Lease) -> list[Check]:
        checks = [
            self._make_check("configured", CheckOutcome.PASSED, "all variables and secrets are set")
        ]
        for stage in found.streams:
            if self._connector.is_delegated and stage is Stage.DOCUMENTS:
                text = "only a job asks a backend, since that begins a crawl"
                checks.append(self._make_check("source reachable", CheckOutcome.SKIPPED, text))
                continue
            of = "" if stage is Stage.DOCUMENTS else f", {stage}"
            async for name, outcome, detail in self._of_source(stage, found, lease):
                checks.append(self._make_check(f"{name}{of}", outcome, detail))
            await found.readers[stage].close()  # or those of many streams would need all places
        return [*checks, *[check async for check in self._of_glean(found)]]

    async def _of_source(
        self, stage: Stage, found: Clients, lease: Lease
    ) -> AsyncIterator[tuple[str, CheckOutcome, str]]:
        crawl = ReadContext(CHECK_ID, Mode.FULL, stage, None)
        reader = found.readers[stage]
        names = [
            "source reachable",
            "source lets us in",
            "first page decodes",
            "a second page follows",
            "records become what Glean takes",
        ]
        if not self._has_room(lease, found.limits):
            text = "other connectors' pages take up the isolate's memory: check again in a minute"
            yield names[0], CheckOutcome.SKIPPED, text
            return
        try:
            page = await reader.fetch(None, crawl)
        except UpstreamError as error:
            is_answered = self._witness.is_answered
            for found_of in self._explain_failure(names, error, is_answered=is_answered):
                yield found_of
            return
        yield names[0], CheckOutcome.PASSED, ""
        yield names[1], CheckOutcome.PASSED, ""
        yield names[2], CheckOutcome.PASSED, f"{len(page.records)} records"
        if page.next_cursor is None:
            yield names[3], CheckOutcome.SKIPPED, "the source says that there is one page"
        else:
            try:
                second = await reader.fetch(page.next_cursor, crawl)
            except UpstreamError as error:
                yield names[3], CheckOutcome.FAILED, str(error)
            else:
                yield names[3], CheckOutcome.PASSED, f"{len(second.records)} records"
        yield (names[4], *self._check_mapping(stage, found, page))

    def _has_room(self, lease: Lease, limits: Limits) -> bool:
        """Whether a page may be read beside those of jobs."""
        memory, now_ms = self._host.memory, self._host.now_ms()
        if memory.ask(lease, limits.page_bytes_max, limits.isolate_bytes_max, now_ms):
            memory.leave(lease)
            return False
        return True

    def _check_mapping(
        self, stage: Stage, found: Clients, page: Records
    ) -> tuple[CheckOutcome, str]:
        rejects: list[Reject] = []
        stream = found.streams[stage]
        contexts = found.contexts(Mode.FULL)
        count = sum(1 for _ in changes(stream, stage, page, rejects, contexts))
        if not page.records:
            return CheckOutcome.SKIPPED, "the first page has no records"
        if not rejects:
            return CheckOutcome.PASSED, f"{count} of {len(page.records)} records"
        shown = "; ".join(
            f"record {reject.place} ({reject.key or 'without an id'}): {reject.reason}"
            for reject in rejects[:REJECTS_SHOWN]
        )
        text = f"{len(rejects)} of {len(page.records)} records would be rejected, as {shown}"
        return CheckOutcome.FAILED, text

    async def _of_glean(self, found: Clients) -> AsyncIterator[Check]:
        names = ["Glean reachable", "token good for the datasource", "datasource configured"]
        datasource = self._connector.datasource
        remedy = Remedy(RemedyCode.SET_UP.value, {"connector": self._connector.name})
        try:
            config = await found.glean(Stage.DOCUMENTS).config()
        except UpstreamError as error:
            is_to_add = datasource.is_declared and error.status in UNKNOWN_STATUSES
            is_glean = error.status is not None  # else nobody can tell who it was
            for name, outcome, detail in self._explain_failure(names, error, is_answered=is_glean):
                is_fault = is_to_add and outcome is CheckOutcome.FAILED
                yield self._make_check(name, outcome, detail, remedy if is_fault else None)
            return
        for name in names[:-1]:
            yield self._make_check(name, CheckOutcome.PASSED, "")
        different = differences(datasource, config)
        if not different:
            yield self._make_check(names[-1], CheckOutcome.PASSED, "")
            return
        shown = "; ".join(str(each) for each in different[:REJECTS_SHOWN])
        detail = f"{len(different)} differences, as {shown}"
        yield self._make_check(names[-1], CheckOutcome.FAILED, detail, remedy)

    def _explain_failure(
        self, names: Sequence[str], error: UpstreamError, *, is_answered: bool
    ) -> Iterator[tuple[str, CheckOutcome, str]]:
        """Of three things that rest on each other: an answer, one that lets us in, a good one."""
        is_refused = error.status in {401, 403}
        passed = int(is_answered) * (1 if is_refused else 2)
        for name in names[:passed]:
            yield name, CheckOutcome.PASSED, ""
        yield names[passed], CheckOutcome.FAILED, str(error)
        for name in names[passed + 1 :]:
            yield name, CheckOutcome.SKIPPED, f"{names[passed]}: failed"

    def _make_check(
        self, name: str, outcome: CheckOutcome, detail: str, remedy: Remedy | None = None
    ) -> Check:
        """Without secrets: the texts of others may hold them."""
        return Check(name, outcome, self._environment.redacted(detail), to_message(remedy))


class _Witness(httpx.AsyncBaseTransport):
    """Knows whether the latest request was answered, whatever was made of the answer."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self.is_answered = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.is_answered = False
        response = await self._transport.handle_async_request(request)
        self.is_answered = True
        return response
