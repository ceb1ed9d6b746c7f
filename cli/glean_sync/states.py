"""The states of a job, and what each means to a command. A test holds them to the Worker's."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from glean_sync.exits import ExitCode


class State(StrEnum):
    QUEUED = "queued"
    OPENING = "opening"
    SENDING = "sending"
    CLOSING = "closing"
    HELD = "held"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StateTraits(Struct, frozen=True):
    """What a state means."""

    style: str
    exit_code: ExitCode | None = None  # where the job rests till a person asks for more


TRAITS: Mapping[str, StateTraits] = {
    State.QUEUED: StateTraits("dim"),
    State.OPENING: StateTraits("cyan"),
    State.SENDING: StateTraits("cyan"),
    State.CLOSING: StateTraits("cyan"),
    State.HELD: StateTraits("yellow", ExitCode.HELD),
    State.SUCCEEDED: StateTraits("green", ExitCode.DONE),
    State.FAILED: StateTraits("bold red", ExitCode.FAILED),
    State.CANCELLED: StateTraits("dim", ExitCode.FAILED),
}
RESTING = frozenset(state for state, traits in TRAITS.items() if traits.exit_code is not None)
