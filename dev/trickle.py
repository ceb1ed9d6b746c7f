"""What happens at the sources and at the Worker, minute by minute, while `make dev` runs. Pure."""

import random
from collections.abc import Sequence

from msgspec import Struct

from durable.machine.job import Mode


FULL_MINUTES = 15
CHANGES_MAX = 5


class Change(Struct, frozen=True, kw_only=True):
    """Of the records of one source.

    Attributes:
        source: the variable that takes its URL.
        change: so many records get another version.
        remove: so many others are removed.
        add: so many are new.
        seed: draws them.
    """

    source: str
    change: int
    remove: int
    add: int
    seed: int

    def __str__(self) -> str:
        counts = {"changed": self.change, "removed": self.remove, "added": self.add}
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


class Minute(Struct, frozen=True):
    """First the sources change, then cron ticks for jobs of a mode."""

    changes: Sequence[Change]
    mode: Mode


def minute(number: int, sources: Sequence[str]) -> Minute:
    """What one minute brings.

    Some sources change and some do not, so that there are jobs that find nothing. No more records
    are removed than added: a FULL job finds about as many as the last one, and is not held.

    Args:
        number: counted from 0, when everything is read for the first time.
        sources: those that can change.
    """
    if number % FULL_MINUTES == 0:
        return Minute((), Mode.FULL)
    if not sources:
        return Minute((), Mode.INCREMENTAL)
    draw = random.Random(number)
    chosen = draw.sample(sources, draw.randint(1, len(sources)))
    return Minute([_change(source, draw) for source in sorted(chosen)], Mode.INCREMENTAL)


def _change(source: str, draw: random.Random) -> Change:
    add = draw.randint(0, 2)
    return Change(
        source=source,
        change=draw.randint(1, CHANGES_MAX),
        remove=draw.randint(0, add),
        add=add,
        seed=draw.randrange(1_000_000),
    )
