"""Decodes and maps records. Those that fail are rejected."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Raw, Struct
from msgspec.structs import replace

from durable.connector.context import Contexts
from durable.connector.definition import AnyConnector
from durable.connector.stream import AnyStream
from durable.decoding import Decoder
from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.glean.documents import Deletion, Document
from durable.glean.identities import DatasourceUser, Employee, Group, Members, Team
from durable.glean.mapped_record import MappedRecord, excerpt
from durable.glean.membership_validation import sift_members
from durable.glean.validation import fault
from durable.machine.job import Stage
from durable.machine.rejects import Reject, RejectCode
from durable.sources.source import Records


TOGETHER = 16  # records that are copied at a time, for their checksum
# What a record may become. Unions would be made anew at each test.
KINDS: Mapping[Stage, tuple[type[Any], ...]] = {
    Stage.USERS: (DatasourceUser,),
    Stage.GROUPS: (Group,),
    Stage.MEMBERSHIPS: (Members,),
    Stage.EMPLOYEES: (Employee,),
    Stage.TEAMS: (Team,),
    Stage.DOCUMENTS: (Document, Deletion),
    Stage.DELETIONS: (Deletion,),
}


def digest(records: Sequence[Raw]) -> str:
    """A checksum of the records, empty if there are none. It is not cryptographic."""
    if not records:
        return ""
    checksum = size = 0
    for start in range(0, len(records), TOGETHER):  # each call costs more than a small record
        content = b"".join(records[start : start + TOGETHER])
        checksum, size = zlib.crc32(content, checksum), size + len(content)
    return f"{size}-{checksum:08x}"


def changes(  # noqa: C901, PLR0912 - the one loop over all records: calls would slow it
    stream: AnyStream,
    stage: Stage,
    page: Records,
    rejects: list[Reject],
    contexts: Contexts,
) -> Iterator[MappedRecord]:
    """Map the records, one at a time.

    Args:
        stream: gives the records' type and their mapping.
        stage: says what they may become.
        page: of records that are not decoded yet.
        rejects: gets those that the source could not give whole, that do not decode, cannot be
            mapped, or map to what Glean refuses.
        contexts: of the connector, whose datasource says which documents it takes.

    Raises:
        MemoryError: there is none left, which is not the record's fault.
        UpstreamError: the mapping asks for a variable that is not there; nor is that.
    """
    # A call saved in the loop is a tenth of a millisecond a page.
    kinds, connector = KINDS[stage], contexts.connector
    kind: Any = stream.record
    decode, made = _decoder(kind).decode_part, stream.map
    takes_context, context_of = stream.takes_context, contexts.of
    faults, is_of_groups = page.faults, stage is Stage.MEMBERSHIPS
    for place, raw in enumerate(page.records, start=1):
        if faults and place in faults:
            if (reason := faults[place]) is not None:
                reject = _reject(place, raw, stream, RejectCode.NOT_GIVEN, reason)
                rejects.append(replace(reject, is_list=place in page.lists))
            continue
        try:
            record = decode(raw)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - so may what the record checks of itself
            reason = f"the record is not a {stream.record.__name__}: {error}"
            rejects.append(_reject(place, raw, stream, RejectCode.NOT_DECODED, reason))
            continue
        try:
            change: Any = made(record, context_of(raw)) if takes_context else made(record)
        except MemoryError:
            raise
        except ConfigurationError as error:
            raise UpstreamError(f"of the mapping, {error}", cause=Cause.MISCONFIGURED) from error
        except Exception as error:  # noqa: BLE001 - the author's mapping may raise anything
            reason = f"the mapping raised {type(error).__name__}: {error}"
            rejects.append(_reject(place, raw, stream, RejectCode.MAPPING_RAISED, reason))
            continue
        if change is None:
            continue
        if not isinstance(change, kinds):
            names = " or a ".join(kind.__name__ for kind in kinds)
            reason = f"the mapping gave a {type(change).__name__}, not a {names}"
            rejects.append(_reject(place, raw, stream, RejectCode.BAD_RESULT, reason))
        elif is_of_groups:
            yield from _of_group(place, change, connector, raw, rejects)
        elif (at_fault := fault(change, connector.datasource)) is not None:
            rejects.append(MappedRecord(place, change, raw).reject_field(at_fault))
        else:
            yield MappedRecord(place, change, raw)


def _reject(place: int, raw: Raw, stream: AnyStream, code: RejectCode, reason: str) -> Reject:
    """What became nothing, by its own key."""
    return Reject(place, stream.key_of(raw), reason, excerpt(raw), code=code.value)


@lru_cache(maxsize=64)
def _decoder(kind: type[Struct]) -> Decoder[Any]:
    """Made once for all pages: it looks at the whole type."""
    return Decoder(kind)


def _of_group(
    place: int, members: Members, connector: AnyConnector, raw: Raw, rejects: list[Reject]
) -> Iterator[MappedRecord]:
    """The group without the members that Glean would refuse, which are rejected one by one."""
    kept, faults = sift_members(members, connector.datasource)
    if (at_fault := fault(kept, connector.datasource)) is not None:
        rejects.append(MappedRecord(place, members, raw).reject_field(at_fault))
        return
    first = len(kept.user_ids) + len(kept.group_names) + 1  # those that are kept come before
    for part, at_fault_member in enumerate(faults, start=first):
        reason = f"left out of the group {kept.group!r}, whose other members are brought: "
        reason += at_fault_member.fault.reason
        code, field = RejectCode.BAD_FIELD.value, at_fault_member.fault.field
        name = at_fault_member.name
        rejects.append(Reject(place, name, reason, part=part, code=code, field=field))
    yield MappedRecord(place, kept, raw)
