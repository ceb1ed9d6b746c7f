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


class Traits(Struct, frozen=True):
    """What a state means."""

    style: str
    exit_code: ExitCode | None = None  # where the job rests till a person asks for more


TRAITS: Mapping[str, Traits] = {
    State.QUEUED: Traits("dim"),
    State.OPENING: Traits("cyan"),
    State.SENDING: Traits("cyan"),
    State.CLOSING: Traits("cyan"),
    State.HELD: Traits("yellow", ExitCode.HELD),
    State.SUCCEEDED: Traits("green", ExitCode.DONE),
    State.FAILED: Traits("bold red", ExitCode.FAILED),
    State.CANCELLED: Traits("dim", ExitCode.FAILED),
}
RESTING = frozenset(state for state, traits in TRAITS.items() if traits.exit_code is not None)
