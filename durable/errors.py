"""What can go wrong, by who must act.

    UpstreamError          the source or Glean: becomes an event of the machine
    ConfigurationError     whoever deploys: a variable, secret or connector is not right

Anything else is our own bug: an assertion, which nobody catches. The armed
lease brings the job back, and the count of deaths ends it.
"""


class UpstreamError(Exception):
    """The source or Glean did not do what was asked, or its answer was lost.

    Args:
        reason: says who answered what, for the person who reads the status.
        is_transient: whether trying again may help.
        retry_after_ms: how long the other side asked to be left alone.
    """

    def __init__(self, reason: str, *, is_transient: bool, retry_after_ms: int = 0) -> None:
        super().__init__(reason)
        self.is_transient = is_transient
        self.retry_after_ms = retry_after_ms


class ConfigurationError(Exception):
    """The message names what is wrong, where, and what to do."""
