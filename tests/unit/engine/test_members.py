"""Whether Glean still has the members of a group as it has acknowledged them."""

from collections.abc import Iterable, Mapping

import pytest

from durable.engine.members import with_doubts
from durable.glean.identities import Members
from durable.machine.ledger import Kind, LedgerRow
from tests.fakes.ledgers import a_put


STAFF = Members(group="Staff", user_ids=["Ada@x.example"], group_names=["board"])
AT_MS = 5  # when its members were acknowledged
USER, GROUP, INNER = (Kind.USER, "ada@x.example"), (Kind.GROUP, "staff"), (Kind.GROUP, "board")


def a_row(key: str, at_ms: int, *, is_trusted: bool = True) -> LedgerRow:
    return LedgerRow(a_put(key), is_trusted, at_ms=at_ms)


OLDER = {one: a_row(one[1], AT_MS - 1) for one in (USER, GROUP, INNER)}


def is_certain(rows: Mapping[tuple[Kind, str], LedgerRow], known: LedgerRow | None = None) -> bool:
    def look_up(kind: Kind, keys: Iterable[str]) -> Mapping[str, LedgerRow]:
        return {key: rows[kind, key] for key in keys if (kind, key) in rows}

    row = known or a_row("staff", AT_MS)
    return with_doubts({"staff": row}, [STAFF], look_up)["staff"].is_trusted


def test_a_group_is_certain_while_it_and_its_members_are_there_since_before() -> None:
    assert is_certain(OLDER)


@pytest.mark.parametrize("one", [USER, GROUP, INNER])
@pytest.mark.parametrize(
    "row",
    [None, a_row("one", AT_MS + 1), a_row("one", AT_MS - 1, is_trusted=False)],
    ids=["gone", "back", "in doubt"],
)
def test_a_group_is_in_doubt_where_one_is_gone_or_was(
    one: tuple[Kind, str], row: LedgerRow | None
) -> None:
    others = {key: older for key, older in OLDER.items() if key != one}

    assert not is_certain(others if row is None else {**others, one: row})


def test_what_is_in_doubt_or_not_known_stays_so() -> None:
    assert not is_certain(OLDER, a_row("staff", AT_MS, is_trusted=False))
    assert with_doubts({}, [STAFF], lambda _kind, _keys: {}) == {}
