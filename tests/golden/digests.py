"""Things of each kind, whose digests `digests.json` beside this holds under their recipe.

`.venv/bin/python -m tests.golden.digests` writes them anew. Raise RECIPE in
durable/glean/digests.py first: whoever has digests of another recipe sends everything again.
"""

from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from durable.glean.digests import RECIPE, digests_of
from durable.glean.documents import (
    Comment,
    Content,
    Document,
    GroupIntersection,
    Interactions,
    Permissions,
    Property,
    User,
)
from durable.glean.identities import (
    AdditionalField,
    DatasourceUser,
    Employee,
    EmployeeTeam,
    Group,
    Hypertext,
    Location,
    Members,
    Profile,
    Relationship,
    SocialNetwork,
    Team,
    TeamEmail,
    TeamMember,
)


FILE = Path(__file__).with_suffix(".json")

ADA = User(email="ada@notes.example", datasource_user_id="7", name="Ada")
PROFILE = Profile(
    datasource="notes", handle="ada", url="https://notes.example/ada", native_app_url="notes://ada"
)
FIELD = AdditionalField(
    key="room", value=["1", Hypertext(anchor="map", hyperlink="https://notes.example/1")]
)
BARE = Document(id="a", object_type="page", permissions=Permissions())
WHOLE = Document(
    id="Ä-1",
    object_type="note",
    permissions=Permissions(
        allowed_users=[ADA, User(email="bob@notes.example")],
        allowed_groups=["staff", "admins"],
        allowed_group_intersections=[GroupIntersection(required_groups=["b", "a"])],
        allow_anonymous_access=False,
        allow_all_datasource_users_access=True,
    ),
    view_url="https://notes.example/a",
    title='A title, "permissions":{} in it',
    filename="a.txt",
    body=Content.text("a text"),
    summary=Content.file(b"\0\1\2", "application/pdf"),
    author=ADA,
    owner=ADA,
    created_at=1_764_000_000,
    updated_at=1_764_000_001,
    updated_by=ADA,
    tags=["y", "x"],
    status="open",
    container="folder",
    container_datasource_id="f1",
    container_object_type="folder",
    additional_urls=["https://notes.example/b"],
    native_app_url="notes://a",
    interactions=Interactions(num_views=3, num_likes=2, num_comments=1),
    comments=[
        Comment(
            id="1",
            author=ADA,
            content=Content.html("<p>"),
            created_at=1,
            updated_at=2,
            updated_by=ADA,
        )
    ],
    custom_properties=[
        Property(name="size", value=3),
        Property(name="weight", value=0.1),
        Property(name="kind", value="short"),
        Property(name="words", value=["a", "b"]),
    ],
)

SAMPLES: dict[str, Struct] = {
    "bare document": BARE,
    "whole document": WHOLE,
    # So many that a set of them is in another order in another process.
    "shared document": replace(
        BARE,
        permissions=Permissions(
            allowed_users=[User(email=f"{number}@notes.example") for number in range(20)],
            allowed_group_intersections=[
                GroupIntersection(required_groups=[f"{number}", "staff"]) for number in range(20)
            ],
        ),
    ),
    "bare user": DatasourceUser(email="ada@notes.example", name="Ada"),
    "whole user": DatasourceUser(
        email="ada@notes.example", name="Ada", user_id="7", is_active=False
    ),
    "group": Group(name="staff"),
    "empty group": Members(group="staff"),
    "members": Members(group="staff", user_ids=["b", "a"], group_names=["d", "c"]),
    "bare employee": Employee(email="ada@notes.example", department="R&D"),
    "whole employee": Employee(
        email="ada@notes.example",
        department="R&D",
        first_name="Ada",
        last_name="L",
        preferred_name="A",
        also_known_as=["Countess"],
        pronoun="she",
        title="analyst",
        bio="a bio",
        business_unit="engines",
        type="CONTRACTOR",
        status="EX",
        start_date=date(1843, 9, 1),
        end_date=date(1852, 11, 27),
        manager_email="bob@notes.example",
        id="7",
        manager_id="1",
        phone_number="1",
        photo_url="https://notes.example/ada.png",
        profile_url="https://notes.example/ada",
        structured_location=Location(
            desk_location="1",
            timezone="UTC",
            address="1 Street",
            city="London",
            state="London",
            region="EMEA",
            zip_code="1",
            country="UK",
            country_code="GB",
        ),
        teams=[EmployeeTeam(id="t", name="T", url="https://notes.example/t")],
        relationships=[Relationship(name="CHIEF_OF_STAFF", email="bob@notes.example")],
        datasource_profiles=[PROFILE],
        social_networks=[SocialNetwork(name="twitter", profile_name="a", profile_url="b")],
        additional_fields=[FIELD],
    ),
    "bare team": Team(id="t", name="T", members=[]),
    "whole team": Team(
        id="t",
        name="T",
        members=[
            TeamMember(email="ada@notes.example", relationship="LEAD", join_date=date(1843, 9, 1))
        ],
        description="a team",
        business_unit="engines",
        department="R&D",
        photo_url="https://notes.example/t.png",
        external_link="https://notes.example/t",
        emails=[TeamEmail(email="t@notes.example", type="PRIMARY")],
        datasource_profiles=[PROFILE],
        additional_fields=[FIELD],
    ),
}


def text() -> str:
    """What the file is to hold."""
    digests = {name: digests_of(sample) for name, sample in SAMPLES.items()}
    held = {"recipe": RECIPE, "digests": digests}
    return msgspec.json.format(msgspec.json.encode(held)).decode() + "\n"


def main() -> None:
    FILE.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
