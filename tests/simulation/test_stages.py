"""Users, groups, memberships and deletions before the documents; a fault anywhere."""

import random
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from durable import BodyCursor, HttpSource, Since, Stream
from durable.glean.documents import Deletion
from durable.glean.identities import DatasourceUser, Group, Members
from durable.machine.commands import Instruction
from durable.machine.job import Mode, Stage
from durable.machine.ledger import Put, RowState
from durable.machine.ledger_head import KINDS
from durable.machine.rejects import Reject
from durable.machine.states import Command, State
from durable.store.ledger_rows import LedgerRows
from durable.store.store import Store
from tests.simulation.connector import LISTED, NOTES
from tests.simulation.effort import tried
from tests.simulation.fates import AT_SAVE, Await, Choice, Fate, Kind, at, possible
from tests.simulation.questions import QuestionOracle
from tests.simulation.source import Source
from tests.simulation.world import ITS_LIST, StandIn, World


FAULTS = (Fate.REFUSED, Fate.LOST, Fate.GARBLED, Fate.BROKE, Fate.DIED_UNSENT, Fate.DIED_SENT)
FAULT_SHARE = 0.4
USERS = [["ada", "bob"], ["cid"]]
GROUPS = {"staff": ["ada", "bob", "cid"], "board": ["ada"], "empty": []}


class Person(Struct, frozen=True):
    email: str


class Team(Struct, frozen=True):
    name: str
    members: list[str]


class Gone(Struct, frozen=True):
    id: str


def of(path: str, since: Since | None = None) -> HttpSource:
    paging = BodyCursor(path="next", param="after")
    return replace(LISTED, url=f"${{NOTES_URL}}/{path}", paging=paging, since=since, params={})


CONNECTOR = replace(
    NOTES,
    users=Stream(
        source=of("people"),
        key="email",
        record=Person,
        map=lambda person: DatasourceUser(email=person.email, name=person.email),
    ),
    groups=Stream(
        source=of("groups"), key="name", record=Team, map=lambda team: Group(name=team.name)
    ),
    memberships=Stream(
        source=of("groups"),
        key="name",
        record=Team,
        map=lambda team: Members(group=team.name, user_ids=team.members),
    ),
    deletions=Stream(
        source=of("gone", Since(param="changed_since")),
        key="id",
        record=Gone,
        map=lambda gone: Deletion(id=gone.id, object_type="Note"),
    ),
)


def pages_of(groups: Mapping[str, list[str]]) -> list[dict[str, list[str]]]:
    """Each of one group."""
    return [{name: members} for name, members in groups.items()]


class Everything:
    """The source of the notes, and beside them people, groups, and a list of deletions."""

    def __init__(self) -> None:
        self.notes: Source | None = None
        self.gone: list[str] = []
        self.people = USERS
        self.groups = pages_of(GROUPS)

    def answer(self, request: httpx.Request) -> httpx.Response:
        pages: dict[str, list[list[Any]]] = {
            "/people": [
                [{"email": f"{name}@notes.example"} for name in page] for page in self.people
            ],
            "/groups": [
                [
                    {"name": name, "members": [f"{one}@notes.example" for one in members]}
                    for name, members in page.items()
                ]
                for page in self.groups
            ],
            "/gone": [[{"id": name} for name in self.gone]],
        }
        path = request.url.path
        if path not in pages:
            assert self.notes is not None
            return self.notes.answer(request)
        number = int(request.url.params.get("after", "0"))
        is_last = number + 1 == len(pages[path])
        answer = {"notes": pages[path][number], "next": None if is_last else str(number + 1)}
        return httpx.Response(200, content=msgspec.json.encode(answer))


class Ordered(QuestionOracle):
    """Counts only documents, as the notes are all that it knows of the source."""

    def _check_counts(self, job: object) -> None:
        """Nothing: the test compares all that Glean has."""


def world_of(mode: Mode) -> tuple[World, Everything]:
    """A job is queued: a first FULL one, or one after changes and a deletion."""
    everything = Everything()
    world = World(
        [("a", "b", "c"), ("d",)], stand_in=StandIn(CONNECTOR, everything.answer, Ordered)
    )
    everything.notes = world.source
    if mode is Mode.INCREMENTAL:
        world.begin(Mode.FULL)
        world.run()
        world.clock.now_ms += 1
        world.edit("a")
        world.lose("b")
        everything.gone = ["b"]
    world.begin(mode)
    return world, everything


def check(world: World, *, may_refuse: bool = False) -> None:
    job, people = world.oracle.latest, world.glean.people
    assert job.state is State.SUCCEEDED, world.told(job.error)
    assert world.glean.index == world.source.live, world.told("the index is wrong")
    assert people.users == {f"{name}@notes.example" for page in USERS for name in page}
    assert people.groups == GROUPS.keys()
    assert people.members == {
        name: {f"{one}@notes.example" for one in members} for name, members in GROUPS.items()
    }
    is_refused = bool(world.glean.refusals) and not may_refuse
    assert not is_refused, world.told(f"refused: {world.glean.refusals}")


@pytest.mark.parametrize("mode", Mode)
def test_whatever_fails_all_of_it_arrives_in_order(mode: Mode) -> None:
    """Glean refuses members of a group that it does not know, and users likewise."""
    for point in tried(_awaits(mode)):
        for fate in AT_SAVE if point.kind is Kind.SAVE else FAULTS:
            world, _ = world_of(mode)
            first = len(world.driver.awaits)
            world.driver.plan = at({first + point.index: Choice(fate)})
            world.run()
            check(world)


def world_of_strangers() -> World:
    """Those whom Glean does not know stand where a request begins, ends, or is all they are."""
    world, everything = world_of(Mode.FULL)
    everything.groups = pages_of(
        {
            "staff": ["eve", "ada", "bob", "cid", "dan"],
            "board": ["ada", "eve"],
            "empty": ["eve", "dan", "fay"],
        }
    )
    world.glean.unfit.add("whatever has a stranger in it")
    for group in GROUPS:
        world.glean.people.members[group] = {"who has left"}
    return world


def rejects(world: World) -> list[tuple[int, Reject]]:
    return Store(world.storage).rejects(world.oracle.latest.id, (0, 0), -1)


def check_strangers(world: World) -> None:
    """Nobody is left in a group that they have left, nor out of one because of somebody else."""
    job, members = world.oracle.latest, world.glean.people.members
    assert job.state is State.SUCCEEDED, world.told(job.error)
    assert members == {
        "staff": {f"{one}@notes.example" for one in ("ada", "bob", "cid")},
        "board": {"ada@notes.example"},
        "empty": set(),
    }, world.told("the memberships are wrong")
    rejected = {(reject.key, reject.part) for _, reject in rejects(world)}
    assert rejected == {
        ("eve@notes.example", 1),
        ("dan@notes.example", 5),
        ("eve@notes.example", 2),
        ("dan@notes.example", 2),
        ("fay@notes.example", 3),
    }
    assert sum(part.reject_count for part in job.parts) == 6


def is_of_group(point: Await) -> bool:
    return point.kind is Kind.SEND and not point.target


def test_whatever_fails_strangers_are_left_out_of_their_groups_and_nobody_else() -> None:
    world = world_of_strangers()
    first = len(world.driver.awaits)
    world.run()
    check_strangers(world)
    of_groups = [point for point in world.driver.awaits[first:] if is_of_group(point)]
    for point in of_groups:
        for fate in possible(point.kind):
            world = world_of_strangers()
            world.driver.plan = at({point.index: Choice(fate)})
            world.run()
            check_strangers(world)


def test_a_request_that_arrives_late_leaves_no_group_half() -> None:
    """It may discard the upload that was begun after it, or be of one that is over."""
    for point in tried(_awaits(Mode.FULL)):
        for delay in (1, 2, 3) if point.kind is Kind.SEND else ():
            for fate in (Fate.LATE, Fate.DIED_LATE):
                world, _ = world_of(Mode.FULL)
                first = len(world.driver.awaits)
                world.driver.plan = at({first + point.index: Choice(fate, delay=delay)})
                world.run()
                world.driver.land()
                check(world, may_refuse=True)


def test_a_group_that_glean_does_not_take_fails_the_job_after_all_else_is_brought() -> None:
    world, everything = world_of(Mode.FULL)
    world.glean.unfit.add("a group that nobody has listed")
    everything.groups = pages_of({**GROUPS, "ghosts": ["ada", "bob", "cid"]})
    world.glean.people.refused_groups.add("ghosts")

    world.run()

    job = world.oracle.latest
    assert job.state is State.FAILED
    assert "'ghosts'" in job.error
    assert world.glean.index == world.source.live
    assert world.glean.people.members.keys() == GROUPS.keys()
    assert [reject.key for _, reject in rejects(world)] == ["ghosts"]


def test_a_group_that_is_rejected_here_fails_the_job_after_all_else_is_brought() -> None:
    """It is not known who is in it, and those who have left it keep what it gives."""
    world, everything = world_of(Mode.FULL)
    everything.groups = pages_of({**GROUPS, "two words": ["ada"]})

    world.run()

    job = world.oracle.latest
    assert job.state is State.FAILED
    assert "two words" in job.error
    assert world.glean.index == world.source.live
    assert world.glean.people.members.keys() == GROUPS.keys()

    everything.groups = pages_of(GROUPS)
    world.begin(Mode.FULL)
    world.run()
    check(world)


def test_a_page_of_many_groups_is_brought_though_of_five_requests_two_fail() -> None:
    world, everything = world_of(Mode.FULL)
    names = [f"group-{number}" for number in range(20)]
    everything.groups = [{key: ["ada"] for key in names}]
    draw = random.Random(1)
    world.driver.plan = lambda point: Choice(
        Fate.REFUSED if point.kind is Kind.SEND and draw.random() < FAULT_SHARE else Fate.OK
    )

    world.run()

    job, people = world.oracle.latest, world.glean.people
    assert job.state is State.SUCCEEDED, world.told(job.error)
    assert people.members == {name: {"ada@notes.example"} for name in names}


def test_a_stage_that_holds_lets_nothing_after_it_begin() -> None:
    world, _ = world_of(Mode.FULL)
    _acknowledge(world, Stage.USERS)

    world.run()

    assert world.oracle.latest.state is State.HELD
    assert (world.glean.people.users, world.glean.index) == (set(), {})


def test_an_approval_is_that_of_one_stage() -> None:
    world, _ = world_of(Mode.FULL)
    for stage in (Stage.USERS, Stage.DOCUMENTS):
        _acknowledge(world, stage)
    world.run()
    assert (world.oracle.latest.state, world.oracle.latest.stage) == (State.HELD, Stage.USERS)

    world.order(world.oracle.latest.id, Instruction(Command.APPROVE, ITS_LIST))
    world.run()

    assert world.oracle.latest.state is State.HELD
    assert (world.oracle.latest.stage, world.glean.index) == (Stage.DOCUMENTS, {})


def _acknowledge(world: World, stage: Stage) -> None:
    """Have the ledger know of a hundred things that Glean has, and the source has not."""
    names = [f"old {number}" for number in range(100)]
    puts = [Put(name, 1_000 + index, "", "", "", name) for index, name in enumerate(names)]
    rows = LedgerRows(lambda *query: world.storage.exec(*query).toArray())
    rows.put(KINDS[stage], puts, RowState.CONFIRMED, 1)
    world.storage.commit()


def _awaits(mode: Mode) -> list["_Point"]:
    world, _ = world_of(mode)
    first = len(world.driver.awaits)
    world.run()
    check(world)
    return [_Point(index, point.kind) for index, point in enumerate(world.driver.awaits[first:])]


class _Point(Struct, frozen=True):
    index: int
    kind: Kind
