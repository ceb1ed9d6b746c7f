"""Lines of the log, each one JSON object. docs/logs.md says what is in them. Pure."""

import json
from enum import StrEnum
from typing import Any

from msgspec import Struct

from durable.machine.states import PENDING, TRAITS
from durable.machine.verification import Verdict
from durable.views.status import Status


class Level(StrEnum):
    """How urgent a line is: for nobody, for somebody who looks anyway, for somebody now."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


TEXT_CHARACTERS_MAX = 4_000  # in ASCII, up to twelve times as many bytes
HEAD_CHARACTERS = 1_000
TAIL_CHARACTERS = TEXT_CHARACTERS_MAX - HEAD_CHARACTERS - len(" ... ")


class LogLine(Struct, frozen=True):
    text: str
    level: Level


def log_line(event: str, level: Level, **fields: Any) -> LogLine:
    """A line in ASCII. Text from outside cannot begin another line, or control a terminal.

    The platform takes 256 KB of an invocation, so what is long is shortened.
    """
    shown = {name: _bound(value) for name, value in fields.items() if value is not None}
    return LogLine(_json({"event": event, "level": level.value, **shown}), level)


def _bound(value: Any) -> Any:
    """As it is; where that is long, the beginning and the end of its text."""
    text = value if isinstance(value, str) else _json(value)
    if len(text) <= TEXT_CHARACTERS_MAX:
        return value
    # Of a traceback the end tells most.
    return f"{text[:HEAD_CHARACTERS]} ... {text[-TAIL_CHARACTERS:]}"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f")


def job_line(event: str, job: Status, **fields: Any) -> LogLine:
    """A line of what happened to a job, with its state."""
    verdict = job.verification.state if job.verification is not None else None
    return log_line(
        event,
        level_of(job),
        **fields,
        connector=job.connector,
        job=job.id,
        mode=job.mode.value,
        state=job.state.value,
        begun_by=job.begun_by,
        stage=job.stage.value,
        turn=job.turns,
        attempt=job.attempt,
        pages=job.pages,
        documents=job.documents,
        deleted=job.deleted,
        rejected=job.rejected,
        waits_because=job.waits_because,
        waits_until=job.waits_until,
        error=job.last_error,
        error_code=job.last_error_code,
        verification=None if verdict is None else verdict.value,
    )


def level_of(job: Status) -> Level:
    """How urgent it is to look at a job."""
    is_mismatch = job.verification is not None and job.verification.state is Verdict.MISMATCH
    if is_mismatch or TRAITS[job.state].alert:
        return Level.ERROR
    return Level.WARNING if job.state in PENDING and job.last_error else Level.INFO
