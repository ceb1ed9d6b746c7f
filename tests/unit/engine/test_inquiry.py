"""A refusal that is meant for all is found out, and one bad record never ends a job."""

import asyncio
from collections.abc import Sequence

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable import BodyCursor, HttpSource, Stream
from durable.engine.clients import Clients
from durable.glean.identities import Employee
from durable.machine.effects import Displaced, Event, Failed, Fetch, Pack, RequestEffect, Send
from durable.machine.job import Mode, ReadContext, Stage
from durable.machine.states import State
from tests.fakes.answers import a_history, a_note, a_page, a_page_of, ok
from tests.fakes.bench import SET, Bench
from tests.fakes.connector import NOTES, Note
from tests.fakes.desk import UPLOAD, Desk, an_executor
from tests.fakes.environment import an_environment
from tests.fakes.host import a_host


ALPHABET = [f"note-{number}" for number in range(26)]
OFF = "the indexing API is switched off here"
VAGUE = "Bad Request"


class Refusing(httpx.AsyncBaseTransport):
    """A source of one page, and a Glean that refuses requests by what is in them.

    Args:
        names: of the notes.
        bad: of these; a request with one of them is refused.
        words: of each refusal.
        refuses_all: whatever is sent.
        refuses_nothing: a request without documents, too.
        is_unknown: the datasource; its status is not told either.
        history: the uploads that Glean tells of.
    """

    def __init__(  # noqa: PLR0913 - what a Glean may do
        self,
        names: Sequence[str],
        bad: Sequence[str] = (),
        words: str = OFF,
        *,
        refuses_all: bool = False,
        refuses_nothing: bool = False,
        is_unknown: bool = False,
        history: httpx.Response | None = None,
    ) -> None:
        self.page = a_page(*names)
        self._bad = set(bad)
        self._words = words
        self._refuses_all = refuses_all
        self._refuses_nothing = refuses_nothing
        self._is_unknown = is_unknown
        self._history = history or a_history((UPLOAD, "ACTIVE"))
        self.ids: list[list[str]] = []  # of each request, in order
        self.taken: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return self.page
        refusal = httpx.Response(400, text=self._words)
        if request.url.path.endswith("/status"):
            self.ids.append(["?"])
            return refusal if self._is_unknown else self._history
        body = msgspec.json.decode(request.content)
        ids = [one["id"] for one in body.get("documents", [body])]
        self.ids.append(ids)
        is_refused = self._bad.intersection(ids) or (self._refuses_nothing and not ids)
        if self._refuses_all or is_refused:
            return refusal
        self.taken.update(ids)
        return ok()


def played(glean: Refusing, upload_id: str = "") -> tuple[Sequence[Event], list[str]]:
    """What became of the page, and the keys of what was rejected of it."""
    desk = Desk(glean, upload_id)
    events = desk.sent()
    return events, [reject.key for reject in desk.executor.rejects(0)]


def is_ended(events: Sequence[Event]) -> bool:
    return isinstance(events[-1], Failed) and not events[-1].is_transient


@pytest.mark.parametrize("upload_id", ["", UPLOAD])
@pytest.mark.parametrize("words", [OFF, VAGUE, "", '{"message": "off"}'])
@pytest.mark.parametrize("count", [2, 3, 26])
def test_what_is_meant_for_all_ends_the_job_with_gleans_words(
    count: int, words: str, upload_id: str
) -> None:
    glean = Refusing(ALPHABET[:count], words=words, refuses_all=True)

    events, rejected = played(glean, upload_id)

    assert is_ended(events)
    assert isinstance(events[-1], Failed)
    assert words.rsplit("{", maxsplit=1)[-1][:20] in events[-1].reason
    assert rejected == []
    assert len(glean.ids) <= 6


@pytest.mark.parametrize(
    ("words", "is_unknown", "ends"),
    [(OFF, False, True), (OFF, True, True), (VAGUE, True, True), (VAGUE, False, False)],
)
def test_of_one_document_alone_the_words_have_to_tell(
    words: str, *, is_unknown: bool, ends: bool
) -> None:
    glean = Refusing(["note-7"], words=words, refuses_all=True, is_unknown=is_unknown)

    events, rejected = played(glean)

    assert is_ended(events) == ends
    assert rejected == ([] if ends else ["note-7"])


@pytest.mark.parametrize("upload_id", ["", UPLOAD])
@pytest.mark.parametrize("refuses_nothing", [False, True])
@pytest.mark.parametrize("words", [OFF, VAGUE, ""])
@pytest.mark.parametrize(
    "bad",
    [ALPHABET[:1], ALPHABET[-1:], ALPHABET[9:10], [ALPHABET[0], ALPHABET[-1]], ALPHABET[3:12]],
    ids=["the first", "the last", "one amid", "both ends", "several"],
)
def test_bad_documents_among_good_ones_are_found_whatever_the_words_are(
    bad: list[str], words: str, upload_id: str, *, refuses_nothing: bool
) -> None:
    glean = Refusing(ALPHABET, bad, words, refuses_nothing=refuses_nothing)

    events, rejected = played(glean, upload_id)

    assert not any(isinstance(event, Failed) for event in events)
    assert sorted(rejected) == sorted(bad)
    assert glean.taken >= set(ALPHABET) - set(bad)


def test_documents_that_are_all_bad_are_rejected_one_by_one() -> None:
    glean = Refusing(ALPHABET, ALPHABET)

    events, rejected = played(glean)

    assert not any(isinstance(event, Failed) for event in events)
    assert rejected == ALPHABET
    assert glean.ids.count([]) == 1


def test_a_refusal_that_names_a_document_asks_nothing() -> None:
    glean = Refusing(ALPHABET, ["note-3"], "Document note-3 has no title", refuses_nothing=True)

    _, rejected = played(glean)

    assert rejected == ["note-3"]
    assert [] not in glean.ids


def test_a_name_within_another_word_is_no_name() -> None:
    glean = Refusing(["data", "note-1"], words="datasource is off", refuses_all=True)

    events, rejected = played(glean)

    assert is_ended(events)
    assert rejected == []


def test_where_nobody_can_tell_for_now_nothing_is_rejected() -> None:
    class Busy(Refusing):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await super().handle_async_request(request)
            return httpx.Response(503) if self.ids and self.ids[-1] == [] else answer

    events, rejected = played(Busy(ALPHABET, ALPHABET))

    assert isinstance(events[-1], Failed)
    assert events[-1].is_transient
    assert rejected == []


def test_an_upload_that_is_gone_and_told_by_a_400_begins_anew() -> None:
    glean = Refusing(ALPHABET, words="no such upload", refuses_all=True, history=a_history())

    assert isinstance(played(glean, UPLOAD)[0][-1], Displaced)


@pytest.mark.parametrize(("is_unknown", "count"), [(True, 1), (False, 5)])
def test_deletions_in_a_row_that_are_refused_alike_ask_whether_the_datasource_is_there(
    count: int, *, is_unknown: bool
) -> None:
    glean = Refusing([], refuses_all=True, is_unknown=is_unknown)
    glean.page = a_page_of([a_note(f"note-{n}", is_deleted=True) for n in range(5)])

    events, rejected = played(glean)

    assert is_ended(events) == is_unknown
    assert len(rejected) == count
    assert glean.ids.count(["?"]) == 1


STAFF = replace(
    NOTES,
    employees=Stream(
        source=HttpSource(url="https://notes.example/staff", records="items", paging=BodyCursor()),
        key="id",
        record=Note,
        map=lambda note: Employee(email=f"{note.id}@x.example", department="Sales"),
    ),
)


class Staff(httpx.AsyncBaseTransport):
    """A source of 26 employees, and a Glean that takes each so-manieth of them; 0: none."""

    def __init__(self, taken_each: int) -> None:
        self._taken_each = taken_each
        self._count = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return a_page(*ALPHABET)
        self._count += 1
        is_taken = self._taken_each and self._count % self._taken_each == 0
        return ok() if is_taken else httpx.Response(400, text=OFF)


@pytest.mark.parametrize(("taken_each", "count"), [(0, 10), (8, 23)], ids=["none", "some"])
def test_employees_in_a_row_that_are_refused_alike_end_the_job(taken_each: int, count: int) -> None:
    """Of them nothing can be asked."""
    executor = an_executor(STAFF, an_environment(**SET), a_host(Staff(taken_each)))
    ends = executor.ends()
    assert isinstance(ends, Clients)
    crawl = ReadContext("notes-1-1", Mode.FULL, Stage.EMPLOYEES, None)
    effects: list[RequestEffect] = [
        Fetch(0, None),
        Pack(0, "", None),
        *(Send(0, index) for index in range(26)),
    ]
    events: list[Event] = []
    for effect in effects:
        events.append(asyncio.run(executor.perform(effect, ends, crawl)))
        if isinstance(events[-1], Failed):
            break

    assert is_ended(events) == (taken_each == 0)
    assert len(executor.rejects(0)) == count


def test_a_job_to_a_datasource_that_glean_does_not_know_fails_and_moves_no_watermark() -> None:
    unknown = "datasource notes does not exist"
    bench = Bench(*(httpx.Response(400, json={"message": unknown}) for _ in range(9)))
    bench.network.on("GET /list", a_page(*(f"note-{number}" for number in range(1_200))))
    bench.begun(Mode.INCREMENTAL)

    job = bench.left()

    assert (job.state, job.crawl.reject_count, job.crawl.document_count) == (State.FAILED, 0, 0)
    assert unknown in job.error
    assert bench.store.successes.watermark_ms() is None
    assert len(bench.network.requests) <= 6
