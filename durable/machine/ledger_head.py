"""What is known of the ledger as a whole, and of the crawl that writes to it. Pure."""

from collections.abc import Mapping

from msgspec import Struct

from durable.machine.job import Job, Stage
from durable.machine.ledger import Kind


KINDS: Mapping[Stage, Kind] = {
    Stage.DOCUMENTS: Kind.DOCUMENT,
    Stage.DELETIONS: Kind.DOCUMENT,
    Stage.USERS: Kind.USER,
    Stage.GROUPS: Kind.GROUP,
    Stage.TEAMS: Kind.TEAM,
    Stage.EMPLOYEES: Kind.EMPLOYEE,
    Stage.MEMBERSHIPS: Kind.MEMBERSHIP,
}
# Brought by no upload of all there is, so that none makes them certain again.
SINGLY = frozenset({Kind.EMPLOYEE, Kind.MEMBERSHIP})


class LedgerFacts(Struct, frozen=True):
    """What is known of all rows of a kind together."""

    replaced_at_ms: int | None = None  # when the last upload began that Glean closed
    upload_id: str = ""  # of that upload
    fingerprint: str = ""  # of the connector, at that time
    has_recipe: bool = False  # the digests are made as they were then
    unconfirmed_count: int = 0
    named_count: int | None = None  # rows, where Glean may have documents that nobody has brought


class OpenCrawl(Struct, frozen=True):
    """The crawl whose packs there are. Persisted."""

    job_id: str
    kind: Kind
    at_ms: int  # when it began
    is_upload: bool
    is_closing: bool = False  # Glean may have closed the upload


class KindState(Struct, frozen=True):
    """What is known of all rows of a kind. Persisted."""

    replaced_at_ms: int | None = None  # the last upload that was closed; None: not all is known
    upload_id: str = ""  # of that upload
    fingerprint: str = ""  # of the connector, at that time
    recipe: str = ""  # of the digests, likewise
    trusted_from_ms: int = 0  # what crawls before that have written is in doubt


class LedgerHead(Struct, frozen=True):
    """What there is one of. Persisted: add fields with defaults, never rename."""

    number_next: int = 0
    destination: str = ""  # the Glean and the datasource that the rows are of, as a digest
    since_ms: int = 0  # earlier rows are of another one
    is_ours: bool = False  # all that Glean has there was brought from here, or approved of
    crawl: OpenCrawl | None = None
    kinds: Mapping[Kind, KindState] = {}


def kind_of(job: Job) -> Kind | None:
    """What the ledger holds of the stage under way; None: nothing."""
    return None if job.is_stage_delegated else KINDS.get(job.stage)
