"""Rests that nobody ordered: what happens meanwhile, is not lost by them."""

from msgspec.structs import replace

from durable.machine.job import Mode
from durable.machine.states import State
from tests.simulation.connector import LIMITS
from tests.simulation.world import World


def resting() -> World:
    """Of the four changes on a page, two are in Glean, and two have to wait a minute."""
    limits = replace(LIMITS, documents_per_minute_max=2)
    world = World([("a", "b", "c", "d")], limits=limits)
    world.begin(Mode.FULL)
    world.run()
    world.clock.now_ms += 1
    world.edit("a", "b", "c", "d")
    world.begin(Mode.INCREMENTAL)
    world.wake()
    assert world.oracle.latest.pacing.pause
    return world


def test_a_page_that_changes_during_a_rest_is_brought_as_it_is_then() -> None:
    world = resting()
    world.edit("a")

    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


def test_what_was_sent_before_a_rest_is_not_sent_again() -> None:
    world = resting()
    begun_ms = world.clock.now_ms

    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.clock.now_ms - begun_ms < 2 * 60_000  # four documents, and not six


def test_a_job_begins_with_what_the_one_before_it_has_left_of_gleans_rate() -> None:
    """Glean refuses what is more, and the oracle any refusal."""
    world = resting()
    world.run()
    world.edit("a", "b")

    world.begin(Mode.INCREMENTAL)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live
