from datetime import date

import msgspec
from glean.api_client import models

from durable.glean.identities import (
    AdditionalField,
    DatasourceUser,
    Employee,
    EmployeeTeam,
    Group,
    Hypertext,
    Location,
    Member,
    Members,
    Profile,
    Relationship,
    SocialNetwork,
    Team,
    TeamEmail,
    TeamMember,
)
from tests.official import Pair, each_of


PROFILE = Profile(
    datasource="github", handle="ada", url="https://github.example/ada", native_app_url="gh://ada"
)
LOCATION = Location(
    desk_location="3-14",
    timezone="UTC",
    address="1 Main Street",
    city="Springfield",
    state="OR",
    region="NORAM",
    zip_code="97477",
    country="United States",
    country_code="US",
)
EMPLOYEE_TEAM = EmployeeTeam(id="t", name="Tools", url="https://teams.example/t")
NETWORK = SocialNetwork(name="linkedin", profile_name="Ada", profile_url="https://in.example/ada")
RELATIONSHIP = Relationship(name="CHIEF_OF_STAFF", email="bob@notes.example")
USER = DatasourceUser(email="ada@notes.example", name="Ada", user_id="7", is_active=False)
EMPLOYEE = Employee(
    email="ada@notes.example",
    department="Engineering",
    first_name="Ada",
    last_name="King",
    preferred_name="A.",
    also_known_as=["Countess"],
    pronoun="She/her",
    title="Engineer",
    bio="Counts.",
    business_unit="Engines",
    type="CONTRACTOR",
    status="FUTURE",
    start_date=date(2027, 1, 31),
    end_date=date(2028, 2, 29),
    manager_email="bob@notes.example",
    id="e7",
    manager_id="e1",
    phone_number="+1 555",
    photo_url="https://notes.example/ada.png",
    profile_url="https://notes.example/ada",
    structured_location=LOCATION,
    teams=[EMPLOYEE_TEAM],
    relationships=[RELATIONSHIP],
    datasource_profiles=[PROFILE],
    social_networks=[NETWORK],
    additional_fields=[AdditionalField(key="languages", value=[])],
)
TEAM_MEMBER = TeamMember(
    email="ada@notes.example", relationship="LEAD", join_date=date(2026, 11, 24)
)
TEAM_EMAIL = TeamEmail(email="tools@notes.example", type="ONCALL")
TEAM = Team(
    id="t",
    name="Tools",
    members=[TEAM_MEMBER],
    description="Makes tools.",
    business_unit="Engines",
    department="Engineering",
    photo_url="https://notes.example/tools.png",
    external_link="https://notes.example/tools",
    emails=[TEAM_EMAIL],
    datasource_profiles=[PROFILE],
    additional_fields=[AdditionalField(key="languages", value=[])],
)


PAIRS = [
    Pair(USER, models.DatasourceUserDefinition),
    Pair(Group(name="staff"), models.DatasourceGroupDefinition),
    Pair(
        Member(member_user_id="7", member_group_name="a"), models.DatasourceBulkMembershipDefinition
    ),
    # Deprecated since 2026-02-05, to be removed.
    Pair(EMPLOYEE, models.EmployeeInfoDefinition, frozenset({"location"})),
    Pair(EMPLOYEE_TEAM, models.EmployeeTeamInfo),
    Pair(RELATIONSHIP, models.EntityRelationship),
    Pair(LOCATION, models.StructuredLocation),
    Pair(NETWORK, models.SocialNetworkDefinition),
    Pair(AdditionalField(key="languages", value=[]), models.AdditionalFieldDefinition),
    # Glean's own, for what people add there.
    Pair(PROFILE, models.DatasourceProfile, frozenset({"isUserGenerated"})),
    Pair(TEAM, models.TeamInfoDefinition),
    Pair(TEAM_MEMBER, models.TeamMember),
    Pair(TEAM_EMAIL, models.TeamEmail),
]
each_pair = each_of(PAIRS)


@each_pair
def test_a_part_has_all_fields_of_gleans_that_are_to_be_set(pair: Pair) -> None:
    assert pair.our_names == pair.official_names - pair.left_out
    assert pair.left_out <= pair.official_names


@each_pair
def test_gleans_own_model_reads_every_field_as_it_was_sent(pair: Pair) -> None:
    assert not pair.unset_fields
    assert pair.as_glean_reads_it() == msgspec.to_builtins(pair.part)


def test_an_additional_field_holds_texts_and_links() -> None:
    # Glean's own model of it keeps neither; its OpenAPI description says how they are written.
    links = AdditionalField(key="sites", value=["a", Hypertext(anchor="b", hyperlink="https://b")])

    assert msgspec.to_builtins(links) == {
        "key": "sites",
        "value": ["a", {"anchor": "b", "hyperlink": "https://b"}],
    }


def test_what_is_not_set_is_not_sent() -> None:
    employee = Employee(email="ada@notes.example", department="Engineering")
    team = Team(id="t", name="Tools", members=[])

    assert msgspec.to_builtins(employee) == {
        "email": "ada@notes.example",
        "department": "Engineering",
    }
    assert msgspec.to_builtins(team) == {"id": "t", "name": "Tools", "members": []}


def test_members_are_listed_one_by_one() -> None:
    members = Members(group="staff", user_ids=["1", "2"], group_names=["interns"])

    assert msgspec.to_builtins(members.listed) == [
        {"memberUserId": "1"},
        {"memberUserId": "2"},
        {"memberGroupName": "interns"},
    ]
    assert Members(group="staff").listed == []
