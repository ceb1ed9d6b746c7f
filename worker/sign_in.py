"""Signs browsers in and out."""

from durable.timestamps import rfc3339_or_none
from worker import problems, sessions
from worker.auth import TOKEN, is_same
from worker.bodies import Session, SignIn
from worker.call import Call
from worker.problems import Problem, ProblemError
from worker.request import decode_body
from worker.responses import HEADERS, WorkerResponse


async def sign_in(call: Call) -> WorkerResponse:
    """Begin a session for whoever sends the token."""
    token = call.auth.token()
    if isinstance(token, Problem):
        raise ProblemError(token)
    given = await decode_body(call.request, SignIn, '{"token": "..."}')
    if not is_same(given.token, token):
        raise ProblemError(problems.describe(401, f"The token is not the value of {TOKEN}."))
    cookie = sessions.begin_session(token, call.edge.nonce(), call.edge.now_ms())
    return WorkerResponse(204, {**HEADERS, "set-cookie": cookie}, b"")


async def sign_out(_call: Call) -> WorkerResponse:
    return WorkerResponse(204, {**HEADERS, "set-cookie": sessions.end_session()}, b"")


async def show_session(call: Call) -> Session:
    caller = call.caller
    expires_at = rfc3339_or_none(caller.expires_at_ms)
    return Session(via=caller.via, who=caller.who, expires_at=expires_at)
