"""What may become of an await: the faults that the processor has to outlive."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from itertools import count

from msgspec import Struct


class Kind(StrEnum):
    """What is awaited."""

    SAVE = "save"  # the object's own storage
    FETCH = "fetch"  # a page of the source
    OPEN = "open"
    SEND = "send"
    DELETE = "delete"
    SHARE = "share"  # who may see a document, and nothing else of it
    CLOSE = "close"
    ASK = "ask"  # Glean, for the state of its uploads
    PROCESS = "process"  # all documents at once


class Fate(StrEnum):
    """What becomes of it. `There` is the other side: the source, or Glean."""

    OK = "answered"
    REFUSED = "not taken there; another try may help"
    INTERCEPTED = "not taken there; something in front answered in its place"
    FORBIDDEN = "not taken there; another try will not help"
    LOST = "took effect there, the answer was lost"
    GARBLED = "took effect there, the answer was cut short"
    LATE = "given up, and took effect there later"
    BROKE = "not taken there; raised what nobody expects"
    DIED_UNSAVED = "died; what was written since the last await is lost, nothing was sent"
    DIED_UNSENT = "died; what was written is kept, nothing was sent"
    DIED_SENT = "died; what was written is kept, and it took effect there"
    DIED_LATE = "died; what was written is kept, and it took effect there later"


DEATHS = frozenset({Fate.DIED_UNSAVED, Fate.DIED_UNSENT, Fate.DIED_SENT, Fate.DIED_LATE})
# Lost writes with a sent request are no fate: the platform's output gate holds a
# request back until what was written before it is on disk.
LANDS_NOW = frozenset({Fate.OK, Fate.LOST, Fate.GARBLED, Fate.DIED_SENT})
LANDS_LATE = frozenset({Fate.LATE, Fate.DIED_LATE})
# While storage is awaited nothing but death can come: the platform's input gate.
AT_SAVE = (Fate.DIED_UNSAVED, Fate.DIED_UNSENT)


class Await(Struct, frozen=True):
    """A point at which the code under test waits."""

    index: int
    kind: Kind
    target: str = ""  # the cursor, or the upload


class Choice(Struct, frozen=True):
    fate: Fate = Fate.OK
    flavour: int = 0  # picks one of the ways in which the fate comes about
    delay: int = 1  # a late request arrives just before the so-manieth after it
    lag_ms: int = 0  # the answer takes so much longer than others
    retry_after: int = 0  # REFUSED: so many seconds are asked for; 0: as the flavour has it


FatePlan = Callable[[Await], Choice]
OK = Choice()


def calm(_: Await) -> Choice:
    return OK


def at(choices: Mapping[int, Choice]) -> FatePlan:
    """Choices by the index of the await, all others being answered."""
    return lambda point: choices.get(point.index, OK)


def where(choice: Choice, *kinds: Kind, target: str | None = None) -> FatePlan:
    """One choice for ever, for all awaits of these kinds (and this target)."""

    def plan(point: Await) -> Choice:
        is_meant = point.kind in kinds and target in {None, point.target}
        return choice if is_meant else OK

    return plan


def possible(kind: Kind) -> tuple[Fate, ...]:
    """The faults that differ in their effect at such an await, but for late ones.

    Not among them: DIED_UNSAVED, which leaves what a death right after the await
    before it leaves; GARBLED, which is REFUSED to whoever fetches; BROKE, which is
    DIED_UNSENT but for the memory.
    """
    match kind:
        case Kind.SAVE:
            return (Fate.DIED_UNSENT,)
        case Kind.FETCH:  # only reads, so arrived or not is the same
            return (Fate.REFUSED, Fate.DIED_UNSENT)
        case Kind.ASK:
            return (Fate.REFUSED, Fate.GARBLED, Fate.DIED_UNSENT)
    return (Fate.REFUSED, Fate.LOST, Fate.DIED_UNSENT, Fate.DIED_SENT)


def faults_at(kind: Kind) -> tuple[Fate, ...]:
    """All that are possible at such an await, and at a save both deaths: it was stored or not."""
    return AT_SAVE if kind is Kind.SAVE else possible(kind)


def in_order(requests: Iterable[Choice], saves: Iterable[Fate]) -> FatePlan:
    """Choices for the awaits of requests and of storage as they come, then all are answered."""
    of_requests, of_saves = iter(requests), iter(saves)

    def plan(point: Await) -> Choice:
        if point.kind is Kind.SAVE:
            return Choice(next(of_saves, Fate.OK))
        return next(of_requests, OK)

    return plan


def once_each(choice: Choice, kind: Kind) -> FatePlan:
    """One choice for every other await of a kind: what failed, then goes well."""
    awaits = count()

    def plan(point: Await) -> Choice:
        return choice if point.kind is kind and next(awaits) % 2 == 0 else OK

    return plan


def first_time(choice: Choice, kind: Kind) -> FatePlan:
    """One choice for the first await of a kind."""
    awaits = count()

    def plan(point: Await) -> Choice:
        return choice if point.kind is kind and next(awaits) == 0 else OK

    return plan
