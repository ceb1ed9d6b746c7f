"""Groups, and who is in them."""

from msgspec import Struct

from dev.rest.people import Person, people


class Group(Struct, frozen=True, kw_only=True):
    name: str
    description: str


GROUPS = (
    Group(name="all-staff", description="Whoever works here"),
    Group(name="contractors", description="Nobody at present"),
    Group(name="engineering", description="Who builds it"),
    Group(name="finance", description="Who pays for it"),
    Group(name="hr", description="Who finds the people"),
    Group(name="leads", description="Of all departments"),
    Group(name="operations", description="Who runs it"),
)
DEPARTMENTS = ("engineering", "finance", "hr", "operations")


def members(group: str) -> list[Person]:
    """Those who have not left. Most are in several groups."""
    found = enumerate(people())
    return [one for index, one in found if one.active and group in _groups(index)]


def _groups(index: int) -> set[str]:
    leads = {"leads"} if index % 12 == 0 else set()
    return {"all-staff", DEPARTMENTS[index % len(DEPARTMENTS)]} | leads
