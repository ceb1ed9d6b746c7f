"""Members that are at fault are left out, and never a reason to leave the group as it was."""

from typing import Any

import pytest

from durable.glean.datasource import Datasource
from durable.glean.identities import Members
from durable.glean.membership_validation import sift_members
from durable.glean.object_types import Category


ANY = Datasource("notes")
BY_EMAIL = Datasource("notes", is_user_referenced_by_email=True)
ELSEWHERE = Datasource("notes", identity_datasource="directory")
ADA = "ada@notes.example"


def declared(**fields: Any) -> Datasource:
    return Datasource("notes", category=Category.TICKETS, url_regex="https://.*", **fields)


def left_out(members: Members, datasource: Datasource = ANY) -> tuple[Members, list[str]]:
    kept, faults = sift_members(members, datasource)
    return kept, [fault.name for fault in faults]


def test_members_without_fault_are_as_they_were() -> None:
    members = Members(group="a", user_ids=[ADA, "7"], group_names=["b"])

    assert sift_members(members, ANY) == (members, [])
    assert sift_members(Members(group="a"), BY_EMAIL) == (Members(group="a"), [])


@pytest.mark.parametrize("bad", ["", None, 7, "half of a pair \ud83d"], ids=repr)
def test_a_member_is_a_text(bad: Any) -> None:
    members = Members(group="a", user_ids=["7", bad], group_names=["b", bad])

    kept, names = left_out(members)

    assert kept == Members(group="a", user_ids=["7"], group_names=["b"])
    assert len(names) == 2


def test_members_are_named_by_mail_address_where_the_datasource_does() -> None:
    kept, (fault,) = sift_members(Members(group="a", user_ids=[ADA, "7"]), BY_EMAIL)

    assert kept.user_ids == [ADA]
    assert (fault.name, fault.fault.field) == ("7", "user_ids[1]")


def test_a_mail_address_needs_a_datasource_that_says_how_it_names_users() -> None:
    members = Members(group="a", user_ids=[ADA, "7"])

    kept, (fault,) = sift_members(members, declared())

    assert (kept.user_ids, fault.name) == (["7"], ADA)
    assert fault.fault.field == "user_ids[0]"
    assert "is_user_referenced_by_email" in fault.fault.words
    assert left_out(members, declared(is_user_referenced_by_email=True))[1] == ["7"]
    assert sift_members(members, declared(is_user_referenced_by_email=False)) == (members, [])


def test_a_group_is_no_member_of_itself() -> None:
    kept, names = left_out(Members(group="a", group_names=["b", "a"]))

    assert (kept.group_names, names) == (["b"], ["a"])


@pytest.mark.parametrize("name", ["all staff", "scioadmins"])
def test_the_name_of_a_group_is_as_glean_asks_unless_it_is_of_another_datasource(name: str) -> None:
    members = Members(group="a", group_names=["b", name])

    assert left_out(members)[1] == [name]
    assert left_out(members, ELSEWHERE)[1] == []


@pytest.mark.parametrize("value", ["ada", None, 7, {"a": 1}], ids=repr)
def test_what_is_no_list_is_for_the_check_of_types(value: Any) -> None:
    members = Members(group="a", user_ids=value)

    assert sift_members(members, ANY) == (members, [])
