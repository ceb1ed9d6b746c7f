"""What a person can do, in the commands of this CLI, where the API speaks of its requests.

A test holds the codes to the Worker's.
"""

from collections.abc import Mapping
from string import Template

from glean_sync.answers import Message


RESTORE = "To keep it, bring it back in the source and run a FULL job before that."
TEXTS: Mapping[str, str] = {
    "decide": (
        "`glean-sync missing $job` lists what would be deleted ($deletions). If the source has "
        "lost it, `glean-sync approve $job --list $list` reads the source again and deletes what "
        "is on the list, and nothing else. `glean-sync cancel $job` deletes nothing."
    ),
    "decide-unnamed": (
        "`glean-sync missing $job` tells how many documents of each type Glean has ($deletions). "
        "If the source is to replace them, `glean-sync approve $job --list $list` deletes all that "
        "it does not have, whatever that is. Where that is much, Glean pauses the deletion for "
        "seven days. `glean-sync cancel $job` deletes nothing."
    ),
    "retry": "`glean-sync retry $job` queues it again.",
    "correct-records": (
        "`glean-sync rejects $job` says why. Correct the source or the connector, or raise the "
        "limit; then `glean-sync retry $job` queues it again."
    ),
    "repeat-rejects": (
        "`glean-sync rejects $job` says why. Correct the source or the connector; then `glean-sync "
        "retry $job --rejects` reads these records again, and so does the next FULL job."
    ),
    "read-all-again": (
        "`glean-sync jobs $connector` names the jobs that have rejected some, and `glean-sync "
        "rejects` of one says why. Correct the source or the connector; then `glean-sync trigger "
        "$connector --mode FULL` reads them again."
    ),
    "check-uploads": (
        "See whether something else uploads to this datasource. If Glean's history is that late, "
        "raise settle_ms_max in LIMITS. Then `glean-sync retry $job` queues it again."
    ),
    "delete-or-restore": (
        "Glean deletes what the upload no longer had seven days after its close, and at once if "
        f"its indexing API is asked to process all documents. {RESTORE}"
    ),
    "verify-longer": "See the last error, or raise verify_ms_max in LIMITS.",
    "find-missing": (
        "The source may list one id twice, or ids that differ by case alone. Else Glean's "
        "indexing API tells what became of one document of $datasource."
    ),
    "set-up": "`glean-sync setup $connector` makes it what is declared.",
    "confirm-deletions": (
        "See `glean-sync missing $job` ($deletions). If that is right, `glean-sync approve $job "
        "--list $list` approves of it."
    ),
    "confirm-differences": "`glean-sync setup $connector` shows them, and asks.",
    "wait-or-cancel": "Wait for its end, or `glean-sync cancel $job` first.",
    "use-another-key": "Ask again.",
    "read-log": "`glean-sync tail` shows why.",
}


def say(message: Message | None) -> str:
    """It in one line, in the words of the API where this table has none of the code."""
    if message is None:
        return ""
    if message.code not in TEXTS:
        return message.text
    return Template(TEXTS[message.code]).safe_substitute(message.parameters)
