"""The states of a job, and what each means to whoever has to know: the one table of them. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

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


class Traits(Struct, frozen=True):
    """What a state means."""

    phase: Literal["waiting", "working", "resting", "ended"]  # it rests until a person decides
    look: Literal["good", "busy", "idle", "warn", "bad"]
    commands: tuple[Command, ...] = ()  # that a job takes in it
    alert: str = ""  # what people are told that the job does; the log then has an error


TRAITS: Mapping[State, Traits] = {
    State.QUEUED: Traits("waiting", "idle", (Command.CANCEL,)),
    State.OPENING: Traits("working", "busy", (Command.CANCEL,)),
    State.SENDING: Traits("working", "busy", (Command.CANCEL,)),
    State.CLOSING: Traits("working", "busy", (Command.CANCEL,)),
    State.HELD: Traits("resting", "warn", (Command.APPROVE, Command.CANCEL), "waits for a person"),
    State.SUCCEEDED: Traits("ended", "good"),
    State.FAILED: Traits("ended", "bad", (Command.RETRY,), "has failed"),
    State.CANCELLED: Traits("ended", "idle", (Command.RETRY,)),
}


def _within(*phases: str) -> frozenset[State]:
    return frozenset(state for state, traits in TRAITS.items() if traits.phase in phases)


WORKING = _within("working")
PENDING = _within("waiting", "working")  # these have an alarm
ENDED = _within("ended")
