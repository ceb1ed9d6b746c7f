"""What a row of the ledger stands for, and what is stored of a doubt."""

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from durable.machine.job import Mode, Stage, Way
from durable.machine.ledger import Kind, LedgerRow, doubted, is_same
from durable.machine.ledger_head import kind_of
from durable.machine.states import State
from tests.fakes.jobs import a_job
from tests.fakes.ledgers import a_put


OLD = a_put("a", 7)


def test_what_is_in_doubt_may_have_the_types_of_both() -> None:
    old, new = replace(OLD, former_types=("wiki",)), a_put("a", 7, "d", type_="page")

    assert doubted(LedgerRow(old, is_trusted=True), new).former_types == ("note", "wiki")
    assert doubted(None, new) == new


def test_what_is_in_doubt_has_no_former_type_that_is_its_own() -> None:
    old = replace(OLD, type="page", former_types=("note",))

    assert doubted(LedgerRow(old, is_trusted=False), OLD).former_types == ("page",)


@pytest.mark.parametrize("changes", [{"type": "page"}, {"content": "d"}, {"access": "b"}])
def test_a_type_a_content_and_an_access_make_another(changes: Mapping[str, str]) -> None:
    assert not is_same(OLD, replace(OLD, **changes))


def test_a_number_a_title_and_a_spelling_do_not() -> None:
    assert is_same(OLD, replace(OLD, number=8, title="t", url="u", id="A", record_key="r"))


# Kinds


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        (Stage.USERS, Kind.USER),
        (Stage.GROUPS, Kind.GROUP),
        (Stage.MEMBERSHIPS, Kind.MEMBERSHIP),
        (Stage.EMPLOYEES, Kind.EMPLOYEE),
        (Stage.TEAMS, Kind.TEAM),
        (Stage.DELETIONS, Kind.DOCUMENT),
        (Stage.DOCUMENTS, Kind.DOCUMENT),
    ],
)
def test_each_stage_has_its_kind(stage: Stage, kind: Kind | None) -> None:
    job = replace(a_job(State.SENDING), stages=(stage,))

    assert kind_of(job) is kind


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("way", Way)
def test_of_what_a_backend_brings_nothing_is_known(mode: Mode, way: Way) -> None:
    job = replace(a_job(State.SENDING, mode), is_delegated=True, way=way)

    assert kind_of(job) is None
    assert kind_of(replace(job, stages=(Stage.USERS,))) is Kind.USER
