"""What a FULL job would delete is counted by name, and not as a difference of two counts."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from durable.glean.documents import Deletion, Document
from durable.machine.job import Job, Mode, Way
from durable.machine.ledger import Kind
from durable.machine.states import Command, State
from tests.fakes.answers import BULK, DELETE, INDEX, STATUS, a_note, ok
from tests.fakes.bench import Bench
from tests.fakes.connector import NOTES, Note, document
from tests.unit.engine.test_ledger_book import changes, full, read_again


NAMES = [f"n{number:03}" for number in range(300)]


def synced(bench: Bench, names: Iterable[str], *, uploads: bool = True) -> Job:
    """A FULL job at its end, or held, whose source has these."""
    for line in (STATUS, BULK, INDEX, DELETE):
        bench.network.off(line)
    bench.network.on(INDEX, *(ok() for _ in range(9)))
    bench.network.on(DELETE, *(ok() for _ in range(300)))
    return full(bench, *map(a_note, names), uploads=uploads)


def brought(bench: Bench, names: Iterable[str] = (), gone: Iterable[str] = ()) -> Job:
    """An INCREMENTAL job at its end, that tells of these."""
    for line in (INDEX, DELETE):
        bench.network.off(line)
    bench.network.on(INDEX, *(ok() for _ in range(9)))
    bench.network.on(DELETE, *(ok() for _ in range(300)))
    told = [*map(a_note, names), *(a_note(name, is_deleted=True) for name in gone)]
    return changes(bench, *told)


def known(bench: Bench) -> int:
    return bench.store.ledger.count(Kind.DOCUMENT)


def test_what_incremental_jobs_alone_have_brought_is_held_as_well() -> None:
    """There was no FULL job whose count could be compared."""
    bench = Bench()
    brought(bench, NAMES)

    job = synced(bench, NAMES[:5])

    assert (job.state, job.crawl.gone.new_count) == (State.HELD, 295)
    assert DELETE not in bench.network.lines


@pytest.mark.parametrize("uploads", [True, False], ids=["replaces", "reconciles"])
def test_what_incremental_jobs_have_added_since_the_last_full_one_is_held(*, uploads: bool) -> None:
    """The source has as many as at the last FULL job: a difference of counts would be nought."""
    bench = Bench()
    synced(bench, NAMES[:100])
    brought(bench, NAMES[100:])
    if uploads:
        bench.connector = replace(NOTES, documents=replace(NOTES.documents, map=another_document))
        bench.restarted()

    job = synced(bench, NAMES[:100], uploads=uploads)

    assert (job.state, job.crawl.gone.new_count) == (State.HELD, 200)
    assert known(bench) == 300


def another_document(note: Note) -> Document | Deletion:
    return document(note)


def test_what_incremental_jobs_have_deleted_already_holds_nothing() -> None:
    bench = Bench()
    synced(bench, NAMES)
    brought(bench, gone=NAMES[100:])

    job = synced(bench, NAMES[:100], uploads=False)

    assert (job.state, job.crawl.gone.count) == (State.SUCCEEDED, 0)
    assert known(bench) == 100


def test_how_many_documents_there_are_is_told_after_each_full_job() -> None:
    """One that reconciles leaves as many as it leaves, too, and not those of weeks ago."""
    bench = Bench()
    synced(bench, NAMES)
    assert bench.store.observations.document_count() == 300
    brought(bench, gone=NAMES[100:])

    job = synced(bench, NAMES[:99], uploads=False)

    assert (job.state, job.way) == (State.SUCCEEDED, Way.RECONCILE)
    assert bench.store.observations.document_count() == known(bench) == 99


def test_ids_that_are_listed_twice_hide_no_loss() -> None:
    bench = Bench()
    synced(bench, NAMES)

    job = synced(bench, NAMES[:150] * 2, uploads=False)

    assert (job.state, job.crawl.gone.new_count) == (State.HELD, 150)


def test_an_approval_of_some_lets_no_more_go() -> None:
    """Thirty were on the list, and all others were gone by the time it was approved of."""
    bench = Bench()
    synced(bench, NAMES[:130])
    job = synced(bench, NAMES[:100], uploads=False)
    assert (job.state, job.crawl.gone.new_count) == (State.HELD, 30)

    bench.commanded(job, Command.APPROVE, job.crawl.gone.digest)
    bench.network.off(STATUS)
    job = read_again(bench, job, *NAMES[:1])

    assert (job.state, job.crawl.gone.count, job.crawl.gone.new_count) == (State.HELD, 129, 99)
    assert known(bench) == 130


def broken_document(note: Note) -> Document | Deletion:
    """A twentieth of the notes does not fit any more."""
    if int(note.id[1:]) % 20 == 0:
        raise KeyError(note.id)
    return document(note)


def test_a_mapping_that_loses_a_twentieth_of_the_records_deletes_none_of_them() -> None:
    """It is deployed, so that all is replaced: what is not in the upload would go."""
    bench = Bench()
    synced(bench, NAMES)
    bench.connector = replace(NOTES, documents=replace(NOTES.documents, map=broken_document))
    bench.restarted()

    job = synced(bench, NAMES)

    assert (job.state, job.way, job.crawl.reject_count) == (State.HELD, Way.REPLACE, 15)
    assert job.crawl.gone.new_listed_count == 15
    assert known(bench) == 300


def test_records_that_do_not_decode_any_more_keep_their_documents() -> None:
    bench = Bench()
    synced(bench, NAMES)
    for line in (STATUS, BULK):
        bench.network.off(line)

    broken = [{"id": name, "text": 7} for name in NAMES[:27]]
    job = full(bench, *broken, *map(a_note, NAMES[27:]), uploads=False)

    assert (job.state, job.way, job.outdated_count) == (State.SUCCEEDED, Way.RECONCILE, 27)
    assert known(bench) == 300
    assert job.mode is Mode.FULL
