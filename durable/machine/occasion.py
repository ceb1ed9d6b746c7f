"""What began a job. Imports nothing of ours."""

from enum import StrEnum


class Occasion(StrEnum):
    """What began a job, or queued it again."""

    CRON = "cron"
    CATCH_UP = "catch-up"  # cron did not tick when it was due
    REQUEST = "request"  # of a person, or of what asks in their place
    RETRY = "retry"  # likewise, of a job or of its rejects
