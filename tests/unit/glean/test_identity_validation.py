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
    reason = identity_fault(place(email))

    assert reason == f"{field} is {email!r}: write it as in ada@example.com"


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
    reason = identity_fault(identity)

    assert reason == f"{field} is '': it must not be empty, if it is there"


@pytest.mark.parametrize("name", ["", "all staff", "staff\n", "a\u00a0b", "scio", "scioadmins"])
def test_the_name_of_a_group_is_as_glean_asks(name: str) -> None:
    told = f" is {name!r}: the name of a group is not empty, has no whitespace and does not begin"
    named: dict[str, Identity] = {
        "name": Group(name=name),
        "group": Members(group=name),
    }

    for field, identity in named.items():
        reason = identity_fault(identity)

        assert reason is not None
        assert reason.startswith(field + told)


def test_a_group_may_be_empty() -> None:
    assert identity_fault(Members(group="a")) is None


@pytest.mark.parametrize("code", ["", "U", "USAA", "U1", "United States"])
def test_a_country_has_two_or_three_letters(code: str) -> None:
    employee = replace(EMPLOYEE, structured_location=Location(country_code=code))

    assert identity_fault(employee) == (
        f"structured_location.country_code is {code!r}: write two or three letters as in US or USA"
    )


@pytest.mark.parametrize("key", ["", "Languages", "sub-team", "a b", "team2", "é"])
@pytest.mark.parametrize("identity", [EMPLOYEE, TEAM], ids=["employee", "team"])
def test_the_key_of_an_additional_field_is_lower_case_letters(
    identity: Employee | Team, key: str
) -> None:
    added = replace(identity, additional_fields=[AdditionalField(key=key, value=["a"])])

    assert identity_fault(added) == (
        f"additional_fields[0].key is {key!r}: write it in lower-case letters a to z"
    )


@pytest.mark.parametrize(
    ("identity", "changes", "reason"),
    [
        (USER, {"email": None}, "email is None: expected `str`, got `null`"),
        (USER, {"is_active": "yes"}, "is_active is 'yes': expected `bool`, got `str`"),
        (MEMBERS, {"user_ids": "ada"}, "user_ids is 'ada': expected `array`, got `str`"),
        (MEMBERS, {"user_ids": [7]}, "user_ids[0] is 7: expected `str`, got `int`"),
        (EMPLOYEE, {"type": "INTERN"}, "type is 'INTERN': invalid enum value 'INTERN'"),
        (
            EMPLOYEE,
            {"start_date": "31.1.2027"},
            "start_date is '31.1.2027': invalid RFC3339 encoded date",
        ),
        (TEAM, {"members": ["ada"]}, "members[0] is 'ada': expected `object`, got `str`"),
    ],
)
def test_another_type_is_a_fault(identity: Identity, changes: dict[str, Any], reason: str) -> None:
    found = identity_fault(replace(identity, **changes))

    assert found is not None
    assert found.startswith(reason)


@each_good
def test_whatever_stands_in_a_field_is_told(identity: Identity) -> None:
    @given(spoiled(identity))
    def told(changed: Identity) -> None:
        reason = identity_fault(changed)

        if reason is None:
            assert msgspec.json.encode(changed)
        else:
            assert 0 < len(reason) < 400

    told()


def test_a_user_is_the_least_that_glean_takes() -> None:
    assert identity_fault(DatasourceUser(email="a@b", name="A")) is None
