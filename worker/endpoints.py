"""All that can be asked of the Worker: the one table of the routes and the OpenAPI document."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from durable.connector import NAME
from durable.processor import JOB_ID
from durable.provision import Provisioned
from durable.status import Status
from worker.bodies import (
    Accepted,
    Approval,
    Checked,
    Health,
    Rejects,
    Session,
    SetUp,
    SignIn,
    Trigger,
)
from worker.sessions import SAFE_METHODS


KEY = re.compile(r"[ -~]{1,255}")  # any text of the caller's own; it is stored
TRUTH = re.compile("true|false")
PLACE = re.compile(r"[0-9]{1,15}\.[0-9]{1,15}")  # as large as COUNT_MAX, for the same reason


class Operation(StrEnum):
    """What is done; also the operation's id in the OpenAPI document."""

    HEALTH = "health"
    OPENAPI = "openapi"
    SIGN_IN = "sign-in"
    SESSION = "session"
    SIGN_OUT = "sign-out"
    TRIGGER = "trigger"
    STATUS = "status"
    REJECTS = "rejects"
    APPROVE = "approve"
    CANCEL = "cancel"
    RETRY = "retry"
    CHECK = "check"
    DATASOURCE = "datasource"
    SET_UP = "setup"


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
    answer: type[Struct] | None  # None: any JSON object, or nothing if the status is 204
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


JOB = Parameter(
    name="job", place="path", pattern=JOB_ID, description="A job's id, as `POST /trigger` gives it."
)
CONNECTOR = Parameter(
    name="connector", place="path", pattern=NAME, description="A connector's name."
)
ENDPOINTS = (
    Endpoint(
        operation=Operation.HEALTH,
        methods=("GET", "HEAD"),
        path="/health",
        summary="Ask whether the Worker runs",
        answer=Health,
        is_public=True,
    ),
    Endpoint(
        operation=Operation.OPENAPI,
        methods=("GET", "HEAD"),
        path="/openapi.json",
        summary="Read this document",
        answer=None,
        is_public=True,
    ),
    Endpoint(
        operation=Operation.SIGN_IN,
        methods=("POST",),
        path="/session",
        summary="Sign in, to ask with a cookie instead of the token",
        body=SignIn,
        answer=None,
        answer_status=204,
        answer_headers={"Set-Cookie": "The cookie of the session."},
        other_refusals=(401, 503),
        is_public=True,
    ),
    Endpoint(
        operation=Operation.SESSION,
        methods=("GET", "HEAD"),
        path="/session",
        summary="See who asks",
        answer=Session,
    ),
    Endpoint(
        operation=Operation.SIGN_OUT,
        methods=("DELETE",),
        path="/session",
        summary="Sign out",
        answer=None,
        answer_status=204,
        answer_headers={"Set-Cookie": "Takes the cookie away."},
    ),
    Endpoint(
        operation=Operation.TRIGGER,
        methods=("POST",),
        path="/trigger",
        summary="Ask for a job; where one of this mode is queued or running, that is the answer",
        body=Trigger,
        answer=Accepted,
        answer_status=202,
        parameters=(
            Parameter(
                name="Idempotency-Key",
                place="header",
                pattern=KEY,
                description="Requests with the same key are one request, however often it is sent.",
            ),
        ),
        other_refusals=(422,),
    ),
    Endpoint(
        operation=Operation.STATUS,
        methods=("GET", "HEAD"),
        path="/status/{job}",
        summary="See how a job stands, what it waits for and what it takes",
        answer=Status,
        parameters=(JOB,),
    ),
    Endpoint(
        operation=Operation.REJECTS,
        methods=("GET", "HEAD"),
        path="/rejects/{job}",
        summary="Page through the records that were set aside",
        answer=Rejects,
        parameters=(
            JOB,
            Parameter(
                name="after",
                place="query",
                pattern=PLACE,
                description="A page of the source and a record in it; `next` gives it.",
            ),
        ),
    ),
    Endpoint(
        operation=Operation.APPROVE,
        methods=("POST",),
        path="/approve/{job}",
        summary="Let a held job close its upload, which deletes documents",
        body=Approval,
        answer=Accepted,
        answer_status=202,
        parameters=(JOB,),
        other_refusals=(409,),
    ),
    Endpoint(
        operation=Operation.CANCEL,
        methods=("POST",),
        path="/cancel/{job}",
        summary="End a job and leave Glean as it was",
        answer=Accepted,
        parameters=(JOB,),
        other_refusals=(409,),
    ),
    Endpoint(
        operation=Operation.RETRY,
        methods=("POST",),
        path="/retry/{job}",
        summary="Queue a job again that failed or was cancelled; or what any job has set aside",
        answer=Accepted,
        answer_status=202,
        parameters=(
            JOB,
            Parameter(
                name="rejects",
                place="query",
                pattern=TRUTH,
                description="With `true`, a new job reads again only what this one has set aside.",
            ),
        ),
        other_refusals=(409,),
    ),
    Endpoint(
        operation=Operation.CHECK,
        methods=("POST",),
        path="/check/{connector}",
        summary="Find out whether a connector can work: its source, its mapping, and Glean",
        answer=Checked,
        parameters=(CONNECTOR,),
    ),
    Endpoint(
        operation=Operation.DATASOURCE,
        methods=("GET", "HEAD"),
        path="/datasource/{connector}",
        summary="See how Glean's datasource differs from what the connector declares",
        answer=Provisioned,
        parameters=(CONNECTOR,),
        other_refusals=(409, 502),
    ),
    Endpoint(
        operation=Operation.SET_UP,
        methods=("POST",),
        path="/setup/{connector}",
        summary="Make Glean's datasource what the connector declares; answers how it stood before",
        body=SetUp,
        answer=Provisioned,
        parameters=(CONNECTOR,),
        other_refusals=(409, 502),
    ),
)
# By the first part of the path, and whether it names a job or a connector.
_BY_PATH: dict[tuple[str, bool], list[Endpoint]] = {}
for _endpoint in ENDPOINTS:
    _place = (_endpoint.path.partition("/{")[0], "/{" in _endpoint.path)
    _BY_PATH.setdefault(_place, []).append(_endpoint)


def found(path: str) -> tuple[Sequence[Endpoint], str] | None:
    """The endpoints at a path and what is named in it, which may be anything; "" for nothing.

    The path is taken as it came, with its escapes: no job's id and no connector needs any.
    """
    if (endpoints := _BY_PATH.get((path, False))) is not None:
        return endpoints, ""
    start, slash, name = path.rpartition("/")
    endpoints = _BY_PATH.get((start, True)) if slash else None
    return None if endpoints is None else (endpoints, name)
