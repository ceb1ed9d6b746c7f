"""The bounds a job works within. Imports nothing of ours. Durations are milliseconds (`_ms`)."""

from typing import Annotated

from msgspec import Meta, Struct


NUMBER_MAX = 10**12  # as milliseconds 31 years; sums of a few are still whole in JavaScript
Positive = Annotated[int, Meta(ge=1, le=NUMBER_MAX)]
Count = Annotated[int, Meta(ge=0, le=NUMBER_MAX)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bounds a job works within. Read anew at every turn, so a change helps a running job."""

    turn_pages_max: Positive = 500
    turn_bytes_max: Positive = 64 * 1024 * 1024
    turn_ms_max: Positive = 30_000  # an alarm may run for 15 minutes; a lost turn costs this much
    turn_requests_max: Positive = 3_000  # the platform takes 10,000, and a page may need many
    pages_max: Positive = 1_000_000  # of a job: a source that never comes to its end
    empty_pages_max: Positive = 1_000  # in a row; more, and the source has no end
    repeated_pages_max: Positive = 100  # of an INCREMENTAL job; a FULL one takes none
    resends_max: Count = 1_000  # documents of a page that changed before the rest of it was sent
    page_bytes_max: Positive = 8 * 1024 * 1024  # an isolate has 128 MB and holds a page thrice
    sends_max: Positive = 5  # at a time; with the source's page, all connections there are
    held_bytes_max: Positive = 4 * 1024 * 1024  # of pages read ahead; larger ones come one by one
    isolate_bytes_max: Positive = 16 * 1024 * 1024  # of pages that all its connectors hold
    page_batches_max: Positive = 2_000  # what Glean refuses, is cut into ever smaller batches
    batch_documents_max: Positive = 1_000
    batch_bytes_max: Positive = 5 * 1024 * 1024  # a request of several; what is larger goes alone
    lease_ms: Positive = 60_000  # a dead isolate is woken again after this long
    backoff_ms_min: Positive = 1_000
    backoff_ms_max: Positive = 300_000
    retry_after_ms_max: Positive = 60 * 60 * 1_000  # who asks for more is asked again after this
    stall_ms_max: Positive = 24 * 60 * 60 * 1_000  # without progress for so long, a job gives up
    pauses_max: Positive = 30  # rests in a row that were asked for; more count as time that passes
    deaths_max: Positive = 9  # of the isolate, at one and the same page; halve a turn to a page
    restarts_max: Count = 3  # crawls begun anew, since Glean no longer had the upload
    redefinitions_max: Count = 10  # likewise, since the connector's definition had changed
    settle_ms_max: Positive = 30 * 60 * 1_000  # for so long, Glean's history may be late
    documents_per_minute_max: Positive = 600  # by /indexdocuments; Glean takes no more
    changes_max: Positive = 20_000  # more, and single requests give way to a bulk upload
    replace_every_ms: Positive = 30 * 24 * 60 * 60 * 1_000  # FULL jobs reconcile in between
    rejects_max: Count = 1_000  # records rejected; more stop the job
    rejects_share_max: Share = 0.1  # of all records, at the end of the source
    rejects_share_count: Count = 10  # up to so many, the share does not count
    rejects_retried_ms: Count = 24 * 60 * 60 * 1_000  # INCREMENTAL jobs try them again
    shrink_max: Share = 0.2  # a FULL job that has lost more than this share of documents is held
    shrink_count: Count = 10  # up to so many, the share does not count
    verify_ms_max: Positive = 12 * 60 * 60 * 1_000  # Glean's counts may be three hours late
    verify_pause_ms_min: Positive = 5 * 60 * 1_000  # it takes a quarter of an hour and more
    verify_pause_ms_max: Positive = 60 * 60 * 1_000
    jobs_kept_ms: Positive = 90 * 24 * 60 * 60 * 1_000  # after their end
    jobs_kept_max: Positive = 1_000  # of each mode that did succeed, or did not: more is a flood
    successes_kept_max: Positive = 100  # of mode INCREMENTAL; before these, the last of each day
    rejects_kept_max: Count = 1_000  # of each job; all of them are counted
    notes_kept_max: Positive = 30  # of each job
    events_kept_max: Positive = 300  # of each job: its first ones, and its latest
