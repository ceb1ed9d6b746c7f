"""A page's changes beside the ledger: what is sent of them, and what is written down before."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Raw
from msgspec.structs import replace

from durable.engine.comparison import TEXT_CHARACTERS_MAX, Comparison, LedgerPage, overlaid
from durable.engine.ledger_book import LedgerBook
from durable.glean.documents import Deletion, Document, EncodedDocument, Permissions
from durable.glean.identities import DatasourceUser, Group, Members, Team
from durable.glean.mapped_record import MappedRecord
from durable.machine.ledger import Kind, LedgerRow
from durable.machine.rejects import Reject
from durable.store.store import Store
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.ledgers import a_put, learn
from tests.fakes.storage import Storage


@pytest.fixture
def book() -> LedgerBook:
    return LedgerBook(Store(Storage()), NOTES, an_environment())


def a_document(name: str = "a", **changes: Any) -> Document:
    made = Document(
        id=name,
        object_type="note",
        title=f"about {name}",
        view_url=f"https://notes.example/{name}",
        permissions=Permissions(allow_anonymous_access=True),
    )
    return replace(made, **changes)


def a_record(place: int, change: Any) -> MappedRecord:
    """Whose own id is another one than that of what came of it."""
    return MappedRecord(place, change, Raw(msgspec.json.encode({"id": f"record-{place}"})))


def page(*changes: Any) -> list[MappedRecord]:
    return [a_record(place, change) for place, change in enumerate(changes, start=1)]


def a_comparison(
    ledger: Any,
    kind: Kind = Kind.DOCUMENT,
    *,
    is_upload: bool = False,
    is_full: bool = False,
    clean: Callable[[str], str] = str,
) -> Comparison:
    return Comparison(
        kind,
        NOTES.documents,
        ledger,
        is_upload=is_upload,
        is_full=is_full,
        is_newest_first=False,
        clean=clean,
    )


def compared(
    ledger: Any, *changes: Any, rejects: list[Reject] | None = None, **options: Any
) -> tuple[list[MappedRecord], LedgerPage]:
    told: list[Reject] = [] if rejects is None else rejects
    return a_comparison(ledger, **options).news(page(*changes), told)


def known(book: LedgerBook, *changes: Any, kind: Kind = Kind.DOCUMENT) -> None:
    """Glean has these."""
    _, listed = compared(book, *changes, kind=kind, is_upload=True, is_full=True)
    learn(book._ledger, listed.pack.puts, kind=kind)  # noqa: SLF001 - as a turn's own


def keys(sent: Iterable[MappedRecord]) -> list[str]:
    return [one.key for one in sent]


def test_a_document_is_sent_once_and_held_once(book: LedgerBook) -> None:
    sent, listed = compared(book, a_document())
    known(book, a_document())

    (one,) = sent
    assert isinstance(one.change, EncodedDocument)
    assert msgspec.json.decode(one.change.content)["title"] == "about a"
    assert listed.changes.added == 1
    again, listed = compared(book, a_document())
    assert (again, listed.pack.puts, listed.changes.unchanged) == ([], (), 1)


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        ({"title": "another"}, "changed"),
        ({"object_type": "page"}, "changed"),
        ({"permissions": Permissions(allowed_groups=["g"])}, "access"),
    ],
    ids=["content", "type", "access"],
)
def test_what_differs_is_sent_and_counted(
    book: LedgerBook, change: dict[str, Any], counted: str
) -> None:
    known(book, a_document())

    sent, listed = compared(book, a_document(**change))

    assert keys(sent)[-1] == "a"
    assert getattr(listed.changes, counted) == 1


def test_an_upload_is_sent_as_a_whole_and_what_differs_is_written_down(book: LedgerBook) -> None:
    known(book, a_document("a"))

    sent, listed = compared(book, a_document("a"), a_document("b"), is_upload=True, is_full=True)

    assert keys(sent) == ["a", "b"]
    assert [put.key for put in listed.pack.puts] == ["b"]
    assert len(listed.pack.seen) == 2


@pytest.mark.parametrize("is_upload", [True, False], ids=["upload", "changes"])
def test_of_two_versions_on_a_page_the_last_is_sent(book: LedgerBook, *, is_upload: bool) -> None:
    known(book, a_document())
    versions = a_document(title="two"), a_document(title="three")

    sent, listed = compared(book, *versions, is_upload=is_upload, is_full=is_upload)

    assert [(one.place, one.key) for one in sent] == [(2, "a")]
    assert [put.title for put in listed.pack.puts] == ["three"]


def test_another_type_is_a_deletion_of_the_old_one_before(book: LedgerBook) -> None:
    known(book, a_document())

    sent, _ = compared(book, a_document(object_type="page"))

    deletion, change = sent
    assert deletion.change == Deletion(id="a", object_type="note")
    assert isinstance(change.change, EncodedDocument)
    assert len({deletion.place, change.place}) == 2


def test_what_is_written_down_names_a_document_for_a_person(book: LedgerBook) -> None:
    long = "x" * (TEXT_CHARACTERS_MAX + 1)

    _, listed = compared(book, a_document("A", title=long, view_url=UNSET))

    (put,) = listed.pack.puts
    assert (put.key, put.id, put.record_key) == ("a", "A", "record-1")
    assert (put.title, put.url) == (long[:-1], "")


def test_no_secret_is_written_down(book: LedgerBook) -> None:
    def clean(text: str) -> str:
        return text.replace("t0ken", "***")

    rejects: list[Reject] = []
    telling = a_document("b", title="t0ken", view_url="https://notes.example/t0ken")

    sent, listed = compared(book, a_document("t0ken"), telling, rejects=rejects, clean=clean)

    assert keys(sent) == ["b"]  # as the source has it
    assert len(rejects) == 1
    assert b"t0ken" not in msgspec.json.encode(listed)


def test_another_spelling_in_one_list_is_rejected(book: LedgerBook) -> None:
    rejects: list[Reject] = []

    sent, _ = compared(book, a_document("a"), a_document("A"), rejects=rejects, is_full=True)

    assert keys(sent) == ["a"]
    assert [(reject.place, reject.key) for reject in rejects] == [(2, "A")]


@pytest.mark.parametrize("is_upload", [True, False])
def test_what_a_list_tells_to_be_deleted_is_not_sent(book: LedgerBook, *, is_upload: bool) -> None:
    deletion = Deletion(id="a", object_type="note")

    sent, listed = compared(book, a_document(), deletion, is_upload=is_upload, is_full=True)

    assert "a" not in [one.key for one in sent if not isinstance(one.change, Deletion)]
    assert (listed.pack.seen, listed.pack.puts) == ((), ())


def test_what_cannot_be_written_is_left_to_whoever_writes_the_requests(book: LedgerBook) -> None:
    unfit = a_document("b", title=float)

    sent, listed = compared(book, a_document("a"), unfit)

    assert keys(sent) == ["a", "b"]
    assert [put.key for put in listed.pack.puts] == ["a"]


@pytest.mark.parametrize(
    ("kind", "first", "other"),
    [
        (
            Kind.USER,
            DatasourceUser(email="a@x.example", name="A"),
            DatasourceUser(email="a@x.example", name="B"),
        ),
        (Kind.GROUP, Group(name="a"), Group(name="A")),
        (Kind.TEAM, Team(id="a", name="A", members=[]), Team(id="a", name="B", members=[])),
    ],
)
def test_people_are_told_from_one_another_by_all_that_they_are(
    book: LedgerBook, kind: Kind, first: Any, other: Any
) -> None:
    known(book, first, kind=kind)

    _, same = compared(book, first, kind=kind, is_upload=True, is_full=True)
    _, differing = compared(book, other, kind=kind, is_upload=True, is_full=True)

    assert (len(same.pack.puts), len(differing.pack.puts)) == (0, 1)


# Pages under way


def test_a_page_is_compared_with_those_under_way_before_it(book: LedgerBook) -> None:
    known(book, a_document("a"))
    under_way: list[LedgerPage] = []
    ledger = overlaid(book, lambda: under_way)
    _, first = compared(ledger, Deletion(id="a", object_type="note"), a_document("b"))
    under_way.append(first)

    sent, second = compared(ledger, a_document("a"), a_document("b"))

    assert keys(sent) == ["a"]
    assert (second.changes.added, second.changes.unchanged) == (1, 1)


def test_what_is_put_and_deleted_on_one_page_under_way_is_not_there(book: LedgerBook) -> None:
    under_way: list[LedgerPage] = []
    ledger = overlaid(book, lambda: under_way)
    under_way.append(compared(ledger, a_document(), Deletion(id="a", object_type="note"))[1])

    assert ledger.look_up(Kind.DOCUMENT, ["a"]) == {}
    assert ledger.has_seen("a", None)


def test_a_page_under_way_tells_nothing_of_other_kinds(book: LedgerBook) -> None:
    under_way = [compared(book, Group(name="a"), kind=Kind.GROUP)[1]]
    ledger = overlaid(book, lambda: under_way)

    assert ledger.look_up(Kind.GROUP, ["a"]).keys() == {"a"}
    assert ledger.look_up(Kind.USER, ["a"]) == {}


def test_of_pages_under_way_the_later_one_holds(book: LedgerBook) -> None:
    under_way: list[LedgerPage] = []
    ledger = overlaid(book, lambda: under_way)
    under_way.append(compared(ledger, a_document(title="one"))[1])
    under_way.append(compared(ledger, a_document(title="two"))[1])

    row = ledger.look_up(Kind.DOCUMENT, ["a"])["a"]

    assert row == LedgerRow(under_way[1].pack.puts[0], is_trusted=True)
    assert row.put.title == "two"


def test_what_was_refused_of_a_page_under_way_is_sent_with_the_next(book: LedgerBook) -> None:
    under_way: list[LedgerPage] = []
    ledger = overlaid(book, lambda: under_way)
    under_way.append(compared(ledger, a_document())[1].without(["A"]))

    sent, _ = compared(ledger, a_document())

    assert keys(sent) == ["a"]


# Members of groups


def members(*names: str) -> Members:
    return Members(group="staff", user_ids=list(names))


def test_a_group_whose_members_are_as_they_were_is_not_sent(book: LedgerBook) -> None:
    ledger = book._ledger  # noqa: SLF001 - as a turn's own
    learn(ledger, [a_put("ada"), a_put("bob")], kind=Kind.USER)
    learn(ledger, [a_put("staff")], kind=Kind.GROUP)
    _, listed = compared(book, members("ada", "bob"), kind=Kind.MEMBERSHIP)
    learn(ledger, listed.pack.puts, kind=Kind.MEMBERSHIP)

    again, _ = compared(book, members("bob", "ada"), kind=Kind.MEMBERSHIP)
    sent, changed = compared(book, members("bob"), kind=Kind.MEMBERSHIP)

    assert (again, keys(sent)) == ([], ["staff"])
    assert [put.title for put in (*listed.pack.puts, *changed.pack.puts)] == ["2", "1"]


def test_a_group_that_lacks_a_member_is_in_doubt(book: LedgerBook) -> None:
    _, listed = compared(book, members("ada", "bob"), kind=Kind.MEMBERSHIP)

    (put,) = listed.without(["Staff"]).pack.puts

    assert (put.key, put.content) == ("staff", "")


def test_members_that_were_left_out_are_no_records_of_their_own(book: LedgerBook) -> None:
    rejects = [Reject(1, "staff", ""), Reject(1, "ada", "", part=1)]

    assert list(a_comparison(book, Kind.MEMBERSHIP).keys_of(rejects)) == ["staff"]


# Rejects


def test_a_reject_that_cannot_be_stored_is_one_that_nobody_knows(book: LedgerBook) -> None:
    rejects = [Reject(1, "a", ""), Reject(2, "\udcff", ""), Reject(3, "é", "")]

    assert list(a_comparison(book).keys_of(rejects)) == ["a", "", "é"]


def test_rejects_are_listed_once_each(book: LedgerBook) -> None:
    _, listed = compared(book, a_document())

    listed = listed.with_rejected(["x", "x"]).with_rejected(["y", "x"])

    assert listed.pack.rejected_keys == ("x", "y")
