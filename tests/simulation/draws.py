"""Worlds and schedules for Hypothesis to draw: small, so that what fails can be read.

Each thing is drawn from a list of all there is, as one choice: it costs less and shrinks well.
"""

from collections.abc import Callable
from enum import StrEnum
from itertools import product

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from dev.local_glean.readings import DEFAULTS, OF_DOCUMENTS, Readings, every
from durable.limits import Limits
from durable.machine.commands import Instruction
from durable.machine.job import Mode
from durable.machine.states import Command
from tests.simulation.connector import LIMITS, TIMED
from tests.simulation.fates import LANDS_LATE, OK, Choice, Fate, FatePlan, in_order
from tests.simulation.source import Order
from tests.simulation.world import ITS_LIST, StandIn, World


class Verb(StrEnum):
    """What somebody may do to a note."""

    WRITE = "write it"
    DELETE = "delete it"
    SHARE = "have others see it"
    RETYPE = "make a memo of it, or a note of a memo"
    SPOIL = "have Glean refuse it"
    MEND = "have Glean take it again"


class Edit(Struct, frozen=True):
    """Somebody does something to a note."""

    note: str
    verb: Verb

    def on(self, world: World) -> Callable[[], object]:
        acts = {
            Verb.WRITE: world.edit,
            Verb.DELETE: world.delete,
            Verb.SHARE: world.share,
            Verb.RETYPE: world.retype,
            Verb.SPOIL: world.spoil,
            Verb.MEND: world.mend,
        }
        return lambda: acts[self.verb](self.note)


class Trigger(Struct, frozen=True):
    """Somebody asks for a job."""

    mode: Mode
    key: str | None

    def on(self, world: World) -> Callable[[], object]:
        return lambda: world.begin_within(self.mode, self.key)


class Ask(Struct, frozen=True):
    """Somebody asks something of a job, the latest being 0."""

    age: int
    instruction: Instruction

    def of(self, world: World) -> str | None:
        """The job's id, if there is such a job."""
        ids = sorted(world.oracle.jobs, reverse=True)
        return ids[self.age] if self.age < len(ids) else None

    def on(self, world: World) -> Callable[[], object]:
        def ask() -> None:
            if (job_id := self.of(world)) is not None:
                world.order_within(job_id, self.instruction)

        return ask


class Trouble(StrEnum):
    """What is wrong for as long as the world is there."""

    NONE = "nothing"
    REFUSED = "Glean refuses every second note"
    COUNTED = "each record reads differently each time, and makes the same document"
    RESTLESS = "each document reads differently each time"
    EMPTY = "a dozen pages without a note come before the last"


class Deployment(Struct, frozen=True):
    """A source, the limits of its jobs, and a Glean."""

    pages: list[list[str]]
    order: Order
    limits: Limits
    answer_ms: int
    behind_ms: int | None  # the source's clock is; None: its records do not tell
    trouble: Trouble
    readings: Readings = DEFAULTS

    def world(self) -> World:
        pages = self.pages
        if self.trouble is Trouble.EMPTY:
            pages = [*pages[:-1], *[[] for _ in range(EMPTY_PAGES)], *pages[-1:]]
        world = World(
            pages,
            self.order,
            self.limits,
            readings=self.readings,
            stand_in=None if self.behind_ms is None else StandIn(TIMED, None),
            behind_ms=self.behind_ms or 0,
        )
        world.driver.answer_ms = self.answer_ms
        match self.trouble:
            case Trouble.REFUSED:
                world.spoil(*LETTERS[::2])
            case Trouble.COUNTED:
                world.source.counts_reads = True
            case Trouble.RESTLESS:
                # Of a note that has two spellings, and reads differently each time, a minute that
                # takes one document brings the first for ever: a rate that is halved gets there.
                world.source.restless = world.oracle.excused = set(LETTERS) - {ALIKE.lower()}
        return world


class Schedule(Struct, frozen=True):
    """What becomes of the awaits, as they come, and of the alarms; later all goes well."""

    requests: list[Choice]
    saves: list[Fate]
    offsets_ms: list[int]

    @property
    def is_late(self) -> bool:
        return any(choice.fate in LANDS_LATE for choice in self.requests)

    def on(self, world: World) -> FatePlan:
        if world.source.order is Order.PLACE:
            return in_order(self.requests, self.saves)
        # Such a source gives each change of a note, so a late one could undo a newer one.
        return in_order(map(_in_time, self.requests), self.saves)


LETTERS = "abcdef"
ALIKE = "A"  # to Glean, it is the first of these
EMPTY_PAGES = 12
PAGE_END = "|"


def _pages(letters: list[str]) -> list[list[str]]:
    pages: list[list[str]] = [[]]
    for at, letter in enumerate(letters):
        if letter == PAGE_END:
            pages.append([])
        elif letter not in letters[:at]:  # a note has one place
            pages[-1].append(letter)
    return pages


# Where single documents are refused while an upload is open, a job may wait for days.
FOUND_AT_ONCE = ("shows_unclosed", "keys_by_type")
_LAGS_MS = (1, 300, 50_000)  # of answers, so that later requests are answered before
_ANSWERS = [OK, OK, OK, *(Choice(lag_ms=lag_ms) for lag_ms in _LAGS_MS)]
_FAULTS = [
    *(Choice(Fate.REFUSED, flavour) for flavour in range(5)),
    *(Choice(Fate.INTERCEPTED, flavour) for flavour in range(5)),
    *(Choice(fate, flavour) for fate in (Fate.LOST, Fate.GARBLED) for flavour in range(4)),
    *(Choice(fate, delay=delay) for fate in sorted(LANDS_LATE) for delay in range(1, 7)),
    *(Choice(fate) for fate in (Fate.BROKE, Fate.DIED_UNSAVED, Fate.DIED_UNSENT, Fate.DIED_SENT)),
    *(Choice(Fate.DIED_SENT, lag_ms=lag_ms) for lag_ms in _LAGS_MS),
]
_LIMITS = [
    replace(
        LIMITS,
        turn_pages_max=turn_pages_max,
        sends_max=sends_max,
        batch_documents_max=batch_documents_max,
        stall_ms_max=stall_ms_max,
        backoff_ms_max=backoff_ms_max,
        deaths_max=deaths_max,
        documents_per_minute_max=documents_per_minute_max,
        resends_max=resends_max,
        rejects_share_max=1.0,
    )
    for (
        turn_pages_max,
        sends_max,
        batch_documents_max,
        stall_ms_max,
        backoff_ms_max,
        deaths_max,
        (documents_per_minute_max, resends_max),
    ) in product(
        (1, 2, 9),
        (1, 2, 5),
        (1, 2, 3),
        (120_000, 3_600_000),
        (1_000, 60_000, 300_000),
        (1, 2, 6),
        ((600, 1_000), (2, 3), (3, 0)),
    )
]

# How much off its time an alarm fires.
OFFSETS_MS = st.sampled_from([0, 0, -1, -30_000, -(10**9), 1, 10_000, 2 * LIMITS.lease_ms])
# Whether FULL jobs after the first one reconcile: mostly; or never; or not where much has changed.
_WAYS = [{}, {}, {}, {"replace_every_ms": 1}, {"changes_max": 2}]
_DEPLOYMENTS = st.builds(
    Deployment,
    st.lists(st.sampled_from([PAGE_END, *LETTERS]), max_size=9).map(_pages),
    st.sampled_from(Order),
    st.sampled_from(_LIMITS),
    st.sampled_from([1, 200, 29_000]),
    st.sampled_from([None, 0, 5 * 60_000]),
    st.sampled_from([Trouble.NONE, Trouble.NONE, *Trouble]),
    st.sampled_from([DEFAULTS, DEFAULTS, *every(names=FOUND_AT_ONCE)]),
)
DEPLOYMENTS = st.builds(
    lambda deployment, way: replace(deployment, limits=replace(deployment.limits, **way)),
    _DEPLOYMENTS,
    st.sampled_from(_WAYS),
)
SCHEDULES = st.builds(
    Schedule,
    # Answers are as likely as all faults together, so that schedules get somewhere.
    st.lists(st.sampled_from(_ANSWERS * (len(_FAULTS) // len(_ANSWERS)) + _FAULTS), max_size=40),
    st.lists(st.sampled_from([Fate.OK, Fate.OK, Fate.DIED_UNSAVED, Fate.DIED_UNSENT]), max_size=12),
    st.lists(OFFSETS_MS, max_size=8),
)
EDITS = st.sampled_from(
    [*(Edit(*edit) for edit in product(LETTERS, Verb)), Edit(ALIKE, Verb.WRITE)]
)
# A Glean that is as it likes, and guards that are often in the way.
ANY_DEPLOYMENTS = st.builds(
    lambda deployment, readings, shrink_count: replace(
        deployment,
        readings=readings,
        limits=replace(
            deployment.limits, shrink_count=shrink_count, settle_ms_max=5_000, restarts_max=9
        ),
    ),
    DEPLOYMENTS,
    st.sampled_from([*every(), *every(names=OF_DOCUMENTS)]),
    st.sampled_from([0, 10]),
)
ASKS = st.builds(
    Ask,
    st.integers(0, 3),
    st.sampled_from(
        [
            Instruction(Command.CANCEL),
            Instruction(Command.RETRY),
            Instruction(Command.APPROVE, "another list"),
            Instruction(Command.APPROVE, ITS_LIST),
        ]
    ),
)
TRIGGERS = st.sampled_from([Trigger(*asked) for asked in product(Mode, (None, "one", "two"))])


def _in_time(choice: Choice) -> Choice:
    if choice.fate not in LANDS_LATE:
        return choice
    return replace(choice, fate=Fate.LOST if choice.fate is Fate.LATE else Fate.DIED_SENT)
