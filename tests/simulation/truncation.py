"""A case of dev/truncation in the place of the simulated source."""

from collections.abc import AsyncIterator

import httpx
from msgspec.structs import replace

from dev.truncation.case import Answer, Case
from durable.connector.definition import AnyConnector
from durable.environment import Secret
from durable.http.auth import Bearer
from durable.machine.job import Job
from durable.machine.states import State
from tests.simulation.connector import NOTES, SOURCE_TOKEN
from tests.simulation.fates import Fate, Kind
from tests.simulation.oracle import Seen
from tests.simulation.questions import QuestionOracle


def connector(case: Case) -> AnyConnector:
    return replace(
        NOTES,
        documents=replace(
            NOTES.documents, source=replace(case.source, auth=Bearer(Secret("NOTES_TOKEN")))
        ),
    )


class Prepared:
    """Answers as the case says, and keeps the cursors that it was asked for."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.asked: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Bearer {SOURCE_TOKEN}"
        cursor = request.url.params.get("cursor", "")
        self.asked.append(cursor)
        answer = self.case.answer(cursor)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))


class Bystander(QuestionOracle):
    """Judges all but what depends on the source: whether it tells the truth is the test's matter.

    So a close is not stopped here: that there is none must be the work of the code under test.
    """

    def answered(self, kind: Kind, fate: Fate, answer: httpx.Response | Exception) -> None:
        if kind is Kind.FETCH:
            self.seen[self.latest.id].has_end = True
        else:
            super().answered(kind, fate, answer)

    def closing_arrived(self) -> None:
        for upload in self._glean.closed:
            self.seen[upload.rpartition("-")[0]].is_closed = True

    def _check_since(self, job: Job, seen: Seen, request: httpx.Request) -> None:
        """Nothing: each source is asked for changes in its own way."""

    def check_index(self, since_ms: int) -> None:
        """Nothing: the test compares the index."""

    def _check_bounds(self, job: Job, seen: Seen) -> None:
        """Each page may be a fault."""
        seen.tries.check_idle(job, self._limits)

    def _ended(self, job: Job) -> None:
        assert job.error or job.state is State.SUCCEEDED, "gave up without a word"

    def _check_counts(self, job: Job) -> None:
        """Nothing: pages that a source gives twice are counted twice."""


class _Body(httpx.AsyncByteStream):
    """Breaks off like a connection, where more was announced."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        body = self._answer.body
        yield body
        if int(self._answer.headers.get("content-length", len(body))) > len(body):
            raise httpx.RemoteProtocolError("peer closed connection without sending all of it")
