"""Whether a caller may do more than ask for the Worker's health. Pure."""

import hmac

from durable.environment import Environment
from durable.errors import ConfigurationError
from worker import problems
from worker.problems import Problem


TOKEN = "TRIGGER_TOKEN"  # noqa: S105 - the name of a secret
OPEN = "ALLOW_UNAUTHENTICATED_FOR_LOCAL_USE"


def refusal(environment: Environment, authorization: str | None) -> Problem | None:
    """Why the caller is turned away; None if the caller may pass.

    Args:
        environment: holds the token.
        authorization: the header of that name.
    """
    if environment.optional(TOKEN) is None:
        if environment.optional(OPEN) == "true":
            return None
        return problems.unavailable(
            f"The secret {TOKEN} is not set, so nobody may call this. Run "
            f"`npx wrangler secret put {TOKEN}`, or for local use only set {OPEN} to true."
        )
    try:
        token = environment.secret(TOKEN).reveal()  # from here on, no log shows it
    except ConfigurationError as error:
        return problems.unavailable(f"{error}.")
    scheme, _, given = (authorization or "").partition(" ")
    # Compared in constant time, so that the time taken tells nothing about the token.
    is_equal = hmac.compare_digest(given.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not is_equal:
        return problems.unauthorized(
            f"Send the header `Authorization: Bearer TOKEN` with the value of {TOKEN}."
        )
    return None
