"""What a job does and what a person can do, in the words of where it is read: the one table. Pure.

The API speaks of its requests, the dashboard of its buttons, an alert of the page to open. The
CLI has a table of its own, of the same codes, which speaks of its commands.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from string import Template

from msgspec import Struct

from durable.machine.remedies import Remedy, RemedyCode
from durable.views.connector_findings import FindingCode
from durable.views.steps import Phrase, ReachCode, RepeatCode, StepCode


class Surface(StrEnum):
    """Where a text is read."""

    API = "api"
    DASHBOARD = "dashboard"
    ALERT = "alert"


class Message(Struct, frozen=True):
    """What is done or can be done: `text` is in the words of this API, `code` to be worded anew."""

    code: str
    parameters: Mapping[str, str | int]
    text: str


class Wording(Struct, frozen=True):
    """A text for each surface, with the parameters as in `$job`."""

    api: str
    dashboard: str = ""  # as the API's
    alert: str = ""  # as the dashboard's


RESTORE = "To keep it, bring it back in the source and run a FULL job before that."
PAUSE = "Where that is much, Glean pauses the deletion for seven days."
WORDINGS: Mapping[str, Wording] = {
    RemedyCode.DECIDE: Wording(
        "GET /missing/$job lists what would be deleted ($deletions). If the source has lost it, "
        'POST /approve/$job {"list": "$list"} reads the source again and deletes what is on the '
        "list, and nothing else. POST /cancel/$job deletes nothing.",
        "The job's page lists what would be deleted ($deletions). If the source has lost it, "
        "Approve reads the source again and deletes what is on the list, and nothing else. "
        "Cancel deletes nothing.",
        "Open the job's page: it lists what would be deleted ($deletions), to approve of it or to "
        "cancel the job.",
    ),
    RemedyCode.DECIDE_UNNAMED: Wording(
        "GET /missing/$job tells how many documents of each type Glean has ($deletions). If the "
        'source is to replace them, POST /approve/$job {"list": "$list"} deletes all that it does '
        f"not have, whatever that is. {PAUSE} POST /cancel/$job deletes nothing.",
        "The job's page tells how many documents of each type Glean has ($deletions). If the "
        "source is to replace them, Approve deletes all that it does not have, whatever that is. "
        f"{PAUSE} Cancel deletes nothing.",
        "Open the job's page: it tells how many documents of each type Glean has ($deletions), to "
        "have the source replace them or to cancel the job.",
    ),
    RemedyCode.RETRY: Wording(
        "POST /retry/$job queues it again.",
        "Retry queues it again.",
        "Once the cause is gone, open the job's page to retry it.",
    ),
    RemedyCode.CORRECT_RECORDS: Wording(
        "GET /rejects/$job says why. Correct the source or the connector, or raise the limit; "
        "then POST /retry/$job queues it again.",
        "The job's page lists them and says why. Correct the source or the connector, or raise "
        "the limit; then Retry queues it again.",
        "The job's page lists them and says why. Correct the source or the connector, or raise "
        "the limit; then retry the job on its page.",
    ),
    RemedyCode.REPEAT_REJECTS: Wording(
        "GET /rejects/$job says why. Correct the source or the connector; then POST "
        "/retry/$job?rejects=true reads these records again, and so does the next FULL job.",
        "The job's page lists them and says why. Correct the source or the connector; then Retry "
        "there reads these records again, and so does the next FULL job.",
        "The job's page lists them and says why. Correct the source or the connector; then retry "
        "the rejected records there, or wait for the next FULL job.",
    ),
    RemedyCode.READ_ALL: Wording(
        "GET /jobs?connector=$connector names the jobs that have rejected some, and GET "
        "/rejects/<job> says why. Correct the source or the connector; then POST /trigger "
        '{"mode": "FULL", "connector": "$connector"} reads them again.',
        "The pages of its jobs list them and say why. Correct the source or the connector; then "
        "a FULL job reads them again.",
    ),
    RemedyCode.CHECK_UPLOADS: Wording(
        "See whether something else uploads to this datasource. If Glean's history is that late, "
        "raise settle_ms_max in LIMITS. Then POST /retry/$job queues it again.",
        "See whether something else uploads to this datasource. If Glean's history is that late, "
        "raise settle_ms_max in LIMITS. Then Retry queues it again.",
        "See whether something else uploads to this datasource. If Glean's history is that late, "
        "raise settle_ms_max in LIMITS. Then open the job's page to retry it.",
    ),
    RemedyCode.DELETE_OR_RESTORE: Wording(
        "Glean deletes what the upload no longer had seven days after its close, and at once if "
        f"asked by POST /api/index/v1/processalldocuments to Glean. {RESTORE}",
        "Glean deletes what the upload no longer had seven days after its close, and at once if "
        f"its indexing API is asked to process all documents. {RESTORE}",
    ),
    RemedyCode.RESTORE: Wording(
        f"Glean deletes what the upload no longer had seven days after its close. {RESTORE}"
    ),
    RemedyCode.VERIFY_LONGER: Wording(
        "See last_error, or raise verify_ms_max in LIMITS.",
        "See the last error, or raise verify_ms_max in LIMITS.",
    ),
    RemedyCode.FIND_MISSING: Wording(
        "The source may list one id twice, or ids that differ by case alone. Else POST "
        "/api/index/v1/debug/$datasource/document to Glean tells what became of one document.",
        "The source may list one id twice, or ids that differ by case alone. Else Glean's "
        "indexing API tells what became of one document of $datasource.",
    ),
    RemedyCode.FIND_SURPLUS: Wording(
        "See whether something else brings documents to this datasource, or its deletions are late."
    ),
    RemedyCode.SET_UP: Wording(
        "GET /datasource/$connector lists the differences, and POST /setup/$connector with "
        "their number makes it what is declared.",
        "`glean-sync setup $connector` makes it what is declared.",
    ),
    RemedyCode.CONFIRM_DELETIONS: Wording(
        'See GET /missing/$job ($deletions). If that is right, send {"list": "$list"}.',
        "The list has changed ($deletions): look at it on the job's page, which asks again.",
    ),
    RemedyCode.CONFIRM_DIFFERENCES: Wording(
        'Look at them with GET /datasource/$connector, then send {"differences": $differences}.',
        "`glean-sync setup $connector` shows them, and asks.",
    ),
    RemedyCode.WAIT_OR_CANCEL: Wording(
        "Wait for its end, or POST /cancel/$job first.",
        "Wait for its end, or choose Cancel on its page first.",
    ),
    RemedyCode.USE_ANOTHER_KEY: Wording("Use another key for another request."),
    RemedyCode.READ_LOG: Wording("The Worker's log says why: `npx wrangler tail` shows it."),
    StepCode.READ_ALL: Wording("Reads the source ($stage) from its start."),
    StepCode.OPEN_UPLOAD: Wording(
        "Opens a bulk upload of $stage, and reads the source from its start."
    ),
    StepCode.RESUME_UPLOAD: Wording(
        "Goes on at page $page if Glean still has the upload open; else starts over."
    ),
    StepCode.CLOSE_IF_OPEN: Wording(
        "Closes the upload if Glean still has it open; else starts over."
    ),
    StepCode.RESUME: Wording("Goes on at page $page."),
    StepCode.READ_CHANGES: Wording(
        "Reads what has changed in the source since the last successful job began."
    ),
    StepCode.READ_PAGE: Wording("Reads page $page of the source."),
    StepCode.SEND_PAGES: Wording(
        "Sends what it has read from page $page on (pages: $page_count, batches: $batch_count, "
        "of these in Glean: $sent_count)."
    ),
    StepCode.SEND_AND_READ: Wording(
        "Reads page $next_page, and sends what it has read from page $page on (pages: "
        "$page_count, batches: $batch_count, of these in Glean: $sent_count)."
    ),
    StepCode.LIST_MISSING: Wording("Lists what Glean has and the source has not."),
    StepCode.CLOSE_UPLOAD: Wording("Asks Glean about the upload, and closes it if it is open."),
    StepCode.RECORD_UPLOAD: Wording("Notes in the ledger what the upload has brought."),
    RepeatCode.QUERY_UPLOAD: Wording("It would ask Glean about the upload again."),
    RepeatCode.OPEN_UPLOAD: Wording("It would open the upload again, which is still empty."),
    RepeatCode.READ_PAGE: Wording("It would read page $page again."),
    RepeatCode.SEND_PAGES: Wording(
        "It would read again from page $page on (pages: $page_count) and send that (batches: "
        "$batch_count, of these a second time: $begun_count)."
    ),
    RepeatCode.QUERY_BEFORE_CLOSE: Wording(
        "It would ask Glean about the upload again. It never repeats a close without asking."
    ),
    ReachCode.RETRY_REJECTS: Wording(
        "Reads $stage since $since, from earlier than its watermark: records that were rejected "
        "are tried again ($count)."
    ),
    FindingCode.SLOWED: Wording(
        "Glean answered 429 to single documents: $documents_per_minute go in a minute for now, of "
        "$documents_per_minute_max. The rest is regained within an hour without another 429. "
        "Connectors that share a token share Glean's rate."
    ),
    FindingCode.UNSTABLE: Wording(
        "Two FULL jobs in a row found more than half of the documents with other content than "
        "before ($changed of $known in the latest), though the connector is the same. Its mapping "
        "may put the current time, a random value or a counter into them: all of these are sent "
        "each time."
    ),
    FindingCode.FOREIGN: Wording(
        "Glean's history has an upload to this datasource that is none of this connector's, so "
        "the latest FULL job brought all documents anew (such uploads so far: $count). See what "
        "else uploads to the datasource."
    ),
}


def template(code: str, surface: Surface) -> str:
    """The words of a code there, with the parameters as in `$job`; "" of a code of newer code."""
    wording = WORDINGS.get(code)
    if wording is None:
        return ""
    match surface:
        case Surface.API:
            return wording.api
        case Surface.DASHBOARD:
            return wording.dashboard or wording.api
        case Surface.ALERT:
            return wording.alert or wording.dashboard or wording.api


def say(phrase: Remedy | Phrase | None, surface: Surface) -> str:
    """It in the words of a surface; "" if there is nothing to say."""
    if phrase is None:
        return ""
    return Template(template(phrase.code, surface)).safe_substitute(phrase.parameters)


def to_messages(phrases: Iterable[Remedy | Phrase]) -> tuple[Message, ...]:
    """All of them as the API shows them."""
    return tuple(message for phrase in phrases if (message := to_message(phrase)) is not None)


def to_message(phrase: Remedy | Phrase | None) -> Message | None:
    """It as the API shows it; None if there is nothing to say."""
    if phrase is None:
        return None
    return Message(phrase.code, phrase.parameters, say(phrase, Surface.API))
