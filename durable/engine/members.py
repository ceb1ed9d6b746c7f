"""Whether Glean still has the members of groups that it has acknowledged. Pure.

With a user or a group that it deletes, Glean forgets in which groups they were, and does not know
it any more once they are back. So what the ledger has of a group is certain only while it has the
group and each of its members since before.
"""

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from durable.glean.identities import Members
from durable.machine.ledger import Kind, LedgerRow, fold


LookUp = Callable[[Kind, Iterable[str]], Mapping[str, LedgerRow]]


def with_doubts(
    known: Mapping[str, LedgerRow], groups: Iterable[Members], look_up: LookUp
) -> Mapping[str, LedgerRow]:
    """The rows of the groups' members, some of them in doubt.

    Args:
        known: by the groups' keys.
        groups: as the source lists them.
        look_up: gives the rows of users and of groups.
    """
    listed = {fold(one.group): one for one in groups}
    certain = {key: one for key, one in listed.items() if key in known and known[key].is_trusted}
    people = {fold(name) for one in certain.values() for name in one.user_ids}
    names = {fold(name) for one in certain.values() for name in (one.group, *one.group_names)}
    users, others = look_up(Kind.USER, people), look_up(Kind.GROUP, names)

    def is_older(row: LedgerRow | None, than: LedgerRow) -> bool:
        return row is not None and row.is_trusted and row.at_ms <= than.at_ms

    doubts = {
        key: replace(known[key], is_trusted=False)
        for key, one in certain.items()
        if not all(is_older(users.get(fold(name)), known[key]) for name in one.user_ids)
        or not all(
            is_older(others.get(fold(name)), known[key]) for name in (one.group, *one.group_names)
        )
    }
    return {**known, **doubts}
