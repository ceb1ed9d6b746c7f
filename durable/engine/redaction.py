"""Texts from outside, as they may become part of what is stored and shown of a job."""

from collections.abc import Mapping

from msgspec.structs import replace

from durable.environment import Environment
from durable.machine.rejects import Reject


REASON_CHARACTERS_MAX = 600  # of an error, as it is stored and shown
QUOTED_CHARACTERS_MAX = 16_384  # of what is looked at for that: a source may send megabytes
KEY_CHARACTERS_MAX = 200  # of a document's id, which Glean takes no longer


def clean_reason(reason: str, environment: Environment) -> str:
    """A reason without secrets, on one line, and not too long."""
    if not reason:
        return ""
    clean = _clean(reason[:QUOTED_CHARACTERS_MAX], environment)  # of a secret that it cuts, too
    return " ".join(clean.split())[:REASON_CHARACTERS_MAX]


def redact(reject: Reject, environment: Environment) -> Reject:
    """A reject without secrets."""
    return replace(
        reject,
        key=_clean(reject.key, environment)[:KEY_CHARACTERS_MAX],
        reason=clean_reason(reject.reason, environment),
        excerpt=_clean(reject.excerpt, environment),
    )


def redact_names(counts: Mapping[str, int], environment: Environment) -> dict[str, int]:
    """Counts of what has names, likewise."""
    return {_clean(name, environment): count for name, count in counts.items()}


def _clean(text: str, environment: Environment) -> str:
    """Without secrets, and without what no UTF-8 can write."""
    return environment.redacted(text.encode(errors="replace").decode())
