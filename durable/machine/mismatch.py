"""What is done where Glean has another number of documents than it is to have. Pure."""

from msgspec import Struct
from msgspec.structs import replace

from durable.machine.index_status import PAUSED
from durable.machine.job import Job, Way
from durable.machine.verification import Verdict, Verification


class Remembered(Struct, frozen=True):
    """What is remembered from one verification to the next. Persisted."""

    is_replaced: bool = False  # counts differed, and all documents were replaced for that
    is_asked: bool = False  # they differed, and a job was begun for that, whatever came of it


def calls_for_replacement(
    verification: Verification, remembered: Remembered, *, is_paused: bool = False
) -> bool:
    """Whether all documents are to be brought anew, since Glean has another number of them.

    Once: where it has not helped, it would not help again. Nor would it where Glean has paused
    what it is to delete, be it after an earlier upload.
    """
    is_mismatch = verification.verdict is Verdict.MISMATCH
    is_paused = is_paused or verification.upload_state == PAUSED
    return is_mismatch and not is_paused and not remembered.is_replaced


def remember_success(remembered: Remembered, job: Job) -> Remembered:
    """A FULL job has succeeded: what was asked for is done, whichever job has done it."""
    is_done = remembered.is_asked and job.way is Way.REPLACE
    return replace(remembered, is_replaced=remembered.is_replaced or is_done)


def remember_right_count(remembered: Remembered, job: Job | None) -> Remembered:
    """Glean has as many as this job was to leave.

    Right after a replacement any count is: who changes documents by another way, does it again.
    """
    return remembered if job is not None and job.way is Way.REPLACE else Remembered()
