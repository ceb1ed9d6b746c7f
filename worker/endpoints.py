"""The one table of the Worker's endpoints.

What the routing, the OpenAPI document and the dashboard's page know of them, derives from it.
"""

from collections.abc import Sequence

from durable import __version__
from durable.connector.definition import NAME
from durable.machine.job_id import JOB_ID
from worker import connector_handlers, job_handlers, metrics, openapi, sign_in
from worker.bodies import Approval, Health, SetUp, SignIn, Trigger
from worker.call import Call
from worker.endpoint import (
    COUNT,
    KEY,
    NUMBER,
    PLACE,
    READ,
    SECONDS,
    STATE,
    TRUTH,
    Endpoint,
    Parameter,
)


async def _health(call: Call) -> Health:
    return Health(__version__, call.commit)


async def _openapi(_call: Call) -> openapi.Json:
    return openapi.document(ENDPOINTS)


ENDPOINTS: Sequence[Endpoint] = (
    Endpoint("health", READ, "/health", "Ask whether the Worker runs", _health, is_public=True),
    Endpoint("openapi", READ, "/openapi.json", "Read this document", _openapi, is_public=True),
    Endpoint(
        "sign-in",
        ("POST",),
        "/session",
        "Sign in, to ask with a cookie instead of the token",
        sign_in.sign_in,
        body=SignIn,
        answer_status=204,
        answer_headers={"Set-Cookie": "The cookie of the session."},
        other_refusals=(401, 503),
        is_public=True,
    ),
    Endpoint("session", READ, "/session", "See who asks", sign_in.show_session),
    Endpoint(
        "sign-out",
        ("DELETE",),
        "/session",
        "Sign out",
        sign_in.sign_out,
        answer_status=204,
        answer_headers={"Set-Cookie": "Takes the cookie away."},
    ),
    Endpoint(
        "trigger",
        ("POST",),
        "/trigger",
        "Ask for a job; where one of this mode is queued or running, that is the answer",
        job_handlers.trigger,
        body=Trigger,
        answer_status=202,
        asks=(
            Parameter(
                "Idempotency-Key",
                "header",
                KEY,
                "1 to 255 printable ASCII characters: requests with the same key are one "
                "request, however often it is sent.",
            ),
        ),
        other_refusals=(422,),
    ),
    Endpoint(
        "connectors",
        READ,
        "/connectors",
        "See all connectors at a glance: what they do, when they are due, what is wrong",
        connector_handlers.list_connectors,
        has_page=True,
    ),
    Endpoint(
        "jobs",
        READ,
        "/jobs",
        "Page through the jobs of all connectors, or of one, the newest first",
        job_handlers.list_jobs,
        asks=(
            Parameter(
                "connector", "query", NAME, "The connector whose jobs are wanted. Without it: all."
            ),
            Parameter(
                "state",
                "query",
                STATE,
                "States that are wanted, divided by commas. Without it: all.",
            ),
            Parameter("limit", "query", COUNT, "How many to answer, from 1 to 100; 20 without it."),
            Parameter("before", "query", JOB_ID, "A job's id: older ones follow. `next` gives it."),
        ),
        other_refusals=(404,),
        has_page=True,
    ),
    Endpoint(
        "status",
        READ,
        "/status/{job}",
        "See how a job stands, what it waits for and what it takes",
        job_handlers.show_status,
        asks=(
            Parameter(
                "wait",
                "query",
                SECONDS,
                "Answer as soon as the job's state changes, or after so many seconds, at most "
                "60; at once where it is in no state that passes by itself.",
            ),
        ),
        has_page=True,
    ),
    Endpoint(
        "events",
        READ,
        "/events/{job}",
        "Read what happened to a job, in order",
        job_handlers.list_events,
        asks=(
            Parameter(
                "after",
                "query",
                NUMBER,
                "An event's number: those after it follow. `next` gives it.",
            ),
        ),
        has_page=True,
    ),
    Endpoint(
        "rejects",
        READ,
        "/rejects/{job}",
        "Page through the records that were rejected",
        job_handlers.list_rejects,
        asks=(
            Parameter(
                "after",
                "query",
                PLACE,
                "Where the page before this one ended, as in 3.17; `next` gives it.",
            ),
        ),
        has_page=True,
    ),
    Endpoint(
        "missing",
        READ,
        "/missing/{job}",
        "Page through what a FULL job would delete in Glean, or has deleted",
        job_handlers.list_missing,
        asks=(
            Parameter(
                "after",
                "query",
                PLACE,
                "Where the page before this one ended, as in 1.100; `next` gives it.",
            ),
        ),
    ),
    Endpoint(
        "approve",
        ("POST",),
        "/approve/{job}",
        "Let a held job read the source again and delete what is on its list, and nothing else",
        job_handlers.approve,
        body=Approval,
        answer_status=202,
        other_refusals=(409,),
    ),
    Endpoint(
        "cancel",
        ("POST",),
        "/cancel/{job}",
        "End a job; what it has sent document by document stays",
        job_handlers.cancel,
        other_refusals=(409,),
    ),
    Endpoint(
        "retry",
        ("POST",),
        "/retry/{job}",
        "Queue a job again that failed or was cancelled; or what any job has rejected",
        job_handlers.retry,
        answer_status=202,
        asks=(
            Parameter(
                "rejects",
                "query",
                TRUTH,
                "`true` or `false`: with `true`, a new job reads again only what this one has "
                "rejected.",
            ),
        ),
        other_refusals=(409,),
    ),
    Endpoint(
        "check",
        ("POST",),
        "/check/{connector}",
        "Find out whether a connector can work: its source, its mapping, and Glean",
        connector_handlers.check,
    ),
    Endpoint(
        "datasource",
        READ,
        "/datasource/{connector}",
        "See how Glean's datasource differs from what the connector declares",
        connector_handlers.show_datasource,
        other_refusals=(409, 502),
    ),
    Endpoint(
        "setup",
        ("POST",),
        "/setup/{connector}",
        "Make Glean's datasource what the connector declares; answers how it stood before",
        connector_handlers.set_up,
        body=SetUp,
        other_refusals=(409, 502),
    ),
    Endpoint(
        "metrics",
        READ,
        "/metrics",
        "Read the metrics of all connectors in Prometheus' text format",
        connector_handlers.show_metrics,
        media_type=metrics.CONTENT_TYPE,
    ),
)
# By the first part of the path, and whether it names a job or a connector.
_BY_PATH: dict[tuple[str, bool], list[Endpoint]] = {}
for _endpoint in ENDPOINTS:
    _place = (_endpoint.path.partition("/{")[0], "/{" in _endpoint.path)
    _BY_PATH.setdefault(_place, []).append(_endpoint)


def find_endpoints(path: str) -> tuple[Sequence[Endpoint], str] | None:
    """The endpoints at a path and what is named in it, which may be anything; "" for nothing.

    The path is taken as it came, with its escapes: no job's id and no connector needs any.
    """
    if (endpoints := _BY_PATH.get((path, False))) is not None:
        return endpoints, ""
    start, slash, name = path.rpartition("/")
    endpoints = _BY_PATH.get((start, True)) if slash else None
    return None if endpoints is None else (endpoints, name)
