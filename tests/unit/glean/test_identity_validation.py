from typing import Any

import msgspec
import pytest
from hypothesis import given
from msgspec.structs import replace

from durable.glean.identities import (
    AdditionalField,
    DatasourceUser,
    Employee,
    Group,
    Identity,
    Location,
    Members,
    Profile,
    Relationship,
    Team,
    TeamEmail,
    TeamMember,
)
from durable.glean.identity_validation import identity_fault
from tests.fakes.junk import spoiled
from tests.unit.glean.test_identities import EMPLOYEE, TEAM, USER


MEMBERS = Members(group="staff", user_ids=["ada@notes.example"], group_names=["interns"])
GOOD = [USER, Group(name="staff"), MEMBERS, EMPLOYEE, TEAM]
each_good = pytest.mark.parametrize("identity", GOOD, ids=lambda each: type(each).__name__)


def at_fault(identity: Identity) -> str | None:
    """The field that Glean would refuse; None if there is none."""
    found = identity_fault(identity)
    return None if found is None else found.field


@each_good
def test_what_glean_takes_has_no_fault(identity: Identity) -> None:
    assert identity_fault(identity) is None


@pytest.mark.parametrize("email", ["", "ada", "@", "ada@", "@notes", "a b@c", "a@b@c", "Ada <a@b>"])
@pytest.mark.parametrize(
    ("place", "field"),
    [
        (lambda email: replace(USER, email=email), "email"),
        (lambda email: replace(EMPLOYEE, email=email), "email"),
        (lambda email: replace(EMPLOYEE, manager_email=email), "manager_email"),
        (
            lambda email: replace(
                EMPLOYEE, relationships=[Relationship(name="CHIEF_OF_STAFF", email=email)]
            ),
            "relationships[0].email",
        ),
        (lambda email: replace(TEAM, members=[TeamMember(email=email)]), "members[0].email"),
        (
            lambda email: replace(TEAM, emails=[TeamEmail(email=email, type="PRIMARY")]),
            "emails[0].email",
        ),
    ],
    ids=["user", "employee", "manager", "relationship", "member", "team"],
)
def test_a_mail_address_is_one(place: Any, field: str, email: str) -> None:
    assert at_fault(place(email)) == field


@pytest.mark.parametrize(
    ("identity", "field"),
    [
        (replace(USER, name=""), "name"),
        (replace(USER, user_id=""), "user_id"),
        (replace(EMPLOYEE, department=""), "department"),
        (replace(EMPLOYEE, first_name=""), "first_name"),
        (replace(EMPLOYEE, last_name=""), "last_name"),
        (replace(TEAM, id=""), "id"),
        (replace(TEAM, name=""), "name"),
        (
            replace(TEAM, datasource_profiles=[Profile(datasource="", handle="a")]),
            "datasource_profiles[0].datasource",
        ),
        (
            replace(EMPLOYEE, datasource_profiles=[Profile(datasource="a", handle="")]),
            "datasource_profiles[0].handle",
        ),
    ],
)
def test_what_is_asked_for_is_not_empty(identity: Identity, field: str) -> None:
    assert at_fault(identity) == field


@pytest.mark.parametrize("name", ["", "all staff", "staff\n", "a\u00a0b", "scio", "scioadmins"])
def test_the_name_of_a_group_is_as_glean_asks(name: str) -> None:
    named: dict[str, Identity] = {
        "name": Group(name=name),
        "group": Members(group=name),
    }

    for field, identity in named.items():
        assert at_fault(identity) == field


def test_a_group_may_be_empty() -> None:
    assert identity_fault(Members(group="a")) is None


@pytest.mark.parametrize("code", ["", "U", "USAA", "U1", "United States"])
def test_a_country_has_two_or_three_letters(code: str) -> None:
    employee = replace(EMPLOYEE, structured_location=Location(country_code=code))

    assert at_fault(employee) == "structured_location.country_code"


@pytest.mark.parametrize("key", ["", "Languages", "sub-team", "a b", "team2", "é"])
@pytest.mark.parametrize("identity", [EMPLOYEE, TEAM], ids=["employee", "team"])
def test_the_key_of_an_additional_field_is_lower_case_letters(
    identity: Employee | Team, key: str
) -> None:
    added = replace(identity, additional_fields=[AdditionalField(key=key, value=["a"])])

    assert at_fault(added) == "additional_fields[0].key"


@pytest.mark.parametrize(
    ("identity", "changes", "field"),
    [
        (USER, {"email": None}, "email"),
        (USER, {"is_active": "yes"}, "is_active"),
        (MEMBERS, {"user_ids": "ada"}, "user_ids"),
        (MEMBERS, {"user_ids": [7]}, "user_ids[0]"),
        (EMPLOYEE, {"type": "INTERN"}, "type"),
        (EMPLOYEE, {"start_date": "31.1.2027"}, "start_date"),
        (TEAM, {"members": ["ada"]}, "members[0]"),
    ],
)
def test_another_type_is_a_fault(identity: Identity, changes: dict[str, Any], field: str) -> None:
    assert at_fault(replace(identity, **changes)) == field


@each_good
def test_whatever_stands_in_a_field_is_told(identity: Identity) -> None:
    @given(spoiled(identity))
    def told(changed: Identity) -> None:
        found = identity_fault(changed)

        if found is None:
            assert msgspec.json.encode(changed)
        else:
            assert 0 < len(found.reason) < 400

    told()


def test_a_user_is_the_least_that_glean_takes() -> None:
    assert identity_fault(DatasourceUser(email="a@b", name="A")) is None
