"""All that can be asked of the Worker: the one table of the routes and the OpenAPI document."""

from collections.abc import Sequence

from durable.connector.definition import NAME
from durable.engine.processor import JOB_ID
from durable.glean.differences import Provisioned
from durable.views.status import Status
from worker import metrics
from worker.bodies import (
    Accepted,
    Approval,
    Checked,
    Connectors,
    Events,
    Health,
    Jobs,
    Rejects,
    Session,
    SetUp,
    SignIn,
    Trigger,
)
from worker.endpoint import (
    COUNT,
    KEY,
    NUMBER,
    PLACE,
    SECONDS,
    STATE,
    TRUTH,
    Endpoint,
    Operation,
    Parameter,
)


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
                description=(
                    "1 to 255 printable ASCII characters: requests with the same key are one "
                    "request, however often it is sent."
                ),
            ),
        ),
        other_refusals=(422,),
    ),
    Endpoint(
        operation=Operation.CONNECTORS,
        methods=("GET", "HEAD"),
        path="/connectors",
        summary="See all connectors at a glance: what they do, when they are due, what is wrong",
        answer=Connectors,
    ),
    Endpoint(
        operation=Operation.JOBS,
        methods=("GET", "HEAD"),
        path="/jobs",
        summary="Page through the jobs of all connectors, or of one, the newest first",
        answer=Jobs,
        parameters=(
            Parameter(
                name="connector",
                place="query",
                pattern=NAME,
                description="The connector whose jobs are wanted. Without it: all.",
            ),
            Parameter(
                name="state",
                place="query",
                pattern=STATE,
                description="States that are wanted, divided by commas. Without it: all.",
            ),
            Parameter(
                name="limit",
                place="query",
                pattern=COUNT,
                description="How many to answer, from 1 to 100; 20 without it.",
            ),
            Parameter(
                name="before",
                place="query",
                pattern=JOB_ID,
                description="A job's id: older ones follow. `next` gives it.",
            ),
        ),
        other_refusals=(404,),
    ),
    Endpoint(
        operation=Operation.STATUS,
        methods=("GET", "HEAD"),
        path="/status/{job}",
        summary="See how a job stands, what it waits for and what it takes",
        answer=Status,
        parameters=(
            JOB,
            Parameter(
                name="wait",
                place="query",
                pattern=SECONDS,
                description=(
                    "Answer as soon as the job's state changes, or after so many seconds, at most "
                    "60; at once where it is in no state that passes by itself."
                ),
            ),
        ),
    ),
    Endpoint(
        operation=Operation.EVENTS,
        methods=("GET", "HEAD"),
        path="/events/{job}",
        summary="Read what happened to a job, in order",
        answer=Events,
        parameters=(
            JOB,
            Parameter(
                name="after",
                place="query",
                pattern=NUMBER,
                description="An event's number: those after it follow. `next` gives it.",
            ),
        ),
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
                description="Where the page before this one ended, as in 3.17; `next` gives it.",
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
                description=(
                    "`true` or `false`: with `true`, a new job reads again only what this one has "
                    "set aside."
                ),
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
    Endpoint(
        operation=Operation.METRICS,
        methods=("GET", "HEAD"),
        path="/metrics",
        summary="Read the metrics of all connectors in Prometheus' text format",
        answer=None,
        media_type=metrics.CONTENT_TYPE,
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
