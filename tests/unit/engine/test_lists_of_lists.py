"""A list within a list that is not there for a while: what it brought last time, stays."""

from collections.abc import Collection

import httpx
import pytest
from msgspec.structs import replace

from durable import Action, BodyCursor, HttpSource, Nested, Rule, Stream
from durable.limits import Limits
from durable.machine.job import Job, Mode, Way
from durable.machine.ledger import Kind
from durable.machine.states import PENDING, Command, State
from tests.fakes.answers import BULK, STATUS, a_history, a_note, a_page_of, ok
from tests.fakes.bench import Bench
from tests.fakes.connector import NOTES, Note, document


REPOSITORIES = [f"r{number}" for number in range(10)]
CHILDREN = [f"{repository}-{number}" for repository in REPOSITORIES for number in range(5)]
NEXT = BodyCursor(path="next_cursor", param="cursor")
RULES = (Rule(status=403, then=Action.SKIP),)


def bench_of() -> Bench:
    """Of ten lists, each with five notes."""
    parents = HttpSource(url="https://notes.example/r", records="items", paging=NEXT)
    url = "https://notes.example/r/${repository/id}"
    children = HttpSource(url=url, records="items", paging=NEXT, rules=RULES)
    source = Nested(parents=parents, children=children, name="repository")
    stream = Stream(source=source, key="id", record=Note, map=document)
    return Bench(connector=replace(NOTES, documents=stream))


def synced(
    bench: Bench,
    lost: Collection[str] = (),
    status: int = 404,
    *,
    replaces: bool = False,
    approved: Job | None = None,
) -> Job:
    """A FULL job at its end, while these lists are not there."""
    if approved is None:
        job = replace(bench.begun(Mode.FULL), is_replace_asked=replaces)
        bench.store.put(job, Limits())
    else:
        job = bench.commanded(approved, Command.APPROVE, approved.crawl.gone.digest)
    bench.network.on("GET /r", a_page_of([{"id": name} for name in REPOSITORIES]))
    for name in REPOSITORIES:
        notes = [a_note(f"{name}-{number}") for number in range(5)]
        answer = httpx.Response(status) if name in lost else a_page_of(notes)
        bench.network.on(f"GET /r/{name}", answer)
    bench.network.on(BULK, ok(), ok(), ok(), ok())
    bench.network.off(STATUS)
    upload_id = f"{job.id}-{job.upload_count + 1}"
    history = [a_history((upload_id, state)) for state in ("ACTIVE", "SUCCESSFUL")]
    bench.network.on(STATUS, *history)
    bench.now_ms += 1_000
    job = bench.left()
    while job.state in PENDING:
        assert not job.error, job.error
        bench.now_ms = max(bench.now_ms, job.alarm_at_ms or 0)
        job = bench.left()
    return job


def known(bench: Bench) -> set[str]:
    return set(bench.store.ledger.look_up(Kind.DOCUMENT, CHILDREN))


@pytest.mark.parametrize("status", [404, 410, 403], ids=["404", "410", "a rule that skips it"])
def test_what_a_list_had_that_is_not_there_stays_and_is_told(status: int) -> None:
    bench = bench_of()
    synced(bench)

    job = synced(bench, ["r2"], status)

    assert (job.state, job.way) == (State.SUCCEEDED, Way.RECONCILE)
    assert (job.crawl.gone.count, job.outdated_count, known(bench)) == (0, 5, set(CHILDREN))
    ((_, reject),) = bench.rejects(job)
    assert (reject.key, reject.is_list) == ("r2", True)


@pytest.mark.parametrize("lost", [["r2"], REPOSITORIES[:3]], ids=["one", "more than a few"])
def test_an_upload_that_lacks_a_list_is_held_however_little_that_is(lost: list[str]) -> None:
    bench = bench_of()
    synced(bench)

    job = synced(bench, lost, replaces=True)

    assert (job.state, job.crawl.gone.new_listed_count) == (State.HELD, 5 * len(lost))
    assert known(bench) == set(CHILDREN)
    assert synced(bench).state is State.SUCCEEDED
    assert known(bench) == set(CHILDREN)


def test_a_person_may_let_go_of_what_a_lost_list_had() -> None:
    bench = bench_of()
    synced(bench)
    job = synced(bench, ["r2"], replaces=True)

    job = synced(bench, ["r2"], approved=job)

    assert (job.state, len(known(bench))) == (State.SUCCEEDED, 45)
