"""The JSON bodies of requests and answers.

The OpenAPI document is made from these types: their docstrings and constraints are in it.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from durable.connector import definition
from durable.engine.checks import Check
from durable.machine.job import Mode, Stage
from durable.views.job_summary import JobSummary
from durable.views.overview import Overview
from durable.views.status import Status
from worker.auth import Via


# Told and not checked: a name that is none is answered with those that there are.
CONNECTOR = {
    "pattern": f"^(?:{definition.NAME.pattern})$",
    "maxLength": definition.NAME_CHARACTERS_MAX,
}
LIST_CHARACTERS_MAX = 64
# JSON has one kind of number, and some clients write 120.0.
COUNT_MAX = 10**15 - 1  # near 2**53 an integer reaches the object as a BigInt, and cannot be stored
Count = (
    Annotated[int, Meta(ge=0, le=COUNT_MAX)]
    | Annotated[float, Meta(ge=0, le=COUNT_MAX, multiple_of=1)]
)


VERSION_TAG = "VERSION_TAG"  # in the environment: of the version that is deployed


class Health(Struct, frozen=True):
    """Says that the Worker runs, and which one it is; it asks nobody else."""

    version: str  # of this project
    commit: str | None  # that `make deploy` deployed; None for what was deployed otherwise
    status: str = "ok"


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Shows the token, TRIGGER_TOKEN, to have a cookie for it."""

    token: str


class Session(Struct, frozen=True, kw_only=True):
    """How it is known who asks, who that is for Cloudflare Access, and for how long."""

    via: Via
    who: str | None
    expires_at: str | None


class Trigger(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a job. `connector` may be left out where there is one.

    With `replace`, a FULL job brings all documents anew, and not the differences alone. An
    INCREMENTAL job takes no `replace`.
    """

    schema_rules: ClassVar[Mapping[str, object]] = {
        "not": {
            "properties": {"mode": {"const": Mode.INCREMENTAL}, "replace": {"const": True}},
            "required": ["mode", "replace"],
        }
    }

    mode: Mode
    connector: Annotated[str, Meta(extra_json_schema=CONNECTOR)] | None = None
    replace: bool = False


class Approval(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be deleted, and nothing else: `missing_list` of the job's status."""

    list: Annotated[str, Meta(max_length=LIST_CHARACTERS_MAX)]


class Accepted(Status, frozen=True, kw_only=True):
    """A job that was asked for something, and where to follow it."""

    status_url: str


class Checked(Struct, frozen=True, kw_only=True):
    """The checks of a connector. They send nothing to Glean."""

    connector: str
    passed: bool  # nothing has failed
    checks: list[Check]


class SetUp(Struct, frozen=True, forbid_unknown_fields=True):
    """How many differences were seen, so that none is made away with unseen."""

    differences: Count


class Rejected(Struct, frozen=True, kw_only=True):
    """A record that was rejected, and why.

    `page` of the source and `record` of the page count from 1, `key` is the document's id if the
    record got one, `excerpt` is the record's beginning.
    """

    page: int
    record: int
    key: str | None
    reason: str
    code: str | None  # its kind, as in `bad-field`
    field: str | None  # of what the mapping gave, where that is at fault
    excerpt: str


class Rejects(Struct, frozen=True, kw_only=True):
    """Records of a job that were rejected: the first are kept, all of them counted in `total`.

    `next` is the path of the next page of them.
    """

    job: str
    total: int
    rejects: list[Rejected]
    next: str | None


class MissingDocument(Struct, frozen=True, kw_only=True):
    """Something that Glean has and the source has not, or a user, a group, a team."""

    id: str
    type: str | None
    title: str | None  # this and the next: as Glean was sent them, cut short
    url: str | None


class MissingDocuments(Struct, frozen=True, kw_only=True):
    """What a FULL job would delete in Glean, or has deleted, by name.

    `list` is the digest by which an approval names all of it; it and `total` are null until the
    source is read to its end. The names are kept while the job may need them: of a job that has
    ended, `total` may be all there is. `next` is the path of the next page of them.
    """

    job: str
    stage: Stage  # of what there are names
    total: int | None
    list: str | None
    missing: Sequence[MissingDocument]
    next: str | None


class Connectors(Struct, frozen=True):
    """All connectors at a glance, in the order of their names."""

    connectors: list[Overview]


class Jobs(Struct, frozen=True):
    """Jobs of all connectors, the newest first. `next` is the path of those before them."""

    jobs: list[JobSummary]
    next: str | None


class Occurred(Struct, frozen=True, kw_only=True):
    """Something that happened to a job.

    `kind` is a word for it, `cause` one for why something is tried again, and `what` a sentence.
    The counts are those of a turn that has ended,
    and `seconds` how long it took, which nobody knows of one that was killed.
    """

    number: int
    at: str
    kind: str
    what: str
    cause: str | None = None
    pages: int | None = None
    documents: int | None = None
    deleted: int | None = None
    rejected: int | None = None
    seconds: float | None = None


class Events(Struct, frozen=True, kw_only=True):
    """What happened to a job, in order. Of very many, some in the middle are not kept.

    `total` counts all of them; `next` is the path of those that follow.
    """

    job: str
    total: int
    events: list[Occurred]
    next: str | None
