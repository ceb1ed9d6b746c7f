"""The people of the synthetic company, whom tickets, files and wikis name."""

from msgspec import Struct


FIRST_NAMES = ("Ada", "Bela", "Chidi", "Dana", "Emre", "Farah", "Goran", "Hana", "Ines", "Jonas")
LAST_NAMES = ("Arslan", "Berg", "Costa", "Diallo", "Eriksen", "Fischer", "Garcia", "Horvat")
PERSON_COUNT = 60
DOMAIN = "example.com"


class Person(Struct, frozen=True, kw_only=True):
    """Has a name like some others', an address of their own, and may have left."""

    id: str
    name: str
    email: str
    active: bool


def person(number: int) -> Person:
    """One of the sixty: any number stands for one."""
    index = number % PERSON_COUNT
    first, last = FIRST_NAMES[index % len(FIRST_NAMES)], LAST_NAMES[index % len(LAST_NAMES)]
    return Person(
        id=f"u{index:03}",
        name=f"{first} {last}",
        email=f"{first}.{last}.{index}@{DOMAIN}".lower(),
        active=index % 10 != 9,
    )


def people() -> list[Person]:
    return [person(index) for index in range(PERSON_COUNT)]
