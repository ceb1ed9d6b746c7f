"""What can go wrong, by who must act.

    UpstreamError          the source or Glean: becomes an event of the machine
    ConfigurationError     whoever deploys: a variable, secret or connector is not right

Of an UpstreamError that comes of an answer, the rules of the source say what it is
(durable/http/error_rules.py), and the usual ones where it has none.

Anything else is our own bug: an assertion, which nobody catches. The armed
lease brings the job back, and the count of deaths ends it.
"""

from enum import StrEnum


# With these, nobody can tell whether the other side has done it; None: nothing came, 202: it may.
UNCERTAIN_STATUSES = frozenset({None, 202, 408, 500, 502, 504})


class Recourse(StrEnum):
    """What helps where trying again does not."""

    RESTART = "restart"  # the cursor has expired: read the source from its start
    FULL = "full"  # read all of the source: it no longer tells what changed since then
    END = "end"  # nothing is there: the list may be over
    SKIP = "skip"  # rejected the one record that was asked for; where none was, there is no help


class Cause(StrEnum):
    """What is wrong: for a person, an alert or a test to tell one error from another."""

    THROTTLED = "throttled"  # 429
    UNAVAILABLE = "unavailable"  # 5xx
    CONFLICT = "conflict"  # 409
    REFUSED = "refused"  # any other answer than one that was asked for
    UNANSWERED = "unanswered"  # nothing came, or not all of it, or nothing that could be read
    LATE = "late"  # Glean does not tell yet what became of it
    MISCONFIGURED = "misconfigured"  # a variable, a secret, or what is declared
    RAISED = "raised"  # by the connector's own code, or that gave what cannot be used
    TOO_LARGE = "too-large"  # to be read
    UNREADABLE = "unreadable"  # no JSON, or none of the declared shape
    INCOMPLETE = "incomplete"  # by its own word, or it was cut
    CHANGED = "changed"  # the list, while it was read
    ENDLESS = "endless"  # the list seems to be
    BAD_CURSOR = "bad-cursor"  # the next page's is missing, of no use, or leads in a circle
    BAD_END = "bad-end"  # of two things that tell the end of a list, one is wrong
    BAD_COUNT = "bad-count"  # the list's, which differs from that of its records
    BAD_KEY = "bad-key"  # a record has none, or that of another one
    BAD_TIME = "bad-time"  # a record's, which is not as declared
    BAD_LINK = "bad-link"  # it leads to what is not asked


class UpstreamError(Exception):
    """The source or Glean did not do what was asked, or its answer was lost.

    Args:
        reason: says who answered what, for the person who reads the status.
        is_transient: whether trying again may help, which it seldom does.
        status: of the answer, if it is the answer that is at fault.
        cause: what is wrong; None: what the status says, or that nothing came.
        retry_after: what the answer, or a rule of the source, says of when to try again, as
            `durable.http.retry_after.wait_ms` understands it.
        recourse: what helps instead.
        words: the beginning of the body of the answer that is at fault.
        is_denied: whether an answer of another kind says that whoever asks may not.
    """

    def __init__(  # noqa: PLR0913 - all that is known of it
        self,
        reason: str,
        *,
        is_transient: bool = False,
        status: int | None = None,
        cause: Cause | None = None,
        retry_after: str = "",
        recourse: Recourse | None = None,
        words: bytes = b"",
        is_denied: bool = False,
    ) -> None:
        super().__init__(reason)
        self.is_denied = is_denied
        self.words = words
        self.recourse = recourse
        self.is_transient = is_transient
        self.status = status
        self.cause = cause or _cause_of(status)
        self.retry_after = retry_after

    @property
    def may_be_done(self) -> bool:
        """Whether what was asked for may be done all the same, and only its answer is lost."""
        return self.status in UNCERTAIN_STATUSES


def _cause_of(status: int | None) -> Cause:
    match status:
        case None:
            return Cause.UNANSWERED
        case 409:
            return Cause.CONFLICT
        case 429:
            return Cause.THROTTLED
        case _ if status >= 500:
            return Cause.UNAVAILABLE
    return Cause.REFUSED


class ConfigurationError(Exception):
    """The message names what is wrong, where, and what to do."""
