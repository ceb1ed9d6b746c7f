"""The states of a job, and what each means to whoever has to know: the one table of them. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class State(StrEnum):
    """Where a job is."""

    QUEUED = "queued"  # waits for the connector's earlier jobs
    OPENING = "opening"  # FULL only: no page of the upload is in Glean yet
    SENDING = "sending"  # every page before `cursor` is in Glean
    CLOSING = "closing"  # FULL only: all pages are in Glean, the upload is still open
    HELD = "held"  # FULL only: its close would delete too much, a person is to decide
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Command(StrEnum):
    CANCEL = "cancel"
    RETRY = "retry"
    APPROVE = "approve"


class Phase(StrEnum):
    """What a job does in a state. In the first two it has an alarm."""

    WAITING = "waiting"  # for its turn
    WORKING = "working"
    RESTING = "resting"  # until a person decides
    ENDED = "ended"


class Look(StrEnum):
    """How a state is shown."""

    GOOD = "good"
    BUSY = "busy"
    IDLE = "idle"
    WARN = "warn"
    BAD = "bad"


class Traits(Struct, frozen=True):
    """What a state means."""

    phase: Phase
    look: Look
    commands: tuple[Command, ...] = ()  # that a job takes in it
    alert: str = ""  # what people are told that the job does; the log then has an error


TRAITS: Mapping[State, Traits] = {
    State.QUEUED: Traits(Phase.WAITING, Look.IDLE, (Command.CANCEL,)),
    State.OPENING: Traits(Phase.WORKING, Look.BUSY, (Command.CANCEL,)),
    State.SENDING: Traits(Phase.WORKING, Look.BUSY, (Command.CANCEL,)),
    State.CLOSING: Traits(Phase.WORKING, Look.BUSY, (Command.CANCEL,)),
    State.HELD: Traits(
        Phase.RESTING, Look.WARN, (Command.APPROVE, Command.CANCEL), "waits for a person"
    ),
    State.SUCCEEDED: Traits(Phase.ENDED, Look.GOOD),
    State.FAILED: Traits(Phase.ENDED, Look.BAD, (Command.RETRY,), "has failed"),
    State.CANCELLED: Traits(Phase.ENDED, Look.IDLE, (Command.RETRY,)),
}


def _within(*phases: Phase) -> frozenset[State]:
    return frozenset(state for state, traits in TRAITS.items() if traits.phase in phases)


WORKING = _within(Phase.WORKING)
PENDING = _within(Phase.WAITING, Phase.WORKING)
ENDED = _within(Phase.ENDED)
