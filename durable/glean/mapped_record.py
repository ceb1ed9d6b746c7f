"""What a record became, with its place in its page."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct
from msgspec.structs import replace

from durable.glean.identities import DatasourceUser, Employee, Group, Members
from durable.glean.type_check import FieldFault
from durable.machine.rejects import Reject, RejectCode


EXCERPT_BYTES_MAX = 400
# The field that tells one from another, where it is not the id.
KEYS: Mapping[type[Any], str] = {
    DatasourceUser: "email",
    Group: "name",
    Members: "group",
    Employee: "email",
}


class MappedRecord(Struct, frozen=True):
    """What a record became."""

    place: int  # in its page, from 1
    change: Struct
    raw: Raw

    @property
    def key(self) -> str:
        """The id by which Glean knows it."""
        return key_of(self.change)

    def reject(self, code: RejectCode, reason: str) -> Reject:
        return Reject(self.place, self.key, reason, excerpt(self.raw), code=code.value)

    def reject_field(self, fault: FieldFault) -> Reject:
        return replace(self.reject(RejectCode.BAD_FIELD, fault.reason), field=fault.field)


def key_of(change: Any) -> str:
    """The id by which Glean knows it."""
    return str(getattr(change, KEYS.get(type(change), "id")))


def excerpt(content: Raw | bytes) -> str:
    """The beginning of a record, for a person."""
    return bytes(memoryview(content)[:EXCERPT_BYTES_MAX]).decode(errors="replace")
