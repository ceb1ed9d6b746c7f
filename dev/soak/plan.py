"""What the rounds bring, drawn before anything happens. Pure."""

import random
from collections.abc import Iterator
from enum import StrEnum
from itertools import count

from msgspec import Struct
from msgspec.structs import replace

from dev.local_glean.readings import Readings, every
from dev.soak.troubles import Trouble, draw
from durable.machine.job import Mode


RECORDS = 1_000  # about so many, all the time
HOLD_EVERY = 5  # rounds: in one of so many, too many records are removed
HOLD_SHARE = 0.33  # of the records; more than shrink_max
EDITS_MAX = (150, 20, 20)  # changed, removed, added: removals stay far below shrink_max
STEPS_MAX = 3
DEEDS_MAX = 4
PAUSE_MS_MAX = 200  # about two pages


class Start(StrEnum):
    """How a step's job is asked for."""

    TRIGGER = "a trigger"
    CROWD = "a hundred triggers at once"
    TICK = "a cron tick, twice"


class Deed(StrEnum):
    """What somebody does while a job is under way."""

    KILL = "SIGKILL of the runtime"
    EXPIRE = "the open upload expires"
    INTRUDE = "another client opens an upload"
    CANCEL = "cancel, then retry"
    ASIDE = "a trigger of the other mode"
    CROWD = "a hundred triggers at once"


class Act(Struct, frozen=True):
    """A deed and its moment.

    Attributes:
        deed: what is done.
        share: of the job's pages that have to be through before.
        pause_ms: from then.
    """

    deed: Deed
    share: float
    pause_ms: int


class Edit(Struct, frozen=True):
    """At the source. `share` is removed beside the number."""

    change: int
    remove: int
    add: int
    seed: int
    share: float = 0


class Ending(StrEnum):
    """What becomes of a job that was held."""

    APPROVED = "approved"
    KILLED = "the runtime killed, then approved"
    INTRUDED = "another client opens an upload, then approved"
    REPLACED = "replaced by another job, which is approved"
    CANCELLED = "cancelled, retried and approved"


class Step(Struct, frozen=True, kw_only=True):
    """An edit, a job, and what happens to it."""

    mode: Mode
    edit: Edit
    start: Start
    troubles: tuple[Trouble, ...]
    acts: tuple[Act, ...]  # by their moments
    ending: Ending | None = None  # None: the job must not be held
    is_calm: bool = False  # nothing is in its way
    is_replacing: bool = False  # a FULL job sends all documents anew, whatever the ledger has


class Round(Struct, frozen=True, kw_only=True):
    number: int  # from 1
    readings: Readings
    steps: tuple[Step, ...]


DEEDS = (
    (Deed.KILL, 6),
    (Deed.CANCEL, 2),
    (Deed.INTRUDE, 2),
    (Deed.EXPIRE, 2),
    (Deed.ASIDE, 2),
    (Deed.CROWD, 1),
)
WHILE_HOLDING = frozenset({Deed.KILL, Deed.CANCEL, Deed.INTRUDE, Deed.EXPIRE})


def rounds(generator: random.Random) -> Iterator[Round]:
    """Without end; all combinations of readings come before one comes again."""
    combinations = list(every())
    generator.shuffle(combinations)
    for number in count(1):
        readings = combinations[(number - 1) % len(combinations)]
        yield Round(number=number, readings=readings, steps=tuple(_steps(generator, number)))


def calm() -> Step:
    """A FULL job that must succeed: nothing is in its way."""
    nothing = Edit(0, 0, 0, 0)
    return Step(
        mode=Mode.FULL, edit=nothing, start=Start.TRIGGER, troubles=(), acts=(), is_calm=True
    )


def _steps(generator: random.Random, number: int) -> Iterator[Step]:
    if number % HOLD_EVERY == 0:
        yield _holding(generator)
    for index in range(generator.randint(2, STEPS_MAX)):
        edit = _edit(generator)
        if number % HOLD_EVERY == 0 and index == 0:
            edit = replace(edit, add=round(RECORDS * HOLD_SHARE))
        mode = generator.choice((Mode.FULL, Mode.FULL, Mode.INCREMENTAL))
        start = generator.choice((Start.TRIGGER, Start.TRIGGER, Start.CROWD, Start.TICK))
        yield Step(
            mode=mode,
            edit=edit,
            start=start,
            is_replacing=mode is Mode.FULL and start is not Start.TICK and generator.random() < 0.5,
            troubles=draw(generator, has_refusals=generator.random() < 0.2),
            acts=_acts(generator, DEEDS),
        )


def _holding(generator: random.Random) -> Step:
    edit = Edit(0, 0, 0, generator.randrange(1_000_000), HOLD_SHARE)
    deeds = tuple((deed, weight) for deed, weight in DEEDS if deed in WHILE_HOLDING)
    return Step(
        mode=Mode.FULL,
        edit=edit,
        start=Start.TRIGGER,
        is_replacing=generator.random() < 0.5,
        troubles=draw(generator, has_refusals=False),
        acts=_acts(generator, deeds),
        ending=generator.choice(tuple(Ending)),
    )


def _edit(generator: random.Random) -> Edit:
    change, remove, add = (generator.randint(0, most) for most in EDITS_MAX)
    return Edit(change, remove, add, generator.randrange(1_000_000))


def _acts(generator: random.Random, deeds: tuple[tuple[Deed, int], ...]) -> tuple[Act, ...]:
    choices, weights = [deed for deed, _ in deeds], [weight for _, weight in deeds]
    acts = [
        # 0 is the opening, and from 1 on the close.
        Act(
            deed,
            generator.choice((0.0, generator.random(), generator.random(), 1.0)),
            generator.randint(0, PAUSE_MS_MAX),
        )
        for deed in generator.choices(choices, weights, k=generator.randint(0, DEEDS_MAX))
    ]
    return tuple(sorted(acts, key=lambda act: act.share))
