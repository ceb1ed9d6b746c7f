"""Turns a server's refusal into an error of the job."""

import httpx

from durable.errors import Recourse, UpstreamError
from durable.http.error_rules import Action, Reply, RuleVerdict


REFUSAL_BYTES_MAX = 4_096  # of an error's body, which a person is to read
REDIRECT_REMEDY = "if it leads to a login page, check the secret; else, correct the URL"
RECOURSES = {
    Action.RESTART: Recourse.RESTART,
    Action.FULL: Recourse.FULL,
    Action.SKIP: Recourse.SKIP,
    Action.END: Recourse.END,
}


def refusal(
    name: str, asked: httpx.URL, reply: Reply, verdict: RuleVerdict, proof_remedy: str
) -> UpstreamError:
    """The error.

    Args:
        name: of the server.
        asked: for what.
        reply: that refuses it.
        verdict: what is to be done.
        proof_remedy: what to do where it does not let in who asks.
    """
    status, action = reply.status, verdict.action
    text = reply.body[:REFUSAL_BYTES_MAX].decode(errors="replace")
    remedy = ""
    is_transient = action in {Action.RETRY, Action.WAIT}
    if verdict.is_unproven or (status in {401, 403} and action is not Action.WAIT):
        remedy = f", {proof_remedy}"
    elif 300 <= status < 400:
        remedy = f", a redirect{_origin(asked, reply)}, which is not followed: {REDIRECT_REMEDY}"
        text = ""  # it quotes the address, and that may hold secrets
    elif reply.is_answer:
        remedy = ", which one of its rules takes for an error"
    if is_transient and verdict.told_by:
        # Whoever is told to come back, is known there.
        error = remedy if reply.is_answer else ""
        remedy = f"{error}, and is left alone as {verdict.told_by} says"
    return UpstreamError(
        f"{name} answered {status}{remedy}{': ' if text else ''}{text}",
        is_transient=is_transient,
        status=status,
        retry_after=verdict.retry_after,
        recourse=RECOURSES.get(action),
        words=reply.body[:REFUSAL_BYTES_MAX],
    )


def _origin(asked: httpx.URL, reply: Reply) -> str:
    """Where a redirect leads. Only the server: the rest of a login's URL may hold secrets."""
    location = reply.headers.get("location", "")
    if not location:
        return ""
    try:
        url = asked.join(location)
    except (httpx.InvalidURL, ValueError):
        return ""
    return f" to {url.scheme}://{url.host}"
