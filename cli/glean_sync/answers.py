"""What the Worker answers, as far as it is shown. Its OpenAPI document has all of it.

Fields that a Worker does not send yet have defaults; those that it sends beyond these are passed
over.
"""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from glean_sync.states import RESTING


class Message(Struct, frozen=True):
    """What is done or can be done: `code` is worded here, `text` in the words of the API."""

    code: str
    parameters: dict[str, str | int]
    text: str


class Problem(Struct, frozen=True):
    """A refusal, as RFC 9457 has it."""

    title: str
    status: int
    detail: str = ""
    legal: tuple[str, ...] | None = None  # the commands that the job takes as it is
    remedy: Message | None = None


class Progress(Struct, frozen=True, kw_only=True):
    """An estimate of how far a job is."""

    documents: int
    of: int | None = None
    share: float | None = None
    of_what: str | None = None
    eta_at: str | None = None


class Deletions(Struct, frozen=True):
    """Whether Glean has deleted what an upload no longer had: done, pending, paused, unknown."""

    stage: str
    state: str


class Occurrence(Struct, frozen=True, kw_only=True):
    """One of the latest things that happened to a job."""

    what: str


class Changes(Struct, frozen=True, kw_only=True):
    """What a job did to the documents in Glean; `access`: who may see them, and nothing else."""

    added: int
    changed: int
    access: int
    deleted: int
    unchanged: int


class Status(Struct, frozen=True, kw_only=True):
    """A job. Times are RFC 3339 in UTC."""

    id: str
    connector: str
    mode: str
    state: str
    begun_by: str | None = None
    became_full: bool = False
    repeats: str | None = None
    way: str | None = None  # of a FULL job: replace, reconcile
    stage: str = ""
    waits_because: str | None = None
    waits_until: str | None = None
    next_step: Message | None = None
    remedy: Message | None = None
    if_killed_now: Message | None = None
    since_because: Message | None = None
    commands: tuple[str, ...] = ()
    created_at: str
    started_at: str | None = None
    finished_at: str | None = None
    pages: int
    documents: int
    deleted: int
    rejected: int
    next_attempt_at: str | None = None  # set while the job waits for it
    last_error: str | None = None
    changes: Changes | None = None
    missing: int | None = None
    missing_list: str | None = None  # the digest by which an approval names what is missing
    progress: Progress | None = None
    deletions: tuple[Deletions, ...] = ()
    findings: tuple[Message, ...] = ()
    events: tuple[Occurrence, ...] = ()

    @property
    def is_resting(self) -> bool:
        return self.state in RESTING


class Line(Struct, frozen=True, kw_only=True):
    """A job in a list."""

    id: str
    connector: str
    mode: str
    state: str
    begun_by: str | None = None
    created_at: str
    seconds: float | None = None
    pages: int
    documents: int
    deleted: int
    rejected: int
    error: str | None = None


class Jobs(Struct, frozen=True):
    """A part of the list of jobs, the newest first. `next` is the path of the part after it."""

    jobs: list[Line]
    next: str | None = None


class Connector(Struct, frozen=True, kw_only=True):
    """A connector and how it is."""

    name: str
    datasource: str
    health: str
    why: str | None = None
    remedy: Message | None = None
    findings: tuple[Message, ...] = ()
    next_at: str | None = None
    next_mode: str | None = None
    last_success_at: str | None = None
    documents: int | None = None
    current: Line | None = None
    jobs: list[Line] = []


class Connectors(Struct, frozen=True):
    connectors: list[Connector]


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened to a job. The counts are those of a turn."""

    number: int
    at: str
    kind: str
    what: str
    pages: int | None = None
    documents: int | None = None
    deleted: int | None = None
    rejected: int | None = None
    seconds: float | None = None


class Events(Struct, frozen=True):
    """A part of a job's events, the oldest first. `next` is the path of the part after it."""

    job: str
    total: int
    events: list[Event]
    next: str | None = None


class Reject(Struct, frozen=True, kw_only=True):
    """A record that was rejected."""

    page: int
    record: int
    key: str | None
    reason: str
    excerpt: str


class Rejects(Struct, frozen=True):
    """A part of a job's rejects. `next` is the path of the part after it."""

    job: str
    total: int
    rejects: list[Reject]
    next: str | None = None


class MissingDocument(Struct, frozen=True, kw_only=True):
    """Something that Glean has and the source has not."""

    id: str
    type: str | None = None
    title: str | None = None
    url: str | None = None


class MissingDocuments(Struct, frozen=True, kw_only=True):
    """A part of what a FULL job would delete. `next` is the path of the part after it."""

    job: str
    stage: str
    total: int | None = None  # null: the source is not read to its end
    list: str | None = None
    missing: Sequence[MissingDocument] = ()
    next: str | None = None


class Check(Struct, frozen=True):
    """One thing that has to be right."""

    name: str
    outcome: Literal["passed", "failed", "skipped"]
    detail: str
    remedy: Message | None = None


class Checked(Struct, frozen=True):
    connector: str
    passed: bool
    checks: list[Check]


class Difference(Struct, frozen=True):
    """What Glean has otherwise than it is declared."""

    field: str
    declared: Any
    actual: Any


class Provisioned(Struct, frozen=True, kw_only=True):
    """How a datasource in Glean stands."""

    datasource: str
    is_declared: bool
    exists: bool
    differences: list[Difference]
