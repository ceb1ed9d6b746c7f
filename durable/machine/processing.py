"""What becomes of the wish that Glean process all documents at once, as it takes seldom. Pure."""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.pacing import asked_wait_ms, not_before
from durable.machine.verification import (
    PROCESSING,
    PROCESSING_MS,
    Trouble,
    Verification,
    backoff_ms,
    event_of_verification,
)


def record_processing(verification: Verification, now_ms: int) -> Verification:
    """Glean processes the documents."""
    verification = replace(verification, process_at_ms=None, error="")
    return event_of_verification(verification, f"Glean was asked {PROCESSING}", now_ms)


def record_failed_processing(
    verification: Verification, trouble: Trouble, now_ms: int, limits: Limits
) -> Verification:
    """Glean did not say that it does. `processed_at_ms` None: it certainly does not."""
    verification = replace(verification, error=trouble.reason)
    if trouble.is_too_often:
        text = f"somebody else has asked Glean {PROCESSING} within the last three hours"
        at_ms = now_ms + PROCESSING_MS
        verification = replace(verification, processed_at_ms=None, process_at_ms=at_ms)
        return event_of_verification(verification, text, now_ms)
    if trouble.may_be_taken:
        # It counts as asked, and is repeated no earlier than Glean would take it again.
        text = f"Glean was asked {PROCESSING}, and the answer was lost"
        return event_of_verification(verification, text, now_ms)
    at_ms = now_ms + asked_wait_ms(trouble.retry_after_ms, limits)
    at_ms += backoff_ms(verification.process_count, trouble, limits)
    next_at_ms = not_before(at_ms, now_ms) if trouble.is_transient else None
    verification = replace(verification, processed_at_ms=None, process_at_ms=next_at_ms)
    return event_of_verification(
        verification, f"Glean refused {PROCESSING}: {trouble.reason}", now_ms
    )
