"""What a person is told to do, in the words of where it is read: the one table of them. Pure.

The API speaks of its requests, the dashboard of its buttons, an alert of the page to open. The
CLI has a table of its own, of the same codes, which speaks of its commands.
"""

from collections.abc import Mapping
from enum import StrEnum
from string import Template

from msgspec import Struct

from durable.machine.remedies import Remedy, RemedyCode


class Surface(StrEnum):
    """Where a text is read."""

    API = "api"
    DASHBOARD = "dashboard"
    ALERT = "alert"


class Advice(Struct, frozen=True):
    """What a person can do: `text` is in the words of this API, `code` is to be worded anew."""

    code: str
    parameters: Mapping[str, str | int]
    text: str


class Wording(Struct, frozen=True):
    """A text for each surface, with the parameters as in `$job`."""

    api: str
    dashboard: str = ""  # as the API's
    alert: str = ""  # as the dashboard's


RESTORE = "To keep it, bring it back in the source and run a FULL job before that."
TEXTS: Mapping[str, Wording] = {
    RemedyCode.DECIDE: Wording(
        "See whether the source is whole. Then POST /approve/$job "
        '{"deletions": $deletions} closes the upload, and POST /cancel/$job leaves Glean as '
        "it was.",
        "See whether the source is whole. Then Approve closes the upload and has Glean delete "
        "$deletions documents, and Cancel leaves Glean as it was.",
        "See whether the source is whole. Then open the job's page to approve or cancel it.",
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
        'Send {"deletions": $deletions} if that is right.',
        "If that is right, Approve on the job's page asks for this number.",
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
}


def template(code: str, surface: Surface) -> str:
    """The words of a code there, with the parameters as in `$job`; "" of a code of newer code."""
    wording = TEXTS.get(code)
    if wording is None:
        return ""
    match surface:
        case Surface.API:
            return wording.api
        case Surface.DASHBOARD:
            return wording.dashboard or wording.api
        case Surface.ALERT:
            return wording.alert or wording.dashboard or wording.api


def say(remedy: Remedy | None, surface: Surface) -> str:
    """What is to be done, in the words of a surface; "" if nothing is."""
    if remedy is None:
        return ""
    return Template(template(remedy.code, surface)).safe_substitute(remedy.parameters)


def advise(remedy: Remedy | None) -> Advice | None:
    """What is to be done, as the API shows it; None if nothing is."""
    if remedy is None:
        return None
    return Advice(remedy.code, remedy.parameters, say(remedy, Surface.API))
