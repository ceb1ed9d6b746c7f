"""What can be asked of the Worker, in the words that its table is written in."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from durable.machine.job import State
from worker.sessions import SAFE_METHODS


KEY = re.compile(r"[ -~]{1,255}")  # any text of the caller's own; it is stored
TRUTH = re.compile("true|false")
NUMBER = re.compile(r"[0-9]{1,15}")
SECONDS = re.compile(r"[0-5]?[0-9]|60")
COUNT = re.compile(r"[1-9][0-9]?|100")
STATE = re.compile(rf"({'|'.join(State)})(,({'|'.join(State)}))*")
PLACE = re.compile(r"[0-9]{1,15}\.[0-9]{1,15}")  # as large as COUNT_MAX, for the same reason


class Operation(StrEnum):
    """What is done; also the operation's id in the OpenAPI document."""

    HEALTH = "health"
    OPENAPI = "openapi"
    SIGN_IN = "sign-in"
    SESSION = "session"
    SIGN_OUT = "sign-out"
    TRIGGER = "trigger"
    CONNECTORS = "connectors"
    JOBS = "jobs"
    STATUS = "status"
    EVENTS = "events"
    REJECTS = "rejects"
    APPROVE = "approve"
    CANCEL = "cancel"
    RETRY = "retry"
    CHECK = "check"
    DATASOURCE = "datasource"
    SET_UP = "setup"
    METRICS = "metrics"


class Parameter(Struct, frozen=True, kw_only=True):
    """Something that a request brings beside its body."""

    name: str
    place: Literal["path", "query", "header"]
    pattern: re.Pattern[str]  # the whole of it matches
    description: str


class Endpoint(Struct, frozen=True, kw_only=True):
    """A path and what it is for."""

    operation: Operation
    methods: tuple[str, ...]  # the one to use first
    path: str  # `{job}` stands for a job's id, `{connector}` for a connector's name
    summary: str
    body: type[Struct] | None = None
    answer: type[Struct] | None  # None: any JSON object, or a text; nothing, if the status is 204
    media_type: str = "application/json"  # of the answer
    answer_status: int = 200
    answer_headers: Mapping[str, str] = {}  # what each of them holds
    parameters: tuple[Parameter, ...] = ()
    other_refusals: tuple[int, ...] = ()  # beside those that follow from the rest
    is_public: bool = False

    @property
    def refusals(self) -> list[int]:
        """The statuses of all problems that can be the answer to one of its methods."""
        statuses = {500, *self.other_refusals}
        if not self.is_public:
            statuses |= {401, 503} if set(self.methods) <= SAFE_METHODS else {401, 403, 503}
        if self.body is not None:
            statuses |= {400, 413}
        for parameter in self.parameters:
            statuses.add(404 if parameter.place == "path" else 400)
        return sorted(statuses)
