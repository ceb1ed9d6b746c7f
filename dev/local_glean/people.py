"""The endpoints for employees and teams, which are of no datasource. As those in api.py."""

from collections.abc import Mapping

from glean.api_client.models import (
    BulkIndexEmployeesRequest,
    BulkIndexTeamsRequest,
    DeleteEmployeeRequest,
    DeleteTeamRequest,
    EmployeeInfoDefinition,
    IndexEmployeeRequest,
    IndexTeamRequest,
    TeamInfoDefinition,
)

from dev.local_glean.api import Work
from dev.local_glean.bodies import decoded, made, raw
from dev.local_glean.database import Database
from dev.local_glean.extras import without_values
from dev.local_glean.in_force import InForce
from dev.local_glean.pages import bulk_page, check_count
from dev.local_glean.records import Record, Records
from dev.local_glean.required import check_email, check_enum, check_text, check_url
from dev.local_glean.uploads import Entity, Place, Uploads


EMPLOYEES, TEAMS = Place(Entity.EMPLOYEES), Place(Entity.TEAMS)
TARGET = "employees and teams"  # of the limit on processing; no name of a datasource
EMPLOYEE_TYPES = frozenset({"FULL_TIME", "CONTRACTOR", "NON_EMPLOYEE"})
EMPLOYEE_STATUSES = frozenset({"CURRENT", "FUTURE", "EX"})
EMAIL_TYPES = frozenset({"PRIMARY", "SECONDARY", "ONCALL", "OTHER"})
RELATIONSHIPS = frozenset({"MEMBER", "MANAGER", "LEAD", "POINT_OF_CONTACT", "OTHER"})


class People:
    def __init__(self, database: Database, in_force: InForce) -> None:
        self._in_force = in_force
        self._records = Records(database, in_force)
        self._uploads = Uploads(database, in_force)

    def endpoints(self) -> Mapping[str, Work]:
        return {
            "bulkindexemployees": self._bulk_index_employees,
            "bulkindexteams": self._bulk_index_teams,
            "indexemployee": self._index_employee,
            "deleteemployee": self._delete_employee,
            "indexteam": self._index_team,
            "deleteteam": self._delete_team,
            "processallemployeesandteams": self._process_all,
        }

    def _bulk_index_employees(self, body: bytes) -> None:
        request = decoded(BulkIndexEmployeesRequest, without_values(body))
        check_count(request.employees, EMPLOYEES)
        employees = made(_employee, request.employees, body, "employees")
        disabling = ("disableStaleDataDeletionCheck", request.disable_stale_data_deletion_check)
        self._uploads.take(bulk_page(request, EMPLOYEES, employees, disabling), self._records)

    def _bulk_index_teams(self, body: bytes) -> None:
        request = decoded(BulkIndexTeamsRequest, without_values(body))
        check_count(request.teams, TEAMS)
        teams = made(_team, request.teams, body, "teams")
        self._uploads.take(bulk_page(request, TEAMS, teams), self._records)

    def _index_employee(self, body: bytes) -> None:
        request = decoded(IndexEmployeeRequest, without_values(body))
        employee = _employee(request.employee, raw(body, "employee"), "employee")
        self._records.upsert(EMPLOYEES, employee)

    def _delete_employee(self, body: bytes) -> None:
        email = decoded(DeleteEmployeeRequest, body).employee_email
        check_text(email, "employeeEmail")
        self._records.delete(EMPLOYEES, email)

    def _index_team(self, body: bytes) -> None:
        request = decoded(IndexTeamRequest, without_values(body))
        self._records.upsert(TEAMS, _team(request.team, raw(body, "team"), "team"))

    def _delete_team(self, body: bytes) -> None:
        identifier = decoded(DeleteTeamRequest, body).id
        check_text(identifier, "id")
        self._records.delete(TEAMS, identifier)

    def _process_all(self, _body: bytes) -> None:
        now_ms = self._in_force.clock.now_ms()
        self._in_force.processing_limit.take(TARGET, (TARGET,), now_ms)


def _employee(definition: EmployeeInfoDefinition, body: bytes, field: str) -> Record:
    check_email(definition.email, f"{field}.email")
    check_text(definition.department, f"{field}.department")
    check_text(definition.first_name, f"{field}.firstName")
    check_text(definition.last_name, f"{field}.lastName")
    check_email(definition.manager_email, f"{field}.managerEmail")
    check_url(definition.photo_url, f"{field}.photoUrl")
    check_enum(definition.type, f"{field}.type", EMPLOYEE_TYPES)
    check_enum(definition.status, f"{field}.status", EMPLOYEE_STATUSES)
    for index, team in enumerate(definition.teams or []):
        check_url(team.url, f"{field}.teams[{index}].url")
    for index, relationship in enumerate(definition.relationships or []):
        check_email(relationship.email, f"{field}.relationships[{index}].email")
    return Record(definition.email, body)


def _team(definition: TeamInfoDefinition, body: bytes, field: str) -> Record:
    check_text(definition.id, f"{field}.id")
    check_text(definition.name, f"{field}.name")
    check_url(definition.photo_url, f"{field}.photoUrl")
    check_url(definition.external_link, f"{field}.externalLink")
    for index, address in enumerate(definition.emails or []):
        check_email(address.email, f"{field}.emails[{index}].email")
        check_enum(address.type, f"{field}.emails[{index}].type", EMAIL_TYPES)
    for index, member in enumerate(definition.members):
        check_email(member.email, f"{field}.members[{index}].email")
        relationship = f"{field}.members[{index}].relationship"
        check_enum(member.relationship, relationship, RELATIONSHIPS)
    return Record(definition.id, body)
