"""People as Glean takes them: users, groups, members, employees and teams.

Users and groups are those of one datasource, whose documents' permissions name them. Employees
and teams are the company's, whatever the datasource. Fields are those of Glean's definitions,
in snake case.
"""

from datetime import date
from typing import Literal

from msgspec import UNSET, Struct, UnsetType, field

from durable.glean.documents import Wire


EmployeeType = Literal["FULL_TIME", "CONTRACTOR", "NON_EMPLOYEE"]
EmployeeStatus = Literal["CURRENT", "FUTURE", "EX"]
RelationshipName = Literal["CHIEF_OF_STAFF", "EXECUTIVE_ASSISTANT"]
TeamRelationship = Literal["MEMBER", "MANAGER", "LEAD", "POINT_OF_CONTACT", "OTHER"]
TeamEmailType = Literal["PRIMARY", "SECONDARY", "ONCALL", "OTHER"]


class DatasourceUser(Wire, frozen=True, kw_only=True):
    """Somebody with an account in the source. `User` refers to one."""

    email: str
    name: str
    user_id: str | UnsetType = UNSET  # the source's, if it is not the mail address
    is_active: bool | UnsetType = UNSET  # False for who has left, and for a bot


class Group(Wire, frozen=True, kw_only=True):
    """A group of the source."""

    name: str  # one of its kind; no whitespace, and not beginning with scio


class Member(Wire, frozen=True, kw_only=True):
    """A user or a group in a group: exactly one of the two."""

    member_user_id: str | UnsetType = UNSET
    member_group_name: str | UnsetType = UNSET


class Members(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All members of one group. Glean removes everybody who is not named here.

    One of them whom Glean refuses is left out and named among the rejects; the others are brought.
    """

    group: str
    user_ids: list[str] = []  # mail addresses, where the datasource names users by them
    group_names: list[str] = []  # groups whose members are in this one too

    @property
    def listed(self) -> list[Member]:
        """The members, one by one."""
        users = [Member(member_user_id=user_id) for user_id in self.user_ids]
        return users + [Member(member_group_name=name) for name in self.group_names]


class Profile(Wire, frozen=True, kw_only=True):
    """Somebody's, or a team's, page in a datasource."""

    datasource: str
    handle: str  # the name there
    url: str | UnsetType = UNSET
    native_app_url: str | UnsetType = UNSET


class Hypertext(Wire, frozen=True, kw_only=True):
    """A text that leads somewhere."""

    anchor: str
    hyperlink: str


class AdditionalField(Wire, frozen=True, kw_only=True):
    """A further field of an employee or a team."""

    key: str  # lower-case letters and nothing else
    value: list[str | Hypertext]


class Location(Wire, frozen=True, kw_only=True):
    """Where an employee works."""

    desk_location: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    city: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    region: str | UnsetType = UNSET  # such as NORAM
    zip_code: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    country_code: str | UnsetType = UNSET  # two or three letters, as ISO 3166 has them


class EmployeeTeam(Wire, frozen=True, kw_only=True):
    """A team that an employee is in."""

    id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    url: str | UnsetType = UNSET


class SocialNetwork(Wire, frozen=True, kw_only=True):
    """An employee's profile in public."""

    name: str | UnsetType = UNSET  # twitter or linkedin
    profile_name: str | UnsetType = UNSET
    profile_url: str | UnsetType = UNSET


class Relationship(Wire, frozen=True, kw_only=True):
    """What the employee is to another one."""

    name: RelationshipName
    email: str  # the other one's


class Employee(Wire, frozen=True, kw_only=True):
    """An employee of the company. Glean takes missing fields from elsewhere, or leaves them out.

    Not here is `location`, which Glean is about to remove: use `structured_location`.
    """

    email: str
    department: str
    first_name: str | UnsetType = UNSET  # not empty, if given
    last_name: str | UnsetType = UNSET  # likewise
    preferred_name: str | UnsetType = UNSET
    also_known_as: list[str] | UnsetType = UNSET
    pronoun: str | UnsetType = UNSET
    title: str | UnsetType = UNSET  # of the role
    bio: str | UnsetType = UNSET
    business_unit: str | UnsetType = UNSET
    type: EmployeeType | UnsetType = UNSET  # FULL_TIME, if not given
    status: EmployeeStatus | UnsetType = UNSET  # CURRENT, if not given
    start_date: date | UnsetType = UNSET
    end_date: date | UnsetType = UNSET
    manager_email: str | UnsetType = UNSET
    id: str | UnsetType = UNSET  # only for managers who are named by manager_id
    manager_id: str | UnsetType = UNSET
    phone_number: str | UnsetType = UNSET
    photo_url: str | UnsetType = UNSET
    profile_url: str | UnsetType = UNSET
    structured_location: Location | UnsetType = UNSET
    teams: list[EmployeeTeam] | UnsetType = UNSET
    relationships: list[Relationship] | UnsetType = UNSET
    datasource_profiles: list[Profile] | UnsetType = UNSET
    social_networks: list[SocialNetwork] | UnsetType = UNSET
    additional_fields: list[AdditionalField] | UnsetType = UNSET


class TeamMember(Wire, frozen=True, kw_only=True):
    """Somebody in a team."""

    email: str
    relationship: TeamRelationship | UnsetType = UNSET  # MEMBER, if not given
    join_date: date | UnsetType = field(default=UNSET, name="join_date")  # Glean's own spelling


class TeamEmail(Wire, frozen=True, kw_only=True):
    """A mail address of a team."""

    email: str
    type: TeamEmailType


class Team(Wire, frozen=True, kw_only=True):
    """A team of the company, with all who are in it."""

    id: str
    name: str
    members: list[TeamMember]
    description: str | UnsetType = UNSET
    business_unit: str | UnsetType = UNSET
    department: str | UnsetType = UNSET
    photo_url: str | UnsetType = UNSET
    external_link: str | UnsetType = UNSET  # the team's page, where its results lead
    emails: list[TeamEmail] | UnsetType = UNSET
    datasource_profiles: list[Profile] | UnsetType = UNSET
    additional_fields: list[AdditionalField] | UnsetType = UNSET


Identity = DatasourceUser | Group | Members | Employee | Team
