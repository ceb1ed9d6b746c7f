"""The kit and what a connector names without bringing it."""

from typing import Any

import pytest
from msgspec import Struct

from dev.kit import check_connector
from durable import Connector, HttpSource, Mode, OnePage, Since, Stream
from durable.connector.definition import AnyConnector
from durable.glean import (
    Datasource,
    DatasourceUser,
    Deletion,
    Document,
    Group,
    GroupIntersection,
    Members,
    Permissions,
    User,
)


class Item(Struct):
    id: str
    groups: list[str] = []
    users: list[str] = []
    both: list[str] = []
    kind: str = "Page"
    is_deleted: bool = False


class Named(Struct):
    name: str
    members: list[str] = []
    groups: list[str] = []


def source(path: str) -> HttpSource:
    since = Since(param="since") if path == "docs" else None
    return HttpSource(url=f"${{X_URL}}/{path}", records="r", paging=OnePage(), since=since)


def document(item: Item) -> Document | Deletion:
    if item.is_deleted:
        return Deletion(id=item.id, object_type=item.kind)
    permissions = Permissions(
        allowed_users=[User(email=name) for name in item.users],
        allowed_groups=item.groups,
        allowed_group_intersections=[GroupIntersection(required_groups=item.both)]
        if item.both
        else [],
    )
    url = f"https://x.example/{item.id}"
    return Document(id=item.id, object_type=item.kind, view_url=url, permissions=permissions)


def a_connector(datasource: Datasource, *, brings_people: bool = True) -> AnyConnector:
    people: dict[str, Any] = {
        "users": Stream(
            source=source("users"),
            key="name",
            record=Named,
            map=lambda named: DatasourceUser(email=named.name, name="somebody"),
        ),
        "groups": Stream(
            source=source("groups"),
            key="name",
            record=Named,
            map=lambda named: Group(name=named.name),
        ),
        "memberships": Stream(
            source=source("groups"),
            key="name",
            record=Named,
            map=lambda named: Members(
                group=named.name, user_ids=named.members, group_names=named.groups
            ),
        ),
    }
    return Connector(
        name="x",
        datasource=datasource,
        documents=Stream(source=source("docs"), key="id", record=Item, map=document),
        schedule={"0 2 * * *": Mode.FULL, "0 * * * *": Mode.INCREMENTAL},
        **(people if brings_people else {}),
    )


BY_EMAIL = Datasource("x", is_user_referenced_by_email=True)
SINCE = "?since=2026-11-23T23:55:00.000Z"  # with the overlap


def checked(
    item: dict[str, Any],
    group: dict[str, Any] | None = None,
    connector: AnyConnector | None = None,
    changed: dict[str, Any] | None = None,
) -> None:
    groups = [{"name": "eng"}, {"name": "all", **(group or {})}]
    answers = {
        "GET ${X_URL}/docs": {"r": [{"id": "1", **item}]},
        f"GET ${{X_URL}}/docs{SINCE}": {"r": [{"id": "1", **item, **(changed or {})}]},
        "GET ${X_URL}/users": {"r": [{"name": "a@x.example"}]},
        "GET ${X_URL}/groups": {"r": groups},
    }
    check_connector(connector or a_connector(BY_EMAIL), answers)


ITEMS = [
    {"groups": ["not-there"]},
    {"users": ["nobody@x.example"]},
    {"both": ["eng", "not-there"]},
]


def test_who_is_named_and_brought_is_no_fault() -> None:
    item = {"groups": ["eng", "ALL"], "users": ["A@x.example"], "both": ["eng", "all"]}

    checked(item, {"members": ["a@x.example"], "groups": ["eng"]})


@pytest.mark.parametrize("item", ITEMS)
def test_who_is_named_and_not_brought_is_found(item: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=r"\[references\] documents of the FULL job") as error:
        checked(item)

    assert "not-there" in str(error.value) or "nobody@x.example" in str(error.value)


@pytest.mark.parametrize("group", [{"members": ["ghost@x.example"]}, {"groups": ["not-there"]}])
def test_a_member_who_is_not_brought_is_found(group: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=r"\[references\] memberships of the FULL job"):
        checked({}, group)


@pytest.mark.parametrize("item", ITEMS)
def test_of_whom_somebody_else_brings_nothing_is_said(item: dict[str, Any]) -> None:
    elsewhere = Datasource("x", is_user_referenced_by_email=True, identity_datasource="people")

    checked(item, connector=a_connector(BY_EMAIL, brings_people=False))
    checked(item, connector=a_connector(elsewhere, brings_people=True))


def test_a_deletion_of_a_type_that_no_document_has_is_found() -> None:
    gone = {"is_deleted": True}

    checked({}, changed=gone)
    with pytest.raises(AssertionError, match=r"\[deletions\] .*\n.*'Note'.*'Page'"):
        checked({}, changed={**gone, "kind": "Note"})
