"""A source whose clock is behind, and whose records tell when they changed."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Mode
from durable.machine.slowdown import RECOVERY_MS
from durable.machine.states import State
from tests.simulation.connector import LIMITS, TIMED
from tests.simulation.effort import tried
from tests.simulation.fates import Kind, at, calm
from tests.simulation.source import Order
from tests.simulation.test_every_crash import faults
from tests.simulation.world import StandIn, World


BEHIND_MS = 5 * 60_000
WHILE_MS = RECOVERY_MS  # Glean takes as much as if nothing had been sent or refused
ANSWER_MS = 5_000  # so that there are seconds between two pages
PACED = replace(LIMITS, documents_per_minute_max=2)  # so that a page is sent piece by piece
WRITES = frozenset({Kind.SEND, Kind.DELETE, Kind.SHARE})

Scenario = Callable[[], World]


def behind(order: Order = Order.PLACE, limits: Limits = LIMITS) -> World:
    """Its notes are in Glean."""
    world = World(
        [("a", "b"), ("c",), ("d", "e")],
        order,
        limits=replace(limits, turn_pages_max=3),
        stand_in=StandIn(TIMED, None),
        behind_ms=BEHIND_MS,
    )
    world.driver.answer_ms = ANSWER_MS
    drain(world, Mode.FULL)
    return world


def drain(world: World, mode: Mode) -> list[Kind]:
    """Run a job, a while after what was before; what it wrote into Glean."""
    world.clock.now_ms += WHILE_MS
    before = len(world.driver.delivered)
    world.begin(mode)
    world.run()
    assert world.oracle.latest.state is State.SUCCEEDED, world.told(world.oracle.latest.error)
    return [kind for kind in world.driver.delivered[before:] if kind in WRITES]


def edited_while_it_is_read(mode: Mode) -> World:
    """A note changes that was read already, and then one of a page that is still to come."""
    world = behind()
    world.edit("b")
    world.clock.now_ms += WHILE_MS
    first_fetch = len(world.driver.awaits) + (2 if mode is Mode.INCREMENTAL else 3)
    world.begin(mode)
    world.driver.meanwhile[first_fetch] = lambda: world.edit("a")
    world.driver.meanwhile[first_fetch + 1] = lambda: world.edit("d")
    return world


def tied(order: Order, limits: Limits = LIMITS) -> World:
    """Of three notes that Glean has of the job before, one has changed, and one is gone.

    Two others have changed as well.
    """
    world = behind(order, limits)
    world.edit("a", "b", "d")
    drain(world, Mode.INCREMENTAL)
    world.clock.now_ms += WHILE_MS
    world.edit("b", "c", "e")
    world.delete("d")
    world.begin(Mode.INCREMENTAL)
    return world


SCENARIOS = {
    "FULL, edited while it is read": lambda: edited_while_it_is_read(Mode.FULL),
    "INCREMENTAL, edited while it is read": lambda: edited_while_it_is_read(Mode.INCREMENTAL),
    "INCREMENTAL, tied": lambda: tied(Order.PLACE),
    "INCREMENTAL, tied, every change": lambda: tied(Order.FEED),
    "INCREMENTAL, tied, paced": lambda: tied(Order.FEED, PACED),
}


def with_one_fault(scenario: Scenario) -> Iterator[World]:
    """The world after its job, with each fault at each await."""
    calm_world = scenario()
    first = len(calm_world.driver.awaits)
    calm_world.run()
    yield calm_world
    for choices in tried(faults(calm_world.driver.awaits, first, count())):
        world = scenario()
        world.driver.plan = at(choices)
        world.run()
        world.driver.plan = calm
        yield world


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_no_change_is_lost_or_sent_again_by_each_job_whatever_fails(scenario: Scenario) -> None:
    """What one job has not read, the next one does, and the one after that sends nothing."""
    for world in with_one_fault(scenario):
        drain(world, Mode.INCREMENTAL)
        assert world.glean.index == world.source.live, world.told("the index is wrong")
        assert drain(world, Mode.INCREMENTAL) == [], world.told("sent again")


@pytest.mark.parametrize("order", Order)
def test_of_what_is_read_again_only_the_changes_are_sent(order: Order) -> None:
    world = tied(order)

    world.run()

    job = world.oracle.latest
    assert (job.crawl.document_count, job.crawl.deletion_count) == (3, 1)
    assert world.glean.index == world.source.live
