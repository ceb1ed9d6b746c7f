"""What is done where Glean has another number of documents than it is to have. Pure."""

from msgspec import Struct

from durable.machine.index_status import PAUSED
from durable.machine.verification import Verdict, Verification


class Remembered(Struct, frozen=True):
    """What is remembered from one verification to the next. Persisted."""

    is_replaced: bool = False  # counts differed, and all documents were replaced for that


def calls_for_replacement(verification: Verification, remembered: Remembered) -> bool:
    """Whether all documents are to be brought anew, since Glean has another number of them.

    Once: where it has not helped, it would not help again. Nor would it where Glean has paused
    what it is to delete.
    """
    is_mismatch = verification.verdict is Verdict.MISMATCH
    return is_mismatch and verification.upload_state != PAUSED and not remembered.is_replaced
