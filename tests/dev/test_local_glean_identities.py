"""Users, groups and memberships at the local Glean, and the documents that need them."""

import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tests.fakes.local_glean import assert_refused


API = "/api/index/v1"
DATASOURCE = {
    "name": "docs",
    "datasourceCategory": "PUBLISHED_CONTENT",
    "urlRegex": r"https://docs\.test/.*",
    "isUserReferencedByEmail": True,
}
SINGLE = {"isFirstPage": True, "isLastPage": True}
ADA, BOB, CYD = "ada@docs.test", "bob@docs.test", "cyd@docs.test"


class Glean:
    """A local Glean with the datasource `docs`."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.add_datasource()

    def add_datasource(self, **fields: Any) -> None:
        answer = self.call("adddatasource", **{**DATASOURCE, **fields})
        assert answer.status_code == 200, answer.text

    def call(self, endpoint: str, **body: Any) -> httpx.Response:
        return self.client.post(f"{API}/{endpoint}", json=body)

    def done(self, endpoint: str, **body: Any) -> None:
        answer = self.call(endpoint, **{"datasource": "docs", **body})
        assert (answer.status_code, answer.content) == (200, b""), answer.text

    def users(self, upload: str, *emails: str, **fields: Any) -> httpx.Response:
        items = [user(email) for email in emails]
        body = {"datasource": "docs", "uploadId": upload, "users": items, **fields}
        return self.call("bulkindexusers", **body)

    def groups(self, upload: str, *names: str, **fields: Any) -> httpx.Response:
        items = [{"name": name} for name in names]
        body = {"datasource": "docs", "uploadId": upload, "groups": items, **fields}
        return self.call("bulkindexgroups", **body)

    def members(self, upload: str, group: str, *names: str, **fields: Any) -> httpx.Response:
        """A page of the memberships of a group: of users and of groups."""
        items = [member(name) for name in names]
        body = {"datasource": "docs", "uploadId": upload, "memberships": items, **fields}
        return self.call("bulkindexmemberships", **{"group": group, **body})

    def membership(self, user: str) -> httpx.Response:
        body = {"groupName": "staff", "memberUserId": user}
        return self.call("indexmembership", datasource="docs", membership=body)

    def populate(self) -> None:
        """Three users, two groups; Ada and Bob are staff, and so are all guests: Cyd."""
        assert self.users("users", ADA, BOB, CYD, **SINGLE).status_code == 200
        assert self.groups("groups", "staff", "guests", **SINGLE).status_code == 200
        assert self.members("staff", "staff", ADA, BOB, "guests", **SINGLE).status_code == 200
        assert self.members("guests", "guests", CYD, **SINGLE).status_code == 200

    def listed(self, entity: str, datasource: str = "docs") -> list[Any]:
        answer = self.client.get(f"/control/{entity}", params={"datasource": datasource})
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def emails(self) -> list[str]:
        return [one["email"] for one in self.listed("users")]

    def names(self) -> list[str]:
        return [one["name"] for one in self.listed("groups")]

    def memberships(self) -> set[tuple[str, str]]:
        """Group and member."""
        return {
            (one["groupName"], one.get("memberUserId") or one["memberGroupName"])
            for one in self.listed("memberships")
        }

    def identity(self) -> dict[str, Any]:
        identity: dict[str, Any] = self.call("debug/docs/status").json()["identity"]
        return identity

    def states(self, entity: str) -> dict[str, str]:
        history = self.identity()[entity]["bulkUploadHistory"]
        return {upload["uploadId"]: upload["processingState"] for upload in history}

    def document(self, **permissions: Any) -> httpx.Response:
        item = {
            "id": "a",
            "datasource": "docs",
            "viewURL": "https://docs.test/a",
            "permissions": permissions,
        }
        return self.call("indexdocuments", datasource="docs", documents=[item])


def user(email: str, **fields: Any) -> dict[str, Any]:
    return {"email": email, "name": email.partition("@")[0].title(), **fields}


def member(name: str) -> dict[str, str]:
    return {"memberUserId" if "@" in name else "memberGroupName": name}


@pytest.fixture
def glean(empty_glean: httpx.Client) -> Glean:
    return Glean(empty_glean)


# Bulk uploads.


def test_users_are_there_from_the_close_of_their_upload_as_they_were_sent(glean: Glean) -> None:
    items = [user(ADA, userId="7", isActive=False), user(BOB)]
    body = {"datasource": "docs", "uploadId": "one"}

    glean.done("bulkindexusers", **body, users=items, isFirstPage=True)
    assert glean.listed("users") == []
    assert glean.states("users") == {"one": "UPLOAD IN PROGRESS"}

    glean.done("bulkindexusers", **body, users=[], isLastPage=True)
    assert glean.listed("users") == items
    assert glean.states("users") == {"one": "INDEXING COMPLETED"}


def test_each_entity_has_an_upload_of_its_own(glean: Glean) -> None:
    assert glean.users("users", ADA, isFirstPage=True).status_code == 200
    assert glean.groups("groups", "staff", isFirstPage=True).status_code == 200
    body = {"datasource": "docs", "uploadId": "documents", "documents": [], "isFirstPage": True}
    glean.done("bulkindexdocuments", **body)

    assert_refused(
        glean.users("more", isFirstPage=True), 409, "users of the users of datasource docs is not"
    )
    assert_refused(glean.groups("users", isLastPage=True), 409, "was not opened")
    assert glean.groups("groups", isLastPage=True).status_code == 200

    assert (glean.emails(), glean.names()) == ([], ["staff"])


def test_an_upload_id_is_not_used_for_two_entities(glean: Glean) -> None:
    glean.client.put("/control/readings", json={"refuses_repeated_first": False})
    glean.users("one", ADA, **SINGLE)

    forced = glean.groups("one", "staff", **SINGLE, forceRestartUpload=True)

    assert_refused(forced, 409, "one was used before, for users")
    assert glean.names() == []


def test_two_datasources_do_not_know_of_each_other(glean: Glean) -> None:
    glean.add_datasource(name="other")
    glean.users("one", ADA, isFirstPage=True)

    assert glean.users("one", BOB, **SINGLE, datasource="other").status_code == 200
    glean.users("one", isLastPage=True)

    assert glean.emails() == [ADA]
    assert [one["email"] for one in glean.listed("users", "other")] == [BOB]


def test_a_member_of_one_datasource_is_none_in_another(glean: Glean) -> None:
    glean.populate()
    glean.add_datasource(name="other")
    glean.done("indexuser", user=user(BOB), datasource="other")

    glean.done("deleteuser", email=BOB)

    assert ("staff", BOB) not in glean.memberships()
    glean.done("deleteuser", email=BOB, datasource="other")
    assert glean.memberships() == {("staff", ADA), ("staff", "guests"), ("guests", CYD)}


@pytest.mark.parametrize(
    ("switch", "flags"),
    [("refuses_finished", {}), ("refuses_repeated_last", {"isLastPage": True})],
)
def test_the_readings_hold_for_uploads_of_identities_too(
    glean: Glean, switch: str, flags: dict[str, bool]
) -> None:
    glean.users("one", ADA, **SINGLE)
    assert glean.users("one", BOB, **flags).status_code == 409

    glean.client.put("/control/readings", json={switch: False})
    assert glean.users("one", BOB, **flags).status_code == 200

    assert glean.emails() == [ADA]


def test_a_repeated_user_is_refused_where_repetitions_are(glean: Glean) -> None:
    glean.users("one", ADA, isFirstPage=True)
    assert glean.users("one", ADA).status_code == 200

    glean.client.put("/control/readings", json={"refuses_repeated_middle": True})

    assert_refused(glean.users("one", BOB, ADA), 409, f"{ADA} was sent to upload one before")


def test_an_expiry_forgets_what_was_staged(glean: Glean) -> None:
    glean.users("one", ADA, isFirstPage=True)

    assert glean.client.post("/control/expire").json() == ["one"]

    assert glean.identity()["users"] == {"bulkUploadHistory": [], "counts": {"uploaded": 0}}
    assert glean.users("two", BOB, **SINGLE).status_code == 200


@pytest.mark.parametrize("entity", ["users", "groups"])
def test_a_fifth_of_an_entity_may_be_deleted_and_no_more(glean: Glean, entity: str) -> None:
    send = glean.users if entity == "users" else glean.groups
    items = [f"{letter}@docs.test" for letter in "abcdefghij"]
    send("ten", *items, **SINGLE)

    send("eight", *items[:8], **SINGLE)
    assert len(glean.listed(entity)) == 8

    send("six", *items[:6], **SINGLE)
    assert len(glean.listed(entity)) == 8
    assert glean.states(entity)["six"] == "DELETION PAUSED"

    send("again", *items[:6], **SINGLE, disableStaleDataDeletionCheck=True)
    assert len(glean.listed(entity)) == 6
    assert glean.states(entity)["six"] == "INDEXING COMPLETED"


def test_a_user_whose_deletion_is_paused_is_kept_by_an_upload_that_has_it(glean: Glean) -> None:
    glean.users("one", ADA, BOB, **SINGLE)
    glean.users("two", ADA, **SINGLE)

    glean.users("three", ADA, BOB, **SINGLE)

    assert glean.states("users")["two"] == "INDEXING COMPLETED"
    assert glean.emails() == [ADA, BOB]


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ({"forceRestartUpload": True}, "isFirstPage"),
        ({"disableStaleDataDeletionCheck": True}, "disableStaleDataDeletionCheck must only"),
        ({"uploadId": ""}, "uploadId"),
        ({"disableStaleDocumentDeletionCheck": True}, "Unknown field"),
    ],
)
def test_flags_are_checked_for_every_entity(glean: Glean, flags: dict[str, Any], text: str) -> None:
    glean.users("one", isFirstPage=True)

    assert_refused(glean.users("one", ADA, **flags), 400, text)


# Memberships.


def test_an_upload_replaces_the_memberships_of_one_group(glean: Glean) -> None:
    glean.populate()

    assert glean.members("again", "staff", BOB, **SINGLE).status_code == 200

    assert glean.memberships() == {("staff", BOB), ("guests", CYD)}
    assert glean.states("memberships") == dict.fromkeys(
        ("staff", "guests", "again"), "INDEXING COMPLETED"
    )


def test_an_upload_without_memberships_empties_its_group_alone(glean: Glean) -> None:
    glean.populate()

    assert glean.members("none", "staff", **SINGLE).status_code == 200

    assert glean.memberships() == {("guests", CYD)}


def test_one_group_s_memberships_are_closed_before_another_s_are_opened(glean: Glean) -> None:
    glean.populate()
    glean.members("one", "staff", ADA, isFirstPage=True)

    assert_refused(glean.members("two", "guests", isFirstPage=True), 409, "is not finished")
    assert_refused(glean.members("one", "guests", CYD), 400, "one is of group staff, not guests")

    assert glean.members("one", "staff", isLastPage=True).status_code == 200
    assert glean.members("two", "guests", CYD, **SINGLE).status_code == 200


def test_an_upload_of_memberships_can_be_restarted_for_another_group(glean: Glean) -> None:
    glean.populate()
    glean.members("one", "staff", ADA, isFirstPage=True)

    forced = glean.members("one", "guests", ADA, isFirstPage=True, forceRestartUpload=True)

    assert forced.status_code == 200
    assert_refused(glean.members("one", "staff", isLastPage=True), 400, "one is of group guests")
    assert glean.members("one", "guests", isLastPage=True).status_code == 200
    assert glean.memberships() - {("staff", BOB), ("staff", "guests")} == {
        ("staff", ADA),
        ("guests", ADA),
    }


def test_the_groups_and_members_of_memberships_have_to_be_indexed(glean: Glean) -> None:
    glean.users("users", ADA, **SINGLE)
    glean.groups("groups", "staff", isFirstPage=True)
    before = "not found for datasource CUSTOM_DOCS, please index the {} before adding memberships"
    no_user, no_group = before.format("user"), before.format("group")

    assert_refused(glean.members("one", "staff", ADA, **SINGLE), 400, f"Group staff {no_group}")
    glean.groups("groups", isLastPage=True)
    assert_refused(glean.members("one", "staff", BOB, **SINGLE), 400, f"User {BOB} {no_user}")
    assert_refused(glean.members("one", "staff", "x", **SINGLE), 400, f"Group x {no_group}")
    single = {"groupName": "staff", "memberUserId": BOB}
    answer = glean.call("indexmembership", datasource="docs", membership=single)
    assert_refused(answer, 400, f"User {BOB} {no_user}")

    assert glean.memberships() == set()
    assert glean.members("one", "staff", ADA, **SINGLE).status_code == 200


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"memberships": [{}]}, "memberships[0]: expected exactly one of memberUserId and"),
        ({"memberships": [{"memberUserId": ADA, "memberGroupName": "guests"}]}, "exactly one"),
        ({"memberships": [{"memberUserId": ""}]}, "exactly one"),
        ({"memberships": [{"memberGroupName": "staff"}]}, "staff cannot be a member of itself"),
        ({"memberships": [{"groupName": "staff", "memberUserId": ADA}]}, "Unknown field"),
        ({"group": None}, "No value for required field group"),
        ({"group": ""}, "No value for required field group"),
        ({"disableStaleDataDeletionCheck": True}, "Unknown field"),
    ],
)
def test_bad_memberships_are_refused_as_a_whole(
    glean: Glean, fields: dict[str, Any], text: str
) -> None:
    glean.populate()
    before = glean.memberships()

    page = {"datasource": "docs", "uploadId": "one", "group": "staff", **SINGLE}
    answer = glean.call("bulkindexmemberships", **{**page, "memberships": [member(ADA)], **fields})

    assert_refused(answer, 400, text)
    assert glean.memberships() == before


def test_members_are_referred_to_as_the_datasource_says(glean: Glean) -> None:
    glean.done("indexuser", user=user(ADA, userId="7"))
    glean.done("indexuser", user=user(BOB))
    glean.groups("groups", "staff", **SINGLE)
    assert_refused(glean.membership("7"), 400, "User 7 not found")
    assert glean.membership(ADA).status_code == 200

    glean.add_datasource(isUserReferencedByEmail=False)

    assert_refused(glean.membership(ADA), 400, f"User {ADA} not found")
    assert glean.membership("7").status_code == 200
    assert glean.membership(BOB).status_code == 200
    assert glean.memberships() == {("staff", "7"), ("staff", BOB)}
    glean.done("deleteuser", email=ADA)
    assert glean.memberships() == {("staff", BOB)}


def test_who_is_dropped_by_an_upload_loses_the_memberships(glean: Glean) -> None:
    glean.populate()

    glean.users("fewer", ADA, CYD, **SINGLE, disableStaleDataDeletionCheck=True)
    assert glean.memberships() == {("staff", ADA), ("staff", "guests"), ("guests", CYD)}

    glean.groups("fewer groups", "staff", **SINGLE, disableStaleDataDeletionCheck=True)
    assert glean.memberships() == {("staff", ADA)}


def test_who_waits_for_a_paused_deletion_keeps_the_memberships(glean: Glean) -> None:
    glean.populate()
    before = glean.memberships()

    glean.users("fewer", ADA, **SINGLE)

    assert glean.memberships() == before


def test_a_member_who_goes_while_memberships_are_staged_has_none(glean: Glean) -> None:
    glean.populate()
    glean.members("again", "staff", ADA, BOB, isFirstPage=True)

    glean.done("deleteuser", email=BOB)
    glean.members("again", "staff", isLastPage=True)

    assert glean.memberships() == {("staff", ADA), ("guests", CYD)}


# Single ones.


def test_single_identities_are_added_replaced_and_deleted(glean: Glean) -> None:
    glean.done("indexuser", user=user(ADA), version=1)
    glean.done("indexuser", user=user(ADA, isActive=False))
    glean.done("indexgroup", group={"name": "staff"})
    glean.done("indexmembership", membership={"groupName": "staff", **member(ADA)})

    assert glean.listed("users") == [user(ADA, isActive=False)]
    assert glean.listed("groups") == [{"name": "staff"}]
    assert glean.listed("memberships") == [{"groupName": "staff", "memberUserId": ADA}]

    glean.done("deletemembership", membership={"groupName": "staff", **member(ADA)})
    assert glean.memberships() == set()
    glean.done("deleteuser", email=ADA)
    glean.done("deletegroup", groupName="staff")
    assert (glean.emails(), glean.names()) == ([], [])


def test_the_deletion_of_a_user_or_group_deletes_its_memberships(glean: Glean) -> None:
    glean.populate()

    glean.done("deleteuser", email=BOB)
    assert glean.memberships() == {("staff", ADA), ("staff", "guests"), ("guests", CYD)}

    glean.done("deletegroup", groupName="guests")
    assert glean.memberships() == {("staff", ADA)}


def test_deletions_are_silent_about_what_is_not_there(glean: Glean) -> None:
    glean.populate()
    before = glean.emails(), glean.names(), glean.memberships()

    glean.done("deleteuser", email="dan@docs.test")
    glean.done("deletegroup", groupName="absent")
    for group, name in (("absent", ADA), ("guests", ADA), ("staff", "dan@docs.test")):
        glean.done("deletemembership", membership={"groupName": group, **member(name)})

    assert (glean.emails(), glean.names(), glean.memberships()) == before


@pytest.mark.parametrize("body", [{"datasource": "docs"}, {}, None])
def test_memberships_are_processed_on_request(glean: Glean, body: dict[str, str] | None) -> None:
    content = b"" if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}

    for _ in range(2):
        url = f"{API}/processallmemberships"
        answer = glean.client.post(url, content=content, headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")

    assert len(glean.identity()["processingHistory"]) == 2


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"email": ""}, "No value for required field user.email"),
        ({"email": "ada"}, "is not an email address"),
        ({"name": " "}, "No value for required field user.name"),
        ({"userId": ""}, "user.userId"),
        ({"isActive": "no"}, "user.isActive"),
        ({"user_id": "7"}, "Unknown field user.user_id"),
        ({"email": None}, "user.email"),
    ],
)
def test_a_bad_user_is_refused(glean: Glean, fields: dict[str, Any], text: str) -> None:
    bad = {**user(ADA), **fields}

    assert_refused(glean.call("indexuser", datasource="docs", user=bad), 400, text)
    page = {"datasource": "docs", "uploadId": "one", "users": [user(BOB), bad], **SINGLE}
    bulk = glean.call("bulkindexusers", **page)
    assert_refused(bulk, 400, text.replace("user.", "users[1].", 1))

    assert glean.emails() == []


@pytest.mark.parametrize("name", ["", "two words", "tab\t", "new\nline", "scio", "scio-staff"])
def test_a_bad_name_of_a_group_is_refused(glean: Glean, name: str) -> None:
    answer = glean.call("indexgroup", datasource="docs", group={"name": name})

    assert_refused(answer, 400, "Invalid value for group.name")
    assert_refused(glean.groups("one", "staff", name, **SINGLE), 400, "groups[1].name")
    assert glean.names() == []


@pytest.mark.parametrize("name", ["Scio", "my-scio", "staff@docs.test", "été", "x" * 300])
def test_other_names_of_groups_are_good(glean: Glean, name: str) -> None:
    glean.done("indexgroup", group={"name": name})

    assert glean.names() == [name]


def test_more_than_a_thousand_are_refused(glean: Glean) -> None:
    names = [f"group{number}" for number in range(1_001)]

    assert_refused(glean.groups("one", *names, **SINGLE), 400, "1001 groups in a request")
    assert glean.groups("one", *names[1:], **SINGLE).status_code == 200


ENDPOINTS: Sequence[tuple[str, dict[str, Any]]] = (
    ("bulkindexusers", {"uploadId": "one", "users": []}),
    ("bulkindexgroups", {"uploadId": "one", "groups": []}),
    ("bulkindexmemberships", {"uploadId": "one", "memberships": [], "group": "staff"}),
    ("indexuser", {"user": user(ADA)}),
    ("deleteuser", {"email": ADA}),
    ("indexgroup", {"group": {"name": "staff"}}),
    ("deletegroup", {"groupName": "staff"}),
    ("indexmembership", {"membership": {"groupName": "staff", "memberUserId": ADA}}),
    ("deletemembership", {"membership": {"groupName": "staff", "memberUserId": ADA}}),
)


@pytest.mark.parametrize(("endpoint", "body"), [*ENDPOINTS, ("processallmemberships", {})])
def test_every_endpoint_asks_for_the_token_and_a_datasource(
    glean: Glean, endpoint: str, body: dict[str, Any]
) -> None:
    answer = glean.call(endpoint, **body, datasource="none")
    assert_refused(answer, 400, "Invalid datasource none")

    answer = glean.client.post(f"{API}/{endpoint}", json=body, headers={"authorization": "x"})
    assert_refused(answer, 401, "token")


@pytest.mark.parametrize(("endpoint", "body"), ENDPOINTS)
def test_a_datasource_with_the_identities_of_another_takes_none_itself(
    glean: Glean, endpoint: str, body: dict[str, Any]
) -> None:
    glean.add_datasource(name="people")
    glean.add_datasource(identityDatasourceName="people")

    answer = glean.call(endpoint, **body, datasource="docs")

    assert_refused(answer, 400, "docs has its identities from people")


# Documents need them.


def test_a_document_is_refused_until_its_users_are_indexed(glean: Glean) -> None:
    text = (
        f"User {ADA} not found for datasource CUSTOM_DOCS, "
        "please index the user before adding permissions"
    )
    allowed = {"allowedUsers": [{"email": ADA}]}
    assert_refused(glean.document(**allowed), 400, text)

    glean.users("one", ADA, isFirstPage=True)
    assert_refused(glean.document(**allowed), 400, text)

    glean.users("one", isLastPage=True)
    assert glean.document(**allowed).status_code == 200


@pytest.mark.parametrize(
    "allowed",
    [
        {"allowedGroups": ["staff"]},
        {
            "allowedGroupIntersections": [
                {"requiredGroups": ["guests"]},
                {"requiredGroups": ["staff"]},
            ]
        },
    ],
    ids=["groups", "intersections"],
)
def test_a_document_is_refused_until_its_groups_are_indexed(
    glean: Glean, allowed: dict[str, Any]
) -> None:
    glean.groups("one", "guests", **SINGLE)
    text = (
        "Group staff not found for datasource CUSTOM_DOCS, "
        "please index the group before adding permissions"
    )

    assert_refused(glean.document(**allowed), 400, text)

    glean.groups("two", "guests", "staff", **SINGLE)
    assert glean.document(**allowed).status_code == 200


def test_a_page_of_an_upload_is_refused_as_a_whole(glean: Glean) -> None:
    glean.users("users", ADA, **SINGLE)
    documents = [
        {
            "id": email,
            "datasource": "docs",
            "viewURL": "https://docs.test/a",
            "permissions": {"allowedUsers": [{"email": email}]},
        }
        for email in (ADA, BOB)
    ]
    body = {"datasource": "docs", "uploadId": "one", **SINGLE}

    answer = glean.call("bulkindexdocuments", **body, documents=documents)

    assert_refused(answer, 400, f"User {BOB} not found")
    assert glean.listed("documents") == []
    glean.done("bulkindexdocuments", **body, documents=documents[:1])


def test_users_of_another_datasource_are_not_those_of_this_one(glean: Glean) -> None:
    glean.add_datasource(name="other")
    glean.done("indexuser", user=user(ADA), datasource="other")

    assert_refused(glean.document(allowedUsers=[{"email": ADA}]), 400, f"User {ADA} not found")

    glean.add_datasource(identityDatasourceName="other")
    assert glean.document(allowedUsers=[{"email": ADA}]).status_code == 200


def test_users_in_permissions_are_referred_to_as_the_datasource_says(glean: Glean) -> None:
    glean.done("indexuser", user=user(ADA, userId="7"))
    answer = glean.document(allowedUsers=[{"datasourceUserId": "7"}])
    assert_refused(answer, 400, "Document a has in permissions.allowedUsers[0] no email")

    glean.add_datasource(isUserReferencedByEmail=False)

    answer = glean.document(allowedUsers=[{"email": ADA}])
    assert_refused(answer, 400, "no datasourceUserId, and isUserReferencedByEmail is not set")
    answer = glean.document(allowedUsers=[{"datasourceUserId": ADA}])
    assert_refused(answer, 400, f"User {ADA} not found")
    assert glean.document(allowedUsers=[{"datasourceUserId": "7"}]).status_code == 200


@pytest.mark.parametrize(
    "permissions",
    [
        {},
        {"allowAnonymousAccess": True},
        {"allowAllDatasourceUsersAccess": True},
        {"allowedUsers": [], "allowedGroups": [], "allowedGroupIntersections": []},
    ],
)
def test_a_document_that_names_nobody_needs_no_identities(
    glean: Glean, permissions: dict[str, Any]
) -> None:
    assert glean.document(**permissions).status_code == 200


# What tests can see.


def test_the_status_tells_of_identities(glean: Glean) -> None:
    glean.populate()
    glean.users("more", ADA, "dan@docs.test", isFirstPage=True)

    identity = glean.identity()

    assert {name: identity[name]["counts"] for name in ("users", "groups", "memberships")} == {
        "users": {"uploaded": 4},
        "groups": {"uploaded": 2},
        "memberships": {"uploaded": 4},
    }
    more, users = identity["users"]["bulkUploadHistory"]
    assert (more["uploadId"], more["status"], more["endTime"]) == ("more", "ACTIVE", "NA")
    assert (users["uploadId"], users["status"]) == ("users", "SUCCESSFUL")
    assert users["startTime"] <= users["endTime"] <= more["startTime"]
    assert len(identity["processingHistory"]) == 4
    documents = glean.call("debug/docs/status").json()["documents"]
    assert (documents["bulkUploadHistory"], documents["processingHistory"]) == ([], [])


def test_the_log_shows_the_order(glean: Glean) -> None:
    glean.populate()
    glean.users("empty", isFirstPage=True, forceRestartUpload=True)
    glean.users("empty", isLastPage=True, disableStaleDataDeletionCheck=True)

    _, users, groups, staff, _, first, last = glean.client.get("/control/requests").json()

    told = ("endpoint", "datasource", "uploadId", "group", "item_count", "first_id", "last_id")
    assert [users[name] for name in told] == ["bulkindexusers", "docs", "users", None, 3, ADA, CYD]
    assert [groups[name] for name in told[:5]] == ["bulkindexgroups", "docs", "groups", None, 2]
    assert [staff[name] for name in told[3:]] == ["staff", 3, ADA, "guests"]
    flags = ("isFirstPage", "isLastPage", "forceRestartUpload", "disableStaleDataDeletionCheck")
    assert [users[name] for name in flags] == [True, True, False, False]
    assert [first[name] for name in flags] == [True, False, True, False]
    assert [last[name] for name in flags] == [False, True, False, True]
    assert staff["document_count"] == 0


def test_the_log_tells_whom_single_requests_were_about(glean: Glean) -> None:
    requests: Sequence[tuple[str, dict[str, Any], str, str | None]] = (
        ("indexuser", {"user": user(ADA)}, ADA, None),
        ("indexgroup", {"group": {"name": "staff"}}, "staff", "staff"),
        ("indexmembership", {"membership": {"groupName": "staff", **member(ADA)}}, ADA, "staff"),
        ("deleteuser", {"email": ADA}, ADA, None),
        ("deletegroup", {"groupName": "staff"}, "staff", "staff"),
    )
    for endpoint, body, _, _ in requests:
        glean.done(endpoint, **body)

    entries = glean.client.get("/control/requests").json()[1:]

    told = [(entry["endpoint"], entry["first_id"], entry["group"]) for entry in entries]
    assert told == [(endpoint, label, group) for endpoint, _, label, group in requests]


@pytest.mark.parametrize("entity", ["users", "groups", "memberships", "documents"])
def test_a_list_is_one_of_a_datasource(glean: Glean, entity: str) -> None:
    answer = glean.client.get(f"/control/{entity}")

    assert_refused(answer, 400, "datasource is missing in the query")


def test_a_reset_forgets_the_identities_too(glean: Glean) -> None:
    glean.users("open", ADA, isFirstPage=True)
    glean.groups("groups", "staff", **SINGLE)

    glean.client.post("/control/reset")

    glean.add_datasource()
    assert glean.users("open", BOB, **SINGLE).status_code == 200
    assert (glean.emails(), glean.names(), glean.memberships()) == ([BOB], [], set())
