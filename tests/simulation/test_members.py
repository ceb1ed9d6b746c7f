"""Groups that lose most of their members at once stay as they are, until a person decides."""

import pytest
from msgspec.structs import replace

from durable import Since
from durable.machine.commands import Instruction
from durable.machine.job import Job, Mode, Stage
from durable.machine.states import Command, State
from durable.store.store import Store
from tests.simulation.effort import met
from tests.simulation.fates import AT_SAVE, Choice, Fate, Kind, at
from tests.simulation.test_stages import CONNECTOR, Everything, Ordered, of
from tests.simulation.world import ITS_LIST, StandIn, World


NAMES = [f"g{number}" for number in range(12)]
ALL = ["ada", "bob", "cid"]
FAULTS = (Fate.LOST, Fate.DIED_SENT)
APPROVAL = Instruction(Command.APPROVE, ITS_LIST)
assert CONNECTOR.memberships is not None
CHANGING = replace(
    CONNECTOR,
    memberships=replace(
        CONNECTOR.memberships, source=of("groups", Since(param="changed_since", path="at"))
    ),
)


class Company(Everything):
    """Of groups, each on a page of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.show(ALL)

    def show(self, members: list[str], *names: str) -> None:
        """What these groups, or all of them, are listed with."""
        listed = {key: value for page in self.groups for key, value in page.items()}
        shown = dict.fromkeys(names or NAMES, members)
        changed = dict.fromkeys(NAMES, ALL) | listed | shown
        self.groups = [{name: changed[name]} for name in NAMES]


def synced(*, connector: object = CONNECTOR) -> tuple[World, Company]:
    """All is brought."""
    company = Company()
    assert isinstance(connector, type(CONNECTOR))
    world = World([("a", "b")], stand_in=StandIn(connector, company.answer, Ordered))
    company.notes = world.source
    assert full(world).state is State.SUCCEEDED
    assert set(map(len, world.glean.people.members.values())) == {3}
    return world, company


def full(world: World, mode: Mode = Mode.FULL) -> Job:
    world.clock.now_ms += 1
    world.begin(mode)
    world.run()
    return world.oracle.latest


def left(world: World) -> list[int]:
    """How many members each group has in Glean."""
    members = world.glean.people.members
    return [len(members[name]) for name in NAMES]


def listed(world: World, job: Job) -> list[tuple[str, int]]:
    rows = Store(world.storage).ledger.gone.rows(job.crawl.begun_at_ms)
    return [(row.id, row.count) for row in rows]


def test_lists_of_members_that_come_empty_are_held_but_for_a_few() -> None:
    """The token may not see them any more: each answer is a 200, and nobody is in it."""
    world, company = synced()
    company.show([])
    world.edit("a")

    job = full(world)

    assert (job.state, job.stage) == (State.HELD, Stage.MEMBERSHIPS)
    assert left(world) == [0, 0, 0, *[3] * 9]
    assert sorted(listed(world, job)) == sorted((name, 0) for name in NAMES)
    assert (job.crawl.gone.count, job.crawl.gone.new_count) == (12, 12)


@pytest.mark.parametrize("shown", [[], ["ada"]], ids=["nobody", "the token's own user"])
def test_groups_are_brought_again_once_their_members_are_listed(shown: list[str]) -> None:
    world, company = synced()
    company.show(shown)
    assert full(world).state is State.HELD

    company.show(ALL)

    assert full(world).state is State.SUCCEEDED
    assert left(world) == [3] * 12


def test_a_person_may_let_groups_lose_their_members() -> None:
    world, company = synced()
    company.show(["ada"])
    job = full(world)

    world.order(job.id, APPROVAL)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert left(world) == [1] * 12
    company.show([], *NAMES[:6])
    assert full(world).state is State.SUCCEEDED  # 6 of 12 are few


def test_an_approval_is_of_the_groups_on_its_list_and_of_what_they_had_then() -> None:
    world, company = synced()
    company.show(["ada"], *NAMES[6:])
    job = full(world)
    assert job.state is State.HELD

    company.show([], *NAMES[6:])
    world.order(job.id, APPROVAL)
    world.run()

    assert world.oracle.latest.state is State.HELD
    assert world.oracle.latest.crawl.gone.new_count == 6


def test_people_who_leave_one_by_one_are_not_held() -> None:
    world, company = synced()
    company.show(["ada"], *NAMES[:5])

    assert full(world).state is State.SUCCEEDED
    assert left(world) == [*[1] * 5, *[3] * 7]


def test_what_changes_of_groups_alone_is_not_sent_either_and_all_else_is_brought() -> None:
    world, company = synced(connector=CHANGING)
    company.show([])
    world.edit("a")

    job = full(world, Mode.INCREMENTAL)

    assert (job.state, "members" in job.error) == (State.FAILED, True)
    assert left(world) == [0, 0, 0, *[3] * 9]
    assert world.glean.index == world.source.live

    company.show(ALL)
    assert full(world, Mode.INCREMENTAL).state is State.SUCCEEDED
    assert left(world) == [3] * 12


def test_what_an_incremental_job_has_brought_is_what_the_next_is_measured_by() -> None:
    world, company = synced(connector=CHANGING)
    for first in range(0, 12, 3):
        company.show(["ada"], *NAMES[first : first + 3])
        assert full(world, Mode.INCREMENTAL).state is State.SUCCEEDED

    assert full(world).state is State.SUCCEEDED
    assert left(world) == [1] * 12


def test_whatever_fails_meanwhile_they_are_held_all_the_same() -> None:
    calm, company = synced()
    company.show([])
    first = len(calm.driver.awaits)
    full(calm)
    for point in met(0, calm.driver.awaits[first + 1 :]):
        for fate in AT_SAVE if point.kind is Kind.SAVE else FAULTS:
            world, company = synced()
            company.show([])
            world.driver.plan = at({point.index: Choice(fate)})

            assert full(world).state is State.HELD, world.told("not held")
            assert left(world)[3:] == [3] * 9
            assert sorted(listed(world, world.oracle.latest)) == sorted((n, 0) for n in NAMES)


def test_a_crawl_is_forgotten_once_another_holds() -> None:
    world, _ = synced()
    for _ in range(3):
        full(world)

    rows = world.storage.exec("SELECT DISTINCT crawl_at_ms FROM group_size").toArray()

    assert len(rows) == 1
