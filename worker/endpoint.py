"""The entries of the table of endpoints."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, get_type_hints

from msgspec import Struct

from durable.connector.definition import NAME
from durable.machine.job_id import JOB_ID
from durable.machine.states import State
from worker.call import Call
from worker.responses import WorkerResponse
from worker.sessions import SAFE_METHODS


KEY = re.compile(r"[ -~]{1,255}")  # any text of the caller's own; it is stored
TRUTH = re.compile("true|false")
NUMBER = re.compile(r"[0-9]{1,15}")
SECONDS = re.compile(r"[0-5]?[0-9]|60")
COUNT = re.compile(r"[1-9][0-9]?|100")
STATE = re.compile(rf"({'|'.join(State)})(,({'|'.join(State)}))*")
PLACE = re.compile(r"[0-9]{1,15}\.[0-9]{1,15}")  # as large as COUNT_MAX, for the same reason


class Parameter(Struct, frozen=True):
    """A parameter of a request: in its path, its query or a header."""

    name: str
    place: Literal["path", "query", "header"]
    pattern: re.Pattern[str]  # the whole of it matches
    description: str


JOB = Parameter("job", "path", JOB_ID, "A job's id, as `POST /trigger` gives it.")
CONNECTOR = Parameter("connector", "path", NAME, "A connector's name.")
READ = ("GET", "HEAD")


class Endpoint(Struct, frozen=True):
    """A path, the methods that it takes, and their handlers."""

    operation: str  # its id in the OpenAPI document
    methods: tuple[str, ...]  # the one to use first
    path: str  # `{job}` stands for a job's id, `{connector}` for a connector's name
    summary: str
    handler: Callable[[Call], Awaitable[object]]  # gives the answer, or a whole Response
    body: type[Struct] | None = None
    media_type: str = "application/json"  # of the answer
    answer_status: int = 200
    answer_headers: Mapping[str, str] = {}  # what each of them holds
    asks: tuple[Parameter, ...] = ()  # beside what the path names
    other_refusals: tuple[int, ...] = ()  # beside those that follow from the rest
    is_public: bool = False
    has_page: bool = False  # a browser gets the dashboard's

    @property
    def answer(self) -> type[Struct] | None:
        """The type of the answer. None: any JSON object or text; no body with the status 204."""
        kind = get_type_hints(self.handler)["return"]
        is_told = isinstance(kind, type) and issubclass(kind, Struct) and kind is not WorkerResponse
        return kind if is_told else None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        named = tuple(one for one in (JOB, CONNECTOR) if f"{{{one.name}}}" in self.path)
        return (*named, *self.asks)

    @property
    def refusals(self) -> list[int]:
        """The statuses of all problems that it may answer with."""
        statuses = {500, *self.other_refusals}
        if not self.is_public:
            statuses |= {401, 503} if set(self.methods) <= SAFE_METHODS else {401, 403, 503}
        if self.body is not None:
            statuses |= {400, 413}
        for parameter in self.parameters:
            statuses.add(404 if parameter.place == "path" else 400)
        return sorted(statuses)
