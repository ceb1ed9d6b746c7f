"""How long a job works and waits: lease, back-off, and the budget of a turn. Pure."""

import zlib

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import Failed
from durable.machine.job import Job, Stage, TurnUsage, with_pacing
from durable.machine.pages import InFlightPage, Page
from durable.machine.rate import Rate
from durable.machine.slowdown import MINUTE_MS, halve, rate_per_minute


ALARM_MS_MIN = 50  # the platform may lose an alarm that is set for this very moment
KILLED_AGAIN = 2  # deaths without progress: one is nothing unusual, and nobody waits for it
SHARES_PER_MINUTE = 6
PLACE_MS = 250  # for each of those who wait for room, at first
PLACES_MAX = 4
PATIENT_PLACE_MS = 1_000  # after some seconds, since each look for room costs rows
REQUESTS_PER_BATCH = 3  # sent, refused and asked about, before it is cut in two
# What a job has used of the rates, and the next one may not use again. All of its connector's
# sources are mostly of one server.
USED = (
    *("rate", "asked_until_ms", "asked_count", "spans"),
    *("source_at_ms", "source_pause", "indexed_until_ms", "slowdown"),
)


def not_before(at_ms: int, now_ms: int) -> int:
    return max(at_ms, now_ms + ALARM_MS_MIN)


def asked_wait_ms(asked_ms: int, limits: Limits) -> int:
    """How long the other side asked to be left alone."""
    return min(asked_ms, limits.retry_after_ms_max)


def is_stalled(job: Job, now_ms: int, limits: Limits) -> bool:
    """Whether a job has gone on without progress for too long.

    Rests that somebody asked for do not count, be it one in a day; so many of them do.
    """
    is_patient = job.pacing.pause_count < limits.pauses_max
    since_ms = now_ms - job.pacing.progress_at_ms - (job.pacing.paused_ms if is_patient else 0)
    return since_ms >= limits.stall_ms_max


def backoff_ms(job: Job, failure: Failed, limits: Limits) -> int:
    """How long to leave the other side alone."""
    # Full jitter, so that those who were refused together do not come back together.
    doublings = max(0, job.pacing.attempt - 1)
    backoff_ms = doubled_ms(limits.backoff_ms_min, doublings, limits.backoff_ms_max)
    return asked_wait_ms(failure.retry_after_ms, limits) + round(backoff_ms * failure.jitter)


def verify_pause_ms(ask_count: int, limits: Limits) -> int:
    """Until Glean is asked again what has become of an upload."""
    return doubled_ms(limits.verify_pause_ms_min, ask_count, limits.verify_pause_ms_max)


def doubled_ms(ms_min: int, doublings: int, ms_max: int) -> int:
    """A pause that doubles with each try, up to the longest there is."""
    return min(ms_min << min(doublings, ms_max.bit_length()), ms_max)


def is_saturated(job: Job, now_ms: int, limits: Limits) -> bool:
    """Whether Glean takes no further document by itself for now."""
    if job.is_upload or job.stage is not Stage.DOCUMENTS:
        return False
    ahead_ms = max(0, job.pacing.indexed_until_ms - now_ms)
    per_minute = documents_per_minute(job, now_ms, limits)
    return ahead_ms + indexing_ms(single_documents_max(per_minute), per_minute) > MINUTE_MS


def saturated_reason(job: Job, now_ms: int, limits: Limits) -> str:
    """Why it takes none, for whoever reads the job's status."""
    per_minute = documents_per_minute(job, now_ms, limits)
    reason = f"Glean takes {limits.documents_per_minute_max} documents a minute one by one"
    if per_minute == limits.documents_per_minute_max:
        return reason
    return f"{reason}, and found them too many: {per_minute} for now"


def documents_per_minute(job: Job, now_ms: int, limits: Limits) -> int:
    """As many single documents as there may be for now: fewer once Glean found them too many."""
    return rate_per_minute(job.pacing.slowdown, limits.documents_per_minute_max, now_ms)


def slow_down(job: Job, failure: Failed, now_ms: int, limits: Limits) -> Job:
    """With fewer documents a minute, since Glean has refused some as too many.

    Whoever else may have its token, has used up the minute, unless Glean says for how long.
    """
    slowdown = halve(job.pacing.slowdown, limits.documents_per_minute_max, now_ms)
    job = with_pacing(job, slowdown=slowdown)
    if failure.retry_after_ms:
        return job
    return with_pacing(job, indexed_until_ms=max(job.pacing.indexed_until_ms, now_ms + MINUTE_MS))


def single_documents_max(per_minute: int) -> int:
    """Of one request outside of an upload: small enough to use the rate evenly."""
    return max(1, per_minute // SHARES_PER_MINUTE)


def single_requests_max(limits: Limits) -> int:
    """Of one page, where what they bring could go together as well."""
    return max(1, limits.turn_requests_max // REQUESTS_PER_BATCH)


def count_documents(job: Job, document_count: int, now_ms: int, limits: Limits) -> Job:
    """With documents counted that were sent by themselves: a bucket that leaks at the rate."""
    begun_ms = max(job.pacing.indexed_until_ms, now_ms)
    per_minute = documents_per_minute(job, now_ms, limits)
    return with_pacing(job, indexed_until_ms=begun_ms + indexing_ms(document_count, per_minute))


def count_unheard(job: Job, now_ms: int, limits: Limits) -> Job:
    """With a request counted whose answer is not known: Glean may have heard it."""
    per_minute = documents_per_minute(job, now_ms, limits)
    return count_documents(job, single_documents_max(per_minute), now_ms, limits)


def indexing_ms(document_count: int, per_minute: int) -> int:
    """The time for which the rate allows so many."""
    return document_count * MINUTE_MS // per_minute


def count_requests(job: Job, request_count: int, now_ms: int) -> Job:
    """With requests to the source counted, if it has a rate."""
    rate = job.pacing.rate
    if rate is None:
        return job
    until_ms, count = job.pacing.asked_until_ms, job.pacing.asked_count
    if now_ms >= until_ms:
        until_ms, count = now_ms + rate.per_ms, 0
    count += request_count
    job = with_pacing(job, asked_until_ms=until_ms, asked_count=count)
    # The next page may take as many as this one.
    if count + request_count <= rate.requests:
        return job
    requests = "1 request" if rate.requests == 1 else f"{rate.requests} requests"
    return _spared(job, until_ms, f"the source takes {requests} every {rate.per_ms / 1_000:g} s")


def honour_wait(job: Job, page: Page, now_ms: int, limits: Limits) -> Job:
    """With what the source asks for beside its rate."""
    asked_ms = asked_wait_ms(page.wait_ms, limits)
    return _spared(job, now_ms + asked_ms, page.wait_reason) if asked_ms else job


def _spared(job: Job, until_ms: int, reason: str) -> Job:
    if until_ms <= job.pacing.source_at_ms:
        return job
    return with_pacing(job, source_at_ms=until_ms, source_pause=reason)


def inherit_usage(job: Job, last: Job | None, fingerprint: str) -> Job:
    """A job before its first turn, with what the connector's last one has used of the rates.

    And with how large its pages were, if they are of the same definition.
    """
    if last is None or last.id == job.id:
        return job
    page_bytes = last.page_bytes if last.fingerprint == fingerprint else {}
    job = replace(job, page_bytes=page_bytes)
    return with_pacing(job, **{name: getattr(last.pacing, name) for name in USED})


def switch_rate(job: Job, rate: Rate | None, now_ms: int) -> Job:
    """At a source that has this rate: its requests are counted, and those of others put by."""
    pacing = job.pacing
    if rate == pacing.rate:
        return job
    spans = [*pacing.spans]
    if pacing.rate is not None:
        spans.append((pacing.rate, pacing.asked_until_ms, pacing.asked_count))
    of_this = [span for span in spans if span[0] == rate]
    _, until_ms, count = of_this[-1] if of_this else (rate, 0, 0)
    others = tuple(span for span in spans if span[0] != rate and span[1] > now_ms)
    return with_pacing(job, rate=rate, asked_until_ms=until_ms, asked_count=count, spans=others)


def is_spent(job: Job, turn: TurnUsage, now_ms: int, limits: Limits) -> bool:
    return (
        turn.page_count >= max(1, limits.turn_pages_max >> job.pacing.halving_count)
        or turn.byte_count >= limits.turn_bytes_max >> job.pacing.halving_count
        or turn.request_count >= limits.turn_requests_max
        or now_ms - turn.started_at_ms >= limits.turn_ms_max
    )


def renew_lease(job: Job, now_ms: int, limits: Limits) -> Job:
    """Renew the lease when half of the longest is left: each renewal costs a row written.

    Two requests, each within its time, may come before the next chance.
    """
    if job.alarm_at_ms is not None and job.alarm_at_ms - now_ms >= limits.lease_ms // 2:
        return job
    return replace(job, alarm_at_ms=not_before(now_ms + lease_ms(job, limits), now_ms))


def lease_ms(job: Job, limits: Limits) -> int:
    """How long a lease of the job's turn is."""
    return jittered_lease_ms(f"{job.id} {job.turn_count}", limits)


def jittered_lease_ms(key: str, limits: Limits) -> int:
    """From three quarters of the lease to all of it, another one for each key.

    All jobs of an isolate die with it. If they woke together, they would want its memory together,
    and one whose page kills would take the others with it before a page of theirs has landed.
    """
    return limits.lease_ms - zlib.crc32(key.encode()) % (limits.lease_ms // 4 + 1)


def room_wait_ms(job: Job, place: int, jitter: float, now_ms: int) -> int:
    """When to look for room again: the sooner, the fewer have waited longer, and with patience."""
    waited_s = max(0, now_ms - job.pacing.progress_at_ms) // 1_000
    patient_ms = doubled_ms(PLACE_MS, waited_s, PATIENT_PLACE_MS)
    return round(patient_ms * min(place, PLACES_MAX) * (0.5 + jitter))


def spread_ms_max(job: Job, limits: Limits) -> int:
    """How long a turn waits at the most before its work, if its job was killed again and again.

    Alarms that were due while nothing ran, fire together.
    """
    return limits.lease_ms // 4 if job.pacing.death_count >= KILLED_AGAIN else 0


def add_usage(turn: TurnUsage, flight: InFlightPage) -> TurnUsage:
    """The turn's usage after one more page."""
    page = flight.page
    request_count = page.request_count + REQUESTS_PER_BATCH * flight.batch_count
    return replace(
        turn,
        page_count=turn.page_count + 1,
        document_count=turn.document_count + flight.document_count,
        deletion_count=turn.deletion_count + flight.deletion_count,
        reject_count=turn.reject_count + flight.reject_count,
        byte_count=turn.byte_count + page.byte_count,
        request_count=turn.request_count + request_count,
        is_crowded=False,  # there is its own again
    )
