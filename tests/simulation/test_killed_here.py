"""What a kill costs, at each point of a job: the rows of docs/kills.md."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from durable.machine.commands import Instruction
from durable.machine.job import Mode
from durable.machine.states import Command, State
from tests.simulation.connector import LIMITS
from tests.simulation.fates import Await, Choice, Fate, FatePlan, Kind, calm
from tests.simulation.world import ITS_LIST, World


DOCUMENT = Path(__file__).parents[2] / "docs/kills.md"
ONE_TURN = replace(LIMITS, turn_pages_max=9, batch_documents_max=2)
PAGES = [("a", "b", "c", "d"), ("e", "f")]  # of two batches, of one
UNSAVED, UNSENT, SENT = Fate.DIED_UNSAVED, Fate.DIED_UNSENT, Fate.DIED_SENT


class Row(Struct, frozen=True, kw_only=True):
    """A kill point."""

    where: str
    repeated: str
    kind: Kind
    nth: int  # of that kind, from 0
    fate: Fate
    extra: dict[Kind, int] = {}  # requests that arrive once more than without the kill
    mode: Mode = Mode.FULL


def row(where: str, repeated: str, at: tuple[Kind, int, Fate], **extra: int) -> Row:
    kind, nth, fate = at
    counts = {Kind(name): count for name, count in extra.items()}
    return Row(where=where, repeated=repeated, kind=kind, nth=nth, fate=fate, extra=counts)


ROWS = [
    row("as a turn begins", "nothing", (Kind.SAVE, 1, UNSAVED)),
    row("before the opening leaves", "nothing", (Kind.OPEN, 0, UNSENT)),
    row("once the opening has arrived", "the opening", (Kind.OPEN, 0, SENT), open=1),
    row("before the first page is asked for", "nothing", (Kind.FETCH, 0, UNSENT)),
    row("while the first page is read", "the page is read again", (Kind.FETCH, 0, SENT), fetch=1),
    row(
        "while a page is sent and the next one read",
        "both are read again, and the one sent again",
        (Kind.FETCH, 1, SENT),
        fetch=2,
        send=2,
    ),
    row(
        "before a batch leaves, beside others",
        "the pages under way are read again, and their other batches sent again",
        (Kind.SEND, 0, UNSENT),
        fetch=2,
        send=2,
    ),
    row(
        "once a batch has arrived beside others, and before its answer",
        "the pages under way are read again, and all of their batches sent again",
        (Kind.SEND, 0, SENT),
        fetch=2,
        send=3,
    ),
    row(
        "once a page's last batch has arrived, and before its answer",
        "that page too is read again, and all of its batches sent again",
        (Kind.SEND, 1, SENT),
        fetch=2,
        send=3,
    ),
    row(
        "before the last page's batch leaves, the others being in Glean",
        "that page is read again",
        (Kind.SEND, 2, UNSENT),
        fetch=1,
    ),
    row(
        "once the last page's batch has arrived, and before its answer",
        "that page is read again, and sent again",
        (Kind.SEND, 2, SENT),
        fetch=1,
        send=1,
    ),
    row("before Glean is asked how the upload stands", "nothing", (Kind.ASK, 0, UNSENT)),
    row("before the close leaves", "the question", (Kind.CLOSE, 0, UNSENT), ask=1),
    row(
        "once the close has arrived, and before its answer",
        "nothing: the question that follows the close finds it done",
        (Kind.CLOSE, 0, SENT),
    ),
    row("once the close is answered", "nothing", (Kind.ASK, 1, UNSENT)),
    row("as the job's success is written down", "the question", (Kind.SAVE, -1, UNSAVED), ask=1),
]


def nth(kind: Kind, number: int, fate: Fate, awaits: list[Await]) -> FatePlan:
    """One choice for the so-manieth await of a kind, as they come in a calm job."""
    indexes = [point.index for point in awaits if point.kind is kind]
    meant = indexes[number]
    return lambda point: Choice(fate) if point.index == meant else Choice()


def arrived(world: World) -> Counter[Kind]:
    return Counter(world.driver.delivered)


def full() -> World:
    world = World(PAGES, limits=ONE_TURN)
    world.begin(Mode.FULL)
    return world


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.where)
def test_a_kill_repeats_so_much_and_loses_nothing(row: Row) -> None:
    quiet = full()
    quiet.run()
    world = full()
    world.driver.plan = nth(row.kind, row.nth, row.fate, quiet.driver.awaits)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live
    assert world.oracle.deaths == [row.fate], "nobody was killed"
    assert dict(arrived(world) - arrived(quiet)) == row.extra
    assert not arrived(quiet) - arrived(world), "something was left out"


def held() -> World:
    world = World([("a",), ("b",), ("c",)], limits=replace(LIMITS, shrink_count=0))
    world.begin(Mode.FULL)
    world.run()
    world.lose("b")
    world.begin(Mode.FULL)
    world.run()
    assert world.oracle.latest.state is State.HELD
    return world


def waiting() -> World:
    world = full()
    world.driver.plan = lambda point: (
        Choice(Fate.REFUSED, 2) if point.kind is Kind.FETCH else Choice()
    )
    world.wake()
    world.driver.plan = calm
    assert world.oracle.latest.pacing.retry_at_ms is not None
    return world


def queued() -> World:
    world = full()
    world.begin(Mode.INCREMENTAL)
    return world


def between_turns() -> World:
    world = World(PAGES, limits=replace(ONE_TURN, turn_pages_max=1))
    world.begin(Mode.FULL)
    world.wake()
    return world


AT_REST = {
    "between two turns": between_turns,
    "while a job waits after an error": waiting,
    "while a job is queued": queued,
    "while a job is held": held,
}


@pytest.mark.parametrize("made", AT_REST.values(), ids=AT_REST.keys())
def test_a_kill_between_turns_changes_nothing(made: Callable[[], World]) -> None:
    quiet, killed = made(), made()
    killed.evict()
    states = []
    for world in (quiet, killed):
        world.run()
        states.append((arrived(world), dict(world.glean.index), world.oracle.latest.state))

    assert states[0] == states[1]


@pytest.mark.parametrize("command", [Command.CANCEL, Command.APPROVE])
@pytest.mark.parametrize("fate", [UNSAVED, UNSENT])
def test_a_kill_over_a_command_leaves_it_done_or_undone(command: Command, fate: Fate) -> None:
    world = held()
    job_id = world.oracle.latest.id
    first = len(world.driver.awaits)
    world.driver.plan = lambda point: Choice(fate) if point.index == first else Choice()
    assert world.order(job_id, Instruction(command, ITS_LIST)) is None

    is_done = world.oracle.jobs[job_id].state is not State.HELD
    assert is_done == (fate is UNSENT)


def test_the_document_has_a_line_for_each_kill_point() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    lines = [f"| {row.where} | {row.repeated} | nothing |" for row in ROWS]
    lines += [f"| {where} | nothing | nothing |" for where in AT_REST]

    assert [line for line in lines if line not in text] == []
