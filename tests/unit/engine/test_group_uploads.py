"""Groups' members on their way to a Glean that refuses some of them."""

from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from durable import Stream
from durable.glean import Group, Members
from durable.machine.effects import Event, Failed, Fetch, Fetched, Pack, Packed, Send, Sent, Split
from durable.machine.job import Mode, ReadContext, Stage
from durable.machine.page_progress import PageProgress
from durable.machine.rejects import Reject
from tests.fakes.answers import ok
from tests.fakes.connector import NOTES
from tests.fakes.desk import Desk


MEMBERSHIPS = ReadContext("crawl", Mode.FULL, Stage.MEMBERSHIPS, None)


class Team(Struct, frozen=True):
    name: str
    members: list[str | None] = []


def mapped(team: Team) -> Members:
    return Members(group=team.name, user_ids=team.members)  # type: ignore[arg-type] # as it comes


CONNECTOR = replace(
    NOTES,
    groups=Stream(
        source=NOTES.documents.source,
        key="name",
        record=Team,
        map=lambda team: Group(name=team.name),
    ),
    memberships=Stream(source=NOTES.documents.source, key="name", record=Team, map=mapped),
)


class Directory(httpx.AsyncBaseTransport):
    """A source of one page of groups, and a Glean that replaces the members of each at its close.

    Args:
        teams: of the source.
        unknown: users and groups that Glean does not have.
        members_max: that a request may hold.
        name_characters_max: of the group and of its members; what is longer, is too large.
        refuses_empty_last: a last page without members, that is not the first as well.
    """

    def __init__(
        self,
        teams: Sequence[dict[str, Any]],
        unknown: Sequence[str] = (),
        members_max: int = 1_000,
        *,
        name_characters_max: int = 1_000,
        refuses_empty_last: bool = False,
    ) -> None:
        self.unknown = set(unknown)
        self._teams = teams
        self._members_max = members_max
        self._name_characters_max = name_characters_max
        self._refuses_empty_last = refuses_empty_last
        self._open: tuple[str, str] | None = None
        self._staged: list[str] = []
        self._used: set[str] = set()
        self.requests: list[dict[str, Any]] = []
        self.groups: dict[str, list[str]] = {}
        self.answers: dict[int, httpx.Response] = {}  # in the place of what it says, by number

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"items": self._teams, "next_cursor": None})
        page = msgspec.json.decode(request.content)
        assert page["forceRestartUpload"] == page["isFirstPage"]
        self.requests.append(page)
        if (answer := self.answers.get(len(self.requests))) is not None:
            return answer
        return self._taken(page)

    def _taken(self, page: dict[str, Any]) -> httpx.Response:  # noqa: C901, PLR0911 - each has a reason
        names = [one["memberUserId"] for one in page["memberships"]]
        is_last, upload = page["isLastPage"], (page["uploadId"], page["group"])
        if page["isFirstPage"]:
            if page["uploadId"] in self._used:
                return httpx.Response(409, text="used before")
        elif upload != self._open:
            return httpx.Response(409, text="not the open upload")
        longest = max(map(len, [page["group"], *names]))
        if len(names) > self._members_max or longest > self._name_characters_max:
            return httpx.Response(413, text="too large")
        for name in (page["group"], *names):
            if name in self.unknown:
                return httpx.Response(400, text=f"{name} not found, says t0ken")
        if is_last and not page["isFirstPage"] and not names and self._refuses_empty_last:
            return httpx.Response(400, text="an empty last page")
        if page["isFirstPage"]:
            self._used.add(page["uploadId"])
            self._open, self._staged = upload, []
        repeated = set(names) & set(self._staged)
        if repeated and not is_last:
            return httpx.Response(409, text=f"staged already: {repeated}")
        self._staged += [name for name in names if name not in self._staged]
        if is_last:
            self.groups[page["group"]], self._open = self._staged, None
        return ok()


class Brought(Struct):
    packed: Packed
    events: list[Event]
    rejects: list[Reject]

    @property
    def names(self) -> list[tuple[str, int]]:
        return [(reject.key, reject.part) for reject in self.rejects]

    @property
    def entries(self) -> list[bytes]:
        return [event.entries for event in self.events if isinstance(event, Sent)]

    @property
    def shortfalls(self) -> list[str]:
        return [event.shortfall for event in self.events if isinstance(event, Sent)]


def brought(
    directory: Directory, upload_id: str = "job-1-1", landed: PageProgress | None = None
) -> Brought:
    """What becomes of the page, as the machine would ask for it."""
    desk = Desk(directory, upload_id, CONNECTOR)

    def performed(effect: Fetch | Pack | Send) -> Event:
        return desk.carried(effect, MEMBERSHIPS)

    assert isinstance(performed(Fetch(0, None)), Fetched)
    packed = performed(Pack(0, upload_id, None, landed or PageProgress()))
    assert isinstance(packed, Packed)
    indices, events = list(range(packed.batch_count)), list[Event]()
    while indices:
        event = performed(Send(0, indices.pop(0)))
        events.append(event)
        if isinstance(event, Split):
            assert event.half_index is not None, "a part of a group is cut, or left out"
            indices[:0] = [event.batch_index, event.half_index]
        elif not isinstance(event, Sent):
            break
    return Brought(packed, events, desk.executor.rejects(0))


def users(count: int) -> list[str]:
    return [f"u{number}" for number in range(count)]


def flags(directory: Directory) -> list[tuple[bool, bool]]:
    return [(page["isFirstPage"], page["isLastPage"]) for page in directory.requests]


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 1_001, 1_500, 2_000, 2_001])
def test_a_group_goes_in_requests_of_a_thousand_members_under_one_upload(count: int) -> None:
    directory = Directory([{"name": "eng", "members": users(count)}])

    page = brought(directory)

    assert directory.groups == {"eng": users(count)}
    assert max(len(one["memberships"]) for one in directory.requests) <= 1_000
    assert {one["uploadId"] for one in directory.requests} == {"job-1-1-1"}
    assert len(directory.requests) == max(1, -(-count // 1_000))
    assert [first for first, _ in flags(directory)].index(True) == 0
    assert sum(first for first, _ in flags(directory)) == 1
    assert [last for _, last in flags(directory)] == [False] * (len(directory.requests) - 1) + [
        True
    ]
    assert (page.packed.document_count, page.rejects) == (count, [])


def test_each_group_of_a_page_has_an_upload_of_its_own_in_order() -> None:
    teams: list[dict[str, Any]] = [
        {"name": "eng", "members": users(1_500)},
        {"name": "none"},
        {"name": "ops", "members": ["a"]},
    ]
    directory = Directory(teams)

    brought(directory)

    assert directory.groups == {"eng": users(1_500), "none": [], "ops": ["a"]}
    assert [one["uploadId"] for one in directory.requests] == [
        "job-1-1-1",
        "job-1-1-1",
        "job-1-1-2",
        "job-1-1-3",
    ]


def test_a_group_is_in_glean_with_its_last_request_and_no_earlier() -> None:
    teams = [{"name": "ops", "members": ["a"]}, {"name": "eng", "members": users(2_500)}]

    page = brought(Directory(teams))

    assert [bool(each) for each in page.entries] == [True, False, False, True]


def test_a_page_that_is_read_again_has_its_unclosed_group_from_the_start() -> None:
    teams = [{"name": "ops", "members": ["a"]}, {"name": "eng", "members": users(1_500)}]
    directory = Directory(teams)
    directory.answers[3] = httpx.Response(503)
    first = brought(directory)
    assert isinstance(first.events[-1], Failed)

    brought(directory, "job-2-1", PageProgress().acknowledged(b"".join(first.entries)))

    assert directory.groups == {"ops": ["a"], "eng": users(1_500)}
    assert [one["uploadId"] for one in directory.requests[3:]] == ["job-2-1-2", "job-2-1-2"]


def test_a_group_that_is_there_already_counts_for_each_of_its_members() -> None:
    directory = Directory([{"name": "ops", "members": ["a", "b", "b", "c"]}, {"name": "none"}])

    first = brought(directory)
    again = brought(directory, "job-2-1", PageProgress().acknowledged(b"".join(first.entries)))

    assert (again.packed.document_count, again.packed.batch_count) == (3, 0)
    assert first.packed.document_count == again.packed.document_count


def test_a_group_that_lacks_a_member_is_sent_anew_by_the_next_try_and_the_member_named_again() -> (
    None
):
    directory = Directory([{"name": "eng", "members": ["a", "b"]}, {"name": "ops"}], ["b"])

    first = brought(directory)
    again = brought(directory, "job-2-1", PageProgress().acknowledged(b"".join(first.entries)))

    assert first.names == again.names == [("b", 2)]
    assert directory.groups == {"eng": ["a"], "ops": []}


def test_a_member_is_sent_once_however_often_the_source_has_it() -> None:
    directory = Directory([{"name": "eng", "members": [*users(1_200), *users(1_200)]}])

    page = brought(directory)

    assert directory.groups == {"eng": users(1_200)}
    assert page.packed.document_count == 1_200


@pytest.mark.parametrize("refuses_empty_last", [False, True])
@pytest.mark.parametrize(
    ("count", "unknown"),
    [
        (1, ["u0"]),
        (2, ["u0"]),
        (2, ["u1"]),
        (2, ["u0", "u1"]),
        (9, ["u0", "u4", "u8"]),
        (9, users(9)),
        (1_001, ["u1000"]),
        (1_001, ["u0", "u1000"]),
        (1_002, ["u1000", "u1001"]),
        (2_300, ["u17", "u1000", "u2299"]),
    ],
)
def test_members_that_glean_refuses_are_left_out_and_named_and_the_others_brought(
    count: int, unknown: list[str], *, refuses_empty_last: bool
) -> None:
    teams = [{"name": "eng", "members": users(count)}, {"name": "ops", "members": ["a"]}]
    directory = Directory(teams, unknown, refuses_empty_last=refuses_empty_last)
    directory.groups["eng"] = ["who has left"]

    page = brought(directory)

    assert directory.groups["eng"] == [name for name in users(count) if name not in unknown]
    assert directory.groups["ops"] == ["a"]
    assert page.names == [(name, int(name[1:]) + 1) for name in unknown]
    assert all("'eng'" in one.reason and "t0ken" not in one.reason for one in page.rejects)
    assert not any(page.shortfalls)
    sent = [event for event in page.events if isinstance(event, Sent)]
    assert sum(event.rejected_document_count for event in sent) == len(unknown)


def test_a_group_of_whom_nobody_is_taken_has_nobody() -> None:
    directory = Directory([{"name": "eng", "members": users(1_500)}], users(1_500))
    directory.groups["eng"] = ["who has left"]

    brought(directory)

    assert directory.groups == {"eng": []}


def test_who_is_at_fault_here_is_left_out_before_anything_is_sent() -> None:
    directory = Directory([{"name": "eng", "members": ["a", None, "", "b"]}], ["b"])

    page = brought(directory)

    assert directory.groups == {"eng": ["a"]}
    assert page.packed.reject_count == 2
    assert page.names == [("None", 3), ("", 4), ("b", 2)]


@pytest.mark.parametrize(
    "record",
    [
        {"name": "eng", "members": "not a list: t0ken"},
        {"name": "with a space", "members": []},
        {"name": "", "members": []},
        {"name": "eng", "members": [None]},
    ],
    ids=["no record", "no name of a group", "no name", "one member at fault"],
)
def test_a_group_that_is_rejected_here_is_told_too(record: dict[str, Any]) -> None:
    """It stays as it was, as one that Glean does not take."""
    directory = Directory([record, {"name": "ops", "members": ["a"]}])

    page = brought(directory)

    assert directory.groups["ops"] == ["a"]
    assert bool(page.packed.shortfall) is (record["members"] != [None])
    assert "t0ken" not in page.packed.shortfall


@pytest.mark.parametrize("count", [0, 1, 2, 1_500])
def test_a_group_that_glean_does_not_take_is_asked_about_once_and_told(count: int) -> None:
    teams = [{"name": "eng", "members": users(count)}, {"name": "ops", "members": ["a"]}]
    directory = Directory(teams, ["eng"])

    page = brought(directory)

    assert directory.groups == {"ops": ["a"]}
    assert [one["group"] for one in directory.requests].count("eng") <= 2
    assert page.names == [("eng", 0)]
    (shortfall,) = filter(None, page.shortfalls)
    assert "'eng'" in shortfall
    assert "t0ken" not in shortfall
    sent = [event for event in page.events if isinstance(event, Sent)]
    assert sum(event.rejected_document_count for event in sent) == count
    assert sum(event.refused_record_count for event in sent) == (count == 0)


def test_a_request_that_is_too_large_is_halved() -> None:
    directory = Directory([{"name": "eng", "members": users(9)}], ["u8"], members_max=3)

    page = brought(directory)

    assert directory.groups == {"eng": users(8)}
    assert page.names == [("u8", 9)]
    assert any(isinstance(event, Split) and event.batch_bytes_max for event in page.events)


@pytest.mark.parametrize("members", [["far too long"], ["u1", "far too long", "u2"]])
def test_a_member_that_alone_is_too_large_is_left_out(members: list[str]) -> None:
    directory = Directory([{"name": "eng", "members": members}], name_characters_max=4)
    directory.groups["eng"] = ["who has left"]

    page = brought(directory)

    assert directory.groups == {"eng": [name for name in members if len(name) <= 4]}
    assert page.names == [("far too long", members.index("far too long") + 1)]
    assert not any(page.shortfalls)


def test_a_group_that_is_too_large_even_without_members_is_told() -> None:
    directory = Directory([{"name": "engineering", "members": ["u1"]}], name_characters_max=4)

    page = brought(directory)

    assert page.names == [("engineering", 0)]
    assert any(page.shortfalls)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_upload_that_is_open_no_more_is_begun_anew(number: int) -> None:
    directory = Directory([{"name": "eng", "members": users(2_500)}])
    directory.answers[number] = httpx.Response(409)

    failed = brought(directory).events[-1]

    assert isinstance(failed, Failed)
    assert failed.is_transient
    assert directory.groups == {}


@pytest.mark.parametrize("status", [401, 403, 429, 503])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_any_other_answer_is_no_refusal_of_a_member(number: int, status: int) -> None:
    directory = Directory([{"name": "eng", "members": users(4)}], ["u0", "u3"])
    directory.answers[number] = httpx.Response(status)

    page = brought(directory)

    assert isinstance(page.events[-1], Failed)
    assert page.events[-1].is_transient is (status >= 429)
    assert {name for name, _ in page.names} <= {"u0", "u3"}
    assert directory.groups == {}
