"""A page on its way to Glean: above all, what Glean does not take of it."""

from collections.abc import Mapping, Sequence

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable import BodyCursor, HttpSource, Since, Stream, TimeFormat
from durable.engine.comparison import LedgerPage
from durable.engine.redaction import REASON_CHARACTERS_MAX
from durable.errors import Cause
from durable.glean.documents import Document
from durable.glean.mapped_record import EXCERPT_BYTES_MAX
from durable.machine.effects import (
    Displaced,
    Failed,
    Fetch,
    Fetched,
    Open,
    Pack,
    Packed,
    QueryUpload,
    RequestEffect,
    Send,
    Sent,
    Split,
)
from durable.machine.job import Stage, UploadStatus
from durable.machine.pages import Page
from tests.fakes.answers import (
    BULK,
    DELETE,
    INDEX,
    LIST,
    SHARE,
    STATUS,
    a_history,
    a_note,
    a_page,
    a_page_of,
    ok,
)
from tests.fakes.bench import NOW_MS
from tests.fakes.connector import NOTES, Note, document
from tests.fakes.desk import UPLOAD, Desk
from tests.fakes.ledgers import a_put, learn
from tests.fakes.network import Network
from tests.fakes.source import a_crawl
from tests.fakes.storage import VALUE_BYTES_MAX


OPEN = (UPLOAD, "ACTIVE")
INSTEAD = Split(0, 0, None)  # of what was refused, another request is sent


class Picky(httpx.AsyncBaseTransport):
    """A source of one page, and a Glean that refuses some of its documents.

    Args:
        names: of the notes.
        bad: of these, what a request must not hold.
        bytes_max: of a request; a larger one is refused with 413.
    """

    def __init__(self, names: Sequence[str], bad: str = "", bytes_max: int = 10**9) -> None:
        self._names = names
        self._bad = set(bad)
        self._bytes_max = bytes_max
        self.request_count = 0
        self.taken: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return a_page(*self._names)
        self.request_count += 1
        if len(request.content) > self._bytes_max:
            return httpx.Response(413, text="too large")
        ids = [one["id"] for one in msgspec.json.decode(request.content)["documents"]]
        if found := self._bad.intersection(ids):
            return httpx.Response(400, text=f"no {min(found)}, says t0ken")
        self.taken += ids
        return ok()


def sent(page: int, batch: int, count: int = 1, *, is_rejected: bool = False) -> Sent:
    """Of documents; or of one that was refused."""
    event = Sent(page, batch, document_count=count)
    if not is_rejected:
        return event
    return replace(event, rejected_document_count=1)


def test_a_page_that_is_read_is_not_mapped_yet() -> None:
    def greedy(_note: Note) -> Document:
        raise MemoryError

    items = [a_note("a"), {"id": 7}]
    desk = Desk(
        Network(a_page_of(items, "2")),
        connector=replace(NOTES, documents=replace(NOTES.documents, map=greedy)),
    )

    event = desk.fetched()

    assert event.page == Page(
        next_cursor="2", byte_count=event.page.byte_count, record_count=2, digest=event.page.digest
    )
    assert event.page.byte_count > 0
    assert event.page.digest
    assert desk.executor.held() == []


def test_a_page_that_is_cut_waits_for_nobody() -> None:
    desk = Desk(Network(a_page_of([a_note("a"), {"id": 7}, a_note("b", is_deleted=True)])), "")
    desk.fetched()

    pack = Pack(0, "", None, is_all_sent=False, lists_all=False)
    packing = desk.executor.perform(pack, desk.ends, a_crawl())
    with pytest.raises(StopIteration) as done:
        packing.send(None)

    packed = done.value.value
    assert (packed.batch_count, packed.document_count, packed.deletion_count) == (2, 1, 1)
    assert packed.reject_count == 1


def test_pages_are_read_and_sent_side_by_side_and_in_any_order() -> None:
    limits = msgspec.json.encode({"batch_documents_max": 1}).decode()
    network = Network(a_page("a", "b", next_cursor="2"), a_page("c"), ok(), ok(), ok())
    desk = Desk(network, LIMITS=limits)
    for effect in (Fetch(0, None), Fetch(1, "2"), Pack(1, UPLOAD, None)):
        desk.performed(effect)
    first = desk.performed(Send(1, 0))
    desk.performed(Pack(0, UPLOAD, None))

    events = [first, desk.performed(Send(0, 1)), desk.performed(Send(0, 0))]

    assert events == [sent(1, 0), sent(0, 1), sent(0, 0)]
    bodies = [msgspec.json.decode(request.content) for request in network.requests[2:]]
    assert [body["documents"][0]["id"] for body in bodies] == ["c", "b", "a"]


def test_the_pages_that_are_held_are_those_that_were_cut_and_are_not_in_glean() -> None:
    desk = Desk(Network(a_page("a", next_cursor="2"), a_page("b", next_cursor="3"), a_page("c")))
    for index, cursor in enumerate((None, "2", "3")):
        desk.performed(Fetch(index, cursor))
    for index in (1, 0):
        desk.performed(Pack(index, UPLOAD, None))

    assert desk.executor.held() == [0, 1]
    desk.executor.forget(0)
    assert desk.executor.held() == [1]


def test_a_batch_that_was_acknowledged_is_not_sent_again() -> None:
    desk = Desk(Network(a_page("a"), ok()))
    desk.sent()

    with pytest.raises(AssertionError, match="was acknowledged"):
        desk.performed(Send(0, 0))


def test_the_second_half_of_a_batch_comes_after_the_last_batch_of_its_page() -> None:
    limits = msgspec.json.encode({"batch_documents_max": 2}).decode()
    desk = Desk(Picky("abcdef", bad="ad"), LIMITS=limits)
    desk.packed()

    events = [desk.performed(Send(0, index)) for index in (1, 0, 2, 3, 4)]

    assert events == [
        Split(0, 1, half_index=3, batch_changes_max=1),  # c | d
        Split(0, 0, half_index=4, batch_changes_max=1),  # a | b
        sent(0, 2, count=2),
        sent(0, 3, is_rejected=True),
        sent(0, 4),
    ]
    assert desk.performed(Send(0, 0)) == sent(0, 0, is_rejected=True)


@pytest.mark.parametrize(
    "effect", [Open(UPLOAD), QueryUpload(UPLOAD), Fetch(0, None)], ids=lambda e: type(e).__name__
)
def test_a_failure_names_what_failed(effect: RequestEffect) -> None:
    event = Desk(Network(httpx.Response(503))).performed(effect)

    assert isinstance(event, Failed)
    assert event.effect == effect


@pytest.mark.parametrize(
    ("names", "bad", "request_count"),
    [
        ("a", "a", 1),
        ("ab", "a", 3),
        ("abcdefgh", "e", 7),
        ("abcdefgh", "ah", 11),
        ("abcdefgh", "abcdefgh", 15),
        ("abcdefghi", "i", 9),
        ("abcdefghi", "", 1),
    ],
)
def test_a_batch_that_glean_refuses_is_cut_until_the_bad_documents_stand_alone(
    names: str, bad: str, request_count: int
) -> None:
    glean = Picky(names, bad)
    desk = Desk(glean)

    events = desk.sent()

    assert glean.taken == [name for name in names if name not in bad]
    rejects = desk.executor.rejects(0)
    assert [(reject.place, reject.key) for reject in rejects] == [
        (place, name) for place, name in enumerate(names, start=1) if name in bad
    ]
    assert sum(e.rejected_document_count for e in events if isinstance(e, Sent)) == len(bad)
    assert glean.request_count == request_count


def test_a_document_that_is_rejected_has_gleans_reason_and_its_own_beginning() -> None:
    desk = Desk(Picky("ab", bad="b"))

    desk.sent()

    (reject,) = desk.executor.rejects(0)
    assert reject.reason == "Glean answered 400: no b, says ***"
    assert reject.excerpt.startswith('{"datasource":"notes","id":"b",')


def test_what_is_rejected_shows_no_secret_and_is_short() -> None:
    text = "says t0ken " * 100
    page = a_page_of([a_note("seven", text=text), a_note("t0ken-8", text=None, more=text)])
    refusal = httpx.Response(400, text="many\n\n  lines\n" * 1_000 + "t0ken")
    desk = Desk(Network(page, refusal, ok()))

    desk.sent()

    shown = desk.executor.rejects(0)
    assert [reject.key for reject in shown] == ["***-8", "seven"]
    for reject in shown:
        assert "t0ken" not in f"{reject}"
        assert len(reject.reason) <= REASON_CHARACTERS_MAX
        assert len(reject.excerpt.encode()) <= EXCERPT_BYTES_MAX
    assert shown[1].reason.startswith("Glean answered 400: many lines many lines")


def test_a_secret_that_is_cut_by_the_end_of_an_excerpt_is_not_shown_either() -> None:
    secret = "0123456789abcdefghij"
    empty = len(msgspec.json.encode(a_note("a", text=None, more="")))
    more = "x" * (EXCERPT_BYTES_MAX - empty - 10) + secret
    page = a_page_of([a_note("a", text=None, more=more)])
    desk = Desk(Network(page), GLEAN_INDEXING_API_TOKEN=secret)

    desk.packed()

    (reject,) = desk.executor.rejects(0)
    assert secret[:6] not in reject.excerpt
    assert reject.excerpt.endswith("***")


# Permissions alone


def shared(*answers: httpx.Response, names: str = "ab", limits: str = "{}") -> tuple[Desk, Network]:
    """Glean has the notes, and has them seen by others than the source."""
    network = Network(a_page(*names), a_page(*names), *answers)
    desk = Desk(network, "", LIMITS=limits)
    desk.packed()
    page = desk.executor.ledger_page(0)
    assert page is not None
    desk.executor.forget(0)
    learn(desk.ledger, [replace(put, access="another") for put in page.pack.puts])
    return desk, network


def test_permissions_go_alone_and_glean_counts_no_documents_for_them() -> None:
    desk, network = shared(ok(), ok())

    events = desk.sent()

    assert [event.document_count for event in events if isinstance(event, Sent)] == [0, 0]
    assert network.lines[2:] == [SHARE, SHARE]
    body = msgspec.json.decode(network.requests[2].content)
    assert (body["objectType"], body["id"]) == ("note", "a")
    assert body["permissions"]["allowAnonymousAccess"] is True
    page = desk.executor.ledger_page(0)
    assert page is not None
    assert [put.access == "another" for put in page.pack.puts] == [False, False]


@pytest.mark.parametrize("status", [400, 404, 413])
def test_where_glean_does_not_take_permissions_alone_the_document_is_brought(status: int) -> None:
    desk, network = shared(httpx.Response(status, text="not a"), ok(), ok())

    events = desk.sent()

    assert [event.document_count for event in events if isinstance(event, Sent)] == [1, 0]
    assert network.lines[2:] == [SHARE, INDEX, SHARE]
    (document,) = msgspec.json.decode(network.requests[3].content)["documents"]
    assert (document["id"], document["title"]) == ("a", "about a")
    assert desk.executor.rejects(0) == []


# Nobody keeps access by the older version of what is rejected


NO = httpx.Response(400, text="no a")


def test_a_document_that_glean_takes_neither_way_is_rejected_and_its_older_version_deleted() -> (
    None
):
    desk, network = shared(httpx.Response(400, text="not a"), NO, ok(), ok())

    events = desk.sent()

    first = replace(sent(0, 0, is_rejected=True), withdrawn_count=1)
    assert events == [INSTEAD, INSTEAD, first, sent(0, 1, count=0)]
    assert network.lines[2:] == [SHARE, INDEX, DELETE, SHARE]
    asked = msgspec.json.decode(network.requests[4].content)
    assert (asked["objectType"], asked["id"]) == ("note", "a")
    (reject,) = desk.executor.rejects(0)
    assert reject.code == "refused"
    assert reject.reason.endswith("Glean answered 400: no a")
    pack = a_ledger_page(desk).pack
    assert ([put.key for put in pack.puts], pack.deleted_keys) == (["b"], ("a",))


def rewritten(*answers: httpx.Response, names: str = "a", **known: str) -> tuple[Desk, Network]:
    """Glean has other versions of the notes, of the fields that are known of them."""
    network = Network(a_page(*names), a_page(*names), *answers)
    desk = Desk(network, "")
    desk.packed()
    puts = a_ledger_page(desk).pack.puts
    desk.executor.forget(0)
    learn(desk.ledger, [replace(put, content="another", **known) for put in puts])
    return desk, network


def test_a_rejected_document_with_the_permissions_that_glean_has_stays_as_it_was() -> None:
    desk, network = rewritten(NO)

    (event,) = desk.sent()

    assert event == sent(0, 0, is_rejected=True)
    assert network.lines[2:] == [INDEX]
    assert a_ledger_page(desk).pack.deleted_keys == ()


def test_one_of_which_it_is_not_certain_who_sees_it_in_glean_is_deleted() -> None:
    desk, network = rewritten(NO, ok(), access="")

    desk.sent()

    assert network.lines[2:] == [INDEX, DELETE]


def test_one_that_glean_has_never_had_is_not_deleted() -> None:
    network = Network(a_page("a"), NO)

    Desk(network, "").sent()

    assert network.lines[1:] == [INDEX]


def test_an_upload_deletes_nothing_before_its_close() -> None:
    desk, network = rewritten(NO, access="another")
    desk.upload_id = UPLOAD

    desk.sent()

    assert DELETE not in network.lines


@pytest.mark.parametrize("status", [401, 429, 503])
def test_where_the_older_version_is_not_deleted_for_now_nothing_is_over(status: int) -> None:
    desk, _ = rewritten(NO, httpx.Response(status), access="another")

    instead, event = desk.sent()

    assert instead == INSTEAD
    assert isinstance(event, Failed)
    assert desk.executor.rejects(0) == []
    assert [put.key for put in a_ledger_page(desk).pack.puts] == ["a"]


def test_an_older_version_that_glean_does_not_delete_either_is_told_and_known() -> None:
    desk, _ = rewritten(NO, httpx.Response(400, text="nor that"), access="another")

    instead, event = desk.sent()

    assert instead == INSTEAD
    assert event == sent(0, 0, is_rejected=True)
    (reject,) = desk.executor.rejects(0)
    assert reject.reason != "Glean answered 400: no a"
    assert a_ledger_page(desk).pack.deleted_keys == ()


@pytest.mark.parametrize("is_refused", [False, True])
def test_the_older_version_of_one_that_is_too_large_is_deleted(*, is_refused: bool) -> None:
    def grown(note: Note) -> Document:
        made = document(note)
        assert isinstance(made, Document)
        return replace(made, title="x" * 10_000)

    network = Network(a_page("a"), NO if is_refused else ok())
    connector = replace(NOTES, documents=replace(NOTES.documents, map=grown))
    limits = msgspec.json.encode({"batch_bytes_max": 1_024, "page_bytes_max": 4_096}).decode()
    desk = Desk(network, "", connector, LIMITS=limits)
    learn(desk.ledger, [a_put("a", access="another")])

    events = desk.sent()

    assert network.lines[1:] == [DELETE]
    assert "too-large" in {reject.code for reject in desk.executor.rejects(0)}
    count = sum(event.rejected_deletion_count for event in events if isinstance(event, Sent))
    assert count == is_refused
    assert a_ledger_page(desk).pack.deleted_keys == (() if is_refused else ("a",))


@pytest.mark.parametrize("status", [401, 409, 429, 503])
def test_permissions_that_fail_otherwise_are_not_in_glean(status: int) -> None:
    desk, network = shared(httpx.Response(status))

    (event,) = desk.sent()

    assert isinstance(event, Failed)
    assert event.document_count == 0
    assert network.lines[2:] == [SHARE]


def test_a_document_in_the_place_of_its_permissions_counts_for_gleans_rate() -> None:
    desk, _ = shared(httpx.Response(400, text="not a"), httpx.Response(429))

    instead, event = desk.sent()

    assert instead == INSTEAD
    assert isinstance(event, Failed)
    assert event.document_count == 1


def test_permissions_of_more_documents_than_a_turn_has_requests_for_go_with_them() -> None:
    limits = msgspec.json.encode({"turn_requests_max": 6}).decode()
    desk, network = shared(ok(), names="abc", limits=limits)

    desk.sent()

    assert network.lines[2:] == [INDEX]


def test_a_deletion_that_glean_refuses_is_rejected_as_one() -> None:
    page = a_page_of([a_note("a"), a_note("b", is_deleted=True)])
    network = Network(page, ok(), httpx.Response(400, text="no"))
    desk = Desk(network, upload_id="")

    events = desk.sent()

    assert network.lines == [LIST, INDEX, DELETE]
    assert events == [sent(0, 0), Sent(0, 1, rejected_deletion_count=1)]
    assert [reject.key for reject in desk.executor.rejects(0)] == ["b"]


def test_a_batch_that_is_too_large_is_halved_and_later_ones_are_made_smaller() -> None:
    glean = Picky("abcd", bytes_max=600)
    desk = Desk(glean)

    events = desk.sent()

    assert glean.taken == ["a", "b", "c", "d"]
    (split, *others) = events
    assert isinstance(split, Split)
    assert split.batch_bytes_max is not None
    assert 0 < split.batch_bytes_max <= 600
    assert all(isinstance(event, Sent) for event in others)
    assert desk.packed(split.batch_bytes_max).batch_count > 1


def test_a_refusal_for_what_is_in_a_batch_does_not_make_later_ones_smaller() -> None:
    desk = Desk(Picky("ab", bad="a"))

    assert desk.sent()[0] == Split(0, 0, half_index=1, batch_changes_max=1)


def test_a_lone_document_that_is_too_large_is_rejected() -> None:
    desk = Desk(Picky("a", bytes_max=9))

    assert desk.sent() == [sent(0, 0, is_rejected=True)]
    assert desk.executor.rejects(0)[0].reason == "Glean answered 413: too large"


def test_a_document_larger_than_the_lowered_size_is_sent_alone_and_not_rejected() -> None:
    """The size was lowered by a guess: half of a batch that was too large. Glean may take it."""
    glean = Picky("ab")
    desk = Desk(glean)

    page = desk.packed(batch_bytes_max=100)

    assert (page.document_count, page.reject_count, page.batch_count) == (2, 0, 2)


def test_a_lowered_size_never_raises_the_limit() -> None:
    limits = msgspec.json.encode({"batch_bytes_max": 300}).decode()
    asked, lowered = (Desk(Picky("abcd"), LIMITS=limits) for _ in range(2))

    assert asked.packed() == lowered.packed(batch_bytes_max=10**9)


@pytest.mark.parametrize(
    ("history", "standing"),
    [
        ([(UPLOAD, "SUCCESSFUL")], UploadStatus.CLOSED),
        ([OPEN, ("another", "ACTIVE")], UploadStatus.REPLACED),
        ([("another", "ACTIVE")], UploadStatus.UNLISTED),
    ],
)
def test_a_conflict_while_the_upload_is_not_open_is_told_with_how_it_stands(
    history: list[tuple[str, str]], standing: UploadStatus
) -> None:
    network = Network(a_page("a", "b"), httpx.Response(409, text="no, t0ken"), a_history(*history))

    (event,) = Desk(network).sent()

    assert network.lines == [LIST, BULK, STATUS]
    assert event == Displaced(f"the upload u-1 is {standing}; Glean answered 409: no, ***")


def test_a_conflict_while_the_upload_is_open_is_cut_and_alone_counts_as_taken() -> None:
    """An earlier try was heard, and this Glean takes no document twice."""
    conflict = httpx.Response(409, text="staged already")
    history, nothing = a_history(OPEN), httpx.Response(400, text="no documents")
    network = Network(a_page("a", "b"), conflict, history, conflict, history, nothing, ok())
    desk = Desk(network)

    assert desk.sent() == [Split(0, 0, 1, batch_changes_max=1), Sent(0, 0), sent(0, 1)]
    assert network.lines == [LIST, BULK, STATUS, BULK, STATUS, BULK, BULK]
    assert desk.executor.rejects(0) == []


@pytest.mark.parametrize("nothing", [ok(), httpx.Response(400, text="no documents")])
def test_a_conflict_counts_as_taken_only_where_a_page_of_nothing_has_none(
    nothing: httpx.Response,
) -> None:
    conflict = httpx.Response(409, text="staged already")
    network = Network(a_page("a"), conflict, a_history(OPEN), nothing)

    assert Desk(network).sent() == [Sent(0, 0)]
    assert network.lines == [LIST, BULK, STATUS, BULK]
    assert msgspec.json.decode(network.requests[-1].content)["documents"] == []


@pytest.mark.parametrize("nothing", [httpx.Response(409, text="busy"), httpx.Response(503)])
@pytest.mark.parametrize("words", ["busy", "a job is under way"])
def test_a_conflict_of_whatever_is_sent_to_an_open_upload_is_waited_for(
    nothing: httpx.Response, words: str
) -> None:
    conflict = httpx.Response(409, text=words)
    network = Network(a_page("a"), conflict, a_history(OPEN), nothing)
    desk = Desk(network)

    (event,) = desk.sent()

    assert isinstance(event, Failed)
    assert event.is_transient
    assert desk.executor.rejects(0) == []


def test_a_conflict_that_glean_cannot_be_asked_about_may_pass() -> None:
    network = Network(a_page("a"), httpx.Response(409), httpx.Response(503, text="busy"))

    reason, cause = "Glean answered 503: busy", Cause.UNAVAILABLE
    assert Desk(network).sent() == [
        Failed(reason, True, 0, 0.5, Send(0, 0), cause=cause, document_count=1)
    ]


def test_a_conflict_outside_of_an_upload_is_waited_for() -> None:
    network = Network(a_page("a"), httpx.Response(409, text="version"))

    (event,) = Desk(network, upload_id="").sent()

    reason = "Glean answered 409: version"
    failed = Failed(reason, True, 0, 0.5, Send(0, 0), cause=Cause.CONFLICT, document_count=1)
    assert event == failed
    assert network.lines == [LIST, INDEX]


@pytest.mark.parametrize(
    ("status", "is_transient"), [(401, False), (404, False), (422, False), (429, True), (500, True)]
)
def test_any_other_refusal_is_not_the_doing_of_a_document(
    status: int, *, is_transient: bool
) -> None:
    network = Network(a_page("a", "b"), httpx.Response(status))
    desk = Desk(network)

    (event,) = desk.sent()

    assert isinstance(event, Failed)
    assert event.is_transient == is_transient
    assert desk.executor.rejects(0) == []


def test_a_batch_whose_answer_was_lost_is_still_there() -> None:
    network = Network(a_page("a"), httpx.ReadError("lost"), ok())
    desk = Desk(network)
    desk.packed()

    assert isinstance(desk.performed(Send(0, 0)), Failed)
    assert desk.performed(Send(0, 0)) == sent(0, 0)
    assert network.requests[1].content == network.requests[2].content


def test_a_wait_that_glean_asks_for_is_passed_on_with_the_jitter() -> None:
    busy = httpx.Response(429, text="slow down", headers={"retry-after": "7"})

    event = Desk(Network(busy)).performed(Open(UPLOAD))

    told = "is left alone as its header retry-after says"
    reason = f"Glean answered 429, and {told}: slow down"
    assert event == Failed(reason, True, 7_000, 0.5, Open(UPLOAD), cause=Cause.THROTTLED)


def test_a_page_that_is_in_glean_takes_no_memory() -> None:
    desk = Desk(Picky("ab", bad="a"))
    desk.sent()

    desk.executor.forget(0)

    assert desk.executor.rejects(0) == []


def test_running_out_of_memory_in_a_mapping_is_not_the_records_fault() -> None:
    def greedy(_note: Note) -> Document:
        raise MemoryError

    desk = Desk(
        Network(a_page("a")),
        connector=replace(NOTES, documents=replace(NOTES.documents, map=greedy)),
    )

    with pytest.raises(MemoryError):
        desk.packed()


def test_a_mapping_that_raises_sets_only_its_own_record_aside() -> None:
    def moody(note: Note) -> Document:
        if note.id == "b":
            raise ZeroDivisionError("t0ken")
        made = document(note)
        assert isinstance(made, Document)
        return made

    desk = Desk(
        Network(a_page("a", "b", "c")),
        connector=replace(NOTES, documents=replace(NOTES.documents, map=moody)),
    )

    page = desk.packed()

    assert (page.document_count, page.reject_count) == (2, 1)
    (reject,) = desk.executor.rejects(0)
    assert (reject.place, reject.reason) == (2, "the mapping raised ZeroDivisionError: ***")


def test_a_record_with_an_endless_id_can_be_rejected() -> None:
    desk = Desk(Network(a_page("x" * 3_000_000)))

    desk.packed()

    (reject,) = desk.executor.rejects(0)
    assert len(msgspec.json.encode(reject)) < VALUE_BYTES_MAX


@pytest.mark.parametrize("upload_id", [UPLOAD, ""], ids=["upload", "changes"])
@pytest.mark.parametrize("field", ["id", "error"])
def test_a_mapping_that_brings_half_a_character_rejects_its_record(
    field: str, upload_id: str
) -> None:
    half = b"\xff".decode(errors="surrogateescape")

    def halving(note: Note) -> Document:
        if field == "error":
            raise ValueError(half)
        made = document(note)
        assert isinstance(made, Document)
        return replace(made, id=half)

    desk = Desk(
        Network(a_page("a")),
        upload_id,
        connector=replace(NOTES, documents=replace(NOTES.documents, map=halving)),
    )

    desk.packed()

    (reject,) = desk.executor.rejects(0)
    assert msgspec.json.encode(reject)


# What a page is to the ledger


AT_MS = NOW_MS - 60_000
TIMED = replace(
    NOTES,
    documents=replace(
        NOTES.documents,
        source=HttpSource(
            records="items",
            url="https://notes.example/list",
            paging=BodyCursor(path="next_cursor", param="cursor"),
            since=Since(param="updated_since", path="at", format=TimeFormat.EPOCH_MS),
        ),
    ),
    deletions=Stream(source=NOTES.documents.source, key="id", record=Note, map=document),
)


def a_timed_note(name: str, at_ms: int = AT_MS, **fields: object) -> Mapping[str, object]:
    return a_note(name, at=at_ms, **fields)


def a_ledger_page(desk: Desk) -> LedgerPage:
    page = desk.executor.ledger_page(0)
    assert page is not None
    return page


def test_what_a_page_under_way_sends_the_next_one_does_not_send_again() -> None:
    notes = [a_note("a"), a_note("b")]
    desk = Desk(Network(a_page_of(notes, "2"), a_page_of([*notes, a_note("c")])), "")
    first = desk.packed()
    desk.performed(Fetch(1, "2"))

    second = desk.performed(Pack(1, "", None, is_all_sent=False, lists_all=False))

    assert isinstance(second, Packed)
    assert (first.document_count, second.document_count) == (2, 1)
    assert (second.changes.added, second.changes.unchanged) == (1, 2)


def test_what_no_request_can_be_made_of_is_none_of_the_puts() -> None:
    no_note, unfit = a_note("b", text=5), a_note("c" * 201)
    desk = Desk(Network(a_page_of([no_note, unfit, a_note("d")])), "")

    page = desk.packed()

    assert page.reject_count == 2
    assert [put.key for put in a_ledger_page(desk).pack.puts] == ["d"]


def test_what_glean_refuses_is_none_of_the_puts_any_more() -> None:
    desk = Desk(Picky("abc", bad="b"), "")
    desk.sent()

    assert [put.key for put in a_ledger_page(desk).pack.puts] == ["a", "c"]


def test_a_document_of_an_upload_that_glean_refuses_is_not_seen_either() -> None:
    """The close deletes it; by single requests, Glean keeps the version that it has."""
    upload, changes = Desk(Picky("ab", bad="b")), Desk(Picky("ab", bad="b"), "")
    upload.sent()
    changes.sent()

    assert len(a_ledger_page(upload).pack.seen) == 1
    assert len(a_ledger_page(changes).pack.seen) == 2


def test_a_deletion_that_glean_refuses_leaves_its_row() -> None:
    network = Network(a_page_of([a_note("a", is_deleted=True)]), httpx.Response(400, text="no"))
    desk = Desk(network, "")
    desk.sent()

    assert a_ledger_page(desk).pack.deleted_keys == ()


@pytest.mark.parametrize(("stage", "latest_ms"), [(Stage.DOCUMENTS, AT_MS), (Stage.DELETIONS, 0)])
def test_the_documents_tell_what_time_it_is_at_the_source(stage: Stage, latest_ms: int) -> None:
    ats = (AT_MS - 5, AT_MS, NOW_MS + 1)
    notes = [a_timed_note(f"n{at_ms}", at_ms, is_deleted=True) for at_ms in ats]

    desk = Desk(Network(a_page_of(notes)), "", TIMED)

    fetched = desk.carried(Fetch(0, None), replace(a_crawl(), stage=stage))

    assert isinstance(fetched, Fetched)
    assert fetched.page.latest_ms == latest_ms
