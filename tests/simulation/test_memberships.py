"""Groups whose members are as Glean has them are left alone; a fault anywhere, and what follows."""

from collections.abc import Callable, Mapping

import msgspec
import pytest
from msgspec import Struct

from durable.machine.commands import Instruction
from durable.machine.job import Mode, Way
from durable.machine.states import Command, State
from tests.simulation.connector import LIMITS
from tests.simulation.fates import (
    Choice,
    Fate,
    Kind,
    at,
    calm,
    faults_at,
)
from tests.simulation.test_stages import CONNECTOR, GROUPS, USERS, Everything, Ordered, pages_of
from tests.simulation.world import StandIn, World


CANCEL = Instruction(Command.CANCEL)
FATES = (Fate.OK, Fate.DIED_SENT, Fate.LOST)
Members = Mapping[str, list[str]]


class Company(Struct, frozen=True):
    """A world, and what its source tells."""

    world: World
    source: Everything
    sent: list[str] = msgspec.field(default_factory=list)  # groups, as their requests arrive

    def has(self, groups: Members, *people: str) -> None:
        """From now on the source lists these."""
        self.source.groups = pages_of(groups)
        if people:
            self.source.people = [list(people)]

    def sync(self, mode: Mode = Mode.FULL) -> None:
        """A job with nothing in its way. `sent` has the groups that it sends."""
        self.world.driver.plan = calm
        self.sent.clear()
        self.world.clock.now_ms += 1
        self.world.begin(mode)
        self.world.run()

    def check(self) -> None:
        job, glean = self.world.oracle.latest, self.world.glean.people
        assert job.state is State.SUCCEEDED, self.world.told(job.error)
        assert job.way is Way.RECONCILE
        people = {f"{name}@notes.example" for page in self.source.people for name in page}
        listed = {name: members for page in self.source.groups for name, members in page.items()}
        expected = {
            name: {f"{one}@notes.example" for one in members} & people
            for name, members in listed.items()
        }
        assert glean.members == expected, self.world.told("the memberships are wrong")


def company() -> Company:
    """A FULL job has brought all there is."""
    source = Everything()
    world = World([("a", "b")], limits=LIMITS, stand_in=StandIn(CONNECTOR, source.answer, Ordered))
    source.notes = world.source
    made = Company(world, source)
    take_members = world.glean.people.take_members

    def noted(body: bytes) -> None:
        made.sent.append(msgspec.json.decode(body)["group"])
        take_members(body)

    world.glean.people.take_members = noted  # type: ignore[method-assign]
    made.sync()
    made.source.gone = []
    assert set(made.sent) == GROUPS.keys()
    return made


def test_a_group_that_is_as_it_was_is_not_sent_again() -> None:
    made = company()

    made.sync()

    made.check()
    assert made.sent == []


def test_a_group_that_has_changed_is_sent_alone() -> None:
    made = company()
    made.has({**GROUPS, "board": ["ada", "bob"]})

    made.sync()

    made.check()
    assert made.sent == ["board"]


def test_all_groups_are_sent_where_all_is_to_be_brought_anew() -> None:
    made = company()
    made.world.clock.now_ms += LIMITS.replace_every_ms

    made.sync()

    assert made.world.oracle.latest.way is Way.REPLACE
    assert set(made.sent) == GROUPS.keys()
    made.sync()
    made.check()
    assert made.sent == []


@pytest.mark.parametrize("is_kept", [True, False], ids=["still listed", "no longer listed"])
def test_who_was_gone_for_a_night_is_in_his_groups_again(*, is_kept: bool) -> None:
    """Glean forgets with a user whose groups he was in, though the source goes on to list them."""
    made = company()
    others = {name: [one for one in names if one != "cid"] for name, names in GROUPS.items()}
    made.has(GROUPS if is_kept else others, "ada", "bob")
    made.world.glean.unfit.add("whoever is gone")
    made.sync()
    made.check()
    made.has(GROUPS, "ada", "bob", "cid")

    made.sync()

    made.check()


def test_who_was_gone_until_groups_were_to_be_compared_is_in_his_groups_again() -> None:
    """The job that has deleted him, has never come to the groups."""
    made = company()
    made.has(GROUPS, "ada", "bob")
    made.world.begin(Mode.FULL)
    while made.world.glean.people.users & {"cid@notes.example"}:
        made.world.wake()
    made.world.order(made.world.oracle.latest.id, CANCEL)
    assert made.world.oracle.latest.state is State.CANCELLED
    made.has(GROUPS, "ada", "bob", "cid")

    made.sync()

    made.check()


def test_while_somebody_is_gone_groups_that_he_was_not_in_are_left_alone() -> None:
    made = company()
    others = {name: [one for one in names if one != "cid"] for name, names in GROUPS.items()}
    made.has(others, "ada", "bob")

    made.sync()

    made.check()
    assert set(made.sent) == {"staff"}


def test_a_group_that_was_gone_for_a_night_has_its_members_again() -> None:
    made = company()
    made.has({name: names for name, names in GROUPS.items() if name != "staff"})
    made.sync()
    made.check()
    made.has(GROUPS)

    made.sync()

    made.check()


def test_who_was_left_out_of_a_group_is_brought_once_glean_knows_him() -> None:
    made = company()
    made.world.glean.unfit.add("whoever it does not know")
    made.has({**GROUPS, "board": ["ada", "eve"]})
    made.sync()
    made.check()
    made.has({**GROUPS, "board": ["ada", "eve"]}, "ada", "bob", "cid", "eve")

    made.sync()

    made.check()


def test_who_was_left_out_though_glean_knows_him_is_brought_once_it_takes_him() -> None:
    made = company()
    made.world.glean.unfit.add("whoever it does not take for now")
    made.world.glean.people.refused_members.add("bob@notes.example")
    made.has({**GROUPS, "board": ["ada", "bob"]})
    made.sync()
    assert made.world.glean.people.members["board"] == {"ada@notes.example"}
    made.world.glean.people.refused_members.clear()

    made.sync()

    made.check()
    assert set(made.sent) == {"board"}


def test_a_group_that_lacks_a_member_is_sent_again_though_its_list_is_the_former_one() -> None:
    made = company()
    made.world.glean.unfit.add("whoever it does not know")
    made.has({**GROUPS, "board": ["bob", "eve"]})
    made.sync()
    made.has(GROUPS)

    made.sync()

    made.check()
    assert made.sent == ["board"]


def changed() -> Company:
    """Somebody has left, and is in no group any more; somebody else has changed his groups."""
    made = company()
    made.has({"staff": ["ada", "bob"], "board": ["bob"], "empty": ["ada"]}, "ada", "bob")
    made.world.begin(Mode.FULL)
    return made


def moments(scenario: Callable[[], Company]) -> list[tuple[int, Kind]]:
    made = scenario()
    first = len(made.world.driver.awaits)
    made.world.run()
    made.check()
    return [(point.index, point.kind) for point in made.world.driver.awaits[first:]]


def test_any_one_fault_is_survived() -> None:
    for index, kind in moments(changed):
        for fate in faults_at(kind):
            made = changed()
            made.world.driver.plan = at({index: Choice(fate, index)})
            made.world.run()
            made.check()
            made.sync()
            made.check()
            assert made.sent == []


def test_what_a_job_that_is_given_up_has_sent_is_sent_again() -> None:
    """Though the source lists by then what it has listed at first."""
    for index, kind in moments(changed):
        if kind is Kind.SAVE:
            continue
        for fate in FATES:
            made = changed()
            made.world.driver.plan = at({index: Choice(fate)})
            while len(made.world.driver.awaits) <= index:
                made.world.wake()
            made.world.order(made.world.oracle.latest.id, CANCEL)
            made.has(GROUPS, *(name for page in USERS for name in page))
            made.sync()
            made.check()


def test_a_group_that_glean_has_not_taken_is_sent_again() -> None:
    made = company()
    made.world.glean.unfit.add("a group of which it is told too early")
    made.world.glean.people.refused_groups.add("staff")
    made.has({**GROUPS, "staff": ["ada"]})
    made.sync()
    assert made.world.oracle.latest.state is State.FAILED
    made.world.glean.people.refused_groups.clear()
    made.has(GROUPS)

    made.sync()

    made.check()
    assert set(made.sent) == {"staff"}
