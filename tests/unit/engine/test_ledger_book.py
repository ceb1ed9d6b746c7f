"""What the turns of whole jobs leave in the ledger."""

import httpx
import pytest
from msgspec.structs import replace

from durable import BodyCursor, HttpSource, Since, Stream
from durable.glean.documents import Deletion, Document
from durable.glean.identities import Employee
from durable.limits import Limits
from durable.machine.job import Job, Mode, Stage, Way
from durable.machine.ledger import Kind
from durable.machine.states import PENDING, Command, State
from tests.fakes.answers import (
    BULK,
    DELETE,
    INDEX,
    LIST,
    STATUS,
    a_history,
    a_note,
    a_page,
    a_page_of,
    ok,
)
from tests.fakes.bench import Bench
from tests.fakes.connector import NOTES, Note, document


GONE = "GET /gone"
EMPLOYEE = "POST /api/index/v1/indexemployee"
ONE_BY_ONE = {"batch_documents_max": 1}
REFUSED = httpx.Response(400, text="no such thing")
KNOWN = [f"known-{number}" for number in range(100)]


def carried(bench: Bench) -> Job:
    """The job at the end of its turns."""
    job = bench.left()
    while job.state in PENDING:
        assert not job.error, job.error
        bench.now_ms = max(bench.now_ms, job.alarm_at_ms or 0)
        job = bench.left()
    return job


def full(bench: Bench, *items: object, uploads: bool = True) -> Job:
    """A FULL job of one page, at its end; it replaces all, or sends what differs."""
    job = bench.begun(Mode.FULL)
    bench.network.on(LIST, a_page_of(items))
    if uploads:
        bench.network.on(BULK, ok(), ok(), ok())
        upload_id = f"{job.id}-1"
        bench.network.on(STATUS, a_history((upload_id, "ACTIVE")))
        bench.network.on(STATUS, a_history((upload_id, "SUCCESSFUL")))
    else:
        bench.network.on(STATUS, a_history())
    bench.now_ms += 1_000
    return carried(bench)


def changes(bench: Bench, *items: object) -> Job:
    bench.begun(Mode.INCREMENTAL)
    bench.network.on(LIST, a_page_of(items))
    bench.now_ms += 1_000
    return carried(bench)


def sure(bench: Bench) -> set[str]:
    rows = bench.store.ledger.look_up(Kind.DOCUMENT, "abcdefgh")
    return {key for key, row in rows.items() if row.is_trusted}


def unsure(bench: Bench) -> set[str]:
    rows = bench.store.ledger.look_up(Kind.DOCUMENT, "abcdefgh")
    return {key for key, row in rows.items() if not row.is_trusted}


def written(bench: Bench, before: int) -> list[str]:
    """The statements since then that wrote rows of the ledger; none was deleted."""
    tables = ("ledger", "pack", "more_puts", "gone")
    verbs = [f"{verb} {table}" for verb in ("INSERT INTO", "UPDATE") for table in tables]
    statements = [statement.strip() for statement in bench.storage.statements[before:]]
    return [statement for statement in statements if statement.startswith(tuple(verbs))]


# What jobs leave


def test_what_a_full_job_brought_is_sure_and_what_it_lost_is_not_there() -> None:
    bench = Bench()
    assert full(bench, a_note("a"), a_note("b")).way is Way.REPLACE
    assert sure(bench) == {"a", "b"}

    bench.network.on(INDEX, ok())
    bench.network.on(DELETE, ok())
    job = full(bench, a_note("a", text="new"), a_note("c"), uploads=False)

    assert (job.state, job.way) == (State.SUCCEEDED, Way.RECONCILE)
    assert (sure(bench), unsure(bench)) == ({"a", "c"}, set())


def test_changes_that_glean_has_already_write_nothing() -> None:
    bench = Bench()
    full(bench, a_note("a"), a_note("b"))
    changes(bench)
    before = len(bench.storage.statements)

    job = changes(bench, a_note("a"), a_note("b"), a_note("c", is_deleted=True))

    assert (job.state, job.crawl.changes.unchanged) == (State.SUCCEEDED, 3)
    assert written(bench, before) == []


def test_a_list_that_is_as_it_was_writes_its_pages_and_nothing_else() -> None:
    bench = Bench()
    full(bench, a_note("a"), a_note("b"))
    before = len(bench.storage.statements)

    full(bench, a_note("a"), a_note("b"), uploads=False)

    (pack,) = written(bench, before)
    assert "INSERT INTO pack" in pack


def test_a_page_is_written_down_before_anything_of_it_is_sent() -> None:
    bench = Bench()
    found: list[object] = []

    async def look() -> None:
        found.extend(bench.storage.exec("SELECT puts FROM pack").toArray())

    bench.network.on(LIST, a_page("a"))
    bench.network.on(INDEX, ok())
    bench.network.meanwhile(2, look)
    bench.begun(Mode.INCREMENTAL)

    assert bench.left().state is State.SUCCEEDED
    assert len(found) == 1


def test_after_an_upload_that_may_be_closed_all_is_brought_anew() -> None:
    """What it brought and nobody wrote down, no list of what is gone would have."""
    bench = Bench()
    full(bench, a_note("a"))
    asked = replace(bench.begun(Mode.FULL), is_replace_asked=True)
    bench.store.put(asked, Limits())
    bench.network.on(LIST, a_page("a"))
    bench.network.on(BULK, ok(), ok())
    bench.network.on(STATUS, httpx.Response(503))
    job = bench.left()
    while job.state is State.CLOSING:
        bench.network.on(STATUS, httpx.Response(503))
        bench.now_ms = job.alarm_at_ms or 0
        job = bench.left()
    assert (job.state, job.way) == (State.FAILED, Way.REPLACE)

    assert full(bench, a_note("a")).way is Way.REPLACE
    assert sure(bench) == {"a"}


# What Glean refuses


def test_of_two_spellings_of_which_glean_refused_one_the_row_is_not_sure() -> None:
    """It has the other one, and if the source takes that back, nobody would send anything."""
    bench = Bench(limits=ONE_BY_ONE)
    full(bench, a_note("a"))
    bench.network.on(INDEX, ok(), REFUSED, *(ok() for _ in range(5)))

    job = changes(bench, a_note("a", text="one"), a_note("A", text="two"))
    assert (job.crawl.reject_count, unsure(bench)) == (1, {"a"})

    assert changes(bench, a_note("a")).crawl.document_count == 1
    assert sure(bench) == {"a"}


def test_a_new_document_that_was_spelt_in_two_ways_and_refused_once_has_a_row() -> None:
    """Without one, it could never be deleted."""
    bench = Bench(limits=ONE_BY_ONE)
    full(bench, a_note("b"))
    bench.network.on(INDEX, ok(), REFUSED, *(ok() for _ in range(5)))
    bench.network.on(DELETE, ok())

    changes(bench, a_note("a", text="one"), a_note("A", text="two"))
    assert unsure(bench) == {"a"}

    full(bench, a_note("b"), uploads=False)
    assert bench.network.lines.count(DELETE) == 1
    assert (sure(bench), unsure(bench)) == ({"b"}, set())


def retyped(note: Note) -> Document | Deletion:
    made = document(note)
    kind = "page" if note.text.startswith("page") else "note"
    return replace(made, object_type=kind)


def test_a_document_whose_new_type_was_refused_is_not_held_for_there() -> None:
    typed = replace(NOTES, documents=replace(NOTES.documents, map=retyped))
    bench = Bench(connector=typed, limits=ONE_BY_ONE)
    full(bench, a_note("a"))
    bench.network.on(DELETE, ok(), ok())
    bench.network.on(INDEX, ok(), REFUSED, *(ok() for _ in range(5)))

    job = changes(bench, a_note("b"), a_note("a", text="page"))
    assert (job.crawl.reject_count, unsure(bench)) == (1, {"a"})

    assert changes(bench, a_note("a")).crawl.document_count == 1
    assert sure(bench) == {"a", "b"}


def test_a_type_that_glean_does_not_know_has_nothing_to_be_deleted() -> None:
    """It refused the document of that type, and refuses to delete it as well."""
    typed = replace(NOTES, documents=replace(NOTES.documents, map=retyped))
    bench = Bench(connector=typed, limits=ONE_BY_ONE)
    full(bench, a_note("a"))
    bench.network.on(DELETE, ok(), REFUSED)
    bench.network.on(INDEX, ok(), REFUSED, *(ok() for _ in range(5)))
    changes(bench, a_note("b"), a_note("a", text="page"))

    job = changes(bench, a_note("a"))

    assert (job.crawl.reject_count, bench.rejects(job)) == (0, [])
    assert sure(bench) == {"a", "b"}


def test_a_record_that_is_no_note_says_nothing_of_a_document_of_that_name() -> None:
    """A feed may have a broken version of a thing, and then one that can be used."""
    bench = Bench()
    full(bench, a_note("b"))
    bench.network.on(INDEX, ok())

    job = changes(bench, {"id": "a", "text": 7}, a_note("a"))

    assert (job.crawl.reject_count, job.crawl.document_count) == (1, 1)
    assert sure(bench) == {"a", "b"}


def test_a_broken_record_does_not_take_a_document_of_that_name_out_of_an_upload() -> None:
    bench = Bench()

    full(bench, {"id": "a", "text": 7}, a_note("a"), a_note("b"))

    assert sure(bench) == {"a", "b"}


HALF = b"\xff".decode(errors="surrogateescape")


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("name", [HALF, HALF * 300], ids=["half a character", "and too long"])
def test_an_id_that_cannot_be_stored_ends_no_turn(mode: Mode, name: str) -> None:
    def halving(note: Note) -> Document | Deletion:
        made = document(note)
        return replace(made, id=name) if note.id == "a" else made

    bench = Bench(connector=replace(NOTES, documents=replace(NOTES.documents, map=halving)))
    bench.network.on(INDEX, ok())
    items = a_note("a"), a_note("b")

    job = full(bench, *items) if mode is Mode.FULL else changes(bench, *items)

    assert (job.state, job.crawl.reject_count) == (State.SUCCEEDED, 1)
    assert sure(bench) == {"b"}


# Lists that a person approved of


def held(bench: Bench, *kept: str) -> Job:
    """A FULL job that has read no more than these of the known documents."""
    bench.begun(Mode.FULL)
    bench.network.on(BULK, ok(), ok())
    bench.network.on(LIST, a_page(*kept))
    job = bench.left()
    assert job.state is State.HELD
    bench.now_ms += 1_000
    return job


def approved(bench: Bench, job: Job, *kept: str) -> Job:
    """The job after it has read the source once more."""
    bench.commanded(job, Command.APPROVE, job.crawl.gone.digest)
    return read_again(bench, job, *kept)


def read_again(bench: Bench, job: Job, *kept: str) -> Job:
    bench.network.on(BULK, ok(), ok(), ok())
    bench.network.on(LIST, a_page(*kept))
    upload_id = f"{job.id}-2"
    bench.network.on(STATUS, a_history((upload_id, "ACTIVE")))
    bench.network.on(STATUS, a_history((upload_id, "SUCCESSFUL")))
    bench.now_ms += 1_000
    return bench.left()


@pytest.mark.parametrize(
    ("kept_count", "state"), [(20, State.SUCCEEDED), (19, State.HELD)], ids=["a share", "one more"]
)
def test_what_is_gone_beside_an_approved_list_is_measured_as_ever(
    kept_count: int, state: State
) -> None:
    bench = Bench()
    bench.knows(*KNOWN)
    job = held(bench, *KNOWN[:40])

    assert approved(bench, job, *KNOWN[:kept_count]).state is state


def test_an_approved_list_is_kept_while_another_job_works() -> None:
    gone = HttpSource(
        records="items",
        url="https://notes.example/gone",
        paging=BodyCursor(path="next_cursor", param="cursor"),
        since=Since(param="since"),
    )
    deletions = Stream(source=gone, key="id", record=Note, map=document)
    bench = Bench(connector=replace(NOTES, deletions=deletions))
    bench.knows(*KNOWN)
    job = held(bench, "known-0")
    bench.begun(Mode.INCREMENTAL)
    bench.network.on(GONE, httpx.Response(503), a_page())
    waiting = bench.left()
    bench.commanded(job, Command.APPROVE, job.crawl.gone.digest)
    bench.network.on(LIST, a_page())
    bench.now_ms = waiting.alarm_at_ms or 0

    first = bench.left()
    bench.now_ms = first.alarm_at_ms or 0
    second = bench.left()
    after = read_again(bench, job, "known-0")

    assert (first.stage, second.state) == (Stage.DOCUMENTS, State.SUCCEEDED)
    assert (after.id, after.state) == (job.id, State.SUCCEEDED)


# People that are brought one by one


STAFF = replace(
    NOTES,
    employees=Stream(
        source=HttpSource(url="https://notes.example/staff", records="items", paging=BodyCursor()),
        key="id",
        record=Note,
        map=lambda note: Employee(email=f"{note.id}@x.example", department=note.text or "none"),
    ),
)


def staffed(bench: Bench, *items: object, sent_count: int, uploads: bool = False) -> None:
    """A FULL job of these employees, which sends so many of them."""
    bench.network.on("GET /staff", a_page_of(items))
    bench.network.on(EMPLOYEE, *(ok() for _ in range(sent_count)))
    before = bench.network.lines.count(EMPLOYEE)
    assert full(bench, a_note("x"), uploads=uploads).state is State.SUCCEEDED
    assert bench.network.lines.count(EMPLOYEE) - before == sent_count


def test_an_employee_that_is_as_before_is_sent_again_only_where_all_is_brought_anew() -> None:
    bench = Bench(connector=STAFF)
    staffed(bench, a_note("a"), a_note("b"), sent_count=2, uploads=True)
    staffed(bench, a_note("a"), a_note("b"), sent_count=0)
    staffed(bench, a_note("a", text="Sales"), a_note("b"), a_note("c"), sent_count=2)
    bench.now_ms += Limits().replace_every_ms
    staffed(bench, a_note("a", text="Sales"), a_note("b"), sent_count=2, uploads=True)


def test_an_employee_whom_glean_refuses_is_sent_again() -> None:
    bench = Bench(connector=STAFF)
    staffed(bench, a_note("a"), sent_count=1, uploads=True)
    bench.network.on(EMPLOYEE, httpx.Response(400, text="a@x.example is not known"))
    bench.network.on("GET /staff", a_page_of([a_note("a", text="Sales")]))
    full(bench, a_note("x"), uploads=False)

    staffed(bench, a_note("a", text="Sales"), sent_count=1)
