"""Sign-in of browsers, and its end."""

from durable.timestamps import rfc3339
from worker import problems, sessions
from worker.auth import TOKEN, Auth, Caller, is_same
from worker.bodies import Session, SignIn
from worker.problems import Problem
from worker.request import Request, decoded
from worker.responses import Response, json_answer, nothing, refused


async def signed_in(request: Request, auth: Auth, nonce: str, now_ms: int) -> Response:
    """The answer to who shows the token: a cookie that stands for it.

    Args:
        request: with the token in its body.
        auth: knows the token.
        nonce: of the session, see `sessions.begun`.
        now_ms: the time.
    """
    token = auth.token()
    if isinstance(token, Problem):
        return refused(token)
    given = await decoded(request, SignIn, '{"token": "..."}')
    if isinstance(given, Problem):
        return refused(given)
    if not is_same(given.token, token):
        return refused(problems.unauthorized(f"The token is not the value of {TOKEN}."))
    return nothing({"set-cookie": sessions.begun(token, nonce, now_ms)})


def signed_out() -> Response:
    return nothing({"set-cookie": sessions.ended()})


def session(caller: Caller) -> Response:
    expires_at = None if caller.expires_at_ms is None else rfc3339(caller.expires_at_ms)
    return json_answer(200, Session(via=caller.via, who=caller.who, expires_at=expires_at))
