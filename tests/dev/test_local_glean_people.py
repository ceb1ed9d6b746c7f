"""Employees and teams at the local Glean."""

import json
from typing import Any

import httpx
import pytest
from glean.api_client.models import EmployeeInfoDefinition, TeamInfoDefinition

from tests.fakes.local_glean import assert_refused


API = "/api/index/v1"
SINGLE = {"isFirstPage": True, "isLastPage": True}
ADA, BOB = "ada@docs.test", "bob@docs.test"
# Every field that the client's model has.
WHOLE_EMPLOYEE = {
    "email": ADA,
    "department": "Engineering",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "preferredName": "Ada",
    "id": "7",
    "phoneNumber": "+44 1",
    "location": "London",
    "structuredLocation": {"city": "London", "countryCode": "GB"},
    "title": "Analyst",
    "photoUrl": "https://docs.test/ada.png",
    "businessUnit": "Engines",
    "datasourceProfiles": [{"datasource": "github", "handle": "ada"}],
    "teams": [{"id": "1", "name": "Engines", "url": "https://docs.test/engines"}],
    "startDate": "1833-06-05",
    "endDate": "1852-11-27",
    "bio": "Wrote the first program.",
    "pronoun": "She/her",
    "alsoKnownAs": ["Countess"],
    "profileUrl": "https://docs.test/ada",
    "socialNetworks": [{"name": "x", "profileName": "ada", "profileUrl": "https://x.test"}],
    "managerEmail": BOB,
    "managerId": "8",
    "type": "CONTRACTOR",
    "relationships": [{"name": "CHIEF_OF_STAFF", "email": BOB}],
    "status": "EX",
    "additionalFields": [
        {"key": "languages", "value": ["English", {"": "French"}]},
        {"key": "work", "value": [{"anchor": "Notes", "hyperlink": "https://docs.test/notes"}]},
    ],
}
WHOLE_TEAM = {
    "id": "1",
    "name": "Engines",
    "members": [{"email": ADA, "relationship": "LEAD", "join_date": "1833-06-05"}],
    "description": "Those of the engines",
    "businessUnit": "Engines",
    "department": "Engineering",
    "photoUrl": "https://docs.test/engines.png",
    "externalLink": "https://docs.test/engines",
    "emails": [{"email": "engines@docs.test", "type": "ONCALL"}],
    "datasourceProfiles": [{"datasource": "github", "handle": "engines"}],
    "additionalFields": [{"key": "motto", "value": ["Onwards"]}],
}


class Glean:
    """A local Glean without a datasource: people are of none."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def call(self, endpoint: str, **body: Any) -> httpx.Response:
        return self.client.post(f"{API}/{endpoint}", json=body)

    def employees(self, upload: str, *emails: str, **fields: Any) -> httpx.Response:
        items = [employee(email) for email in emails]
        return self.call("bulkindexemployees", uploadId=upload, employees=items, **fields)

    def teams(self, upload: str, *ids: str, **fields: Any) -> httpx.Response:
        items = [team(identifier) for identifier in ids]
        return self.call("bulkindexteams", uploadId=upload, teams=items, **fields)

    def listed(self, entity: str) -> list[Any]:
        answer = self.client.get(f"/control/{entity}")
        return [json.loads(line) for line in answer.text.splitlines()]


def employee(email: str, **fields: Any) -> dict[str, Any]:
    return {"email": email, "department": "Engineering", **fields}


def team(identifier: str, **fields: Any) -> dict[str, Any]:
    return {"id": identifier, "name": f"Team {identifier}", "members": [], **fields}


@pytest.fixture
def glean(empty_glean: httpx.Client) -> Glean:
    return Glean(empty_glean)


def test_people_are_there_from_the_close_of_their_upload_as_they_were_sent(glean: Glean) -> None:
    people = {"employees": [WHOLE_EMPLOYEE, employee(BOB)], "teams": [WHOLE_TEAM, team("2")]}
    for entity, items in people.items():
        body = {"uploadId": entity, entity: items, "isFirstPage": True}
        answer = glean.call(f"bulkindex{entity}", **body)
        assert (answer.status_code, answer.content) == (200, b""), answer.text
    assert {entity: glean.listed(entity) for entity in people} == {"employees": [], "teams": []}

    assert glean.employees("employees", isLastPage=True).status_code == 200
    assert glean.teams("teams", isLastPage=True).status_code == 200

    assert {entity: glean.listed(entity) for entity in people} == people


def test_the_whole_people_have_every_field_there_is() -> None:
    for model, whole in (
        (EmployeeInfoDefinition, WHOLE_EMPLOYEE),
        (TeamInfoDefinition, WHOLE_TEAM),
    ):
        assert set(whole) == {f.alias or name for name, f in model.model_fields.items()}


def test_uploads_of_people_keep_to_the_protocol(glean: Glean) -> None:
    glean.employees("one", ADA, isFirstPage=True)

    assert_refused(
        glean.employees("two", isFirstPage=True), 409, "one of the employees is not finished"
    )
    assert_refused(glean.employees("two", BOB), 409, "two of the employees was not opened")
    assert_refused(glean.employees("one", BOB, forceRestartUpload=True), 400, "isFirstPage")
    flag = {"disableStaleDataDeletionCheck": True}
    assert_refused(glean.employees("one", BOB, **flag), 400, "isLastPage")
    assert_refused(glean.teams("one", "1", **SINGLE), 409, "used before, for employees")

    assert glean.teams("teams", "1", **SINGLE).status_code == 200
    assert glean.employees("one", isLastPage=True).status_code == 200
    assert glean.listed("employees") == [employee(ADA)]


def test_a_fifth_of_the_employees_may_be_deleted_and_no_more(glean: Glean) -> None:
    emails = [f"{letter}@docs.test" for letter in "abcdefghij"]
    glean.employees("ten", *emails, **SINGLE)

    glean.employees("eight", *emails[:8], **SINGLE)
    assert len(glean.listed("employees")) == 8

    glean.employees("six", *emails[:6], **SINGLE)
    assert len(glean.listed("employees")) == 8

    glean.employees("again", *emails[:6], **SINGLE, disableStaleDataDeletionCheck=True)
    assert len(glean.listed("employees")) == 6


def test_any_number_of_teams_may_be_deleted(glean: Glean) -> None:
    glean.teams("one", *"abcde", **SINGLE)

    assert glean.teams("two", "a", **SINGLE).status_code == 200

    assert glean.listed("teams") == [team("a")]
    flag = {"disableStaleDataDeletionCheck": True}
    assert_refused(glean.teams("three", **SINGLE, **flag), 400, "Unknown field")


def test_single_people_are_added_replaced_and_deleted(glean: Glean) -> None:
    for title in ("Analyst", "Countess"):
        one = employee(ADA, title=title)
        assert glean.call("indexemployee", employee=one, version=3).status_code == 200
        assert glean.call("indexteam", team=team("1", description=title)).status_code == 200

    assert glean.listed("employees") == [employee(ADA, title="Countess")]
    assert glean.listed("teams") == [team("1", description="Countess")]

    for _ in range(2):
        assert glean.call("deleteemployee", employeeEmail=ADA).status_code == 200
        assert glean.call("deleteteam", id="1").status_code == 200
    assert glean.listed("employees") == glean.listed("teams") == []


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"email": ""}, "No value for required field employee.email"),
        ({"email": "ada"}, "is not an email address"),
        ({"department": ""}, "No value for required field employee.department"),
        ({"department": None}, "employee.department"),
        ({"firstName": ""}, "employee.firstName"),
        ({"lastName": ""}, "employee.lastName"),
        ({"managerEmail": "bob"}, "employee.managerEmail"),
        ({"photoUrl": "ada.png"}, "employee.photoUrl"),
        ({"type": "INTERN"}, "expected one of CONTRACTOR, FULL_TIME, NON_EMPLOYEE"),
        ({"status": "PAST"}, "expected one of CURRENT, EX, FUTURE"),
        ({"startDate": "5 June 1833"}, "employee.startDate"),
        ({"startDate": 0}, "employee.startDate"),
        ({"teams": [{"url": "engines"}]}, "employee.teams[0].url"),
        ({"relationships": [{"name": "x", "email": "bob"}]}, "employee.relationships[0].email"),
        ({"relationships": [{"name": "x"}]}, "employee.relationships[0].email"),
        ({"datasource": "docs"}, "Unknown field employee.datasource"),
        ({"additionalFields": [{"key": "a_b"}]}, "expected lowercase letters"),
        ({"additionalFields": [{"value": ["x"]}]}, "expected lowercase letters"),
        ({"additionalFields": [{"key": "k", "value": [1]}]}, "of additional field k: [1]"),
        ({"additionalFields": [{"key": "k", "value": [{"v": 1}]}]}, "additional field k"),
        ({"additionalFields": [{"key": "k", "value": "x"}]}, "additional field k"),
        ({"additionalFields": [{"key": "k", "values": []}]}, "additionalFields[0].values"),
        ({"additionalFields": {}}, "employee.additionalFields"),
    ],
)
def test_a_bad_employee_is_refused(glean: Glean, fields: dict[str, Any], text: str) -> None:
    bad = employee(ADA) | fields

    assert_refused(glean.call("indexemployee", employee=bad), 400, text)
    page = {"uploadId": "one", "employees": [employee(BOB), bad], **SINGLE}
    assert_refused(
        glean.call("bulkindexemployees", **page), 400, text.replace("employee.", "employees[1].")
    )

    assert glean.listed("employees") == []


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"id": ""}, "No value for required field team.id"),
        ({"name": ""}, "No value for required field team.name"),
        ({"members": None}, "team.members"),
        ({"members": [{"email": "ada"}]}, "team.members[0].email"),
        ({"members": [{"email": ADA, "relationship": "BOSS"}]}, "expected one of LEAD, MANAGER"),
        ({"members": [{"email": ADA, "joinDate": "1833-06-05"}]}, "team.members[0].joinDate"),
        ({"emails": [{"email": "x", "type": "OTHER"}]}, "team.emails[0].email"),
        ({"emails": [{"email": ADA, "type": "HOME"}]}, "expected one of ONCALL, OTHER, PRIMARY"),
        ({"photoUrl": "x"}, "team.photoUrl"),
        ({"externalLink": "x"}, "team.externalLink"),
    ],
)
def test_a_bad_team_is_refused(glean: Glean, fields: dict[str, Any], text: str) -> None:
    bad = team("1") | fields

    assert_refused(glean.call("indexteam", team=bad), 400, text)
    page = {"uploadId": "one", "teams": [team("2"), bad], **SINGLE}
    assert_refused(glean.call("bulkindexteams", **page), 400, text.replace("team.", "teams[1]."))

    assert glean.listed("teams") == []


@pytest.mark.parametrize(
    ("endpoint", "body", "text"),
    [
        ("deleteemployee", {"employeeEmail": ""}, "employeeEmail"),
        ("deleteemployee", {"email": ADA}, "employeeEmail"),
        ("deleteteam", {"id": ""}, "id"),
        ("deleteteam", {"id": "1", "version": 1}, "Unknown field version"),
        ("indexemployee", {}, "employee"),
        ("indexteam", {"team": []}, "team"),
    ],
)
def test_a_bad_request_is_refused(
    glean: Glean, endpoint: str, body: dict[str, Any], text: str
) -> None:
    assert_refused(glean.call(endpoint, **body), 400, text)


def test_more_than_a_thousand_are_refused(glean: Glean) -> None:
    ids = [str(number) for number in range(1_001)]

    assert_refused(glean.teams("one", *ids, **SINGLE), 400, "1001 teams in a request")
    assert glean.teams("one", *ids[1:], **SINGLE).status_code == 200


def test_people_are_processed_on_request(glean: Glean) -> None:
    url = f"{API}/processallemployeesandteams"

    for _ in range(2):
        answer = glean.client.post(url)
        assert (answer.status_code, answer.content) == (200, b"")

    assert glean.client.post(url, headers={"authorization": "x"}).status_code == 401


def test_uploads_of_people_expire_with_all_others_only(glean: Glean) -> None:
    config = {"name": "docs", "datasourceCategory": "PEOPLE", "urlRegex": ".*"}
    assert glean.call("adddatasource", **config).status_code == 200
    glean.teams("one", "1", isFirstPage=True)

    assert glean.client.post("/control/expire", json={"datasource": "docs"}).json() == []
    assert glean.client.post("/control/expire").json() == ["one"]


def test_the_log_and_the_page_tell_of_people(glean: Glean) -> None:
    items = [employee(ADA, id="7"), employee(BOB, id="8")]
    glean.call("bulkindexemployees", uploadId="one", employees=items, **SINGLE)
    glean.call("indexteam", team=team("1"))
    glean.call("deleteemployee", employeeEmail=BOB)

    bulk, single, deletion = glean.client.get("/control/requests").json()

    told = ("endpoint", "uploadId", "item_count", "first_id", "last_id")
    assert [bulk[name] for name in told] == ["bulkindexemployees", "one", 2, ADA, BOB]
    assert [single[name] for name in told] == ["indexteam", None, 1, "1", "1"]
    assert [deletion[name] for name in told] == ["deleteemployee", None, 0, BOB, BOB]
    assert "1 employees, 1 teams" in glean.client.get("/").text
