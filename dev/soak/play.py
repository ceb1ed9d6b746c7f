"""Plays the rounds, one after the other, on one stack."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from dev.soak.actors import Actors
from dev.soak.holds import hold
from dev.soak.judge import TURN_PAGES, BrokenError, Judge
from dev.soak.log import Log
from dev.soak.plan import RECORDS, Round, Step, calm
from dev.soak.scene import Scene, World
from dev.soak.tally import Tally
from dev.stack import Stack
from durable.machine.states import State


# Small, so that rounds are short and every kind of wait and yield comes often.
LIMITS = {
    "turn_pages_max": TURN_PAGES,
    "lease_ms": 1_000,
    "backoff_ms_min": 40,
    "backoff_ms_max": 400,
    "retry_after_ms_max": 1_200,
    "settle_ms_max": 1_000,
    "notes_kept_max": 300,  # the judge counts them
}
STEPS_MAX = 10  # of a round, at most
LATENCY_MS = 40  # of the source, for each page: there is a middle to strike at
TRACEBACK = re.compile(r"Traceback \(most recent call last\)|was never awaited")


def soak(
    folder: Path,
    planned: Iterable[Round],
    tally: Tally,
    show: Callable[[str], None],
    stack_of: Callable[..., Stack] = Stack,
) -> None:
    """Play the rounds. Raises BrokenError at the first thing that must not happen.

    Args:
        folder: for the stack's logs and databases.
        planned: the rounds.
        tally: gets what was seen.
        show: is told what goes on.
        stack_of: makes the stack, as `Stack` does.
    """
    arguments = ("--limit-records", str(RECORDS))
    with stack_of(folder, LIMITS, arguments) as stack:
        actors = Actors(stack, tally)
        judge = Judge(stack, actors, tally)
        world = World(stack, actors, judge, Log(stack), tally, show, set())
        try:
            stack.control_source("latency", ms=LATENCY_MS)
            _play(world, calm(), 0)  # so that there is something to lose
            for one in planned:
                _play_round(world, one)
        except BaseException:
            world.log.write(folder)
            raise


def _play_round(world: World, one: Round) -> None:
    world.show(f"{one.readings}")
    world.stack.put_readings(one.readings)
    for index, step in enumerate((*one.steps, calm())):
        _play(world, step, one.number * STEPS_MAX + index)
    _check_log(world.stack)
    world.tally.played(one)


def _play(world: World, step: Step, number: int) -> None:
    scene = Scene(world, step, number)
    if step.is_calm:
        world.stack.clear_faults()
        world.stack.control_source("latency", ms=LATENCY_MS)
    if step.ending is not None:
        hold(scene)
    else:
        scene.begin()
        job = scene.follow()
        if step.is_calm and job.state is not State.SUCCEEDED:
            raise BrokenError(f"a job is {job.state}, though nothing was in its way", job)
    scene.end()


def _check_log(stack: Stack) -> None:
    """The Worker's log has no word of an error that it did not handle."""
    text = stack.runtime.log.read_text(encoding="utf-8", errors="replace")
    if (found := TRACEBACK.search(text)) is not None:
        beginning = max(0, found.start() - 200)
        raise BrokenError(
            f"the Worker's log has an error:\n{text[beginning : found.end() + 1_500]}"
        )
